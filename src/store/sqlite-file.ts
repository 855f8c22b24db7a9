import { crc32 } from "node:zlib";
import { decodeEntry, type StoredEntry, type StoredWrite } from "./entry-codec.ts";
import { StoreFileError } from "./errors.ts";
import { FoldWindow, type WindowEntry } from "./fold-window.ts";
import { type Database, explainSqliteError, isBusy, openDatabase, RESTORE, type Statement } from "./sqlite-driver.ts";
import { findWalDamage } from "./wal-check.ts";
import { readMark, WriterMark } from "./writer-mark.ts";

/** The form of the file itself, in `user_version`. */
const FILE_FORMAT = 1;
/** "Brth", in `application_id`. */
const APPLICATION_ID = 0x42727468;
/** With more than this waiting to be folded, each append folds about as much as it adds: they share one sync. */
const SOME_BACKLOG_BYTES = 8 << 20;
/** How much work folding is: an entry is read, its records are written and it is removed; and somewhat more, so that the backlog shrinks. */
const FOLD_WORK = 4;
/** What one step of folding handles at most, so that an append does not wait long for it: a millisecond or two of work. */
const STEP_BYTES = 256 << 10;
/** The log is moved into the file when about this much has been written to it: a step of some milliseconds, too. */
const CHECKPOINT_BYTES = 2 << 20;
/** Records handed over at once when loading. */
const LOAD_BATCH = 1000;

/** What is known of the folded rows as a whole. A stale or missing page is in agreement with itself, but not with this. */
interface Meta {
  /** The last entry that is folded. */
  readonly folded: number;
  readonly revision: number;
  readonly schemaVersion: number;
  readonly rows: number;
  /** The checksums of all rows, exclusive-or. */
  readonly digest: number;
}

interface ReadEntry {
  readonly entry: StoredEntry;
  /** Its length as it is stored. */
  readonly bytes: number;
}

interface Span {
  readonly first: number | null;
  readonly last: number | null;
  readonly count: number;
  readonly bytes: number | null;
}

const EMPTY: Meta = { folded: 0, revision: 0, schemaVersion: 0, rows: 0, digest: 0 };

/**
 * The database file, synchronously: entries are appended, and folded into one row for each record. A row, an entry and the
 * meta row each carry a CRC-32. Every method throws StoreFileError with what is wrong and what to do.
 */
export class SqliteFile {
  readonly file: string;
  readonly #database: Database;
  readonly #mark: WriterMark;
  readonly #statements: Statements;
  readonly #backlogLimit: number;
  #meta: Meta;
  #last: number;
  #window: FoldWindow | undefined;
  /** Of the entries that are there. */
  #entryBytes = 0;
  #logBytes = 0;

