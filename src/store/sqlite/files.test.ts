import assert from "node:assert/strict";
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { crc32 } from "node:zlib";
import { seededRandom } from "../../runtime/random.ts";
import { StoreFileError } from "../errors.ts";
import { openDatabase } from "./driver.ts";
import { encodeEntry, type StoredWrite } from "./entry-codec.ts";
import { EntryLog } from "./entry-log.ts";
import { type LoadedFiles, RecordFile } from "./record-file.ts";
import { listSegments } from "./segment.ts";
import { WriterMark } from "./writer-mark.ts";

const root = mkdtempSync(join(tmpdir(), "berth-files-"));
after(() => rmSync(root, { recursive: true }));
let directories = 0;

function newPath(): string {
  const directory = join(root, String(directories++));
  mkdirSync(directory);
  return join(directory, "berth.db");
}

type State = Record<string, string>;

function apply(state: State, writes: readonly StoredWrite[]): State {
  const next = { ...state };
  for (const { table, key, json } of writes)
    if (json === null) delete next[`${table}/${key}`];
    else next[`${table}/${key}`] = json;
  return next;
}

function loadAll(records: RecordFile): { state: State; loaded: LoadedFiles } {
  let state: State = {};
  const loading = records.load();
  for (;;) {
    const next = loading.next();
    if (next.done === true) return { state, loaded: next.value };
    state = apply(state, next.value);
  }
}

function read(path: string): State {
  const records = new RecordFile(path);
  try {
    return loadAll(records).state;
  } finally {
    records.close();
  }
}

/** Both ends of a store's files, without threads. */
class Files {
  readonly records: RecordFile;
  readonly #log: EntryLog;
  readonly #unfolded: ReturnType<RecordFile["fold"]>[] = [];

  constructor(path: string, segmentBytes?: number) {
    this.records = new RecordFile(path);
    const { loaded } = loadAll(this.records);
    this.#log = new EntryLog(path, loaded.end, segmentBytes);
    this.#unfolded.push(...loaded.segments.map((segment) => this.records.fold(segment)));
  }

  append(revision: number, writes: readonly StoredWrite[], schemaVersion?: number): void {
    const full = this.#log.append(encodeEntry({ revision, schemaVersion, writes }));
    if (full !== undefined) this.#unfolded.push(this.records.fold(full));
  }

