import type { Instant, Timer } from "../runtime/clock.ts";
import type { ControllerContext } from "./context.ts";

/** How many looks of one queue run at a time. Enough that a burst of commits shares its flush to disk. */
export const DEFAULT_CONCURRENCY = 32;
/** The wait before a look that failed is tried again, in milliseconds; doubled with each further failure. */
export const FIRST_RETRY_MS = 50;
export const LONGEST_RETRY_MS = 30_000;

/** What a look may ask for beside having been done. */
export interface LookAnswer {
  /** Look again at this time, even if nothing changes. */
  readonly at?: Instant;
  /** Not before this many milliseconds from now: how a look that is dear to compute keeps from running without pause. */
  readonly restMs?: number;
}

export interface WorkQueueOptions {
  /** For the log. */
  readonly name: string;
  readonly context: Pick<ControllerContext, "clock" | "log">;
  /** Looks at one thing by its key. It may resolve to a `LookAnswer`. If it throws, it is called again after a growing pause. */
  readonly look: ((key: string) => Promise<LookAnswer>) | ((key: string) => Promise<void>);
  readonly concurrency?: number;
}

export interface WorkQueue {
  /** "Something about this changed": it will be looked at. Any number of calls before the look begins are one. */
  add(key: string): void;
  /** Begins no further look and waits for those under way. */
  stop(): Promise<void>;
}

/** Keys to look at, never one key twice at a time. It holds keys and no events: losing it loses nothing but promptness. */
export function startWorkQueue(options: WorkQueueOptions): WorkQueue {
  return new KeyedQueue(options);
}

class KeyedQueue implements WorkQueue {
  readonly #options: WorkQueueOptions;
  readonly #concurrency: number;
  /** In the order in which they will be looked at. No key is here and in `#underWay`. */
  readonly #waiting = new Set<string>();
  /** Looks that have begun. True: something changed meanwhile, so it is looked at once more. */
  readonly #underWay = new Map<string, boolean>();
  /** The earliest time at which a key may be looked at again; `add` before that waits for the timer. */
  readonly #resting = new Map<string, Timer>();
  readonly #later = new Map<string, Timer>();
  readonly #failures = new Map<string, number>();
  #isPumping = false;
  #isStopped = false;
  #onIdle: (() => void) | undefined;

  constructor(options: WorkQueueOptions) {
    this.#options = options;
    this.#concurrency = options.concurrency ?? DEFAULT_CONCURRENCY;
  }

  add(key: string): void {
    if (this.#isStopped) return;
    if (this.#underWay.has(key)) {
      this.#underWay.set(key, true);
      return;
    }
    this.#waiting.add(key);
    this.#pumpSoon();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#waiting.clear();
    for (const timer of [...this.#later.values(), ...this.#resting.values()]) timer.cancel();
    this.#later.clear();
    this.#resting.clear();
    if (this.#underWay.size === 0) return;
    await new Promise<void>((resolve) => {
      this.#onIdle = resolve;
    });
  }

  /** In a microtask, so that all that one commit changes is added before the first look. */
  #pumpSoon(): void {
    if (this.#isPumping) return;
    this.#isPumping = true;
    queueMicrotask(() => {
      this.#isPumping = false;
      this.#pump();
    });
  }

  #pump(): void {
    for (const key of this.#waiting) {
      if (this.#underWay.size >= this.#concurrency) return;
      if (this.#resting.has(key)) continue;
      this.#waiting.delete(key);
      void this.#look(key);
    }
  }

  async #look(key: string): Promise<void> {
    const { look, context, name } = this.#options;
    this.#underWay.set(key, false);
    this.#cancel(this.#later, key);
    try {
      const answer = await look(key);
      this.#failures.delete(key);
      if (typeof answer === "object") {
        const { at, restMs = 0 } = answer;
        if (restMs > 0) this.#rest(key, restMs);
        if (at !== undefined) this.#lookAt(key, at - context.clock.now());
      }
    } catch (error) {
      const failures = (this.#failures.get(key) ?? 0) + 1;
      this.#failures.set(key, failures);
      const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
      context.log.error({ queue: name, key, failures, error: message }, "look failed");
      const waitMs = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(failures - 1, 16));
      this.#rest(key, waitMs);
      this.#lookAt(key, waitMs);
    }
    const again = this.#underWay.get(key) === true;
    this.#underWay.delete(key);
    if (again) this.add(key);
    if (this.#isStopped && this.#underWay.size === 0) this.#onIdle?.();
    else this.#pumpSoon();
  }

  #rest(key: string, ms: number): void {
    if (this.#isStopped) return;
    this.#resting.set(
      key,
      this.#options.context.clock.after(ms, () => {
        this.#resting.delete(key);
        this.#pumpSoon();
      }),
    );
  }

  /** A timer holds at most 2^31 - 1 ms; a wait longer than a day is looked at earlier, which does no harm. */
  #lookAt(key: string, ms: number): void {
    if (this.#isStopped) return;
    const timer = this.#options.context.clock.after(Math.min(Math.max(0, ms), 86_400_000), () => {
      this.#later.delete(key);
      this.add(key);
    });
    this.#later.set(key, timer);
  }

  #cancel(timers: Map<string, Timer>, key: string): void {
    timers.get(key)?.cancel();
    timers.delete(key);
  }
}