  /** Opens the file for this process alone. With more than `backlogLimit` bytes waiting to be folded, appends fold, too. */
  constructor(file: string, backlogLimit: number = SOME_BACKLOG_BYTES) {
    this.file = file;
    this.#backlogLimit = backlogLimit;
    let database: Database | undefined;
    try {
      const mark = readMark(markFile(file));
      database = openDatabase(file);
      this.#database = database;
      takeLock(database, file, mark?.pid);
      const damage = findWalDamage(`${file}-wal`);
      if (damage !== undefined) throw new StoreFileError(file, damage, RESTORE);
      prepareSchema(database, file);
      this.#statements = prepareStatements(database);
      this.#meta = this.#readMeta();
      this.#last = this.#lastSequence();
      if (mark !== undefined && mark.sequence > this.#last) throw this.#lost(mark.sequence);
      this.#mark = new WriterMark(markFile(file), process.pid);
      this.#mark.write(this.#last);
    } catch (error) {
      database?.close();
      throw explainSqliteError(file, error, "opening it");
    }
  }

  /** The last entry's sequence number; 0 if there never was one. */
  get lastSequence(): number {
    return this.#last;
  }

  /** The size of the entries that wait to be folded. Those on which some of the work is done count in part. */
  get backlogBytes(): number {
    return this.#entryBytes - (this.#window?.doneBytes ?? 0);
  }

  /** Whether the write-ahead log is to be moved into the file. */
  get logIsLong(): boolean {
    return this.#logBytes > CHECKPOINT_BYTES;
  }

  /** Every record, then what the entries since have changed, in order, in batches. Checks everything it reads. */
  *load(): Generator<readonly StoredWrite[], { readonly revision: number; readonly schemaVersion: number }> {
    let { revision, schemaVersion } = this.#meta;
    try {
      yield* this.#rows();
      for (let sequence = this.#meta.folded + 1; sequence <= this.#last; sequence++) {
        const { entry } = this.#entry(sequence);
        yield entry.writes;
        revision = entry.revision;
        schemaVersion = entry.schemaVersion ?? schemaVersion;
      }
    } catch (error) {
      throw explainSqliteError(this.file, error, "reading it");
    }
    return { revision, schemaVersion };
  }

  /** Returns when the entry is durable. */
  append(bytes: Uint8Array): void {
    const sequence = this.#last + 1;
    const add = () => this.#statements.addEntry.run(sequence, bytes, crc32(bytes, crc32(String(sequence))));
    try {
      if (this.backlogBytes <= this.#backlogLimit) add();
      else
        this.#inTransaction(() => {
          add();
          return this.#fold(Math.max(STEP_BYTES, FOLD_WORK * bytes.length));
        });
      this.#last = sequence;
      this.#entryBytes += bytes.length;
      this.#logBytes += bytes.length + 8192;
      this.#mark.write(sequence);
    } catch (error) {
      throw explainSqliteError(this.file, error, "writing to it");
    }
  }

  /** Does one bounded piece of the work that can wait. Returns whether there is more. */
  tidyStep(): boolean {
    try {
      if (this.logIsLong) {
        this.#database.exec("PRAGMA wal_checkpoint(PASSIVE)");
        this.#logBytes = 0;
      } else if (this.#last > this.#meta.folded) this.#inTransaction(() => this.#fold(STEP_BYTES));
      return this.#last > this.#meta.folded || this.logIsLong;
    } catch (error) {
      throw explainSqliteError(this.file, error, "folding entries into rows");
    }
  }

  /** Leaves what is not folded yet for the next opening. */
  close(): void {
    this.#mark.close();
    this.#database.close();
  }

  *#rows(): Generator<readonly StoredWrite[]> {
    let batch: StoredWrite[] = [];
    let rows = 0;
    let digest = 0;
    for (const row of this.#statements.allRows.iterate()) {
      const write = { table: String(row.tbl), key: String(row.key), json: String(row.json) };
      const sum = rowChecksum(write);
      if (sum !== row.checksum) throw this.#damaged(`the record ${write.key} of table ${write.table}`);
      rows++;
      digest ^= sum;
      batch.push(write);
      if (batch.length === LOAD_BATCH) {
        yield batch;
        batch = [];
      }
    }
    if (rows !== this.#meta.rows || digest >>> 0 !== this.#meta.digest)
      throw this.#damaged(`the records as a whole: ${rows} were found, ${this.#meta.rows} were written`);
    yield batch;
  }

  #entry(sequence: number): ReadEntry {
    const row = this.#statements.entry.get(sequence);
    const bytes = row?.body;
    if (!(bytes instanceof Uint8Array) || crc32(bytes, crc32(String(sequence))) !== row?.checksum)
      throw this.#damaged(`the entry ${sequence}`);
    return { entry: decodeEntry(bytes), bytes: bytes.length };
  }

