import { spawnSync } from "node:child_process";
import { globSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";

/** Lists the measurements of this directory, or runs one: npm run bench -- [NAME [ARGUMENTS]] */

const own = basename(import.meta.filename);
const files = globSync("*.ts", { cwd: import.meta.dirname })
  .filter((file) => file !== own)
  .sort();
const [name, ...args] = process.argv.slice(2);
if (name === undefined) {
  console.log("npm run bench -- NAME [ARGUMENTS], with one of:\n");
  for (const file of files) console.log(`${basename(file, ".ts")}\n    ${purpose(file)}\n`);
} else if (files.includes(`${name}.ts`)) {
  const { status } = spawnSync(process.execPath, [join(import.meta.dirname, `${name}.ts`), ...args], {
    stdio: "inherit",
  });
  process.exitCode = status ?? 1;
} else {
  console.error(`there is no measurement "${name}"; npm run bench lists them`);
  process.exitCode = 2;
}

/** The first comment of a file. */
function purpose(file: string): string {
  const comment = /\/\*\*([\s\S]*?)\*\//.exec(readFileSync(join(import.meta.dirname, file), "utf8"))?.[1] ?? "";
  return comment.replaceAll(/\s*\n \*\s*|\s+/g, " ").trim();
}
