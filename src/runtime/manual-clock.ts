import { setImmediate as turn } from "node:timers/promises";
import { type Clock, everyBy, type Instant, sleepBy, type Timer } from "./clock.ts";

/**
 * A clock for tests: time stands still until it is moved. Timers fire in the order of their times, of two for the same
 * time the older one first. The synchronous moves fire timers and no more; the asynchronous ones let what the timers
 * settled have its turn, too.
 */
export class ManualClock implements Clock {
  #now: Instant;
  readonly #start: Instant;
  readonly #timers = new Set<{ readonly at: Instant; readonly fn: () => void }>();

  constructor(start: Instant = Date.UTC(2026, 0, 1)) {
    this.#start = start;
    this.#now = start;
  }

  now(): Instant {
    return this.#now;
  }

  monotonic(): number {
    return this.#now - this.#start;
  }

  after(ms: number, fn: () => void): Timer {
    const timer = { at: this.#now + Math.max(0, ms), fn };
    this.#timers.add(timer);
    return { cancel: () => this.#timers.delete(timer) };
  }

  every(ms: number, fn: () => void): Timer {
    return everyBy(this, ms, fn);
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return sleepBy(this, ms, signal);
  }

  /** Moves to the next timer and fires it; false if there is none within `limitMs`. */
  next(limitMs = Number.POSITIVE_INFINITY): boolean {
    let due: { readonly at: Instant; readonly fn: () => void } | undefined;
    for (const timer of this.#timers) if (due === undefined || timer.at < due.at) due = timer;
    if (due === undefined || due.at > this.#now + limitMs) return false;
    this.#timers.delete(due);
    this.#now = Math.max(this.#now, due.at);
    due.fn();
    return true;
  }

  /** Moves on by `ms`, firing what falls due in order. */
  advance(ms: number): void {
    const end = this.#now + ms;
    while (this.next(end - this.#now));
    this.#now = end;
  }

  /** Lets `ms` milliseconds pass, and everything happen that is due on the way. */
  async pass(ms: number): Promise<void> {
    const end = this.#now + ms;
    do await turn();
    while (this.next(end - this.#now));
    this.#now = end;
  }

  /** Lets time pass, one millisecond after the other, until the work is done, and gives what it gives. */
  async during<T>(work: Promise<T>): Promise<T> {
    let isDone = false;
    const mark = () => {
      isDone = true;
    };
    work.then(mark, mark);
    while (!isDone) await this.pass(1);
    return work;
  }

  /** Fires the next timer and lets what it settled happen; false if there was none. */
  async step(): Promise<boolean> {
    if (!this.next()) return false;
    await turn();
    return true;
  }

  /** Fires timers until there are none, or `done` says so. */
  async run(done: () => boolean = () => false): Promise<void> {
    while (!done() && (await this.step()));
  }

  /** Fires timers until the promise is settled, and gives what it gives. */
  async until<T>(promise: Promise<T>): Promise<T> {
    let settled = false;
    const mark = () => {
      settled = true;
    };
    promise.then(mark, mark);
    await turn();
    await this.run(() => settled);
    return promise;
  }
}
