import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { systemClock } from "../src/runtime/clock.ts";
import { NAMED_SEEDS } from "./named-seeds.ts";
import { type Outcome, simulate } from "./simulation.ts";

/** How long the batch goes on beginning further seeds. */
const BATCH_MS = 60_000;
const BATCH_HOURS = 3;
/** However slow the machine is, so many seeds are tried. */
const LEAST_SEEDS = 6;
const SHOWN_LINES = 60;

/** Fails with the story's end and the command that tells it again. */
function assertKept({ seed, breach, last }: Outcome, hours: number): void {
  if (breach === undefined) return;
  const story = last(SHOWN_LINES).join("\n");
  assert.fail(`${story}\n\n${breach.promise}: ${breach.what}\nreplay: npm run sim -- --seed ${seed} --hours ${hours}`);
}

describe("in simulation", () => {
  test("a seed is one story, however often it is told", async () => {
    const [one, again, other] = [await simulate(4, 1.5), await simulate(4, 1.5), await simulate(5, 1.5)];
    assert.equal(one.hash, again.hash);
    assert.equal(one.events, again.events);
    assert.notEqual(one.hash, other.hash);
    assert.ok(one.changes > 0 && one.starts > 1, `${one.changes} changes, ${one.starts} starts`);
  });

  for (const { seed, hours, found } of NAMED_SEEDS) {
    test(`seed ${seed} finds no more that: ${found}`, async () => assertKept(await simulate(seed, hours), hours));
  }

  test("no promise is broken, whatever goes wrong", async () => {
    const clock = systemClock();
    const began = clock.monotonic();
    let seed = 0;
    let hours = 0;
    let changes = 0;
    while (seed < LEAST_SEEDS || clock.monotonic() - began < BATCH_MS) {
      const outcome = await simulate(++seed, BATCH_HOURS);
      assertKept(outcome, BATCH_HOURS);
      hours += outcome.hours;
      changes += outcome.changes;
    }
    const tookS = (clock.monotonic() - began) / 1000;
    console.log(
      `simulated ${seed} seeds, ${hours.toFixed(0)} virtual hours, ${changes} changes in ${tookS.toFixed(0)} s`,
    );
  });
});
