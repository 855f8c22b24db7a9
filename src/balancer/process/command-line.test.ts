import assert from "node:assert/strict";
import { test } from "node:test";
import { commandLine, isEnding } from "./command-line.ts";

for (const [what, stat, expected] of [
  ["one that runs", "7 (haproxy) S 1 7 7 0 -1 4194560 0 0 0 0 1 1 0 0 20 0 2 0", false],
  ["one that ends", "7 (ha) proxy) R 1 7 7 0 -1 4194564 0 0 0 0 1 1 0 0 20 0 1 0", true],
  ["one whose other threads end", "7 (haproxy) Z 1 7 7 0 -1 4194564 0 0 0 0 1 1 0 0 20 0 2 0", true],
  ["one that is over and waited for", "7 (haproxy) Z 1 7 7 0 -1 4194564 0 0 0 0 1 1 0 0 20 0 1 0", false],
] as const)
  test(`sockets of a process: ${what}`, () => assert.equal(isEnding(stat), expected));

test("a process has a command line, and none has none", async () => {
  assert.match((await commandLine(process.pid)) ?? "", /node/);
  assert.equal(await commandLine(2 ** 22 + 1), undefined);
});
