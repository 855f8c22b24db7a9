import assert from "node:assert/strict";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { seededRandom } from "../runtime/random.ts";
import { encodeEntry, type StoredWrite } from "./entry-codec.ts";
import { StoreFileError } from "./errors.ts";
import { openDatabase } from "./sqlite-driver.ts";
import { SqliteFile } from "./sqlite-file.ts";

const root = mkdtempSync(join(tmpdir(), "berth-sqlite-"));
after(() => rmSync(root, { recursive: true }));
let directories = 0;

function newPath(): string {
  const directory = join(root, String(directories++));
  mkdirSync(directory);
  return join(directory, "berth.db");
}

const FILES = ["", "-wal", "-writer"];

type State = Record<string, string>;

function apply(state: State, writes: readonly StoredWrite[]): State {
  const next = { ...state };
  for (const { table, key, json } of writes)
    if (json === null) delete next[`${table}/${key}`];
    else next[`${table}/${key}`] = json;
  return next;
}

function read(path: string): State {
  const file = new SqliteFile(path);
  try {
    let state: State = {};
    for (const writes of file.load()) state = apply(state, writes);
    return state;
  } finally {
    file.close();
  }
}

/** Writes entries, folding some, and copies the files as a kill would leave them. Returns the state after each entry. */
function killedAfter(
  entries: number,
  tidySteps: (entry: number) => number,
  backlogLimit?: number,
): { path: string; states: readonly State[] } {
  const written = newPath();
  const file = new SqliteFile(written, backlogLimit);
  const states: State[] = [{}];
  for (let n = 1; n <= entries; n++) {
    const writes: StoredWrite[] = [
      { table: "a", key: `k${n % 13}`, json: JSON.stringify({ n, pad: "p".repeat((n * 97) % 1500) }) },
      { table: "b", key: `k${n % 5}`, json: n % 3 === 0 ? null : JSON.stringify({ n }) },
    ];
    file.append(encodeEntry({ revision: n, writes }));
    states.push(apply(states[n - 1] as State, writes));
    for (let step = tidySteps(n); step > 0; step--) file.tidyStep();
  }
  const path = newPath();
  copyTo(written, path);
  file.close();
  return { path, states };
}