  /** Does so many steps of folding, if there are as many. Answers how many it did. */
  fold(steps: number): number {
    let done = 0;
    while (done < steps && this.#unfolded.length > 0) {
      if (this.#unfolded[0]?.next().done === true) this.#unfolded.shift();
      done++;
    }
    return done;
  }

  close(): void {
    this.#log.close();
    this.records.close();
  }
}

/** A start that folds all there is. */
function foldAll(path: string): void {
  const files = new Files(path);
  files.fold(Number.POSITIVE_INFINITY);
  files.close();
}

interface KillPlan {
  readonly entries: number;
  readonly segmentBytes?: number;
  readonly foldSteps?: (entry: number) => number;
}

/** Writes entries, folding some, and copies the files as a kill would leave them. Returns the state after each entry. */
function killedAfter({ entries, segmentBytes, foldSteps }: KillPlan): { path: string; states: readonly State[] } {
  const written = newPath();
  const files = new Files(written, segmentBytes);
  const states: State[] = [{}];
  for (let n = 1; n <= entries; n++) {
    const writes: StoredWrite[] = [
      { table: "a", key: `k${n % 13}`, json: JSON.stringify({ n, pad: "p".repeat((n * 97) % 1500) }) },
      { table: "b", key: `k${n % 5}`, json: n % 3 === 0 ? null : JSON.stringify({ n }) },
    ];
    files.append(n, writes);
    states.push(apply(states[n - 1] as State, writes));
    files.fold(foldSteps?.(n) ?? 0);
  }
  const path = newPath();
  copyTo(written, path);
  files.close();
  return { path, states };
}

/** What the names of a store's files end with. */
function suffixes(path: string): string[] {
  return readdirSync(join(path, ".."))
    .filter((name) => name.startsWith("berth.db"))
    .map((name) => name.slice("berth.db".length))
    .sort();
}

function copyTo(from: string, to: string): void {
  for (const suffix of suffixes(from)) copyFileSync(from + suffix, to + suffix);
}

/** Reads a damaged copy: gives its state, or the error that it was refused with. */
function readCopy(path: string, damage: (copy: string) => void): State | StoreFileError {
  const copy = newPath();
  copyTo(path, copy);
  damage(copy);
  try {
    return read(copy);
  } catch (error) {
    assert.ok(error instanceof StoreFileError, `not a named error: ${(error as Error).stack}`);
    assert.ok(error.message.startsWith(`${copy}: `) && error.remedy.length > 10, error.message);
    return error;
  } finally {
    rmSync(join(copy, ".."), { recursive: true });
  }
}

function flip(file: string, at: number, bit: number): void {
  const bytes = readFileSync(file);
  bytes[at] = (bytes[at] as number) ^ (1 << bit);
  writeFileSync(file, bytes);
}

test("a flipped bit in any file is refused by name, or does not matter; a wrong state is never served", () => {
  const random = seededRandom(20_251);
  const seen = { refused: 0, harmless: 0 };
  const plans: KillPlan[] = [
    // In the log alone; with segments folded and others not; killed half way through folding, with and without a checkpoint.
    { entries: 70 },
    { entries: 70, segmentBytes: 8_000, foldSteps: (n) => (n < 60 ? 1 : 0) },
    { entries: 70, segmentBytes: 25_000, foldSteps: (n) => (n === 70 ? 3 : 0) },
    { entries: 70, segmentBytes: 25_000, foldSteps: (n) => (n === 40 ? 3 : 0) },
  ];
  for (const [i, plan] of plans.entries()) {
    const { path, states } = killedAfter(plan);
    if (i === 3) moveSqliteLogIntoFile(path);
    for (const suffix of suffixes(path).filter((name) => name !== "-writer")) {
      const size = readFileSync(path + suffix).length;
      for (let i = 0; i < (size === 0 ? 0 : 40); i++) {
        const at = Math.floor(random.next() * size);
        const got = readCopy(path, (copy) => flip(copy + suffix, at, i % 8));
        if (got instanceof StoreFileError) seen.refused++;
        else {
          assert.deepEqual(got, states.at(-1), `a wrong state was served: ${suffix} byte ${at} bit ${i % 8}`);
          seen.harmless++;
        }
      }
    }
  }
  assert.ok(seen.refused > 100 && seen.harmless > 5, JSON.stringify(seen));
});

/** Puts what SQLite's log holds into the file too, and leaves that log behind, as after a checkpoint that was killed. */
function moveSqliteLogIntoFile(path: string): void {
  const work = newPath();
  copyTo(path, work);
  const database = openDatabase(work);
  database.exec("PRAGMA wal_checkpoint(PASSIVE)");
  copyFileSync(work, path);
  database.close();
}

test("every flipped byte of a header, in the database or the log, is refused or does not matter", () => {
  const { path, states } = killedAfter({ entries: 12, segmentBytes: 3_000, foldSteps: (n) => n % 2 });
  const last = suffixes(path).findLast((suffix) => suffix.startsWith("-log-")) ?? "";
  for (const [suffix, length] of [
    ["", 100],
    ["-wal", 56],
    [last, 24],
  ] as const)
    for (let at = 0; at < length; at++) {
      const got = readCopy(path, (copy) => {
        if (readFileSync(copy + suffix).length > at) flip(copy + suffix, at, at % 8);
      });
      if (!(got instanceof StoreFileError)) assert.deepEqual(got, states.at(-1), `${suffix} byte ${at}`);
    }
});

test("a file that lost its end is refused, if something acknowledged is missing", () => {
  const { path, states } = killedAfter({ entries: 30, segmentBytes: 9_000, foldSteps: (n) => (n === 20 ? 20 : 0) });
  const random = seededRandom(7);
  let refused = 0;
  for (const suffix of suffixes(path).filter((name) => name !== "-writer")) {
    const size = readFileSync(path + suffix).length;
    for (let i = 0; i < 25; i++) {
      const length = i === 0 ? 0 : Math.floor(random.next() * size);
      const got = readCopy(path, (copy) => truncateSync(copy + suffix, length));
      if (got instanceof StoreFileError) refused++;
      else assert.deepEqual(got, states.at(-1), `${suffix} cut to ${length}`);
    }
  }
  assert.ok(refused > 40, String(refused));
});

test("each file of the log that is missing is noticed", () => {
  const { path } = killedAfter({ entries: 40, segmentBytes: 8_000 });
  const segments = listSegments(path);
  assert.ok(segments.length >= 4, String(segments.length));
  for (const { file } of segments)
    assert.match(
      String(readCopy(path, (copy) => rmSync(file.replace(path, copy)))),
      /the entries \d+ to \d+ are missing|it ends at entry \d+, but 40 was acknowledged/,
    );
});

test("a torn last write of the log, which was never acknowledged, is dropped without complaint, and writing goes on", () => {
  const { path, states } = killedAfter({ entries: 20 });
  // Without the mark, what was written last counts as not acknowledged, as after a loss of power.
  rmSync(`${path}-writer`);
  const segment = `${path}-log-1`;
  const log = readFileSync(segment);
  for (const missing of [1, 100, 600]) {
    const copy = newPath();
    copyTo(path, copy);
    truncateSync(`${copy}-log-1`, log.length - missing);
    const state = read(copy);
    const at = states.findIndex((one) => JSON.stringify(one) === JSON.stringify(state));
    assert.ok(at > 15 && at < 20, `entry ${at}`);
    const files = new Files(copy);
    files.append(100, [{ table: "c", key: "new", json: "{}" }]);
    files.close();
    const after = { ...state, "c/new": "{}" };
    assert.deepEqual(read(copy), after);
    foldAll(copy);
    assert.deepEqual(read(copy), after);
    assert.deepEqual(listSegments(copy), []);
  }
  // But damage further up, with entries after it, is seen without the mark.
  const got = readCopy(path, (copy) => flip(`${copy}-log-1`, log.length >> 1, 0));
  assert.match(String(got), /it is damaged: the entry \d+, at byte \d+ of /);
});

test("rows that are missing are noticed, though those that are left agree with their checksums", () => {
  const { path } = killedAfter({ entries: 40, segmentBytes: 4_000, foldSteps: () => 10 });
  const work = newPath();
  copyTo(path, work);
  const database = openDatabase(work);
  database.exec("DELETE FROM records WHERE tbl = 'a' AND key = 'k1'");
  database.close();
  assert.throws(() => read(work), /the records as a whole/);
});

test("killed after any step of folding, or without power, nothing is lost and what is left is folded later", () => {
  const { states } = killedAfter({ entries: 60 });
  for (let kill = 0; kill <= 40; kill++) {
    const { path } = killedAfter({ entries: 60, segmentBytes: 12_000, foldSteps: (n) => (n === 60 ? kill : 0) });
    const withoutCommits = newPath();
    copyTo(path, withoutCommits);
    rmSync(`${withoutCommits}-wal`); // what SQLite has not synced is gone after a loss of power
    assert.deepEqual(read(withoutCommits), states.at(-1), `after ${kill} steps and a loss of power`);
    assert.deepEqual(read(path), states.at(-1), `after ${kill} steps`);
    foldAll(path);
    assert.deepEqual(listSegments(path), []);
    assert.deepEqual(read(path), states.at(-1), `after ${kill} steps and the others`);
  }
});

test("a full segment is folded in several steps, then removed, and the store is read from rows alone", () => {
  const path = newPath();
  const files = new Files(path, 1000);
  const writes = Array.from({ length: 1000 }, (_, i) => ({ table: "a", key: String(i), json: `{"i":${i}}` }));
  files.append(5, writes, 2);
  assert.equal(files.fold(1), 0, "nothing is folded that may still be added to");
  files.append(6, []);
  assert.equal(listSegments(path).length, 2);
  assert.ok(files.fold(1000) >= 10, "folding 1000 records must take several steps");
  assert.deepEqual(
    listSegments(path).map(({ first }) => first),
    [2],
  );
  files.close();
  const again = new RecordFile(path);
  const { state, loaded } = loadAll(again);
  assert.equal(Object.keys(state).length, 1000);
  const { revision, schemaVersion, end, segments } = loaded;
  assert.deepEqual([revision, schemaVersion, end.last, segments.length], [6, 2, 2, 1]);
  again.close();
});

test("a segment that was folded and not removed is removed at the next start", () => {
  const { path, states } = killedAfter({ entries: 30, segmentBytes: 9_000 });
  const kept = listSegments(path).map(({ file }) => ({ file, bytes: readFileSync(file) }));
  foldAll(path);
  for (const { file, bytes } of kept) writeFileSync(file, bytes);
  assert.deepEqual(read(path), states.at(-1));
  assert.deepEqual(listSegments(path), []);
});

test("a start that removes what it finds folded has made sure that it is durable", () => {
  const { path, states } = killedAfter({ entries: 30 });
  const twin = newPath();
  copyTo(path, twin);
  const whole = new Files(twin);
  const steps = whole.fold(Number.POSITIVE_INFINITY);
  whole.close();
  const folding = new Files(path);
  folding.fold(steps - 1); // all but syncing and removing
  const killed = newPath();
  copyTo(path, killed);
  folding.close();
  const started = new Files(killed);
  assert.deepEqual(listSegments(killed), []);
  const withoutCommits = newPath();
  copyTo(killed, withoutCommits);
  started.close();
  rmSync(`${withoutCommits}-wal`);
  assert.deepEqual(read(withoutCommits), states.at(-1));
});

test("rows that have half of what the log lost are not served, whatever the mark says", () => {
  const path = newPath();
  const files = new Files(path);
  const writes = Array.from({ length: 500 }, (_, i) => ({ table: "a", key: String(i), json: `{"i":${i}}` }));
  files.append(1, []);
  files.append(2, writes);
  files.close();
  const folding = new Files(path);
  folding.fold(3); // one of reading, two of writing
  const killed = newPath();
  copyTo(path, killed);
  folding.close();
  rmSync(`${killed}-writer`);
  truncateSync(`${killed}-log-1`, readFileSync(`${killed}-log-1`).length - 10);
  assert.throws(() => read(killed), /it ends at entry 1, and rows have some of what follows, up to 2/);
});

test("entries of another life of the store, as after an older copy was put back, are not taken for those that follow", () => {
  const older = killedAfter({ entries: 20 }).path;
  const newer = newPath();
  copyTo(older, newer);
  for (const [path, life] of [
    [older, "first"],
    [newer, "second"],
  ] as const) {
    const files = new Files(path);
    for (let n = 21; n <= 25; n++) files.append(n, [{ table: "c", key: String(n), json: `"${life}"` }]);
    files.close();
  }
  // The second life goes on in a third file, which is left beside the first life.
  const files = new Files(newer);
  files.append(26, [{ table: "c", key: "26", json: '"second"' }]);
  files.close();
  copyFileSync(`${newer}-log-26`, `${older}-log-26`);
  assert.throws(() => read(older), /-log-26 belongs to another life of this store/);
});

test("a second writer is refused with the number of the process that has the file", () => {
  const path = newPath();
  const files = new Files(path);
  assert.throws(() => new RecordFile(path), {
    name: "StoreFileError",
    message: new RegExp(`^${path}: it is in use by process ${process.pid}\\. Stop that process`),
  });
  files.close();
  assert.deepEqual(read(path), {});
});

test("a file that is not there to be opened, of another program, or of a newer format is refused by name", () => {
  assert.throws(() => new RecordFile(join(root, "missing", "berth.db")), /it cannot be opened .*directory exists/);
  const text = newPath();
  writeFileSync(
    text,
    "this is not a database, though it is long enough to be taken for one by its size alone ".repeat(50),
  );
  assert.throws(() => new RecordFile(text), /it is damaged .*not a database/);
  const other = newPath();
  const database = openDatabase(other);
  database.exec("CREATE TABLE t (x)");
  database.close();
  assert.throws(() => new RecordFile(other), /it is not a store of Berth/);
  const newer = newPath();
  new RecordFile(newer).close();
  const changed = openDatabase(newer);
  changed.exec("PRAGMA user_version = 99");
  changed.close();
  assert.throws(
    () => new RecordFile(newer),
    /its format is 99, and this release reads 1 and 2\. Start the release that wrote it/,
  );
});

test("a file that vanished while its mark says otherwise is not taken for a new one", () => {
  const { path } = killedAfter({ entries: 5 });
  const got = readCopy(path, (copy) => {
    for (const suffix of suffixes(copy).filter((name) => name !== "-writer")) rmSync(copy + suffix);
  });
  assert.match(String(got), /it ends at entry 0, but 5 was acknowledged/);
});

/** Makes a file as the first form had it: rows up to entry 1, and later entries in a table. */
function firstFormat(later: readonly { readonly sequence: number; readonly checksum?: number }[]): string {
  const path = newPath();
  const files = new Files(path);
  files.append(1, [
    { table: "a", key: "kept", json: '{"n":1}' },
    { table: "a", key: "removed", json: '{"n":1}' },
  ]);
  files.close();
  foldAll(path);
  const database = openDatabase(path);
  database.exec("CREATE TABLE entries (sequence INTEGER PRIMARY KEY, checksum INTEGER NOT NULL, body BLOB NOT NULL)");
  const add = database.prepare("INSERT INTO entries (sequence, body, checksum) VALUES (?, ?, ?)");
  for (const { sequence, checksum } of later) {
    const body = encodeEntry({
      revision: sequence,
      schemaVersion: 7,
      writes: [
        { table: "a", key: `k${sequence}`, json: `{"n":${sequence}}` },
        { table: "a", key: "removed", json: null },
      ],
    });
    add.run(sequence, body, checksum ?? crc32(body, crc32(String(sequence))));
  }
  database.exec("PRAGMA user_version = 1");
  database.close();
  return path;
}

test("a file of the first form is taken over with what its log held, once", () => {
  const path = firstFormat([{ sequence: 2 }, { sequence: 3 }]);
  const state = { "a/kept": '{"n":1}', "a/k2": '{"n":2}', "a/k3": '{"n":3}' };
  for (let opening = 0; opening < 2; opening++) {
    const records = new RecordFile(path);
    const { state: got, loaded } = loadAll(records);
    records.close();
    assert.deepEqual(got, state);
    assert.deepEqual(loaded, { revision: 3, schemaVersion: 7, end: { last: 3, checksum: 0 }, segments: [] });
  }
  const beside = firstFormat([{ sequence: 2 }]);
  copyFileSync(path, `${beside}-log-3`);
  assert.throws(() => new RecordFile(beside), /-log-3 is of a later life of the store\. Remove the files/);
  const cut = firstFormat([{ sequence: 2 }]);
  const mark = new WriterMark(`${cut}-writer`, 1);
  mark.write(3);
  mark.close();
  const before = readFileSync(cut);
  assert.throws(() => new RecordFile(cut), /it ends at entry 2, but 3 was acknowledged/);
  assert.deepEqual(readFileSync(cut), before, "what is refused is left as it is");
  for (const damaged of [[{ sequence: 2 }, { sequence: 4 }], [{ sequence: 2, checksum: 5 }]])
    assert.throws(() => new RecordFile(firstFormat(damaged)), /it is damaged: the entry [23]\. /);
});
