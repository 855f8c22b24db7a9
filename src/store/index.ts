export { ConflictError, StoreClosedError, StoreFailedError, StoreFileError } from "./errors.ts";
export type {
  ForeignChange,
  Journal,
  JournalEntry,
  JournalListener,
  JournalRead,
  JournalState,
  JournalWrite,
  LoadedRecord,
} from "./journal.ts";
export type { Migration, StoredTables } from "./load.ts";
export { type Fate, MemoryDisk, MemoryJournal, type MemoryJournalOptions } from "./memory-journal.ts";
export { MIGRATIONS } from "./migrations.ts";
export { type OpenStoreOptions, openStore } from "./open.ts";
export {
  type BerthSchema,
  type BerthStore,
  type BerthTransaction,
  type BerthView,
  SCHEMA,
} from "./schema.ts";
export { type SqliteJournalOptions, sqliteJournal } from "./sqlite/sqlite-journal.ts";
export type {
  Change,
  Deletion,
  NotPromise,
  Put,
  Store,
  TableDraft,
  TableView,
  Transaction,
  View,
} from "./store.ts";
export {
  type AnyTableDefinition,
  type Derived,
  type Feed,
  type IndexFunction,
  type IndexOf,
  type RecordOf,
  type Schema,
  type TableDefinition,
  table,
} from "./table.ts";
