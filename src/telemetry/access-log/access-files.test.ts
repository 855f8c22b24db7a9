import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, test } from "node:test";
import { gunzipSync } from "node:zlib";
import { eventually } from "../../../test/rig/eventually.ts";
import { type Clock, systemClock } from "../../runtime/clock.ts";
import { silentLog } from "../../runtime/log.ts";
import { AccessFiles, type AccessFilesOptions } from "./access-files.ts";

const MINUTE = 60_000;
const START = 1_000_000 * 5 * MINUTE;

let dir = "";
afterEach(() => rmSync(dir, { recursive: true, force: true }));

/** A clock that stands where it is put, and whose timers are called by hand. */
function handClock() {
  let now = START;
  const every: (() => void)[] = [];
  const clock: Clock = {
    ...systemClock(),
    now: () => now,
    every: (_ms, fn) => {
      every.push(fn);
      return { cancel: () => every.splice(every.indexOf(fn), 1) };
    },
  };
  return {
    clock,
    pass: (ms: number) => {
      now += ms;
      for (const fn of [...every]) fn();
    },
  };
}

function open(more: Partial<AccessFilesOptions> = {}) {
  dir ||= mkdtempSync(join(tmpdir(), "berth-access-"));
  const { clock, pass } = handClock();
  const files = new AccessFiles({ dir, clock, log: silentLog(), keepMs: 1e12, keepBytes: 1e12, ...more });
  return { files, pass };
}

const names = () =>
  readdirSync(dir, { recursive: true })
    .map(String)
    .filter((name) => name.includes(".log"))
    .sort();
const unzipped = (name: string) => gunzipSync(readFileSync(join(dir, name))).toString();

test("each five minutes have a file of their own, compressed once they are over", async () => {
  dir = "";
  const { files, pass } = open();
  const append = (line: string) => files.append("web", [line], (endAt) => `a/b/${(endAt - START) / MINUTE}.log`);
  append("one");
  pass(1000);
  append("two");
  pass(5 * MINUTE - 1001);
  append("three");
  pass(1);
  append("four");
  await files.stop();
  assert.deepEqual(names(), ["a/b/10.log.gz", "a/b/5.log.gz"]);
  assert.equal(unzipped("a/b/5.log.gz"), "one\ntwo\nthree\n");
  assert.equal(unzipped("a/b/10.log.gz"), "four\n");
});

test("a file without another line is compressed all the same when its time is over", async () => {
  dir = "";
  const { files, pass } = open();
  files.append("web", ["last"], () => "x.log");
  pass(5 * MINUTE);
  await eventually(
    "it is compressed",
    5000,
    () => existsSync(join(dir, "x.log.gz")) && !existsSync(join(dir, "x.log")),
  );
  assert.equal(unzipped("x.log.gz"), "last\n");
  await files.stop();
});

test("what a process that died left is compressed by the next", async () => {
  dir = mkdtempSync(join(tmpdir(), "berth-access-"));
  writeFileSync(join(dir, "old.log"), "line\n");
  writeFileSync(join(dir, "half.log.gz.part"), "x");
  await open().files.stop();
  assert.deepEqual(names(), ["old.log.gz"]);
  assert.equal(unzipped("old.log.gz"), "line\n");
});

test("files are removed by age, and the oldest of too many", async () => {
  dir = mkdtempSync(join(tmpdir(), "berth-access-"));
  for (const [name, ageMinutes] of [
    ["ancient.log.gz", 100],
    ["older.log.gz", 30],
    ["old.log.gz", 20],
    ["new.log.gz", 10],
  ] as const) {
    writeFileSync(join(dir, name), "x".repeat(100));
    const seconds = (START - ageMinutes * MINUTE) / 1000;
    utimesSync(join(dir, name), seconds, seconds);
  }
  await open({ keepMs: 60 * MINUTE, keepBytes: 200 }).files.stop();
  assert.deepEqual(names(), ["new.log.gz", "old.log.gz"]);
});

test("a disk that cannot be written to costs lines and nothing else", async () => {
  dir = mkdtempSync(join(tmpdir(), "berth-access-"));
  writeFileSync(join(dir, "file"), "");
  const { files, pass } = open();
  files.append("web", ["lost"], () => "file/x.log");
  pass(1000);
  files.append("api", ["kept"], () => "y.log");
  await files.stop();
  assert.ok(existsSync(join(dir, "y.log.gz")));
});
