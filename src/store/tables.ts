import type { Schema } from "./table.ts";
import { DerivedValues, type Difference, TableState } from "./table-state.ts";

/** The change of one record. `before` and `after` are undefined where there is no record. */
export interface Effect {
  readonly table: string;
  readonly key: string;
  before: object | undefined;
  after: object | undefined;
  /** What it means for indexes, if that is known. */
  difference?: Difference;
}

/** All tables in one state. */
export class Tables {
  readonly byName: ReadonlyMap<string, TableState>;
  readonly #schema: Schema;
  readonly #derived = new DerivedValues();

  constructor(schema: Schema) {
    this.#schema = schema;
    this.byName = new Map(
      Object.entries(schema).map(([name, definition]) => [name, new TableState(name, definition, this.#derived)]),
    );
  }

  table(name: string): TableState {
    const table = this.byName.get(name);
    if (table === undefined) throw new TypeError(`there is no table ${name}`);
    return table;
  }

  /** What is derived of the tables now, to be changed apart from it. */
  copyDerived(): DerivedValues {
    return this.#derived.copy();
  }

  /** Carries the effects out, and notes in each what was there before. */
  redo(effects: readonly Effect[]): void {
    for (const effect of effects) {
      effect.before = this.table(effect.table).set(effect.key, effect.after, effect.difference);
    }
  }

  /** Takes the effects back. They must be the last ones that were carried out. */
  undo(effects: readonly Effect[]): void {
    for (const effect of effects) this.table(effect.table).set(effect.key, effect.before);
  }

  /** Throws an Error that names the first index which is not what the records make it, or if a derived value is not. */
  verify(): void {
    for (const [name, definition] of Object.entries(this.#schema)) this.table(name).verify(definition);
    const rebuilt = new Tables(this.#schema);
    for (const [name, table] of this.byName)
      for (const [key, record] of table.entries()) rebuilt.table(name).set(key, record);
    this.#derived.verify(rebuilt.#derived);
  }

  /** Throws an Error that names the first record which is not the same in `other`. */
  verifySame(other: Tables): void {
    for (const [name, table] of this.byName) {
      if (table.size !== other.table(name).size) throw new Error(`table ${name}: the two states differ in size`);
      for (const [key, record] of table.entries())
        if (other.table(name).get(key) !== record) throw new Error(`table ${name}: the two states differ in ${key}`);
    }
  }
}
