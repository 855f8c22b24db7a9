import { closeSync, fdatasyncSync, openSync, rmSync } from "node:fs";
import { crc32 } from "node:zlib";
import { StoreFileError } from "../errors.ts";
import { type Database, openDatabase } from "./driver.ts";
import { decodeEntry, type StoredWrite } from "./entry-codec.ts";
import { durably, type LogEnd } from "./entry-log.ts";
import { explainError, RESTORE } from "./file-errors.ts";
import { earlierEntries, removeEarlierEntries } from "./first-format.ts";
import {
  FILE_FORMAT,
  type Meta,
  prepareSchema,
  prepareStatements,
  type Statements,
  takeLock,
  writeMeta,
} from "./record-schema.ts";
import { listSegments, readSegment, type Segment } from "./segment.ts";
import { type Mark, markFile, readMark, WriterMark } from "./writer-mark.ts";

/** Entries of about this size are read in one step of folding, */
const STEP_BYTES = 256 << 10;
/** and so many records written: a millisecond or two of work. */
const STEP_RECORDS = 100;
/** After so many steps SQLite's log is moved into the file: the disk is not to get so much at once that an append waits for it. */
const STEPS_TO_SYNC = 5;
/** Records handed over at once when loading. */
const LOAD_BATCH = 1000;

/** What holds after an entry. */
interface Position {
  readonly revision: number;
  readonly schemaVersion: number;
  readonly end: LogEnd;
}

/** What a store's files held. */
export interface LoadedFiles extends Position {
  /** Those that are to be folded, in order. */
  readonly segments: readonly Segment[];
}

/**
 * The database file, synchronously: one row for each record, as the log left it when its last folded segment ended. A row and the
 * meta row carry a CRC-32 each. Commits are not synced: what a crash takes back is in the log, whose segments are removed
 * only when what they say is durable here. Every method throws StoreFileError with what is wrong and what to do.
 */
export class RecordFile {
  readonly file: string;
  readonly #database: Database;
  readonly #statements: Statements;
  readonly #mark: Mark | undefined;
  #meta: Meta;

