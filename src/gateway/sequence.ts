import type { SequenceRange } from "./presence.ts";
import { SEQUENCE_BLOCK } from "./settings.ts";

/** Numbers left when the next block is asked for: more than a session sends while a transaction is made durable. */
const LOW_WATER = SEQUENCE_BLOCK / 4;

/** Hands out a session's sequence numbers, each greater than all before, and asks for more in time. */
export class Sequence {
  #next: number;
  #last: number;
  /** What follows `#last`; blocks need not join. */
  #following: SequenceRange | undefined;
  #isAsking = false;
  readonly #reserve: () => Promise<SequenceRange | undefined>;
  readonly #onMore: () => void;

  /** `onMore` is called when numbers have come after `take` had none left. `reserve` must not reject. */
  constructor(range: SequenceRange, reserve: () => Promise<SequenceRange | undefined>, onMore: () => void) {
    this.#next = range.first;
    this.#last = range.last;
    this.#reserve = reserve;
    this.#onMore = onMore;
  }

  /** The next number, or undefined if the next block has not come yet. */
  take(): number | undefined {
    if (this.#next > this.#last && this.#following !== undefined) {
      this.#next = this.#following.first;
      this.#last = this.#following.last;
      this.#following = undefined;
    }
    if (this.#last - this.#next < LOW_WATER && this.#following === undefined) void this.#ask();
    return this.#next > this.#last ? undefined : this.#next++;
  }

  async #ask(): Promise<void> {
    if (this.#isAsking) return;
    this.#isAsking = true;
    this.#following = await this.#reserve();
    this.#isAsking = false;
    if (this.#following !== undefined && this.#next > this.#last) this.#onMore();
  }
}
