import { StoreFileError } from "./errors.ts";
import { deepFreeze } from "./freeze.ts";
import type { Journal, JournalWrite } from "./journal.ts";
import type { Schema } from "./table.ts";
import { Tables } from "./tables.ts";

/** Stored records, by table and key. They are frozen: `set` a changed copy. A table that is not there yet can be added. */
export type StoredTables = Map<string, Map<string, object>>;

/** Brings what an older release stored to the form of the next schema version. Pure: it may be tried again. */
export type Migration = (tables: StoredTables) => void;

/** What a store starts from. */
export interface Loaded {
  /** The last durable state, and a second copy that transactions work on. The records are shared. */
  readonly durable: Tables;
  readonly newest: Tables;
  readonly revision: number;
  /** What migrations changed, which is in `durable` already and must be made durable before it is served. */
  readonly migrated?: { readonly writes: readonly JournalWrite[]; readonly schemaVersion: number };
}

/**
 * Reads what the journal holds and brings it to the schema.
 * @throws StoreFileError if it was written by a newer release, or does not fit the schema.
 */
export async function load(schema: Schema, journal: Journal, migrations: readonly Migration[]): Promise<Loaded> {
  const stored: StoredTables = new Map(Object.keys(schema).map((name) => [name, new Map()]));
  const state = await journal.load((records) => {
    for (const { table, key, record } of records) {
      const rows = stored.get(table) ?? new Map<string, object>();
      stored.set(table, rows);
      if (record === undefined) rows.delete(key);
      else rows.set(key, deepFreeze(record, table));
    }
  });
  if (state.schemaVersion > migrations.length)
    throw new StoreFileError(
      journal.name,
      `it was written by a newer release (schema version ${state.schemaVersion}; this one knows ${migrations.length})`,
      "Start that release or a later one, or start from a copy made before the upgrade",
    );
  const writes = migrate(journal, stored, migrations.slice(state.schemaVersion), state.schemaVersion);
  const durable = new Tables(schema);
  const newest = new Tables(schema);
  for (const [name, rows] of stored) {
    if (!durable.byName.has(name) && rows.size > 0)
      throw unfit(journal, `it holds ${rows.size} records of a table ${name}`);
    for (const [key, record] of rows) {
      const table = durable.table(name);
      if (table.keyOf(record) !== key)
        throw unfit(journal, `the record ${key} of table ${name} has another key inside`);
      const difference = table.difference(undefined, record);
      table.set(key, record, difference);
      newest.table(name).set(key, record, difference);
    }
  }
  const migrated = migrations.length > state.schemaVersion ? { writes, schemaVersion: migrations.length } : undefined;
  return { durable, newest, revision: state.revision, migrated };
}

/** Runs the migrations over `stored` and returns what they changed. */
function migrate(
  journal: Journal,
  stored: StoredTables,
  migrations: readonly Migration[],
  from: number,
): readonly JournalWrite[] {
  if (migrations.length === 0) return [];
  const before = new Map([...stored].map(([name, rows]) => [name, new Map(rows)]));
  migrations.forEach((migration, i) => {
    try {
      migration(stored);
    } catch (cause) {
      throw new StoreFileError(
        journal.name,
        `its records cannot be brought from schema version ${from + i} to ${from + i + 1}: ${(cause as Error).message}`,
        "Nothing was changed: start the release that wrote it, and report this",
        { cause },
      );
    }
  });
  const writes: JournalWrite[] = [];
  for (const table of new Set([...before.keys(), ...stored.keys()])) {
    const old = before.get(table);
    const now = stored.get(table);
    for (const [key, record] of now ?? [])
      if (old?.get(key) !== record) writes.push({ table, key, record: deepFreeze(record, table) });
    for (const key of old?.keys() ?? []) if (!now?.has(key)) writes.push({ table, key, record: undefined });
  }
  return writes;
}

function unfit(journal: Journal, what: string): StoreFileError {
  return new StoreFileError(
    journal.name,
    `${what}, which this release does not know`,
    "Start the release that wrote it",
  );
}
