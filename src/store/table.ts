/** What an index makes of a record: no value (left out), one value, or several. */
export type IndexFunction<R> = (record: R) => string | readonly string[] | undefined;

/** A table: how a record's key is found, and by which values its records can be looked up. */
export interface TableDefinition<R, IndexName extends string = string> {
  /** The key never changes for a record: it is the record's identity. */
  readonly key: (record: R) => string;
  readonly indexes: { readonly [Name in IndexName]: IndexFunction<R> };
}

/** Any table, whatever its records are. */
export interface AnyTableDefinition {
  readonly key: (record: never) => string;
  readonly indexes: { readonly [name: string]: IndexFunction<never> };
}

/** Tables by name. */
export type Schema = { readonly [table: string]: AnyTableDefinition };

/** The records of a table. */
export type RecordOf<D> = D extends TableDefinition<infer R, never> ? R : never;

/** The names of a table's indexes. */
export type IndexOf<D> = D extends { readonly indexes: infer I } ? keyof I & string : never;

/** Defines a table of records `R`: `table<R>()({ key, indexes })`. Both functions must be pure. */
export function table<R>() {
  return <IndexName extends string = never>(definition: {
    readonly key: (record: R) => string;
    readonly indexes?: { readonly [Name in IndexName]: IndexFunction<R> };
  }): TableDefinition<R, IndexName> => ({
    key: definition.key,
    indexes: definition.indexes ?? ({} as { readonly [Name in IndexName]: IndexFunction<R> }),
  });
}
