import type { Clock } from "../runtime/clock.ts";

/** A clock for tests, whose timers run when they are told to: in the order of their times, whatever those are. */
export class ManualClock implements Clock {
  #now = 0;
  #timers: { readonly at: number; readonly fn: () => void }[] = [];

  now(): number {
    return this.#now;
  }

  monotonic(): number {
    return this.#now;
  }

  after(ms: number, fn: () => void) {
    const timer = { at: this.#now + ms, fn };
    this.#timers.push(timer);
    const cancel = () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
    return { cancel };
  }

  every(ms: number, fn: () => void) {
    const again = () => {
      timer = this.after(ms, again);
      fn();
    };
    let timer = this.after(ms, again);
    return { cancel: () => timer.cancel() };
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => this.after(ms, resolve));
  }

  /** Runs the next timer, and the reactions to what it settled. Returns false if there was none. */
  async step(): Promise<boolean> {
    // Sorting is stable: of two timers for the same time, the older one comes first.
    const next = this.#timers.toSorted((a, b) => a.at - b.at)[0];
    if (next === undefined) return false;
    this.#timers = this.#timers.filter((timer) => timer !== next);
    this.#now = Math.max(this.#now, next.at);
    next.fn();
    await new Promise((resolve) => setImmediate(resolve));
    return true;
  }

  /** Runs timers until there are none, or `done` says so. */
  async run(done: () => boolean = () => false): Promise<void> {
    while (!done() && (await this.step()));
  }

  /** Runs timers until the promise is settled, and gives what it gives. */
  async until<T>(promise: Promise<T>): Promise<T> {
    let settled = false;
    const mark = () => {
      settled = true;
    };
    promise.then(mark, mark);
    await new Promise((resolve) => setImmediate(resolve));
    await this.run(() => settled);
    return promise;
  }
}
