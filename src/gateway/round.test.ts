import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../runtime/manual-clock.ts";
import { LEAST_VISITS, ROUND_MS, Round } from "./round.ts";

function numbers(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
}

test("a round visits each once, not all in one turn, and the next round begins only after it", () => {
  const clock = new ManualClock();
  const visited: number[] = [];
  const round = new Round<number>(clock, (one) => visited.push(one));
  const all = numbers(LEAST_VISITS * 2 + 1);
  round.begin(all);
  assert.equal(visited.length, LEAST_VISITS);
  round.begin(all); // left out
  for (let turns = 0; turns < 10 && clock.next(); turns++);
  assert.deepEqual(visited, all);
  round.begin([7]);
  assert.equal(visited.at(-1), 7);
  round.begin([8]);
  assert.equal(visited.at(-1), 8);
});

test("a round over thousands is spread evenly over its time, also when the process is busy meanwhile", () => {
  let lostMs = 0;
  class BusyClock extends ManualClock {
    override monotonic(): number {
      return super.monotonic() + lostMs;
    }
  }
  const clock = new BusyClock();
  const visited: number[] = [];
  const round = new Round<number>(clock, (one) => visited.push(one));
  const all = numbers(5_000);
  round.begin(all);
  clock.advance(ROUND_MS / 4);
  assert.ok(visited.length > 1_150 && visited.length < 1_350, String(visited.length));
  lostMs = ROUND_MS / 2;
  clock.advance(20);
  assert.ok(visited.length > 3_700 && visited.length < 3_900, String(visited.length));
  clock.advance(ROUND_MS / 4);
  assert.deepEqual(visited, all);
});
