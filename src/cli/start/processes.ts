import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import type { Clock } from "../../runtime/clock.ts";

/** How long a process may take to end when asked, before it is killed, and to be gone then. */
const END_LIMIT_MS = 15_000;
const KILL_LIMIT_MS = 5_000;
const POLL_MS = 50;

/** The command line of a process, its arguments split by spaces; "" if there is no such process, or only its remains. */
export function commandLineOf(pid: number): string {
  try {
    if (existsSync("/proc/self/cmdline"))
      return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trim();
    return execFileSync("ps", ["-ww", "-o", "command=", "-p", `${pid}`], { encoding: "utf8" }).trim();
  } catch {
    return ""; // there is no such process
  }
}

/** The id of a process's parent; undefined where the system does not tell by a file. */
export function parentOf(pid: number): number | undefined {
  try {
    return Number(/^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
  } catch {
    return undefined;
  }
}

/** True if there is a process with that id, whoever owns it. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** Keeps a process's id in a file, for the start that comes after a crash. */
export function writePidFile(file: string, pid: number | undefined): void {
  writeFileSync(file, `${pid ?? ""}\n`);
}

/** The ids in a pid file, one on a line; none if the file is not there. */
export function pidsIn(file: string): readonly number[] {
  if (!existsSync(file)) return [];
  return readFileSync(file, "utf8")
    .split("\n")
    .map(Number)
    .filter((pid) => Number.isInteger(pid) && pid > 1);
}

/**
 * Ends the processes that a pid file names, where their command line names `dir`, for ids are used again: by `signal`, after 15 s by
 * SIGKILL. Throws Error naming those that stay.
 */
export async function endProcessesOf(file: string, dir: string, signal: NodeJS.Signals, clock: Clock): Promise<void> {
  const alive = () => pidsIn(file).filter((pid) => commandLineOf(pid).includes(dir));
  const started = clock.monotonic();
  let sent: NodeJS.Signals | undefined;
  for (let pids = alive(); pids.length > 0; pids = alive()) {
    const waited = clock.monotonic() - started;
    if (waited > END_LIMIT_MS + KILL_LIMIT_MS) throw new Error(`processes do not die: ${pids.join(", ")}`);
    const due = waited > END_LIMIT_MS ? "SIGKILL" : signal;
    if (due !== sent) for (const pid of pids) send(pid, due);
    sent = due;
    await clock.sleep(POLL_MS);
  }
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error; // it has just ended
  }
}
