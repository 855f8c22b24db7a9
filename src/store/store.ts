import type { IndexOf, RecordOf, Schema } from "./table.ts";

/** One table, read only. */
export interface TableView<R, I extends string> {
  get(key: string): R | undefined;
  /** Records found by an index, ordered by key. */
  where(index: I, value: string): readonly R[];
  /** How many `where` would give. */
  count(index: I, value: string): number;
  all(): Iterable<R>;
  readonly size: number;
}

/** One table inside a transaction. */
export interface TableDraft<R, I extends string> extends TableView<R, I> {
  /** Stores the record, frozen, and gives it back. */
  put(record: R): R;
  delete(key: string): void;
}

export type View<S extends Schema> = { readonly [T in keyof S]: TableView<RecordOf<S[T]>, IndexOf<S[T]>> };
export type Transaction<S extends Schema> = { readonly [T in keyof S]: TableDraft<RecordOf<S[T]>, IndexOf<S[T]>> };

export type Put<S extends Schema> = {
  [T in keyof S & string]: {
    readonly table: T;
    readonly key: string;
    readonly before?: RecordOf<S[T]>;
    readonly after: RecordOf<S[T]>;
  };
}[keyof S & string];
export type Delete<S extends Schema> = {
  [T in keyof S & string]: { readonly table: T; readonly key: string; readonly before: RecordOf<S[T]> };
}[keyof S & string];

/** One committed transaction. */
export interface Change<S extends Schema> {
  readonly revision: number;
  readonly puts: readonly Put<S>[];
  readonly deletes: readonly Delete<S>[];
}

/** A promise as a transaction's answer does not compile: its callback must be synchronous. */
export type NotPromise<T> = T extends PromiseLike<unknown> ? never : T;

/** All state. See README.md. */
export interface Store<S extends Schema> {
  /** The last durable state. */
  readonly view: View<S>;
  readonly revision: number;
  transact<T>(name: string, fn: (tx: Transaction<S>) => NotPromise<T>): Promise<T>;
  watch(listener: (change: Change<S>) => void): () => void;
  close(): Promise<void>;
}
