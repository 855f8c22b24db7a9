import { atLeast } from "./at-least.ts";

/** A group on more than this share of the slots is kept as a column, else as a map. */
const DENSE_SHARE = 1 / 16;
/** Below this many slots a map is as good. */
const DENSE_FROM = 64;

/** How many tasks of one group are to run on each instance, by slot. */
export class GroupCounts {
  #sparse: Map<number, number> | undefined = new Map();
  /** Kept instead of the map when the group is on many instances, so that placing need not copy it out each time. */
  #dense: Int32Array | undefined;
  #total = 0;

  /** Tasks of the group on all instances. */
  get total(): number {
    return this.#total;
  }

  /** True once the group was on so many instances that each has its place in a column, until it has no tasks. */
  get isDense(): boolean {
    return this.#dense !== undefined;
  }

  of(slot: number): number {
    return (this.#dense === undefined ? this.#sparse?.get(slot) : this.#dense[slot]) ?? 0;
  }

  add(slot: number, difference: number, capacity: number): void {
    this.#total += difference;
    if (this.#dense !== undefined) {
      this.#dense = atLeast(this.#dense, capacity);
      this.#dense[slot] = (this.#dense[slot] ?? 0) + difference;
      return;
    }
    const sparse = this.#sparse ?? new Map<number, number>();
    const after = (sparse.get(slot) ?? 0) + difference;
    if (after === 0) sparse.delete(slot);
    else sparse.set(slot, after);
    if (capacity >= DENSE_FROM && sparse.size > capacity * DENSE_SHARE) {
      this.#dense = this.column(capacity);
      this.#sparse = undefined;
    }
  }

  /** The counts by slot, `capacity` of them at least. To be read only: it may be the very column that is kept. */
  column(capacity: number): Int32Array {
    if (this.#dense !== undefined) {
      this.#dense = atLeast(this.#dense, capacity);
      return this.#dense;
    }
    const column = new Int32Array(capacity);
    for (const [slot, count] of this.#sparse ?? []) column[slot] = count;
    return column;
  }

  /** The same counts, to be changed apart from these. */
  copy(): GroupCounts {
    const copy = new GroupCounts();
    copy.#sparse = this.#sparse && new Map(this.#sparse);
    copy.#dense = this.#dense?.slice();
    copy.#total = this.#total;
    return copy;
  }

  /** Each slot that may have tasks of the group, with its count. */
  entries(): Iterable<readonly [slot: number, count: number]> {
    return this.#dense?.entries() ?? this.#sparse ?? [];
  }
}