  /** Does about so much of the work of folding, inside a transaction. Answers what the meta row is to be then. */
  #fold(bytes: number): Meta {
    let meta = this.#meta;
    for (let left = bytes; left > 0 && meta.folded < this.#last; ) {
      this.#window ??= new FoldWindow();
      const window = this.#window;
      if (!window.isClosed) {
        left -= this.#gather(window, meta.folded, left);
        continue;
      }
      const writes = window.takeWrites(left);
      if (writes.items.length > 0) {
        meta = this.#writeRows(meta, writes.items);
        left -= writes.cost;
        continue;
      }
      const entries = window.takeEntries(left);
      meta = this.#removeEntries(meta, entries.items);
      left -= entries.cost;
      if (window.isDone) this.#window = undefined;
    }
    return meta;
  }

  /** Answers how much it has read. */
  #gather(window: FoldWindow, folded: number, limit: number): number {
    let sequence = window.last ?? folded;
    let read = 0;
    while (sequence < this.#last && read < limit && !window.isFull) {
      const { entry, bytes } = this.#entry(++sequence);
      window.gather(sequence, entry, bytes);
      read += bytes;
    }
    if (sequence === this.#last || window.isFull) window.close();
    return read;
  }

  /** Carries out `work`, which says what the meta row is to be afterwards. */
  #inTransaction(work: () => Meta): void {
    this.#database.exec("BEGIN IMMEDIATE");
    try {
      const meta = work();
      if (meta !== this.#meta) writeMeta(this.#statements, meta);
      this.#database.exec("COMMIT");
      this.#meta = meta;
      this.#logBytes += 16_384;
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec("ROLLBACK");
      throw error;
    }
  }

  #removeEntries(before: Meta, entries: readonly WindowEntry[]): Meta {
    let meta = before;
    for (const { sequence, bytes, revision, schemaVersion = meta.schemaVersion } of entries) {
      this.#statements.removeEntry.run(sequence);
      this.#entryBytes -= bytes;
      meta = { ...meta, folded: sequence, revision, schemaVersion };
    }
    return meta;
  }

  #writeRows(meta: Meta, writes: readonly StoredWrite[]): Meta {
    let { rows, digest } = meta;
    // A guess at the pages that they put into the log: rows in the order of keys share some.
    this.#logBytes += writes.length * 4096;
    for (const write of writes) {
      const { table, key, json } = write;
      const old = this.#statements.rowChecksum.get(table, key)?.checksum;
      if (typeof old === "number") {
        rows--;
        digest ^= old;
      }
      if (json === null) this.#statements.removeRow.run(table, key);
      else {
        const sum = rowChecksum(write);
        this.#statements.putRow.run(table, key, json, sum);
        rows++;
        digest ^= sum;
      }
    }
    return { ...meta, rows, digest: digest >>> 0 };
  }

  #readMeta(): Meta {
    const row = this.#statements.meta.get();
    if (typeof row?.body !== "string" || crc32(row.body) !== row.checksum) throw this.#damaged("the meta row");
    return JSON.parse(row.body) as Meta;
  }

  #lastSequence(): number {
    const { first, last, count, bytes } = this.#statements.span.get() as unknown as Span;
    if (first === null || last === null) return this.#meta.folded;
    this.#entryBytes = bytes ?? 0;
    if (first !== this.#meta.folded + 1 || count !== last - first + 1)
      throw this.#damaged(`the entries: ${count} between ${first} and ${last}, after ${this.#meta.folded} folded ones`);
    return last;
  }

  #damaged(what: string): StoreFileError {
    return new StoreFileError(this.file, `it is damaged: ${what}`, RESTORE);
  }

  #lost(acknowledged: number): StoreFileError {
    return new StoreFileError(
      this.file,
      `it ends at entry ${this.#last}, but ${acknowledged} was acknowledged: its end is damaged, or it is an older copy`,
      `${RESTORE}. To go on without what is missing, remove ${markFile(this.file)}`,
    );
  }
}

function markFile(file: string): string {
  return `${file}-writer`;
}

function rowChecksum({ table, key, json }: StoredWrite): number {
  // The lengths keep a character from moving from the table's name to the key unseen.
  return crc32(json ?? "", crc32(`${table.length}:${table}${key.length}:${key}`));
}

