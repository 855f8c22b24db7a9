/** What an index makes of a record: no value (left out), one value, or several. */
export type IndexFunction<R> = (record: R) => string | readonly string[] | undefined;

/**
 * Something that a store keeps of its tables' records beside their indexes, such as sums over many of them. What it comes to
 * must not depend on the order of the changes.
 */
export interface Derived<V> {
  readonly make: () => V;
  /** Plain data that is equal for two values made of the same records: by it they are verified. */
  readonly snapshot: (value: V) => unknown;
  /** The same value, to be changed apart from it. */
  readonly copy: (value: V) => V;
}

/** How one table's changes reach a derived value. Several tables may feed the same one. */
export interface Feed<R, V> {
  readonly into: Derived<V>;
  /** Told of every change, taken back ones too. `before` and `after` are undefined where there is no record. Must not throw. */
  readonly change: (value: V, before: R | undefined, after: R | undefined) => void;
}

/** A table: how a record's key is found, by which values its records can be looked up, and what is derived from them. */
export interface TableDefinition<R, IndexName extends string = string, D extends object = object> {
  /** The key never changes for a record: it is the record's identity. */
  readonly key: (record: R) => string;
  readonly indexes: { readonly [Name in IndexName]: IndexFunction<R> };
  readonly derived: { readonly [Name in keyof D]: Feed<R, D[Name]> };
}

/** Any table, whatever its records are. */
export interface AnyTableDefinition {
  readonly key: (record: never) => string;
  readonly indexes: { readonly [name: string]: IndexFunction<never> };
  readonly derived: {
    readonly [name: string]: {
      readonly into: {
        readonly make: () => unknown;
        readonly snapshot: (value: never) => unknown;
        readonly copy: (value: never) => unknown;
      };
      readonly change: (value: never, before: never, after: never) => void;
    };
  };
}

/** Tables by name. */
export type Schema = { readonly [table: string]: AnyTableDefinition };

/** The records of a table. */
export type RecordOf<D> = D extends { readonly key: (record: infer R) => string } ? R : never;

/** The names of a table's indexes. */
export type IndexOf<D> = D extends { readonly indexes: infer I } ? keyof I & string : never;

/** What is derived of a table, by name. */
export type DerivedOf<D> = D extends { readonly derived: infer F }
  ? { readonly [Name in keyof F]: F[Name] extends { readonly into: { readonly make: () => infer V } } ? V : never }
  : never;

/** Defines a table of records `R`: `table<R>()({ key, indexes, derived })`. Keys and indexes must be pure functions. */
export function table<R>() {
  return <IndexName extends string = never, D extends object = Record<never, never>>(definition: {
    readonly key: (record: R) => string;
    readonly indexes?: { readonly [Name in IndexName]: IndexFunction<R> };
    readonly derived?: { readonly [Name in keyof D]: Feed<R, D[Name]> };
  }): TableDefinition<R, IndexName, D> => ({
    key: definition.key,
    indexes: definition.indexes ?? ({} as { readonly [Name in IndexName]: IndexFunction<R> }),
    derived: definition.derived ?? ({} as { readonly [Name in keyof D]: Feed<R, D[Name]> }),
  });
}