function copyTo(from: string, to: string): void {
  for (const suffix of FILES) if (existsSync(from + suffix)) copyFileSync(from + suffix, to + suffix);
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

test("a flipped bit in the file or its log is refused by name, or does not matter; a wrong state is never served", () => {
  const random = seededRandom(20_251);
  const seen = { refused: 0, harmless: 0 };
  // Folded in part, so that rows, entries, meta row, free pages and log frames are all there; once with most in the file.
  for (const { tidySteps, backlogLimit } of [
    { tidySteps: (n: number) => (n === 40 ? 1 : 0) },
    { tidySteps: (n: number) => (n < 60 ? 1 : 0) },
    { tidySteps: () => 0, backlogLimit: 20_000 },
  ]) {
    const { path, states } = killedAfter(70, tidySteps, backlogLimit);
    moveLogIntoFile(path);
    for (const suffix of ["", "-wal"]) {
      const size = readFileSync(path + suffix).length;
      for (let i = 0; i < 60; i++) {
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
  assert.ok(seen.refused > 30 && seen.harmless > 5, JSON.stringify(seen));
});

/** Puts what the log holds into the file too, and leaves a log behind, as after a checkpoint that was killed. */
function moveLogIntoFile(path: string): void {
  const work = newPath();
  copyTo(path, work);
  const database = openDatabase(work);
  database.exec("PRAGMA wal_checkpoint(PASSIVE)");
  copyFileSync(work, path);
  database.close();
}

test("every flipped byte of a header, in the file or its log, is refused or does not matter", () => {
  const { path, states } = killedAfter(12, (n) => n % 2);
  for (const [suffix, length] of [
    ["", 100],
    ["-wal", 56],
  ] as const)
    for (let at = 0; at < length; at++) {
      const got = readCopy(path, (copy) => {
        if (readFileSync(copy + suffix).length > at) flip(copy + suffix, at, at % 8);
      });
      if (!(got instanceof StoreFileError)) assert.deepEqual(got, states.at(-1), `${suffix} byte ${at}`);
    }
});

test("a log or a file that lost its end is refused, if something acknowledged is missing", () => {
  const { path, states } = killedAfter(30, (n) => (n === 10 ? 4 : 0));
  const random = seededRandom(7);
  let refused = 0;
  for (const suffix of ["", "-wal"]) {
    const size = readFileSync(path + suffix).length;
    for (let i = 0; i < 25; i++) {
      const length = i === 0 ? 0 : Math.floor(random.next() * size);
      const got = readCopy(path, (copy) => truncateSync(copy + suffix, length));
      if (got instanceof StoreFileError) refused++;
      else assert.deepEqual(got, states.at(-1), `${suffix} cut to ${length}`);
    }
  }
  assert.ok(refused > 20, String(refused));
});

test("a torn last write of the log, which was never acknowledged, is dropped without complaint", () => {
  const { path, states } = killedAfter(20, () => 0);
  // Without the mark, what was written last counts as not acknowledged, as after a loss of power.
  rmSync(`${path}-writer`);
  const log = readFileSync(`${path}-wal`);
  for (const missing of [1, 100, 4000]) {
    const got = readCopy(path, (copy) => truncateSync(`${copy}-wal`, log.length - missing));
    assert.ok(!(got instanceof StoreFileError), String(got));
    assert.ok(states.some((state) => JSON.stringify(state) === JSON.stringify(got)));
  }
  // But damage further up, with transactions after it, is seen without the mark.
  const got = readCopy(path, (copy) => flip(`${copy}-wal`, log.length >> 1, 0));
  assert.match(String(got), /the write-ahead log is damaged at byte/);
});

test("rows that are missing are noticed, though those that are left agree with their checksums", () => {
  const { path } = killedAfter(40, () => 2);
  const work = newPath();
  copyTo(path, work);
  const database = openDatabase(work);
  database.exec("DELETE FROM records WHERE tbl = 'a' AND key = 'k1'");
  database.close();
  assert.throws(() => read(work), /the records as a whole/);
});

test("with many entries waiting, appends fold as much as they add", () => {
  const path = newPath();
  const file = new SqliteFile(path, 100_000);
  let most = 0;
  let state: State = {};
  for (let n = 1; n <= 200; n++) {
    const writes = Array.from({ length: 10 }, (_, i) => ({
      table: "a",
      key: `${n}-${i % 7}`,
      json: `"${"x".repeat(400)}"`,
    }));
    file.append(encodeEntry({ revision: n, writes }));
    state = apply(state, writes);
    most = Math.max(most, file.backlogBytes);
  }
  assert.ok(most > 100_000 && most < 400_000, `${most} bytes`);
  file.close();
  assert.deepEqual(read(path), state);
});

test("a folded file, closed well, is read from rows alone", () => {
  const path = newPath();
  const file = new SqliteFile(path);
  const writes = Array.from({ length: 1000 }, (_, i) => ({ table: "a", key: String(i), json: `{"i":${i}}` }));
  file.append(encodeEntry({ revision: 5, schemaVersion: 2, writes }));
  let steps = 0;
  for (let left = file.backlogBytes; file.tidyStep(); left = file.backlogBytes) {
    assert.ok(file.backlogBytes <= left, "no step leaves more to do");
    steps++;
  }
  assert.ok(steps >= 6, "folding 1000 records must take several steps");
  assert.equal(file.backlogBytes, 0);
  file.close();
  assert.equal(Object.keys(read(path)).length, 1000);
  const again = new SqliteFile(path);
  const loading = again.load();
  let result = loading.next();
  while (result.done !== true) result = loading.next();
  assert.deepEqual(result.value, { revision: 5, schemaVersion: 2 });
  again.close();
});

test("a second writer is refused with the number of the process that has the file", () => {
  const path = newPath();
  const file = new SqliteFile(path);
  assert.throws(() => new SqliteFile(path), {
    name: "StoreFileError",
    message: new RegExp(`^${path}: it is in use by process ${process.pid}\\. Stop that process`),
  });
  file.close();
  assert.deepEqual(read(path), {});
});

test("a file that is not there to be opened, of another program, or of a newer format is refused by name", () => {
  assert.throws(() => new SqliteFile(join(root, "missing", "berth.db")), /it cannot be opened .*directory exists/);
  const text = newPath();
  writeFileSync(
    text,
    "this is not a database, though it is long enough to be taken for one by its size alone ".repeat(50),
  );
  assert.throws(() => new SqliteFile(text), /it is damaged .*not a database/);
  const other = newPath();
  const database = openDatabase(other);
  database.exec("CREATE TABLE t (x)");
  database.close();
  assert.throws(() => new SqliteFile(other), /it is not a store of Berth/);
  const newer = newPath();
  new SqliteFile(newer).close();
  const changed = openDatabase(newer);
  changed.exec("PRAGMA user_version = 99");
  changed.close();
  assert.throws(
    () => new SqliteFile(newer),
    /its format is 99, and this release reads 1\. Start the release that wrote it/,
  );
});

test("a file that vanished while its mark says otherwise is not taken for a new one", () => {
  const { path } = killedAfter(5, () => 0);
  const got = readCopy(path, (copy) => {
    rmSync(copy);
    rmSync(`${copy}-wal`);
  });
  assert.match(String(got), /it ends at entry 0, but 5 was acknowledged/);
});
