import { deepFreeze } from "./freeze.ts";
import type { TableDraft } from "./store.ts";
import type { AnyTableDefinition, Feed, Schema } from "./table.ts";
import { type DerivedValues, TableState } from "./table-state.ts";
import type { Tables } from "./tables.ts";

/**
 * All tables as they are at one moment, to be read and changed apart from them for as long as it takes: neither do changes here show there, nor
 * those that are made there meanwhile show here. It costs what is changed on either side, and a copy of what is derived.
 * To be closed.
 */
export class Layer {
  readonly drafts: Readonly<Record<string, TableDraft<object, string>>>;
  readonly #tables: readonly LayerTable[];

  constructor(schema: Schema, below: Tables) {
    const values = below.copyDerived();
    this.#tables = Object.entries(schema).map(([name, of]) => new LayerTable(below.table(name), of, values));
    this.drafts = Object.fromEntries(this.#tables.map((table) => [table.name, table]));
  }

  /** From here on its tables throw when they are used, and nothing below is kept for it. */
  close(): void {
    for (const table of this.#tables) table.close();
  }
}

class LayerTable implements TableDraft<object, string> {
  readonly name: string;
  readonly #below: TableState;
  /** The records that are not, or not any more, those below. */
  readonly #own: TableState;
  /** The keys whose records are not looked for below: those of `#own`, and those that have no record here. */
  readonly #apart = new Set<string>();
  readonly #derived: Readonly<Record<string, unknown>>;
  readonly #feeds: readonly { readonly value: unknown; readonly change: Feed<object, unknown>["change"] }[];
  readonly #unwatch: () => void;
  #isClosed = false;

  constructor(below: TableState, definition: AnyTableDefinition, values: DerivedValues) {
    this.name = below.name;
    this.#below = below;
    this.#own = new TableState(below.name, { ...definition, derived: {} });
    const feeds = Object.entries(definition.derived as unknown as Readonly<Record<string, Feed<object, unknown>>>);
    this.#derived = Object.fromEntries(feeds.map(([as, feed]) => [as, values.of(feed.into)]));
    this.#feeds = feeds.map(([, feed]) => ({ value: values.of(feed.into), change: feed.change }));
    this.#unwatch = below.beforeChanges((key, before) => this.#setApart(key, before));
  }

  get(key: string): object | undefined {
    this.#checkOpen();
    return this.#apart.has(key) ? this.#own.get(key) : this.#below.get(key);
  }

  where(index: string, value: string): readonly object[] {
    this.#checkOpen();
    const below = this.#below.where(index, value);
    if (this.#apart.size === 0) return below;
    const own = this.#own.where(index, value);
    const shared = below.filter((record) => !this.#apart.has(this.#below.keyOf(record)));
    return own.length === 0 ? shared : this.#merged(shared, own);
  }

  after(index: string, value: string, key: string | undefined): Iterable<object> {
    const all = this.where(index, value);
    return key === undefined ? all : all.filter((record) => this.#own.keyOf(record) > key);
  }

  count(index: string, value: string): number {
    return this.where(index, value).length;
  }

  all(): Iterable<object> {
    this.#checkOpen();
    const below = [...this.#below.entries()].flatMap(([key, record]) => (this.#apart.has(key) ? [] : [record]));
    return [...below, ...this.#own.all()];
  }

  get size(): number {
    this.#checkOpen();
    const hidden = [...this.#apart].filter((key) => this.#below.get(key) !== undefined).length;
    return this.#below.size - hidden + this.#own.size;
  }

  get derived(): object {
    this.#checkOpen();
    return this.#derived;
  }

  put(record: object): never {
    const key = this.#own.keyOf(record);
    deepFreeze(record, this.name);
    this.#change(key, record);
    return record as never;
  }

  delete(key: string): void {
    this.#change(key, undefined);
  }

  close(): void {
    this.#isClosed = true;
    this.#unwatch();
  }

  #change(key: string, after: object | undefined): void {
    const before = this.get(key);
    this.#setApart(key, before);
    this.#own.set(key, after);
    if (before !== after) for (const { value, change } of this.#feeds) change(value, before, after);
  }

  /** Keeps what the key's record is here, whatever becomes of it below. */
  #setApart(key: string, record: object | undefined): void {
    if (this.#apart.has(key)) return;
    this.#apart.add(key);
    if (record !== undefined) this.#own.set(key, record);
  }

  /** Both in the order of keys, of which none is in both. */
  #merged(a: readonly object[], b: readonly object[]): readonly object[] {
    const merged: object[] = [];
    let at = 0;
    for (const record of a) {
      const key = this.#own.keyOf(record);
      for (let next = b[at]; next !== undefined && this.#own.keyOf(next) < key; next = b[at]) {
        merged.push(next);
        at++;
      }
      merged.push(record);
    }
    return merged.concat(b.slice(at));
  }

  #checkOpen(): void {
    if (this.#isClosed) throw new Error("a rehearsal was used after its callback had ended");
  }
}
