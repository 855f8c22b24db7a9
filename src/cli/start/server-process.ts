import { type ChildProcess, spawn } from "node:child_process";
import { openSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Clock } from "../../runtime/clock.ts";

const MAIN = fileURLToPath(new URL("../main.ts", import.meta.url));

/** How long a server may take until it is ready, and to end when it is asked to. */
const READY_LIMIT_MS = 60_000;
const END_LIMIT_MS = 15_000;

/** How long after a crash the server is started again. */
const RESTART_AFTER_MS = 250;

/** A Berth process that is started again when it dies, until it is asked to end. */
export interface KeptProcess {
  /** Asks it to end (SIGINT: it takes along what it started) and waits until it has. */
  end(): Promise<void>;
}

/**
 * Runs `berth <args>`, its log in `logFile`, and starts it again when it dies. With `ready`, resolves when it has printed
 * a line that begins with that word; rejects if it ends before.
 */
export async function keepRunning(
  clock: Clock,
  what: {
    readonly args: readonly string[];
    readonly env: NodeJS.ProcessEnv;
    readonly logFile: string;
    readonly ready?: string;
  },
): Promise<KeptProcess> {
  let ending = false;
  let child: ChildProcess;
  const launch = (): void => {
    child = spawn(process.execPath, [MAIN, ...what.args], {
      env: what.env,
      // Its own process group: a terminal's Ctrl-C reaches this command alone, which ends things in their order.
      detached: true,
      stdio: ["ignore", what.ready === undefined ? openSync(what.logFile, "a") : "pipe", openSync(what.logFile, "a")],
    });
    child.on("exit", () => {
      if (!ending) clock.after(RESTART_AFTER_MS, () => ending || launch());
    });
  };
  launch();
  if (what.ready !== undefined) await untilReady(child!, what.ready, what.logFile, clock);
  return {
    end: async () => {
      ending = true;
      if (child.exitCode !== null || child.signalCode !== null) return;
      const gone = new Promise<void>((resolve) => child.once("exit", () => resolve()));
      child.kill("SIGINT");
      const limit = clock.after(END_LIMIT_MS, () => child.kill("SIGKILL"));
      await gone;
      limit.cancel();
    },
  };
}

function untilReady(child: ChildProcess, word: string, logFile: string, clock: Clock): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (why: string) => reject(new Error(`the server ${why}; its log is ${logFile}`));
    const limit = clock.after(READY_LIMIT_MS, () => fail("was not ready after a minute"));
    let seen = "";
    child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      seen += text;
      if (!seen.split("\n").some((line) => line.startsWith(word))) return;
      limit.cancel();
      resolve();
    });
    child.once("exit", (code) => {
      limit.cancel();
      fail(`ended with exit code ${code} before it was ready`);
    });
  });
}

/** Where the logs of a start are kept. */
export const logFile = (dataDir: string, name: string) => join(dataDir, `${name}.log`);
