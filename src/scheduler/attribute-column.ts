import { attributeValue, type ContainerInstanceRecord } from "../model/container-instance.ts";
import { atLeast } from "./at-least.ts";
import type { GroupCounts } from "./group-counts.ts";

/** The id of a slot that has no instance. */
const NO_INSTANCE = 0;
/** The id of the instances without the attribute. */
const NO_VALUE = 1;

/**
 * The value that each instance has of one attribute, as a number; the instances of each value; and how many tasks of a group they
 * have together. It is told of each change of an instance and of the groups' tasks, so that spreading tasks over the values needs to look at none but the
 * instances of the value with the fewest.
 */
export class AttributeColumn {
  /** By slot. */
  ids: Int32Array;
  /** The slots of each id, in no order; none of NO_INSTANCE. */
  readonly members: number[][] = [[], []];
  readonly #name: string;
  readonly #idByValue = new Map<string, number>();
  /** Where each slot stands in its id's list. */
  #places: Int32Array;
  /** By id, of the groups that are on many instances and were asked for; the sums of the others are made when they are asked for. */
  readonly #totals = new Map<GroupCounts, Int32Array>();

  constructor(name: string, records: readonly (ContainerInstanceRecord | undefined)[], capacity: number) {
    this.#name = name;
    this.ids = new Int32Array(capacity);
    this.#places = new Int32Array(capacity);
    for (const [slot, record] of records.entries()) this.describe(slot, record);
  }

  /** Values that there are or were. */
  get size(): number {
    return this.#idByValue.size;
  }

  grow(capacity: number): void {
    this.ids = atLeast(this.ids, capacity);
    this.#places = atLeast(this.#places, capacity);
  }

  /** Takes in what the slot's instance is now. */
  describe(slot: number, record: ContainerInstanceRecord | undefined): void {
    const before = this.ids[slot] as number;
    const after = this.#idOf(record);
    if (before === after) return;
    if (before !== NO_INSTANCE) this.#leave(slot, this.members[before] as number[]);
    if (after !== NO_INSTANCE) this.#places[slot] = (this.members[after] as number[]).push(slot) - 1;
    this.ids[slot] = after;
    for (const counts of this.#totals.keys()) {
      this.#add(counts, before, -counts.of(slot));
      this.#add(counts, after, counts.of(slot));
    }
  }

  /** Takes in that the group has `difference` more tasks on the slot. */
  count(counts: GroupCounts, slot: number, difference: number): void {
    this.#add(counts, this.ids[slot] as number, difference);
  }

  /** The group has no tasks, and will not come back. */
  forget(counts: GroupCounts): void {
    this.#totals.delete(counts);
  }

  /** The group's tasks on the instances of each id: a copy. What it has where there is no instance does not count for any. */
  totals(counts: GroupCounts | undefined): Int32Array {
    const length = this.members.length;
    if (counts === undefined) return new Int32Array(length);
    const totals = this.#totals.get(counts) ?? this.#sum(counts);
    if (counts.isDense) this.#totals.set(counts, totals);
    return atLeast(totals.slice(), length);
  }

  #sum(counts: GroupCounts): Int32Array {
    const totals = new Int32Array(this.members.length);
    for (const [slot, count] of counts.entries()) totals[this.ids[slot] ?? NO_INSTANCE]! += count;
    return totals;
  }

  #add(counts: GroupCounts, id: number, difference: number): void {
    const known = this.#totals.get(counts);
    if (known === undefined) return;
    const totals = atLeast(known, this.members.length);
    totals[id] = (totals[id] as number) + difference;
    if (totals !== known) this.#totals.set(counts, totals);
  }

  /** The last of the list takes the slot's place. */
  #leave(slot: number, list: number[]): void {
    const last = list.pop() as number;
    if (last === slot) return;
    const place = this.#places[slot] as number;
    list[place] = last;
    this.#places[last] = place;
  }

  #idOf(record: ContainerInstanceRecord | undefined): number {
    if (record === undefined) return NO_INSTANCE;
    const value = attributeValue(record, this.#name);
    if (value === undefined) return NO_VALUE;
    const known = this.#idByValue.get(value);
    if (known !== undefined) return known;
    const id = this.members.push([]) - 1;
    this.#idByValue.set(value, id);
    return id;
  }
}
