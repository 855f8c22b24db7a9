import type { Clock } from "../runtime/clock.ts";

/** A round over many takes about this long; over few, less. */
export const ROUND_MS = 1_000;
/** Between turns. */
const TURN_MS = 10;
/** Visits in one turn, at least: well below a millisecond of pings. */
export const LEAST_VISITS = 20;

/**
 * Visits many things now and then, evenly spread over a while: thousands of pings at once, and the answers to them, would
 * hold everybody else up for a tenth of a second or two. A round that is due while one is under way is left out.
 */
export class Round<T> {
  readonly #clock: Clock;
  readonly #visit: (one: T) => void;
  #isUnderWay = false;

  constructor(clock: Clock, visit: (one: T) => void) {
    this.#clock = clock;
    this.#visit = visit;
  }

  /** Begins a round over those that are there now. */
  begin(all: Iterable<T>): void {
    if (this.#isUnderWay) return;
    this.#isUnderWay = true;
    const waiting = [...all];
    const began = this.#clock.monotonic();
    const some = (from: number) => {
      // By the time and not by the turns: a busy process has fewer turns, and each is to be visited as often as ever.
      const due = Math.ceil((waiting.length * (this.#clock.monotonic() - began)) / ROUND_MS);
      const end = Math.min(waiting.length, Math.max(from + LEAST_VISITS, due));
      for (let i = from; i < end; i++) this.#visit(waiting[i] as T);
      this.#isUnderWay = end < waiting.length;
      if (this.#isUnderWay) this.#clock.after(TURN_MS, () => some(end));
    };
    some(0);
  }
}
