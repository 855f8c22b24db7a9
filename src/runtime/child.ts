import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, copyFileSync, openSync, statSync, truncateSync } from "node:fs";
import type { Clock, Timer } from "./clock.ts";
import type { Log } from "./log.ts";

/** The wait before the first restart of a child that died, in milliseconds. It doubles with every further death. */
export const FIRST_BACKOFF_MS = 250;
/** The longest wait before a restart, in milliseconds. */
export const LONGEST_BACKOFF_MS = 10_000;
/** A child that lived this long is taken for healthy: its next death is the first again. */
export const HEALTHY_AFTER_MS = 10_000;

/** How to run a child that must not stay dead. */
export interface ChildOptions {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Both outputs are appended to this file. The child writes to it by itself, so it survives its supervisor's death. */
  readonly logFile: string;
  readonly clock: Clock;
  readonly log: Log;
  /** Runs before every start; what it throws counts as a failed start and is tried again after the back-off. */
  readonly prepare?: () => Promise<void>;
  /** Called after every start and every death. */
  readonly onChange?: () => void;
}

/** Milliseconds to wait before restart number `deaths` (1 for the first death in a row): 250, 500, 1000 .. 10000. */
export function backoffMs(deaths: number): number {
  return Math.min(LONGEST_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** Math.max(0, Math.min(deaths, 16) - 1));
}

/** A child process that is started again, with a growing pause, whenever it ends without having been asked to. */
export class SupervisedChild {
  readonly #options: ChildOptions;
  #process: ChildProcess | undefined;
  #deathsInARow = 0;
  #restarts = 0;
  #wanted = false;
  #retry: Timer | undefined;

  constructor(options: ChildOptions) {
    this.#options = options;
  }

  /** The process id while it runs. */
  get pid(): number | undefined {
    return this.#process?.pid;
  }

  /** How often it was started again since `start`. */
  get restarts(): number {
    return this.#restarts;
  }

  /** Starts the child and keeps it running until `stop`. Calling it twice does nothing. */
  start(): void {
    if (this.#wanted) return;
    this.#wanted = true;
    void this.#launch();
  }

  /** Sends SIGTERM, after `graceMs` SIGKILL, and resolves when the child is gone. It is not started again. */
  async stop(graceMs: number): Promise<void> {
    this.#wanted = false;
    this.#retry?.cancel();
    const running = this.#process;
    if (running === undefined) return;
    const gone = new Promise<void>((resolve) => running.once("exit", () => resolve()));
    running.kill("SIGTERM");
    const timer = this.#options.clock.after(graceMs, () => running.kill("SIGKILL"));
    await gone;
    timer.cancel();
  }

  async #launch(): Promise<void> {
    const { name, log, clock, command, args, env, logFile } = this.#options;
    try {
      await this.#options.prepare?.();
    } catch (error) {
      log.error({ child: name, error: String(error) }, "could not prepare the start");
      return this.#again();
    }
    if (!this.#wanted) return;
    const output = openSync(logFile, "a");
    const startedAt = clock.monotonic();
    const child = spawn(command, [...args], { env: { ...env }, stdio: ["ignore", output, output] });
    closeSync(output);
    let ended = false;
    const end = (reason: object) => {
      if (ended) return;
      ended = true;
      this.#process = undefined;
      if (clock.monotonic() - startedAt >= HEALTHY_AFTER_MS) this.#deathsInARow = 0;
      if (this.#wanted) log.warn({ child: name, ...reason }, "child ended");
      this.#again();
    };
    child.once("error", (error) => end({ error: error.message }));
    child.once("exit", (code, signal) => end({ code, signal }));
    if (child.pid === undefined) return;
    this.#process = child;
    log.info({ child: name, pid: child.pid }, "child started");
    this.#options.onChange?.();
  }

  #again(): void {
    this.#options.onChange?.();
    if (!this.#wanted) return;
    this.#deathsInARow++;
    this.#retry = this.#options.clock.after(backoffMs(this.#deathsInARow), () => {
      this.#restarts++;
      void this.#launch();
    });
  }
}

/**
 * Keeps a log that other processes append to within `maxBytes`: what is there is copied to `FILE.1` (replacing the one before)
 * and the file is emptied. The few lines written between the two steps are lost. Writers must have it open for appending.
 */
export function rotateLog(file: string, maxBytes: number): void {
  if ((statSync(file, { throwIfNoEntry: false })?.size ?? 0) <= maxBytes) return;
  copyFileSync(file, `${file}.1`);
  truncateSync(file, 0);
}
