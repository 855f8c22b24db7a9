/** How one table of records is kept: what names a record, and what it can be found by. */
export interface TableDefinition<R, I extends string = string> {
  readonly key: (record: R) => string;
  readonly indexes: { readonly [Name in I]: IndexFunction<R> };
}

/** The values that an index finds a record by: none, one or several. */
export type IndexFunction<R> = (record: R) => string | readonly string[] | undefined;

// biome-ignore lint/suspicious/noExplicitAny: a schema mixes tables of every record type
export type AnyTableDefinition = TableDefinition<any, any>;
export type Schema = Readonly<Record<string, AnyTableDefinition>>;

export type RecordOf<D> = D extends TableDefinition<infer R, string> ? R : never;
export type IndexOf<D> = D extends TableDefinition<infer _R, infer I> ? I : never;

/** Defines a table: `table<TaskRecord>()({ key, indexes })`. */
export function table<R>() {
  return <I extends string = never>(definition: {
    readonly key: (record: R) => string;
    readonly indexes?: Readonly<Record<I, IndexFunction<R>>>;
  }): TableDefinition<R, I> => ({
    key: definition.key,
    indexes: definition.indexes ?? ({} as Record<I, IndexFunction<R>>),
  });
}
