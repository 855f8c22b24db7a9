import { isDeepStrictEqual } from "node:util";
import { Bucket, type Row } from "./bucket.ts";
import type { TableView } from "./store.ts";
import type { AnyTableDefinition } from "./table.ts";

const NO_RECORDS: readonly object[] = [];
const NO_COUNTS: ReadonlyMap<string, number> = new Map();

/** What a change of one record means for its table's indexes and tallies. It holds for every state of that table. */
export interface Difference {
  readonly before: object | undefined;
  readonly after: object | undefined;
  /** By number of the index; those that file the record as before are left out. */
  readonly moves: readonly { readonly index: number; readonly old: Values; readonly now: Values }[];
  /** By number of the tally; those that count the record as before are left out. */
  readonly counts: readonly { readonly tally: number; readonly old: Count; readonly now: Count }[];
}

/** The records of one table in one state, and its indexes, kept up to date with every change. */
export class TableState implements TableView<object, string, string> {
  readonly name: string;
  readonly #key: (record: object) => string;
  readonly #indexes: readonly Index[];
  readonly #tallies: readonly Tally[];
  readonly #rows = new Map<string, Row>();
  /** Grows with every change. */
  #version = 1;

  constructor(name: string, definition: AnyTableDefinition) {
    this.name = name;
    this.#key = definition.key as (record: object) => string;
    this.#indexes = Object.entries(definition.indexes).map(([index, of]) => new Index(index, of as IndexValues));
    this.#tallies = Object.entries(definition.tallies).map(([tally, of]) => new Tally(tally, of as TallyCounts));
  }

  get size(): number {
    return this.#rows.size;
  }

  get(key: string): object | undefined {
    return this.#rows.get(key)?.record;
  }

  where(index: string, value: string): readonly object[] {
    return this.#index(index).buckets.get(value)?.list(this.#version) ?? NO_RECORDS;
  }

  after(index: string, value: string, key: string | undefined): Iterable<object> {
    return this.#index(index).buckets.get(value)?.after(key) ?? NO_RECORDS;
  }

  tally(tally: string, value: string): ReadonlyMap<string, number> {
    return this.#tally(tally).counts.get(value) ?? NO_COUNTS;
  }

  count(index: string, value: string): number {
    return this.#index(index).buckets.get(value)?.size ?? 0;
  }

