import { type Arrivals, mixed } from "./chance.ts";
import { READY } from "./fleet.ts";
import type { Headroom } from "./headroom.ts";
import type { Rank } from "./strategies.ts";

/** What a choice is made by: room, then each rank in turn, then chance. */
export interface Choice {
  readonly room: Headroom;
  readonly ranks: readonly Rank[];
  readonly arrivals: Arrivals;
}

/**
 * The best slot on which the task fits, found by looking at every one; undefined if there is none. What costs more than comparing two
 * numbers is asked only of slots that would be better than the best so far.
 */
export function scan({ room, ranks, arrivals }: Choice): number | undefined {
  const { states, size, hashes } = room.fleet;
  const { salt, areFirst } = arrivals;
  const { cpu, memoryMiB } = room;
  const { cpu: neededCpu, memoryMiB: neededMiB } = room.request.need;
  // The first rank alone decides about most slots, so it has variables of its own. Every slot is below the columns' length:
  // `as number` spares a branch in what runs for each instance.
  const values = ranks.map((rank) => rank.values());
  const groups = ranks.map((rank) => rank.groups);
  const [first] = values;
  const [firstGroups] = groups;
  const isAlone = ranks.length <= 1 && areFirst;
  const best = new Float64Array(ranks.length).fill(Number.POSITIVE_INFINITY);
  let best0 = Number.POSITIVE_INFINITY;
  let chosen = -1;
  let earliness = 0;
  for (let slot = 0; slot < size; slot++) {
    const value0 =
      first === undefined ? 0 : (first[firstGroups === undefined ? slot : (firstGroups[slot] as number)] as number);
    if (value0 > best0) continue;
    // Among equals, the one that is better by chance alone is the exception.
    if (isAlone && value0 === best0 && mixed((hashes[slot] as number) ^ salt) < earliness) continue;
    if (states[slot] !== READY) continue;
    if (neededCpu > (cpu[slot] as number) || neededMiB > (memoryMiB[slot] as number)) continue;
    if (chosen >= 0 && value0 === best0) {
      let difference = 0;
      for (let i = 1; i < values.length && difference === 0; i++) {
        difference = valueAt(values[i] as Float64Array, groups[i], slot) - (best[i] as number);
      }
      if (difference > 0) continue;
      if (difference === 0) {
        const early = (areFirst ? mixed((hashes[slot] as number) ^ salt) : arrivals.earliness(slot)) - earliness;
        if (early < 0 || (early === 0 && !arrivesBefore(slot, chosen, { room, arrivals }))) continue;
      }
    }
    if (!room.suits(slot)) continue;
    chosen = slot;
    earliness = arrivals.earliness(slot);
    best0 = value0;
    for (let i = 1; i < values.length; i++) best[i] = valueAt(values[i] as Float64Array, groups[i], slot);
  }
  return chosen < 0 ? undefined : chosen;
}

/** Slots that every rank with groups puts in the same group, in a heap by the other ranks and by arrival. */
interface Cell {
  /** The first one goes first. */
  readonly slots: number[];
}

/**
 * The same choice for many tasks: after an effort that grows with the slots, each costs the logarithm of their number, and the number of
 * combinations of values of the attributes that tasks are spread over.
 */
export class Heaps {
  readonly #choice: Choice;
  readonly #local: readonly Rank[];
  #cells: readonly Cell[];
  #chosen: Cell | undefined;

  constructor(choice: Choice) {
    this.#choice = choice;
    this.#local = choice.ranks.filter((rank) => rank.groups === undefined);
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
    const grouped = ranks.flatMap((rank) => rank.groups ?? []);
    const cells = new Map<string | number, Cell>();
    for (let slot = 0; slot < room.fleet.size; slot++) {
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
      const difference = valueAt(values, rank.groups, a) - valueAt(values, rank.groups, b);
      if (difference !== 0) return difference < 0;
    }
    return arrivesBefore(a, b, this.#choice);
  }
}

function valueAt(values: Float64Array, groups: Int32Array | undefined, slot: number): number {
  return values[groups === undefined ? slot : (groups[slot] as number)] as number;
}

/** By arrival; two whose arrivals are the same (a collision of hashes) by ARN. */
function arrivesBefore(a: number, b: number, { room, arrivals }: Pick<Choice, "room" | "arrivals">): boolean {
  const difference = arrivals.time(a) - arrivals.time(b);
  if (difference !== 0) return difference < 0;
  return (room.fleet.instance(a)?.arn ?? "") < (room.fleet.instance(b)?.arn ?? "");
}
