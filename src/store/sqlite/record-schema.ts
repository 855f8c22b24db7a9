import { crc32 } from "node:zlib";
import { StoreFileError } from "../errors.ts";
import type { Database, Statement } from "./driver.ts";
import { IN_USE, isBusy, RESTORE } from "./file-errors.ts";

/** The form of the file itself, in `user_version`. */
export const FILE_FORMAT = 2;
/** "Brth", in `application_id`. */
const APPLICATION_ID = 0x42727468;
/** SQLite's own log is cut back to this after folding. */
const WAL_BYTES = 32 << 20;

/** What is known of the rows as a whole. A stale or missing page is in agreement with itself, but not with this. */
export interface Meta {
  /** The last entry that is folded, and its checksum. */
  readonly folded: number;
  readonly foldedChecksum: number;
  /** The last entry of the segment that is being folded: some of its records are here, and the others are not. */
  readonly folding?: number;
  readonly revision: number;
  readonly schemaVersion: number;
  readonly rows: number;
  /** The checksums of all rows, exclusive-or. */
  readonly digest: number;
}

const EMPTY: Meta = { folded: 0, foldedChecksum: 0, revision: 0, schemaVersion: 0, rows: 0, digest: 0 };

/** The lock is the operating system's: it goes with the process, however that ends. */
export function takeLock(database: Database, file: string, writer: number | undefined): void {
  try {
    database.exec("PRAGMA locking_mode = EXCLUSIVE");
    const mode = database.prepare("PRAGMA journal_mode = WAL").get()?.journal_mode;
    if (mode !== "wal") throw new StoreFileError(file, `its journal mode is ${mode}, not wal`, RESTORE);
    database.exec("BEGIN EXCLUSIVE; COMMIT");
  } catch (error) {
    if (!isBusy(error)) throw error;
    const holder = writer === undefined ? "another process" : `process ${writer}`;
    throw new StoreFileError(file, `it is in use by ${holder}`, IN_USE.remedy, {
      cause: error,
    });
  }
}

/** Answers the format that the file has. */
export function prepareSchema(database: Database, file: string): number {
  database.exec(`
    PRAGMA synchronous = NORMAL;
    PRAGMA wal_autocheckpoint = 0;
    PRAGMA journal_size_limit = ${WAL_BYTES};
    PRAGMA cache_size = -16384;
    PRAGMA cell_size_check = ON;
    PRAGMA trusted_schema = OFF;`);
  const application = Number(database.prepare("PRAGMA application_id").get()?.application_id);
  const format = Number(database.prepare("PRAGMA user_version").get()?.user_version);
  const objects = Number(database.prepare("SELECT count(*) AS n FROM sqlite_schema").get()?.n);
  if (objects === 0 && application === 0 && format === 0) {
    createSchema(database);
    return FILE_FORMAT;
  }
  if (application !== APPLICATION_ID)
    throw new StoreFileError(
      file,
      "it is not a store of Berth, or its header is damaged",
      `Use another file. ${RESTORE}`,
    );
  if (format !== FILE_FORMAT && format !== 1)
    throw new StoreFileError(
      file,
      `its format is ${format}, and this release reads 1 and ${FILE_FORMAT}`,
      "Start the release that wrote it",
    );
  return format;
}

function createSchema(database: Database): void {
  const body = JSON.stringify(EMPTY);
  database.exec(`
    BEGIN IMMEDIATE;
    CREATE TABLE meta (id INTEGER PRIMARY KEY, body TEXT NOT NULL, checksum INTEGER NOT NULL);
    CREATE TABLE records (tbl TEXT NOT NULL, key TEXT NOT NULL, checksum INTEGER NOT NULL, json TEXT NOT NULL,
      PRIMARY KEY (tbl, key)) WITHOUT ROWID;
    INSERT INTO meta VALUES (1, '${body}', ${crc32(body)});
    PRAGMA application_id = ${APPLICATION_ID};
    PRAGMA user_version = ${FILE_FORMAT};
    COMMIT;
    PRAGMA wal_checkpoint(PASSIVE);`);
}

export type Statements = ReturnType<typeof prepareStatements>;

export function prepareStatements(database: Database) {
  const prepare = (sql: string): Statement => database.prepare(sql);
  return {
    meta: prepare("SELECT body, checksum FROM meta WHERE id = 1"),
    putMeta: prepare("UPDATE meta SET body = ?, checksum = ? WHERE id = 1"),
    allRows: prepare("SELECT tbl, key, json, checksum FROM records"),
    rowChecksum: prepare("SELECT checksum FROM records WHERE tbl = ? AND key = ?"),
    putRow: prepare("INSERT OR REPLACE INTO records (tbl, key, json, checksum) VALUES (?, ?, ?, ?)"),
    removeRow: prepare("DELETE FROM records WHERE tbl = ? AND key = ?"),
  };
}

export function writeMeta(statements: Statements, meta: Meta): void {
  const body = JSON.stringify(meta);
  statements.putMeta.run(body, crc32(body));
}