/** The lock is the operating system's: it goes with the process, however that ends. */
function takeLock(database: Database, file: string, writer: number | undefined): void {
  try {
    database.exec("PRAGMA locking_mode = EXCLUSIVE");
    const mode = database.prepare("PRAGMA journal_mode = WAL").get()?.journal_mode;
    if (mode !== "wal") throw new StoreFileError(file, `its journal mode is ${mode}, not wal`, RESTORE);
    database.exec("BEGIN EXCLUSIVE; COMMIT");
  } catch (error) {
    if (!isBusy(error)) throw error;
    const holder = writer === undefined ? "another process" : `process ${writer}`;
    throw new StoreFileError(file, `it is in use by ${holder}`, "Stop that process, or use another directory", {
      cause: error,
    });
  }
}

function prepareSchema(database: Database, file: string): void {
  database.exec(`
    PRAGMA synchronous = FULL;
    PRAGMA wal_autocheckpoint = 0;
    PRAGMA journal_size_limit = ${2 * CHECKPOINT_BYTES};
    PRAGMA cache_size = -16384;
    PRAGMA cell_size_check = ON;
    PRAGMA trusted_schema = OFF;`);
  const application = Number(database.prepare("PRAGMA application_id").get()?.application_id);
  const format = Number(database.prepare("PRAGMA user_version").get()?.user_version);
  const objects = Number(database.prepare("SELECT count(*) AS n FROM sqlite_schema").get()?.n);
  if (objects === 0 && application === 0 && format === 0) {
    createSchema(database);
    return;
  }
  if (application !== APPLICATION_ID)
    throw new StoreFileError(
      file,
      "it is not a store of Berth, or its header is damaged",
      `Use another file. ${RESTORE}`,
    );
  if (format !== FILE_FORMAT)
    throw new StoreFileError(
      file,
      `its format is ${format}, and this release reads ${FILE_FORMAT}`,
      "Start the release that wrote it",
    );
}

function createSchema(database: Database): void {
  const body = JSON.stringify(EMPTY);
  database.exec(`
    BEGIN IMMEDIATE;
    CREATE TABLE meta (id INTEGER PRIMARY KEY, body TEXT NOT NULL, checksum INTEGER NOT NULL);
    CREATE TABLE entries (sequence INTEGER PRIMARY KEY, checksum INTEGER NOT NULL, body BLOB NOT NULL);
    CREATE TABLE records (tbl TEXT NOT NULL, key TEXT NOT NULL, checksum INTEGER NOT NULL, json TEXT NOT NULL,
      PRIMARY KEY (tbl, key)) WITHOUT ROWID;
    INSERT INTO meta VALUES (1, '${body}', ${crc32(body)});
    PRAGMA application_id = ${APPLICATION_ID};
    PRAGMA user_version = ${FILE_FORMAT};
    COMMIT;`);
}

type Statements = ReturnType<typeof prepareStatements>;

function prepareStatements(database: Database) {
  const prepare = (sql: string): Statement => database.prepare(sql);
  return {
    meta: prepare("SELECT body, checksum FROM meta WHERE id = 1"),
    putMeta: prepare("UPDATE meta SET body = ?, checksum = ? WHERE id = 1"),
    addEntry: prepare("INSERT INTO entries (sequence, body, checksum) VALUES (?, ?, ?)"),
    entry: prepare("SELECT body, checksum FROM entries WHERE sequence = ?"),
    removeEntry: prepare("DELETE FROM entries WHERE sequence = ?"),
    span: prepare(
      "SELECT min(sequence) AS first, max(sequence) AS last, count(*) AS count, sum(length(body)) AS bytes FROM entries",
    ),
    allRows: prepare("SELECT tbl, key, json, checksum FROM records"),
    rowChecksum: prepare("SELECT checksum FROM records WHERE tbl = ? AND key = ?"),
    putRow: prepare("INSERT OR REPLACE INTO records (tbl, key, json, checksum) VALUES (?, ?, ?, ?)"),
    removeRow: prepare("DELETE FROM records WHERE tbl = ? AND key = ?"),
  };
}

function writeMeta(statements: Statements, meta: Meta): void {
  const body = JSON.stringify(meta);
  statements.putMeta.run(body, crc32(body));
}
