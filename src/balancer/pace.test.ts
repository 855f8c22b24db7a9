import assert from "node:assert/strict";
import { test } from "node:test";
import { lookPauseMs, reloadPauseMs } from "./pace.ts";

test("a few reloads follow one another at once, and twenty take more than a minute", () => {
  for (const retired of [0, 1, 7]) assert.equal(reloadPauseMs(retired), 0);
  const pauses = Array.from({ length: 20 }, (_, retired) => reloadPauseMs(retired));
  assert.deepEqual(
    pauses,
    pauses.toSorted((a, b) => a - b),
  );
  assert.ok(pauses.reduce((sum, pause) => sum + pause) > 60_000);
  assert.equal(reloadPauseMs(1000), 10_000);
});

for (const [what, close, lookMs, pause] of [
  ["nobody waits and looks are quick", false, 3, 200],
  ["somebody waits", true, 3, 50],
  ["looks take long, whoever waits", true, 150, 300],
] as const)
  test(`the next look waits ${pause} ms when ${what}`, () => assert.equal(lookPauseMs(close, lookMs), pause));
