import { firstEarliness } from "./chance.ts";
import { arrivesBefore, type Choice } from "./choice.ts";
import { READY } from "./fleet.ts";
import type { Rank } from "./strategies.ts";

const INT32_MAX = 2 ** 31 - 1;
const INT32_MIN = -(2 ** 31);
/** How many levels of groups are looked at one after the other before every instance is looked at. */
const MAX_LEVELS = 8;
/** With more groups than this share of the instances, groups are looked at no faster than instances. */
const MAX_GROUPS_SHARE = 1 / 8;

/** Lists of slots, no slot in two of them; undefined for all slots, which are looked at without a list. */
type Slots = readonly (readonly number[] | undefined)[];
const ALL: Slots = [undefined];

/**
 * The best slot on which the task fits, found by looking at slots; undefined if there is none. Where the weightiest rank
 * is one by groups, only the slots of the best groups are looked at, and those of the next ones if the task fits on none of them.
 */
export function scan(choice: Choice): number | undefined {
  const [first, ...others] = choice.ranks;
  const { slots } = choice.room.fleet;
  const members = first?.members ?? [];
  if (first === undefined || members.length === 0 || members.length > slots.length * MAX_GROUPS_SHARE) {
    return bestOf(ALL, choice.ranks, choice);
  }
  const values = first.values();
  let level = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < MAX_LEVELS; i++) {
    level = levelAbove(level, values, members);
    if (level === Number.POSITIVE_INFINITY) return undefined;
    const best = bestOf(
      members.filter((_, group) => values[group] === level),
      others,
      choice,
    );
    if (best !== undefined) return best;
  }
  return bestOf(ALL, choice.ranks, choice);
}

/** The lowest value, above `level`, of a group that has members; infinity if there is none. */
function levelAbove(level: number, values: Int32Array, members: readonly (readonly number[])[]): number {
  let lowest = Number.POSITIVE_INFINITY;
  for (let group = 0; group < members.length; group++) {
    const value = values[group] as number;
    if (value > level && value < lowest && members[group]?.length !== 0) lowest = value;
  }
  return lowest;
}

/** The best of some slots: each rank but the last leaves the slots that it ranks best, and of these the last one and chance choose. */
function bestOf(slots: Slots, ranks: readonly Rank[], choice: Choice): number | undefined {
  let left = slots;
  for (const rank of ranks.slice(0, -1)) {
    const pass = new Pass(choice, rank);
    const best = pass.bestOf(left, false);
    if (best === undefined) return undefined;
    left = [pass.equalsOf(best, left)];
  }
  return new Pass(choice, ranks.at(-1)).bestOf(left, true);
}

/** Looks at slots for the best one by one rank. */
class Pass {
  readonly #choice: Choice;
  /** The rank by slot. */
  readonly #values: Int32Array;
  #lowest = INT32_MAX;
  /** A slot whose first arrival is later than this, and which is ranked no better, is not better. */
  #earliest = INT32_MIN;

  /** Without a rank all slots are equals. */
  constructor(choice: Choice, rank: Rank | undefined) {
    this.#choice = choice;
    const { zeros } = choice.room.fleet;
    const { ids } = rank ?? {};
    const values = rank?.values() ?? zeros;
    this.#values = ids === undefined ? values : zeros.map((_, slot) => values[ids[slot] as number] as number);
  }

  /** The slot that the rank likes best of those on which the task fits; among equals by chance or, without, any of them. */
  bestOf(lists: Slots, byChance: boolean): number | undefined {
    const { room, arrivals } = this.#choice;
    let best: number | undefined;
    for (const slots of lists) {
      const end = slots?.length ?? room.fleet.slots.length;
      for (let i = this.#next(slots, 0, end); i < end; i = this.#next(slots, i + 1, end)) {
        const slot = slots === undefined ? i : (slots[i] as number);
        const value = this.#values[slot] as number;
        const isEqual = best !== undefined && value === this.#lowest;
        if (isEqual && !(byChance && arrivesBefore(slot, best as number, this.#choice))) continue;
        if (!room.suits(slot)) continue;
        best = slot;
        this.#lowest = value;
        this.#earliest = byChance ? Math.max(INT32_MIN, Math.floor(arrivals.earliness(slot))) : INT32_MAX;
      }
    }
    return best;
  }

  /** The slots of the lists that are ranked as that one is. */
  equalsOf(best: number, lists: Slots): readonly number[] {
    const values = this.#values;
    const { slots: all } = this.#choice.room.fleet;
    return lists.flatMap((slots = all) => slots.filter((slot) => values[slot] === values[best]));
  }

  /**
   * The index of the next slot that has room and may be better than the best so far; `end` if there is none. This is all that
   * is done for most instances: it compares whole numbers and calls nothing. Every slot is below the columns' length: `as number`
   * spares a branch.
   */
  #next(slots: readonly number[] | undefined, from: number, end: number): number {
    const { room, arrivals } = this.#choice;
    const { cpu, memoryMiB } = room;
    const { cpu: neededCpu, memoryMiB: neededMiB } = room.request.need;
    const { states, hashes } = room.fleet;
    const { salt } = arrivals;
    const values = this.#values;
    const lowest = this.#lowest;
    const earliest = this.#earliest;
    let i = from;
    for (; i < end; i++) {
      const slot = slots === undefined ? i : (slots[i] as number);
      const value = values[slot] as number;
      if (value > lowest) continue;
      if (value === lowest && firstEarliness((hashes[slot] as number) ^ salt) < earliest) continue;
      if (states[slot] !== READY) continue;
      if (neededCpu > (cpu[slot] as number) || neededMiB > (memoryMiB[slot] as number)) continue;
      break;
    }
    return i;
  }
}
