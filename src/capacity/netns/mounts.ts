import { readFileSync } from "node:fs";
import { run } from "./command.ts";

/** The mount points at or below `dir` in the text of /proc/self/mountinfo, deepest first. */
export function mountsBelow(mountinfo: string, dir: string): readonly string[] {
  return mountinfo
    .split("\n")
    .map((line) => unescapeOctal(line.split(" ")[4] ?? ""))
    .filter((point) => point === dir || point.startsWith(`${dir}/`))
    .toReversed();
}

/** Unmounts everything at or below `dir`, even what is busy. A host's mounts end with it; this is for what strayed. */
export async function unmountBelow(dir: string): Promise<void> {
  const points = mountsBelow(readFileSync("/proc/self/mountinfo", "utf8"), dir);
  if (points.length > 0) await run("umount", ["--lazy", ...points]);
}

/** The kernel writes a space as \040, and likewise tab, newline and backslash. */
function unescapeOctal(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}
