import { deepFreeze } from "./freeze.ts";
import type { JournalRead } from "./journal.ts";
import type { TableDraft } from "./store.ts";
import type { Difference, TableState } from "./table-state.ts";
import type { Effect, Tables } from "./tables.ts";

/** What one run of a transaction has read and written so far. */
class Run {
  readonly #checksReads: boolean;
  /** By table and key. The first `before` stands, so that undoing them is right in any order. */
  readonly #effects = new Map<string, Map<string, Effect>>();
  readonly #keys = new Map<string, Set<string>>();
  readonly #scans = new Set<string>();

  constructor(checksReads: boolean) {
    this.#checksReads = checksReads;
  }

  readKey(table: string, key: string): void {
    if (!this.#checksReads) return;
    const keys = this.#keys.get(table);
    if (keys === undefined) this.#keys.set(table, new Set([key]));
    else keys.add(key);
  }

  readTable(table: string): void {
    if (this.#checksReads) this.#scans.add(table);
  }

  wrote(table: string, key: string, difference: Difference): void {
    const effects = this.#effects.get(table) ?? new Map<string, Effect>();
    this.#effects.set(table, effects);
    const effect = effects.get(key);
    if (effect === undefined) {
      const { before, after } = difference;
      effects.set(key, { table, key, before, after, difference });
    } else {
      effect.after = difference.after;
      effect.difference = undefined; // it was that of the first step only
    }
  }

  /** The net effects: what was written and then taken back is not among them. */
  effects(): Effect[] {
    return [...this.#effects.values()].flatMap((effects) =>
      [...effects.values()].filter((effect) => effect.before !== effect.after),
    );
  }

  reads(): JournalRead[] {
    const reads: JournalRead[] = [...this.#scans].map((table) => ({ table }));
    for (const [table, keys] of this.#keys)
      if (!this.#scans.has(table)) for (const key of keys) reads.push({ table, key });
    return reads;
  }
}

/** What came of running a transaction's callback. */
export interface RunResult {
  readonly outcome: { readonly value: unknown } | { readonly error: unknown };
  readonly effects: Effect[];
  readonly reads: readonly JournalRead[];
}

/**
 * Runs callbacks over `tables`, writing straight into them and taking everything back if one throws. There is one set
 * of drafts for all transactions: callbacks are synchronous, so one is under way at a time.
 */
export class Runner {
  readonly #tables: Tables;
  readonly #checksReads: boolean;
  readonly #drafts: Readonly<Record<string, TableDraft<object, string>>>;
  #run: Run | undefined;

  constructor(tables: Tables, checksReads: boolean) {
    this.#tables = tables;
    this.#checksReads = checksReads;
    const current = () => {
      if (this.#run === undefined) throw new Error("a transaction was used after its callback had returned");
      return this.#run;
    };
    this.#drafts = Object.fromEntries(
      [...tables.byName].map(([name, table]) => [name, draftOf(table, feedersOf(table, tables), current)]),
    );
  }

  run(name: string, fn: (tx: never) => unknown): RunResult {
    if (this.#run !== undefined)
      return {
        outcome: { error: new Error(`transaction ${name} was begun within another one`) },
        effects: [],
        reads: [],
      };
    const run = new Run(this.#checksReads);
    this.#run = run;
    try {
      const value = fn(this.#drafts as never);
      if (isThenable(value)) {
        value.then(undefined, () => undefined); // its rejection would be nobody's
        throw new TypeError(`the callback of transaction ${name} returned a promise: it must be synchronous`);
      }
      return { outcome: { value }, effects: run.effects(), reads: run.reads() };
    } catch (error) {
      this.#tables.undo(run.effects());
      return { outcome: { error }, effects: [], reads: run.reads() };
    } finally {
      this.#run = undefined;
    }
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null && "then" in value && typeof value.then === "function";
}

/** The names of the tables that what is derived of this one is made of: others may feed the same values. */
function feedersOf(table: TableState, { byName }: Tables): readonly string[] {
  const values = new Set(Object.values(table.derived));
  return [...byName.values()]
    .filter((other) => Object.values(other.derived).some((value) => values.has(value)))
    .map((other) => other.name);
}

function draftOf(table: TableState, feeders: readonly string[], current: () => Run): TableDraft<object, string> {
  const name = table.name;
  const change = (key: string, after: object | undefined): Difference => {
    const difference = table.difference(table.get(key), after);
    table.set(key, after, difference);
    return difference;
  };
  return {
    get(key) {
      current().readKey(name, key);
      return table.get(key);
    },
    where(index, value) {
      current().readTable(name);
      return table.where(index, value);
    },
    /** Not while it is written to: going on over records that move would miss some. */
    after(index, value, key) {
      current().readTable(name);
      return table.after(index, value, key);
    },
    count(index, value) {
      current().readTable(name);
      return table.count(index, value);
    },
    /** The records of this moment: the transaction may write while it goes through them. */
    all() {
      current().readTable(name);
      return [...table.all()];
    },
    get size() {
      current().readTable(name);
      return table.size;
    },
    get derived() {
      for (const feeder of feeders) current().readTable(feeder);
      return table.derived;
    },
    put(record) {
      const run = current();
      const key = table.keyOf(record);
      deepFreeze(record, name);
      run.wrote(name, key, change(key, record));
      return record;
    },
    delete(key) {
      const run = current();
      if (table.get(key) !== undefined) run.wrote(name, key, change(key, undefined));
      run.readKey(name, key);
    },
  };
}
