import assert from "node:assert/strict";
import { test } from "node:test";
import { countByProvider } from "../scheduler/index.ts";
import { SimulatedService } from "./testing.ts";

const STRATEGY = [
  { capacityProvider: "a", weight: 1, base: 2 },
  { capacityProvider: "b", weight: 2, base: 0 },
];

/** A service whose tasks are all healthy. */
function deployed(desiredCount: number): SimulatedService {
  const sim = new SimulatedService({ desiredCount, capacityProviderStrategy: STRATEGY });
  return settled(sim);
}

function settled(sim: SimulatedService): SimulatedService {
  for (let round = 0; round < 6; round++) {
    sim.settleTelling();
    sim.agentsCatchUp();
    sim.now += 41_000;
  }
  sim.settleTelling();
  return sim;
}

const counts = (sim: SimulatedService) => Object.fromEntries(countByProvider(sim.wanted));

test("[DP39] tasks start and stop in the strategy's proportion", () => {
  const sim = deployed(8);
  assert.deepEqual(counts(sim), { a: 4, b: 4 });
  for (const [desiredCount, expected] of [
    [11, { a: 5, b: 6 }],
    [5, { a: 3, b: 2 }],
    [2, { a: 2 }],
    [1, { a: 1 }],
  ] as const) {
    sim.service = { ...sim.service, desiredCount };
    assert.deepEqual(counts(settled(sim)), expected);
  }
});

test("[DP39] a deployment's proportion is its own, whatever earlier ones have", () => {
  const sim = deployed(8);
  sim.service = { ...sim.service, capacityProviderStrategy: STRATEGY.toReversed().map((s) => ({ ...s, base: 0 })) };
  sim.deploy();
  assert.deepEqual(counts(settled(sim)), { b: 6, a: 2 });
});

test("[DP39] the replacement of an unhealthy task starts where that was, and a protected one makes another go", () => {
  const sim = deployed(5);
  const [bad] = sim.wanted.filter((t) => t.capacityProviderName === "a");
  sim.change(bad!, { healthStatus: "UNHEALTHY" });
  sim.settleTelling();
  assert.deepEqual(counts(sim), { a: 4, b: 2 });
  assert.deepEqual(counts(settled(sim)), { a: 3, b: 2 });
  for (const task of sim.wanted) {
    if (task.capacityProviderName === "b") sim.change(task, { protectedUntil: sim.now + 3_600_000 });
  }
  sim.service = { ...sim.service, desiredCount: 4 };
  assert.deepEqual(counts(settled(sim)), { a: 2, b: 2 });
});