  *all(): Iterable<object> {
    for (const { record } of this.#rows.values()) yield record;
  }

  *entries(): Iterable<readonly [string, object]> {
    for (const { key, record } of this.#rows.values()) yield [key, record];
  }

  /** The key of a record. Throws TypeError if there is none, or if it could not be stored as UTF-8. */
  keyOf(record: object): string {
    const key = this.#key(record);
    if (typeof key !== "string" || key === "") throw new TypeError(`a record of table ${this.name} has no key`);
    if (!key.isWellFormed()) throw new TypeError(`a key of table ${this.name} is not well-formed Unicode`);
    return key;
  }

  /** Changes nothing. Throws what an index function throws. */
  difference(before: object | undefined, after: object | undefined): Difference {
    const moves: Difference["moves"][number][] = [];
    for (let index = 0; index < this.#indexes.length; index++) {
      const { of } = this.#indexes[index] as Index;
      const old = before === undefined ? undefined : of(before);
      const now = after === undefined ? undefined : of(after);
      if (!isSame(old, now)) moves.push({ index, old, now });
    }
    const counts: Difference["counts"][number][] = [];
    for (let tally = 0; tally < this.#tallies.length; tally++) {
      const { of } = this.#tallies[tally] as Tally;
      const old = before === undefined ? undefined : of(before);
      const now = after === undefined ? undefined : of(after);
      if (old?.under !== now?.under || old?.of !== now?.of) counts.push({ tally, old, now });
    }
    return { before, after, moves, counts };
  }

  /**
   * Makes `after` the record of `key` (undefined: none), and returns what it was. `known` saves work if it is the
   * difference between just these two.
   */
  set(key: string, after: object | undefined, known?: Difference): object | undefined {
    const before = this.get(key);
    if (before === after) return before;
    // Worked out first: should an index function throw, nothing has been changed.
    const isKnown = known !== undefined && known.before === before && known.after === after;
    const { moves, counts } = isKnown ? known : this.difference(before, after);
    const row = this.#put(key, after);
    for (const { index, old, now } of moves) (this.#indexes[index] as Index).move(key, old, now, row);
    for (const { tally, old, now } of counts) (this.#tallies[tally] as Tally).move(old, now);
    this.#version++;
    return before;
  }

  /** Rebuilds the indexes from the records; throws an Error naming the first one that is not the same. */
  verify(definition: AnyTableDefinition): void {
    const rebuilt = new TableState(this.name, definition);
    for (const [key, record] of this.entries()) {
      if (this.keyOf(record) !== key)
        throw new Error(`table ${this.name}: the record filed under ${key} has another key`);
      rebuilt.set(key, record);
    }
    for (const { name, buckets } of this.#indexes) {
      const values = new Set([...buckets.keys(), ...rebuilt.#index(name).buckets.keys()]);
      for (const value of values)
        if (
          this.count(name, value) !== rebuilt.count(name, value) ||
          !isDeepStrictEqual(this.where(name, value), rebuilt.where(name, value))
        )
          throw new Error(`table ${this.name}: index ${name} is wrong for ${value}`);
    }
    for (const { name, counts } of this.#tallies)
      if (!isDeepStrictEqual(counts, rebuilt.#tally(name).counts))
        throw new Error(`table ${this.name}: tally ${name} is wrong`);
  }

  /** The record's row; the one that it had if it is removed. */
  #put(key: string, after: object | undefined): Row | undefined {
    const row = this.#rows.get(key);
    if (after === undefined) this.#rows.delete(key);
    else if (row === undefined) {
      const added = { key, record: after };
      this.#rows.set(key, added);
      return added;
    } else row.record = after;
    return row;
  }

  #index(name: string): Index {
    const index = this.#indexes.find((each) => each.name === name);
    if (index === undefined) throw new TypeError(`table ${this.name} has no index ${name}`);
    return index;
  }

  #tally(name: string): Tally {
    const tally = this.#tallies.find((each) => each.name === name);
    if (tally === undefined) throw new TypeError(`table ${this.name} has no tally ${name}`);
    return tally;
  }
}

type Values = string | readonly string[] | undefined;
type IndexValues = (record: object) => Values;

function isSame(old: Values, now: Values): boolean {
  if (typeof old !== "object" || typeof now !== "object") return old === now;
  return old.length === now.length && old.every((value, i) => value === now[i]);
}

class Index {
  readonly name: string;
  readonly of: IndexValues;
  /** Never holds an empty bucket. */
  readonly buckets = new Map<string, Bucket>();

  constructor(name: string, of: IndexValues) {
    this.name = name;
    this.of = of;
  }

  move(key: string, old: Values, now: Values, row: Row | undefined): void {
    if (typeof old === "string") this.#remove(old, key);
    else if (old !== undefined) for (const value of old) this.#remove(value, key);
    if (row === undefined || now === undefined) return;
    if (typeof now === "string") this.#add(now, row);
    else for (const value of now) this.#add(value, row);
  }

  #add(value: string, row: Row): void {
    let bucket = this.buckets.get(value);
    if (bucket === undefined) {
      bucket = new Bucket();
      this.buckets.set(value, bucket);
    }
    bucket.add(row);
  }

  #remove(value: string, key: string): void {
    const bucket = this.buckets.get(value);
    if (bucket === undefined) return;
    bucket.delete(key);
    if (bucket.size === 0) this.buckets.delete(value);
  }
}

type Count = { readonly under: string; readonly of: string } | undefined;
type TallyCounts = (record: object) => Count;

class Tally {
  readonly name: string;
  readonly of: TallyCounts;
  /** Never holds a 0, nor a map without counts. */
  readonly counts = new Map<string, Map<string, number>>();

  constructor(name: string, of: TallyCounts) {
    this.name = name;
    this.of = of;
  }

  move(old: Count, now: Count): void {
    if (old !== undefined) this.#add(old, -1);
    if (now !== undefined) this.#add(now, 1);
  }

  #add({ under, of }: NonNullable<Count>, by: number): void {
    const counts = this.counts.get(under) ?? new Map<string, number>();
    const count = (counts.get(of) ?? 0) + by;
    if (count === 0) counts.delete(of);
    else counts.set(of, count);
    if (counts.size === 0) this.counts.delete(under);
    else this.counts.set(under, counts);
  }
}
