/** What an index makes of a record: no value (left out), one value, or several. */
export type IndexFunction<R> = (record: R) => string | readonly string[] | undefined;

/** What a tally makes of a record: nothing (left out), or one more for `of` under `under`. */
export type TallyFunction<R> = (record: R) => { readonly under: string; readonly of: string } | undefined;

/** A table: how a record's key is found, and by which values its records can be looked up. */
export interface TableDefinition<R, IndexName extends string = string, TallyName extends string = string> {
  /** The key never changes for a record: it is the record's identity. */
  readonly key: (record: R) => string;
  readonly indexes: { readonly [Name in IndexName]: IndexFunction<R> };
  /** Counts that are kept, where counting records each time would cost too much. */
  readonly tallies: { readonly [Name in TallyName]: TallyFunction<R> };
}

/** Any table, whatever its records are. */
export interface AnyTableDefinition {
  readonly key: (record: never) => string;
  readonly indexes: { readonly [name: string]: IndexFunction<never> };
  readonly tallies: { readonly [name: string]: TallyFunction<never> };
}

/** Tables by name. */
export type Schema = { readonly [table: string]: AnyTableDefinition };

/** The records of a table. */
export type RecordOf<D> = D extends TableDefinition<infer R, never, never> ? R : never;

/** The names of a table's indexes. */
export type IndexOf<D> = D extends { readonly indexes: infer I } ? keyof I & string : never;

/** The names of a table's tallies. */
export type TallyOf<D> = D extends { readonly tallies: infer T } ? keyof T & string : never;

/** Defines a table of records `R`: `table<R>()({ key, indexes, tallies })`. All functions must be pure. */
export function table<R>() {
  return <IndexName extends string = never, TallyName extends string = never>(definition: {
    readonly key: (record: R) => string;
    readonly indexes?: { readonly [Name in IndexName]: IndexFunction<R> };
    readonly tallies?: { readonly [Name in TallyName]: TallyFunction<R> };
  }): TableDefinition<R, IndexName, TallyName> => ({
    key: definition.key,
    indexes: definition.indexes ?? ({} as { readonly [Name in IndexName]: IndexFunction<R> }),
    tallies: definition.tallies ?? ({} as { readonly [Name in TallyName]: TallyFunction<R> }),
  });
}
