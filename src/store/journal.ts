/** One record as a transaction leaves it. */
export interface JournalWrite {
  readonly table: string;
  readonly key: string;
  /** Plain JSON data, deep-frozen; undefined removes the record. */
  readonly record: object | undefined;
}

/** What a transaction read: one record (present or absent), or, without `key`, the whole table (by an index, a scan). */
export interface JournalRead {
  readonly table: string;
  readonly key?: string;
}

/** One transaction. */
export interface JournalEntry {
  /** Its name, for messages. */
  readonly name: string;
  /** The revision up to which the store had been told of changes when the transaction ran. */
  readonly seen: number;
  /**
   * The entry conflicts if another writer has changed one of these after `seen`. This store's own earlier entries never
   * conflict: the transaction saw them, settled or not. Empty if the journal does not check reads.
   */
  readonly reads: readonly JournalRead[];
  /** At most one for each record. */
  readonly writes: readonly JournalWrite[];
  /** Set when the entry is the result of a migration to that schema version. */
  readonly schemaVersion?: number;
}

/** A change that another writer committed. */
export interface ForeignChange {
  readonly revision: number;
  readonly writes: readonly JournalWrite[];
}

/**
 * What a journal says, in the order of revisions, never from within `append` or `subscribe`. An entry is settled by exactly one of
 * `committed`, `conflicted` and `failed`, and entries are settled in the order in which they were appended.
 */
export interface JournalListener {
  /** The entry is durable. */
  committed(entry: JournalEntry, revision: number): void;
  /**
   * The entry was not written because something that it read has changed. Neither was any entry appended after it and
   * before this call: they may rest on it. What changed has been told (`foreign`) before.
   */
  conflicted(entry: JournalEntry): void;
  /** Another writer's change is durable. */
  foreign(change: ForeignChange): void;
  /** The journal cannot go on. No entry that is not settled yet will be told of; it may or may not be durable. */
  failed(error: Error): void;
}

/** What a journal held when it was opened. */
export interface JournalState {
  /** The revision of the last change; 0 if there was none. */
  readonly revision: number;
  /** The last `schemaVersion` that was committed; 0 if there was none. */
  readonly schemaVersion: number;
}

/** A record as it was loaded. */
export interface LoadedRecord {
  readonly table: string;
  readonly key: string;
  /** Undefined if it was removed. */
  readonly record: object | undefined;
}

/** Where transactions are made durable. All of it is called from one store. */
export interface Journal {
  /** What it is, for messages: a file's path or an address. */
  readonly name: string;
  /** Whether entries must say what they read. False where there can be no other writer. */
  readonly checksReads: boolean;
  /**
   * Hands over the last durable state, in batches; a later record replaces an earlier one of the same table and key.
   * Called once, before anything else. Rejects if what is stored is damaged: then nothing of it may be served.
   */
  load(take: (records: readonly LoadedRecord[]) => void): Promise<JournalState>;
  /** Says to whom the outcome of entries and foreign changes are told. Called once, after `load`. */
  subscribe(listener: JournalListener): void;
  /** Queues an entry. What comes of it is told to the listener. */
  append(entry: JournalEntry): void;
  /** Settles what was appended, then lets go of everything. The listener is told nothing after it resolves. */
  close(): Promise<void>;
}
