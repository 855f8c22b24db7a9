import type { Clock, Timer } from "../runtime/clock.ts";
import type { Log } from "../runtime/log.ts";

/** The wait after a commit that failed, in milliseconds. */
const RETRY_MS = 500;

/**
 * Writes that gather for a moment and while one is being made durable, so that a burst is one transaction. A later write for the same key
 * replaces an earlier one that has not begun; so it never holds more than there are keys.
 */
export class Batch<T> {
  readonly #name: string;
  readonly #commit: (items: readonly T[]) => Promise<void>;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #gatherMs: number;
  #waiting = new Map<string, T>();
  #running: Promise<void> | undefined;
  /** Until then nothing is committed: after a commit that failed, and while writes gather. */
  #pause: Timer | undefined;
  #stopped = false;

  constructor(
    name: string,
    commit: (items: readonly T[]) => Promise<void>,
    context: { readonly clock: Clock; readonly log: Log },
    gatherMs = 0,
  ) {
    this.#name = name;
    this.#commit = commit;
    this.#clock = context.clock;
    this.#log = context.log;
    this.#gatherMs = gatherMs;
  }

  /** `merge` makes one write of a waiting one and this. */
  add(key: string, item: T, merge?: (waiting: T, item: T) => T): void {
    if (this.#stopped) return;
    const waiting = this.#waiting.get(key);
    this.#waiting.set(key, waiting !== undefined && merge !== undefined ? merge(waiting, item) : item);
    if (this.#gatherMs > 0) this.#gather();
    else this.#pump();
  }

  /** Takes nothing more in and waits for what is under way. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#pause?.cancel();
    await this.#running;
  }

  #gather(): void {
    if (this.#running === undefined && this.#pause === undefined && this.#waiting.size > 0)
      this.#pauseFor(this.#gatherMs);
  }

  #pauseFor(ms: number): void {
    this.#pause = this.#clock.after(ms, () => {
      this.#pause = undefined;
      if (!this.#stopped) this.#pump();
    });
  }

  #pump(): void {
    if (this.#running !== undefined || this.#pause !== undefined || this.#waiting.size === 0) return;
    const items = this.#waiting;
    this.#waiting = new Map();
    this.#running = this.#commit([...items.values()])
      .catch((error: unknown) => this.#failed(items, error))
      .finally(() => {
        this.#running = undefined;
        if (this.#stopped) return;
        if (this.#gatherMs > 0) this.#gather();
        else this.#pump();
      });
  }

  /** What failed waits again, unless something newer has come for its key. */
  #failed(items: ReadonlyMap<string, T>, error: unknown): void {
    this.#log.error({ batch: this.#name, count: items.size, error: String(error) }, "writes failed; trying again");
    this.#waiting = new Map([...items, ...this.#waiting]);
    this.#pauseFor(RETRY_MS);
  }
}
