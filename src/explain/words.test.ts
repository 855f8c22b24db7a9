import assert from "node:assert/strict";
import { test } from "node:test";
import { ago, counted, countedAre, inTime, listed, quoted, span } from "./words.ts";

for (const [ms, says] of [
  [-5, "0 s"],
  [499, "0 s"],
  [119_000, "119 s"],
  [120_000, "2 min"],
  [7_199_000, "119 min"],
  [7_200_000, "2 h"],
  [172_799_000, "47 h"],
  [172_800_000, "2 d"],
] as const)
  test(`a span of ${ms} ms is ${says}`, () => assert.equal(span(ms), says));

test("moments are told from now, those to come with their time of day", () => {
  assert.equal(ago(1000, 6000), "5 s ago");
  assert.equal(inTime(65_000, 60_000), "in 5 s (00:01:05 UTC)");
});

test("amounts agree with their nouns, and lists are cut where they grow long", () => {
  assert.deepEqual([counted(1, "task"), counted(0, "task"), countedAre(1, "host")], ["1 task", "0 tasks", "1 host is"]);
  assert.deepEqual([listed([]), listed(["a"]), listed(["a", "b", "c"])], ["", "a", "a, b and c"]);
  assert.equal(listed(["a", "b", "c", "d"], 3), "a, b and 2 more");
});

test("what others say is one line, without its full stop, and not endless", () => {
  assert.equal(quoted(" It\nfailed. "), "It failed");
  const long = quoted("x".repeat(500));
  assert.equal(long.length, 300);
  assert.ok(long.endsWith("…"));
});
