import { arrivesBefore, type Choice } from "./choice.ts";
import { READY } from "./fleet.ts";
import type { Rank } from "./strategies.ts";

/** Slots that every rank with groups puts in the same group, in a heap by the other ranks and by arrival. */
interface Cell {
  /** The first one goes first. */
  readonly slots: number[];
}

/**
 * The same choice as a scan's for many tasks: after an effort that grows with the slots, each costs the logarithm of their number, and the number of
 * combinations of values of the attributes that tasks are spread over.
 */
export class Heaps {
  readonly #choice: Choice;
  readonly #local: readonly Rank[];
  #cells: readonly Cell[];
  #chosen: Cell | undefined;

  constructor(choice: Choice) {
    this.#choice = choice;
    this.#local = choice.ranks.filter((rank) => rank.ids === undefined);
    this.#cells = this.#makeCells();
    for (const { slots } of this.#cells) {
      for (let at = (slots.length >> 1) - 1; at >= 0; at--) this.#sink(slots, at);
    }
  }

  /** The best slot on which the task fits; undefined if there is none. */
  choose(): number | undefined {
    let chosen: Cell | undefined;
    let isAnyEmpty = false;
    for (const cell of this.#cells) {
      this.#dropUnfit(cell.slots);
      const first = cell.slots[0];
      if (first === undefined) isAnyEmpty = true;
      else if (chosen === undefined || this.#isBefore(first, chosen.slots[0] as number, this.#choice.ranks))
        chosen = cell;
    }
    if (isAnyEmpty) this.#cells = this.#cells.filter((cell) => cell.slots.length > 0);
    this.#chosen = chosen;
    return chosen?.slots[0];
  }

  /** The task was placed on the slot that was chosen last: puts it where it belongs now. */
  settle(): void {
    if (this.#chosen !== undefined) this.#sink(this.#chosen.slots, 0);
  }

  #makeCells(): readonly Cell[] {
    const { room, ranks } = this.#choice;
    const grouped = ranks.flatMap((rank) => rank.ids ?? []);
    const cells = new Map<string | number, Cell>();
    for (const slot of room.fleet.slots) {
      if (room.fleet.states[slot] !== READY) continue;
      const key = grouped.length <= 1 ? (grouped[0]?.[slot] ?? 0) : grouped.map((ids) => ids[slot]).join();
      const cell = cells.get(key) ?? { slots: [] };
      if (cell.slots.length === 0) cells.set(key, cell);
      cell.slots.push(slot);
    }
    return [...cells.values()];
  }

  /** Takes the first slots out as long as the task does not fit there: it never will again. */
  #dropUnfit(slots: number[]): void {
    while (slots[0] !== undefined && !this.#choice.room.fits(slots[0])) {
      const last = slots.pop();
      if (slots.length === 0 || last === undefined) return;
      slots[0] = last;
      this.#sink(slots, 0);
    }
  }

  #sink(slots: number[], from: number): void {
    let at = from;
    for (;;) {
      let first = at;
      for (const child of [2 * at + 1, 2 * at + 2]) {
        if (child < slots.length && this.#isBefore(slots[child] as number, slots[first] as number, this.#local)) {
          first = child;
        }
      }
      if (first === at) return;
      const moved = slots[at] as number;
      slots[at] = slots[first] as number;
      slots[first] = moved;
      at = first;
    }
  }

  #isBefore(a: number, b: number, ranks: readonly Rank[]): boolean {
    for (const rank of ranks) {
      const values = rank.values();
      const difference = valueAt(values, rank.ids, a) - valueAt(values, rank.ids, b);
      if (difference !== 0) return difference < 0;
    }
    return arrivesBefore(a, b, this.#choice);
  }
}

function valueAt(values: Int32Array, ids: Int32Array | undefined, slot: number): number {
  return values[ids === undefined ? slot : (ids[slot] as number)] as number;
}
