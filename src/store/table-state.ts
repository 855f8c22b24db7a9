import { isDeepStrictEqual } from "node:util";
import { Bucket } from "./bucket.ts";
import type { TableView } from "./store.ts";
import type { AnyTableDefinition } from "./table.ts";

const NO_RECORDS: readonly object[] = [];
const NO_COUNTS: ReadonlyMap<string, number> = new Map();

/** The records of one table in one state, and its indexes, kept up to date with every change. */
export class TableState implements TableView<object, string, string> {
  readonly name: string;
  readonly #key: (record: object) => string;
  readonly #indexes: ReadonlyMap<string, Index>;
  readonly #tallies: ReadonlyMap<string, Tally>;
  readonly #records = new Map<string, object>();

  constructor(name: string, definition: AnyTableDefinition) {
    this.name = name;
    this.#key = definition.key as (record: object) => string;
    this.#indexes = new Map(
      Object.entries(definition.indexes).map(([index, values]) => [index, new Index(values as IndexValues)]),
    );
    this.#tallies = new Map(
      Object.entries(definition.tallies).map(([tally, of]) => [tally, new Tally(of as TallyCounts)]),
    );
  }

  get size(): number {
    return this.#records.size;
  }

  get(key: string): object | undefined {
    return this.#records.get(key);
  }

  where(index: string, value: string): readonly object[] {
    return this.#index(index).buckets.get(value)?.list() ?? NO_RECORDS;
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

  all(): Iterable<object> {
    return this.#records.values();
  }

  entries(): Iterable<readonly [string, object]> {
    return this.#records.entries();
  }

  /** The key of a record. Throws TypeError if there is none, or if it could not be stored as UTF-8. */
  keyOf(record: object): string {
    const key = this.#key(record);
    if (typeof key !== "string" || key === "") throw new TypeError(`a record of table ${this.name} has no key`);
    if (!key.isWellFormed()) throw new TypeError(`a key of table ${this.name} is not well-formed Unicode`);
    return key;
  }

  /** Makes `after` the record of `key` (undefined: none), and returns what it was. */
  set(key: string, after: object | undefined): object | undefined {
    const before = this.#records.get(key);
    if (before === after) return before;
    // All values first: should an index function throw, nothing has been changed.
    const moves = [...this.#indexes.values()].map((index) => ({
      index,
      old: before === undefined ? undefined : index.values(before),
      now: after === undefined ? undefined : index.values(after),
    }));
    const counts = [...this.#tallies.values()].map((tally) => ({
      tally,
      old: before === undefined ? undefined : tally.of(before),
      now: after === undefined ? undefined : tally.of(after),
    }));
    for (const { index, old, now } of moves) index.move(key, old, now, after);
    for (const { tally, old, now } of counts) tally.move(old, now);
    if (after === undefined) this.#records.delete(key);
    else this.#records.set(key, after);
    return before;
  }

  /** Rebuilds the indexes from the records; throws an Error naming the first one that is not the same. */
  verify(definition: AnyTableDefinition): void {
    const rebuilt = new TableState(this.name, definition);
    for (const [key, record] of this.#records) {
      if (this.keyOf(record) !== key)
        throw new Error(`table ${this.name}: the record filed under ${key} has another key`);
      rebuilt.set(key, record);
    }
    for (const [name, index] of this.#indexes) {
      const values = new Set([...index.buckets.keys(), ...rebuilt.#index(name).buckets.keys()]);
      for (const value of values)
        if (
          this.count(name, value) !== rebuilt.count(name, value) ||
          !isDeepStrictEqual(this.where(name, value), rebuilt.where(name, value))
        )
          throw new Error(`table ${this.name}: index ${name} is wrong for ${value}`);
    }
    for (const [name, tally] of this.#tallies)
      if (!isDeepStrictEqual(tally.counts, rebuilt.#tally(name).counts))
        throw new Error(`table ${this.name}: tally ${name} is wrong`);
  }

  #tally(name: string): Tally {
    const tally = this.#tallies.get(name);
    if (tally === undefined) throw new TypeError(`table ${this.name} has no tally ${name}`);
    return tally;
  }

  #index(name: string): Index {
    const index = this.#indexes.get(name);
    if (index === undefined) throw new TypeError(`table ${this.name} has no index ${name}`);
    return index;
  }
}

type Values = string | readonly string[] | undefined;
type IndexValues = (record: object) => Values;

class Index {
  /** Never holds an empty bucket. */
  readonly buckets = new Map<string, Bucket>();
  readonly values: IndexValues;

  constructor(values: IndexValues) {
    this.values = values;
  }

  move(key: string, old: Values, now: Values, after: object | undefined): void {
    if (typeof old === "string") {
      if (old !== now) this.#remove(old, key);
    } else if (old !== undefined) for (const value of old) this.#remove(value, key);
    if (after === undefined || now === undefined) return;
    if (typeof now === "string") this.#add(now, key, after);
    else for (const value of now) this.#add(value, key, after);
  }

  #add(value: string, key: string, record: object): void {
    const bucket = this.buckets.get(value) ?? new Bucket();
    if (bucket.size === 0) this.buckets.set(value, bucket);
    bucket.set(key, record);
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
  /** Never holds a 0, nor a map without counts. */
  readonly counts = new Map<string, Map<string, number>>();
  readonly of: TallyCounts;

  constructor(of: TallyCounts) {
    this.of = of;
  }

  move(old: Count, now: Count): void {
    if (old?.under === now?.under && old?.of === now?.of) return;
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
