import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, existsSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Clock } from "../../runtime/clock.ts";
import { writePidFile } from "./processes.ts";

const BERTH = fileURLToPath(new URL("../../../bin/berth", import.meta.url));

/** How long a server may take until it is ready, and to end when it is asked to. */
const READY_LIMIT_MS = 60_000;
const END_LIMIT_MS = 15_000;

/** How long after a crash the process is started again. */
const RESTART_AFTER_MS = 250;

/** How many lines of a log an error shows. */
const LAST_LINES = 8;

/** A Berth process that is started again when it dies, until it is asked to end. */
export interface KeptProcess {
  /** Asks it to end (SIGINT: it takes along what it started) and waits until it has. */
  end(): Promise<void>;
}

/** What to run, and where its log and its process id are kept: `<dir>/<name>.log` and `<dir>/<name>.pid`. */
export interface KeptProcessOptions {
  readonly name: string;
  readonly dir: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  /** Resolve only when it has printed a line that begins with this word. */
  readonly ready?: string;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/**
 * Runs `berth <args>` and starts it again when it dies. Rejects, with its last words, if it ends before it is ready; and with the
 * signal's reason when that is aborted first. Then it does not run any more.
 */
export async function keepRunning(what: KeptProcessOptions): Promise<KeptProcess> {
  const { clock, dir, name } = what;
  let ending = false;
  let child = launch(what);
  const watch = (): void => {
    child.once("exit", () => {
      if (ending) return;
      clock.after(RESTART_AFTER_MS, () => {
        if (ending) return;
        child = launch(what);
        watch();
      });
    });
  };
  const end = async () => {
    ending = true;
    if (child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise<void>((resolve) => child.once("exit", () => resolve()));
    child.kill("SIGINT");
    const limit = clock.after(END_LIMIT_MS, () => child.kill("SIGKILL"));
    await gone;
    limit.cancel();
  };
  try {
    if (what.ready !== undefined) await untilReady(child, what.ready, what);
  } catch (error) {
    await end();
    if (what.signal.aborted) throw error;
    throw new Error(`the ${name} ${(error as Error).message}; its last words:\n${lastWords(dir, name)}`);
  }
  watch();
  return { end };
}

function launch({ args, env, dir, name, ready }: KeptProcessOptions): ChildProcess {
  const log = openSync(join(dir, `${name}.log`), "a", 0o600);
  const child = spawn(process.execPath, [BERTH, ...args], {
    env,
    // Its own process group: a terminal's Ctrl-C reaches this command alone, which ends things in their order.
    detached: true,
    stdio: ["ignore", ready === undefined ? log : "pipe", log],
  });
  closeSync(log);
  writePidFile(join(dir, `${name}.pid`), child.pid);
  return child;
}

function untilReady(child: ChildProcess, word: string, { clock, signal }: KeptProcessOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    const limit = clock.after(READY_LIMIT_MS, () => settle(() => reject(new Error("was not ready after a minute"))));
    const onAbort = () => settle(() => reject(signal.reason));
    const onExit = (code: number | null, killedBy: NodeJS.Signals | null) =>
      settle(() => reject(new Error(`ended with ${killedBy ?? `exit code ${code}`} before it was ready`)));
    const settle = (how: () => void) => {
      limit.cancel();
      signal.removeEventListener("abort", onAbort);
      child.off("exit", onExit);
      how();
    };
    if (signal.aborted) return onAbort();
    signal.addEventListener("abort", onAbort, { once: true });
    child.once("exit", onExit);
    let seen = "";
    child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      seen = (seen + text).slice(-1000);
      if (seen.split("\n").some((line) => line.startsWith(word))) settle(resolve);
    });
  });
}

/** The last lines of a process's log, indented. */
export function lastWords(dir: string, name: string): string {
  const file = join(dir, `${name}.log`);
  const lines = existsSync(file) ? readFileSync(file, "utf8").trim().split("\n").slice(-LAST_LINES) : [];
  return lines.map((line) => `  ${line}`).join("\n");
}
