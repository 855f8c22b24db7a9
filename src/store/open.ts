import type { Log } from "../runtime/log.ts";
import type { Journal } from "./journal.ts";
import type { Migration } from "./load.ts";
import { load } from "./load.ts";
import type { Store } from "./store.ts";
import type { Schema } from "./table.ts";
import { TransactionalStore } from "./transactional-store.ts";

export type { Migration } from "./load.ts";

export interface OpenStoreOptions<S extends Schema> {
  readonly schema: S;
  readonly journal: Journal;
  readonly log: Log;
  /** What brings older records to the form of `schema`, oldest first. Only ever append: their number is the version. */
  readonly migrations?: readonly Migration[];
}

/** Opens a store over what the journal holds. Rejects, and closes the journal, if that cannot be used. */
export async function openStore<S extends Schema>(options: OpenStoreOptions<S>): Promise<Store<S>> {
  try {
    const loaded = await load(options.schema, options.journal, options.migrations ?? []);
    return new TransactionalStore({ ...options, ...loaded });
  } catch (error) {
    await options.journal.close();
    throw error;
  }
}
