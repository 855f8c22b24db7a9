import { isDeepStrictEqual } from "node:util";
import { Bucket, type Row } from "./bucket.ts";
import type { TableView } from "./store.ts";
import type { AnyTableDefinition, Derived, Feed } from "./table.ts";

const NO_RECORDS: readonly object[] = [];

/** What a change of one record means for its table's indexes. It holds for every state of that table. */
export interface Difference {
  readonly before: object | undefined;
  readonly after: object | undefined;
  /** By number of the index; those that file the record as before are left out. */
  readonly moves: readonly { readonly index: number; readonly old: Values; readonly now: Values }[];
}

/** The records of one table in one state, and its indexes, kept up to date with every change. */
export class TableState implements TableView<object, string> {
  readonly name: string;
  /** The values that the table feeds, by name; other tables may feed them too. */
  readonly derived: Readonly<Record<string, unknown>>;
  readonly #feeds: readonly { readonly value: unknown; readonly change: Feed<object, unknown>["change"] }[];
  readonly #key: (record: object) => string;
  readonly #indexes: readonly Index[];
  readonly #rows = new Map<string, Row>();
  readonly #beforeChanges = new Set<(key: string, before: object | undefined) => void>();
  /** Grows with every change. */
  #version = 1;

  constructor(name: string, definition: AnyTableDefinition, values: DerivedValues = new DerivedValues()) {
    this.name = name;
    // Each feed is given its own table's records and its own value, whatever their types are.
    const feeds = Object.entries(definition.derived as unknown as Readonly<Record<string, Feed<object, unknown>>>);
    this.derived = Object.fromEntries(feeds.map(([as, feed]) => [as, values.of(feed.into)]));
    this.#feeds = feeds.map(([, feed]) => ({ value: values.of(feed.into), change: feed.change }));
    this.#key = definition.key as (record: object) => string;
    this.#indexes = Object.entries(definition.indexes).map(([index, of]) => new Index(index, of as IndexValues));
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
    return { before, after, moves };
  }

  /**
   * Makes `after` the record of `key` (undefined: none), and returns what it was. `known` saves work if it is the
   * difference between just these two.
   */
  set(key: string, after: object | undefined, known?: Difference): object | undefined {
    const filed = this.#rows.get(key);
    const before = filed?.record;
    if (before === after) return before;
    // Worked out first: should an index function throw, nothing has been changed.
    const isKnown = known !== undefined && known.before === before && known.after === after;
    const { moves } = isKnown ? known : this.difference(before, after);
    for (const listener of this.#beforeChanges) listener(key, before);
    const row = this.#put(key, filed, after);
    for (const { index, old, now } of moves) (this.#indexes[index] as Index).move(key, old, now, row);
    for (const { value, change } of this.#feeds) change(value, before, after);
    this.#version++;
    return before;
  }

  /** Calls `listener` before each change with the record as it was. Returns what ends that. It must not throw. */
  beforeChanges(listener: (key: string, before: object | undefined) => void): () => void {
    this.#beforeChanges.add(listener);
    return () => this.#beforeChanges.delete(listener);
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
  }

  /** The record's row; the one that it had if it is removed. */
  #put(key: string, row: Row | undefined, after: object | undefined): Row | undefined {
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

/** The derived values of one state of all tables, each made once. */
export class DerivedValues {
  readonly #values = new Map<Derived<unknown>, unknown>();

  of(derived: Derived<unknown>): unknown {
    if (!this.#values.has(derived)) this.#values.set(derived, derived.make());
    return this.#values.get(derived);
  }

  /** The same values, to be changed apart from these. */
  copy(): DerivedValues {
    const copy = new DerivedValues();
    for (const [derived, value] of this.#values) copy.#values.set(derived, derived.copy(value));
    return copy;
  }

  /** Throws an Error if a value is not what `rebuilt` has. */
  verify(rebuilt: DerivedValues): void {
    for (const [derived, value] of this.#values) {
      if (!isDeepStrictEqual(derived.snapshot(value), derived.snapshot(rebuilt.of(derived)))) {
        throw new Error("what is derived of the tables is not what their records make it");
      }
    }
  }
}
