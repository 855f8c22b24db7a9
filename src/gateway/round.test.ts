import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../runtime/manual-clock.ts";
import { Round, VISITS_PER_TURN } from "./round.ts";

test("a round visits each once, not all in one turn, and the next round begins only after it", () => {
  const clock = new ManualClock();
  const visited: number[] = [];
  const round = new Round<number>(clock, (one) => visited.push(one));
  const all = Array.from({ length: VISITS_PER_TURN * 2 + 1 }, (_, i) => i);
  round.begin(all);
  assert.equal(visited.length, VISITS_PER_TURN);
  round.begin(all); // left out
  for (let turns = 0; turns < 10 && clock.next(); turns++);
  assert.deepEqual(visited, all);
  round.begin([7]);
  assert.equal(visited.at(-1), 7);
  round.begin([8]);
  assert.equal(visited.at(-1), 8);
});
