import type { Log } from "../runtime/log.ts";
import type { Journal } from "./journal.ts";
import { load, type Migration } from "./load.ts";
import type { Store } from "./store.ts";
import type { Schema } from "./table.ts";
import { TransactionalStore } from "./transactional-store.ts";

export interface OpenStoreOptions<S extends Schema> {
  readonly schema: S;
  readonly journal: Journal;
  readonly log: Log;
  /** What brings older records to the form of `schema`, oldest first. Only ever append: their number is the version. */
  readonly migrations?: readonly Migration[];
}

/**
 * Opens a store over what the journal holds. Rejects, and closes the journal, if that cannot be used: StoreFileError says
 * why and what to do.
 */
export async function openStore<S extends Schema>(options: OpenStoreOptions<S>): Promise<Store<S>> {
  const { schema, journal, log } = options;
  try {
    const loaded = await load(schema, journal, options.migrations ?? []);
    const store = new TransactionalStore<S>({ ...loaded, schema, journal, log });
    if (loaded.migrated !== undefined) await store.commitMigration(loaded.migrated);
    return store;
  } catch (error) {
    await journal.close();
    throw error;
  }
}
