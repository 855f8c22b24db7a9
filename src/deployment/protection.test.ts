import assert from "node:assert/strict";
import { test } from "node:test";
import { SimulatedService } from "./testing.ts";

const HOUR_MS = 3_600_000;

/** A service of two whose tasks are all healthy, at 100 s. */
function deployed(over: ConstructorParameters<typeof SimulatedService>[0] = {}): SimulatedService {
  const sim = new SimulatedService({ desiredCount: 2, ...over });
  sim.settle();
  sim.agentsCatchUp();
  sim.now = 100_000;
  sim.settle();
  return sim;
}

const heldMessage = (id: string, count: number) =>
  `was unable to reach steady state because (taskSet ${id}) was unable to scale in due to (reason ${count} tasks under protection)`;

test("[DP19] scaling in takes the tasks that are not protected, and waits for the others with an event", () => {
  const sim = deployed({ desiredCount: 3 });
  const [first, second, third] = sim.wanted;
  for (const task of [first!, third!]) sim.change(task, { protectedUntil: sim.now + HOUR_MS });
  sim.service = { ...sim.service, desiredCount: 1 };
  sim.settleTelling();
  assert.deepEqual(
    sim.wanted.map((t) => t.arn),
    [first!.arn, third!.arn],
  );
  assert.equal(sim.tasks.find((t) => t.arn === second!.arn)?.lastStatus, "STOPPING");
  assert.equal(sim.events.at(-1), heldMessage("ecs-svc/1", 2));
  assert.equal(sim.service.steadyAt, undefined);
  assert.equal(sim.lookAgainAt, sim.now + HOUR_MS, "the end of the protection wakes it");
  sim.now += HOUR_MS;
  sim.settle();
  assert.equal(sim.wanted.length, 1);
});

test("[DP19] a deployment replaces all old tasks but the protected ones, and is complete when those may go", () => {
  const sim = deployed();
  const [kept] = sim.wanted;
  sim.change(kept!, { protectedUntil: sim.now + HOUR_MS });
  sim.deploy();
  sim.settle();
  sim.agentsCatchUp();
  sim.now += 40_000;
  sim.settleTelling();
  assert.deepEqual(
    sim.wanted.filter((t) => t.deploymentId === "ecs-svc/1").map((t) => t.arn),
    [kept!.arn],
  );
  assert.equal(sim.service.deployments[0]?.rolloutState, "IN_PROGRESS");
  assert.ok(sim.events.includes(heldMessage("ecs-svc/1", 1)));
  sim.change(sim.tasks.find((t) => t.arn === kept!.arn)!, { protectedUntil: undefined });
  sim.settle();
  assert.equal(sim.service.deployments[0]?.rolloutState, "COMPLETED");
});

test("[DP19] protection is no help against bad health, a DRAINING instance or the end of the service", () => {
  for (const trouble of ["health", "draining", "deletion"]) {
    const sim = deployed({ minimumHealthyPercent: 0, maximumPercent: 100 });
    const [task] = sim.wanted;
    const shielded = { ...task!, protectedUntil: sim.now + HOUR_MS };
    sim.change(task!, { ...shielded, healthStatus: trouble === "health" ? "UNHEALTHY" : "UNKNOWN" });
    if (trouble === "draining") sim.draining.add(task!.arn);
    if (trouble === "deletion") sim.service = { ...sim.service, status: "DRAINING" };
    sim.settleTelling();
    assert.equal(sim.tasks.find((t) => t.arn === task!.arn)?.desiredStatus, "STOPPED", trouble);
  }
});

test("[DP19] an old task whose place is needed stays while it is protected, and it is not the percentages that are blamed", () => {
  const sim = deployed({ minimumHealthyPercent: 0, maximumPercent: 100 });
  for (const task of sim.wanted) sim.change(task, { protectedUntil: sim.now + HOUR_MS });
  sim.deploy();
  sim.settleTelling();
  assert.equal(sim.tasks.length, 2);
  assert.deepEqual(sim.events.slice(-1), [heldMessage("ecs-svc/1", 2)]);
});