  /** Opens the file for this process alone. */
  constructor(file: string) {
    this.file = file;
    let database: Database | undefined;
    try {
      this.#mark = readMark(markFile(file));
      database = openDatabase(file);
      this.#database = database;
      takeLock(database, file, this.#mark?.pid);
      const format = prepareSchema(database, file);
      this.#statements = prepareStatements(database);
      this.#meta = this.#readMeta();
      if (format === 1) this.#takeOverFirstFormat();
    } catch (error) {
      database?.close();
      throw explainError(file, error, "opening it");
    }
  }

  /**
   * Every record, then what the log has changed since, in order, in batches. Checks everything it reads. What it has handed
   * over is durable when it ends.
   */
  *load(): Generator<readonly StoredWrite[], LoadedFiles> {
    let position = this.#folded;
    const segments: Segment[] = [];
    const needless: Segment[] = [];
    try {
      yield* this.#rows();
      for (const segment of listSegments(this.file)) {
        const before = position;
        for (const read of this.#unfolded(segment, position)) {
          yield read.writes;
          position = read.position;
        }
        (position === before ? needless : segments).push(segment);
      }
      this.#refuseIfCut(position.end.last);
      this.#makeRowsDurable(); // needless segments may hold what SQLite has not synced
      syncSegments(segments);
      durably(this.file, () => {
        for (const { file } of needless) rmSync(file);
      });
      this.#takeMark(position.end.last);
    } catch (error) {
      throw explainError(this.file, error, "reading it");
    }
    return { ...position, segments };
  }

  /**
   * Folds the next segment into rows and removes it, in steps of a millisecond or two; those that sync take some more. A
   * crash in the middle leaves rows that are newer than what is said to be folded; replaying the entries over them, which
   * are all still there, comes to the same.
   */
  *fold(segment: Segment): Generator<void, void> {
    try {
      const writes = new Map<string, StoredWrite>();
      let position = this.#folded;
      let size = 0;
      for (const read of this.#unfolded(segment, position)) {
        for (const write of read.writes) writes.set(`${write.table.length}:${write.table}${write.key}`, write);
        position = read.position;
        size += read.bytes;
        if (size < STEP_BYTES) continue;
        size = 0;
        yield;
      }
      const { end, revision, schemaVersion } = position;
      // In the order of keys, neighbours share pages.
      const ordered = [...writes.values()].sort((a, b) => compare(a.table, b.table) || compare(a.key, b.key));
      for (let step = 0; step * STEP_RECORDS < ordered.length; step++) {
        yield;
        if (step > 0 && step % STEPS_TO_SYNC === 0) {
          this.#makeRowsDurable();
          yield;
        }
        const some = ordered.slice(step * STEP_RECORDS, (step + 1) * STEP_RECORDS);
        this.#inTransaction(() => ({ ...this.#writeRows(this.#meta, some), folding: end.last }));
      }
      yield;
      this.#inTransaction(() => {
        const { rows, digest } = this.#meta;
        return { folded: end.last, foldedChecksum: end.checksum, revision, schemaVersion, rows, digest };
      });
      yield;
      this.#makeRowsDurable();
      rmSync(segment.file, { force: true });
    } catch (error) {
      throw explainError(this.file, error, "folding entries into rows");
    }
  }

  close(): void {
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

  get #folded(): Position {
    const { folded, foldedChecksum, revision, schemaVersion } = this.#meta;
    return { revision, schemaVersion, end: { last: folded, checksum: foldedChecksum } };
  }

  /** What the entries of a segment write that are not folded, where `before` holds after the segments before it. */
  *#unfolded(segment: Segment, before: Position) {
    const { folded } = this.#meta;
    const { end } = before;
    let { schemaVersion } = before;
    if (segment.first > end.last + 1)
      throw this.#damaged(`the entries ${end.last + 1} to ${segment.first - 1} are missing`);
    // Each start begins where the log ended, so only what is folded may be there twice.
    if (segment.first <= end.last && end.last > folded) throw this.#damaged(`${segment.file} begins too early`);
    let checksum = end.checksum;
    for (const { sequence, previous, body, ...read } of readSegment(this.file, segment)) {
      if (sequence > folded) {
        if (previous !== checksum) throw this.#damaged(`${segment.file} belongs to another life of this store`);
        const entry = decodeEntry(body);
        schemaVersion = entry.schemaVersion ?? schemaVersion;
        const position = { revision: entry.revision, schemaVersion, end: { last: sequence, checksum: read.checksum } };
        yield { writes: entry.writes, bytes: body.length, position };
      }
      checksum = read.checksum;
    }
  }

  /** Sees to it that nothing is missing that was acknowledged, or that rows have in part. */
  #refuseIfCut(last: number): void {
    if (last < (this.#meta.folding ?? 0))
      throw this.#damaged(`it ends at entry ${last}, and rows have some of what follows, up to ${this.#meta.folding}`);
    const acknowledged = this.#mark?.sequence ?? 0;
    if (acknowledged > last)
      throw new StoreFileError(
        this.file,
        `it ends at entry ${last}, but ${acknowledged} was acknowledged: its end is damaged, or it is an older copy`,
        `${RESTORE}. To go on without what is missing, remove ${markFile(this.file)}`,
      );
  }

  /** Says who has the file from now on. */
  #takeMark(last: number): void {
    const mark = new WriterMark(markFile(this.file), process.pid);
    mark.write(last);
    mark.close();
  }

  /** Carries out `work`, which says what the meta row is to be afterwards. */
  #inTransaction(work: () => Meta): void {
    this.#database.exec("BEGIN IMMEDIATE");
    try {
      const meta = work();
      writeMeta(this.#statements, meta);
      this.#database.exec("COMMIT");
      this.#meta = meta;
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec("ROLLBACK");
      throw error;
    }
  }

  /** Moves SQLite's log into the file, which syncs both. */
  #makeRowsDurable(): void {
    const row = this.#database.prepare("PRAGMA wal_checkpoint(PASSIVE)").get();
    if (row?.busy !== 0 || row.log !== row.checkpointed)
      throw new StoreFileError(
        this.file,
        `SQLite moved ${row?.checkpointed} of ${row?.log} pages of its log into it`,
        "See whether another program has the file open, then start again",
      );
  }

  #writeRows(meta: Meta, writes: readonly StoredWrite[]): Meta {
    let { rows, digest } = meta;
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

  /** Changes nothing before all of it has been checked. */
  #takeOverFirstFormat(): void {
    const [segment] = listSegments(this.file);
    if (segment !== undefined)
      throw new StoreFileError(
        this.file,
        `it was written by an earlier release, and ${segment.file} is of a later life of the store`,
        "Remove the files beside it whose names go on with -log-, or put back what belongs to them",
      );
    for (const _ of this.#rows()); // their checksums
    const entries = [...earlierEntries(this.#database, this.file, this.#meta.folded)];
    this.#refuseIfCut(entries.at(-1)?.sequence ?? this.#meta.folded);
    this.#inTransaction(() => {
      let meta: Meta = { ...this.#meta, foldedChecksum: 0 };
      for (const { sequence, entry } of entries) {
        const { revision, schemaVersion = meta.schemaVersion } = entry;
        meta = { ...this.#writeRows(meta, entry.writes), folded: sequence, revision, schemaVersion };
      }
      removeEarlierEntries(this.#database);
      this.#database.exec(`PRAGMA user_version = ${FILE_FORMAT}`);
      return meta;
    });
    this.#makeRowsDurable();
  }

  #readMeta(): Meta {
    const row = this.#statements.meta.get();
    if (typeof row?.body !== "string" || crc32(row.body) !== row.checksum) throw this.#damaged("the meta row");
    return JSON.parse(row.body) as Meta;
  }

  #damaged(what: string): StoreFileError {
    return new StoreFileError(this.file, `it is damaged: ${what}`, RESTORE);
  }
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function rowChecksum({ table, key, json }: StoredWrite): number {
  // The lengths keep a character from moving from the table's name to the key unseen.
  return crc32(json ?? "", crc32(`${table.length}:${table}${key.length}:${key}`));
}

/** What a killed process wrote may be in the system's memory alone. */
function syncSegments(segments: readonly Segment[]): void {
  for (const segment of segments) {
    const descriptor = openSync(segment.file, "r+");
    try {
      fdatasyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
  }
}
