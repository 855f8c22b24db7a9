import type { DerivedOf, IndexOf, RecordOf, Schema } from "./table.ts";

/** What can be read of a table. Records are deep-frozen: copy to change. */
export interface TableView<R, IndexName extends string, D = object> {
  get(key: string): R | undefined;
  /** The records that the index files under `value`, ordered by key. */
  where(index: IndexName, value: string): readonly R[];
  /** Those of `where` whose keys come after `key`; all without one. What is not gone through costs nothing. */
  after(index: IndexName, value: string, key: string | undefined): Iterable<R>;
  /** How many records the index files under `value`; does not grow with their number. */
  count(index: IndexName, value: string): number;
  /** Every record, in no particular order. */
  all(): Iterable<R>;
  readonly size: number;
  /** What is derived from the table's records, by name. For reading; it is the store's own and changes with it. */
  readonly derived: D;
}

/** What a transaction can do with a table. It reads its own writes. */
export interface TableDraft<R, IndexName extends string, D = object> extends TableView<R, IndexName, D> {
  /** Adds or replaces the record of that key, and freezes it deeply. Throws TypeError if it is not plain JSON data. */
  put(record: R): R;
  /** Removes the record of that key, if there is one. */
  delete(key: string): void;
}

export type View<S extends Schema> = {
  readonly [T in keyof S]: TableView<RecordOf<S[T]>, IndexOf<S[T]>, DerivedOf<S[T]>>;
};

export type Transaction<S extends Schema> = {
  readonly [T in keyof S]: TableDraft<RecordOf<S[T]>, IndexOf<S[T]>, DerivedOf<S[T]>>;
};

/** A record that a transaction added (no `before`) or replaced. */
export type Put<S extends Schema> = {
  [T in keyof S & string]: {
    readonly table: T;
    readonly key: string;
    readonly before?: RecordOf<S[T]>;
    readonly after: RecordOf<S[T]>;
  };
}[keyof S & string];

/** A record that a transaction removed. */
export type Deletion<S extends Schema> = {
  [T in keyof S & string]: {
    readonly table: T;
    readonly key: string;
    readonly before: RecordOf<S[T]>;
    readonly after?: undefined;
  };
}[keyof S & string];

/** What one committed transaction changed: the net effect, one item for each record. */
export interface Change<S extends Schema> {
  /** Grows with every change; not necessarily by one. */
  readonly revision: number;
  readonly puts: readonly Put<S>[];
  readonly deletes: readonly Deletion<S>[];
}

/** Refuses a promise: a transaction's callback is synchronous. */
export type NotPromise<T> = T extends PromiseLike<unknown> ? never : T;

export interface Store<S extends Schema> {
  /** The last durable state. Read it synchronously: it moves on when a transaction commits. */
  readonly view: View<S>;
  /** The revision of the last change in `view`. */
  readonly revision: number;
  /**
   * Runs `fn` at once over the newest state (with earlier transactions that are still being made durable) and resolves
   * with its answer when what it wrote and read is durable. All or nothing: if `fn` throws, nothing is changed and the
   * promise rejects with that error. `fn` must be synchronous and free of other effects: it runs again, up to
   * MAX_ATTEMPTS times, if another writer changed what it read. Rejects with ConflictError after that, and with
   * StoreFailedError once the journal has failed.
   */
  transact<T>(name: string, fn: (tx: Transaction<S>) => NotPromise<T>): Promise<T>;
  /**
   * Runs `fn` over the newest state as it is when its turn comes; rehearsals run one after the other. Nobody sees any of what it does, nothing of it is
   * made durable, and it sees nothing of what is committed meanwhile: so it may take its time, and let others have a turn in between.
   * Resolves with its answer, or rejects with its error.
   */
  rehearse<T>(fn: (tx: Transaction<S>) => T | Promise<T>): Promise<T>;
  /**
   * Calls `listener` after each committed change, in order, each once; `view` is then at that change's revision. An
   * error that a listener throws is logged and hurts nobody else. Returns what ends the watch.
   */
  watch(listener: (change: Change<S>) => void): () => void;
  /** Resolves with the reason when the journal has failed: nothing can be committed any more. Never rejects. */
  readonly failed: Promise<Error>;
  /** Rebuilds every index from the records and throws an Error that names the first difference. */
  verify(): void;
  /** Waits for what is being made durable, then gives the journal back. Transactions are refused from then on. */
  close(): Promise<void>;
}
