import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";

/** A bit of a process' flags in /proc/PID/stat: it is being ended by the kernel. Source: linux/sched.h, PF_EXITING. */
const EXITING = 0x4;

/**
 * What a process was started with, or undefined if there is none. `ending` of one that the kernel is clearing away: its command line is gone
 * before its sockets are.
 */
export async function commandLine(pid: number): Promise<string | "ending" | undefined> {
  try {
    if (process.platform !== "linux")
      return (await promisify(execFile)("ps", ["-o", "args=", "-p", String(pid)])).stdout;
    const text = await readFile(`/proc/${pid}/cmdline`, "utf8");
    return text === "" && isEnding(await readFile(`/proc/${pid}/stat`, "utf8")) ? "ending" : text;
  } catch {
    return undefined; // no such process
  }
}

/** Whether /proc/PID/stat is that of a process that may still have sockets to lose: a zombie has none, once its threads are over too. */
export function isEnding(stat: string): boolean {
  // The name, which may hold blanks, stands in parentheses; the fields after it begin with the third, the state.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const [state, flags, threads] = [fields[0], Number(fields[9 - 3]), Number(fields[20 - 3])];
  if (state === "X" || (state === "Z" && threads <= 1)) return false;
  return (flags & EXITING) !== 0;
}
