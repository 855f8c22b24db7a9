import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { PLANTED_FAULTS } from "./planted.ts";
import { searchFor } from "./search.ts";

/** Seeds in which a planted fault must be found. */
const SEEDS = 200;

/** A few of different kinds; `npm run sim:planted` tries them all. */
const TRIED = [
  "answers before the answer is on disk",
  "stops one healthy task below the floor",
  "leaves a stopped task's target registered",
  "begins its numbers anew on each connection",
];

describe("planted faults", () => {
  test("each has a place in the source as it is", () => {
    for (const { name, file, find } of PLANTED_FAULTS) {
      const count = readFileSync(join(import.meta.dirname, "../src", file), "utf8").split(find).length - 1;
      assert.equal(count, 1, `"${name}": src/${file} holds its text ${count} times; bring sim/planted.ts up to date`);
    }
    assert.equal(new Set(PLANTED_FAULTS.map((f) => f.name)).size, PLANTED_FAULTS.length);
  });

  for (const name of TRIED) {
    test(`"${name}" is found`, async () => {
      const index = PLANTED_FAULTS.findIndex((f) => f.name === name);
      const search = await searchFor(index, SEEDS);
      assert.ok(search.found !== undefined, `not within ${search.seeds} seeds`);
    });
  }
});
