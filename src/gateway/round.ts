import type { Clock } from "../runtime/clock.ts";

/** Visits in one turn: about a millisecond of pings. Whatever else waits for the process goes before the next ones. */
export const VISITS_PER_TURN = 100;

/**
 * Visits many things now and then, some in each turn: thousands of pings at once would hold everybody else up for a tenth
 * of a second. A round that is due while one is under way is left out.
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
    const some = (from: number) => {
      const end = Math.min(waiting.length, from + VISITS_PER_TURN);
      for (let i = from; i < end; i++) this.#visit(waiting[i] as T);
      this.#isUnderWay = end < waiting.length;
      if (this.#isUnderWay) this.#clock.after(0, () => some(end));
    };
    some(0);
  }
}
