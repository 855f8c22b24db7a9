import { chmodSync, existsSync, mkdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Clock } from "../../runtime/clock.ts";
import { commandLineOf } from "./processes.ts";

/** How long an earlier start may take to end that is being stopped, and to notice that the npm which ran it is dead. */
const STOPPING_LIMIT_MS = 60_000;
const NOTICE_LIMIT_MS = 1_500;
const POLL_MS = 100;

/** What a start keeps in its data directory about itself. */
interface StartRecord {
  readonly pid: number;
  readonly stopping: boolean;
  /** The topmost directory that was made for it, to go with it if it is empty then. */
  readonly made?: string;
}

/** The hold on a data directory: one start at a time. */
export interface Claim {
  /** Says that this start is on its way down: the next one waits. */
  stopping(): void;
  /** Removes the data directory, and with it the hold. */
  release(): void;
}

const recordFile = (dataDir: string) => join(dataDir, "start.json");

/**
 * Takes hold of the data directory of starts. Waits for an earlier start that is being stopped; one that is up is left alone: throws
 * Error saying how to stop it. What a killed one left is for the caller to clear.
 */
export async function claimDataDir(dataDir: string, clock: Clock, say: (text: string) => void): Promise<Claim> {
  await waitForEarlier(dataDir, clock, say);
  const earlier = readRecord(dataDir);
  const made = mkdirSync(dataDir, { recursive: true, mode: 0o700 }) ?? earlier?.made;
  chmodSync(dataDir, 0o700);
  rmSync(recordFile(dataDir), { force: true });
  const write = (record: StartRecord, flag: "w" | "wx") =>
    writeFileSync(recordFile(dataDir), `${JSON.stringify(record)}\n`, { flag, mode: 0o600 });
  write({ pid: process.pid, stopping: false, made }, "wx"); // fails if another start was quicker
  return {
    stopping: () => write({ pid: process.pid, stopping: true, made }, "w"),
    release: () => {
      rmSync(dataDir, { recursive: true, force: true });
      if (made !== undefined) removeEmpty(dirname(dataDir), made);
    },
  };
}

async function waitForEarlier(dataDir: string, clock: Clock, say: (text: string) => void): Promise<void> {
  const started = clock.monotonic();
  let told = false;
  for (;;) {
    const record = readRecord(dataDir);
    if (record === undefined || record.pid === process.pid || !isStart(commandLineOf(record.pid))) return;
    const waited = clock.monotonic() - started;
    if (waited > (record.stopping ? STOPPING_LIMIT_MS : NOTICE_LIMIT_MS)) {
      throw new Error(
        `a cluster of \`berth start\` runs here already (process ${record.pid}). ` +
          `Use it, or stop it first: Ctrl-C where it runs, or \`kill ${record.pid}\`.`,
      );
    }
    if (record.stopping && !told) say("- waiting until an earlier start has removed what it made");
    told ||= record.stopping;
    await clock.sleep(POLL_MS);
  }
}

/** True for the command line of a `berth start`: process ids are used again. */
export function isStart(commandLine: string): boolean {
  return /(\/berth|\/cli\/main\.ts) start( |$)/.test(commandLine);
}

function readRecord(dataDir: string): StartRecord | undefined {
  if (!existsSync(recordFile(dataDir))) return undefined;
  try {
    return JSON.parse(readFileSync(recordFile(dataDir), "utf8")) as StartRecord;
  } catch {
    return undefined; // cut off while it was written: that start is dead
  }
}

/** Removes the directories from `dir` up to `top`, as far as they are empty. */
function removeEmpty(dir: string, top: string): void {
  if (!`${dir}/`.startsWith(`${top}/`)) return;
  try {
    rmdirSync(dir);
  } catch {
    return; // somebody keeps something there
  }
  removeEmpty(dirname(dir), top);
}
