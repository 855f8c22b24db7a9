import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { rollingLimits } from "./limits.ts";
import { SimulatedService } from "./testing.ts";

const ROLLS_BACK = { enable: true, rollback: true };

/** A service whose first deployment is COMPLETED and healthy. */
function deployed(desiredCount: number, minimumHealthyPercent = 100, maximumPercent = 200): SimulatedService {
  const sim = new SimulatedService({
    desiredCount,
    minimumHealthyPercent,
    maximumPercent,
    circuitBreaker: ROLLS_BACK,
  });
  sim.settle();
  sim.agentsCatchUp();
  sim.now = 100_000;
  sim.settle();
  assert.equal(sim.service.deployments[0]?.rolloutState, "COMPLETED");
  return sim;
}

/** A new version, none of whose tasks ever starts, until it is given up. */
function deployBroken(sim: SimulatedService): string {
  const before = sim.service;
  const { id } = sim.deploy();
  sim.service = {
    ...sim.service,
    taskDefinitionArn: before.taskDefinitionArn.replace(/:1$/, ":2") as typeof before.taskDefinitionArn,
  };
  for (let i = 0; i < 60 && sim.service.deployments.find((d) => d.id === id)?.rolloutState === "IN_PROGRESS"; i++) {
    sim.settleTelling();
    for (const task of sim.wanted.filter((t) => t.deploymentId === id)) sim.crash(task);
    sim.agentsCatchUp();
    sim.settleTelling();
    sim.now = Math.max(sim.now, sim.lookAgainAt ?? 0);
  }
  return id;
}

const listed = (sim: SimulatedService) => sim.service.deployments.map((d) => [d.id, d.status, d.rolloutState]);

test("[DP33] a tripped breaker makes the last completed deployment PRIMARY again, with its id and its definition", () => {
  const sim = deployed(3);
  const definition = sim.service.taskDefinitionArn;
  const { id } = sim.deploy();
  sim.service = { ...sim.service, taskDefinitionArn: "other" as typeof definition };
  sim.settle();
  for (const task of sim.wanted.filter((t) => t.deploymentId === id)) sim.crash(task);
  const old = sim.wanted.map((t) => t.arn);
  sim.look();
  assert.equal(sim.service.deployments[0]?.rolloutState, "IN_PROGRESS");
  assert.equal(
    sim.service.deployments[0]?.rolloutStateReason,
    "ECS deployment circuit breaker: rolling back to deploymentId ecs-svc/1.",
  );
  assert.deepEqual(sim.events.slice(-2), [
    `(deployment ${id}) deployment failed: tasks failed to start.`,
    "rolling back to deployment ecs-svc/1.",
  ]);
  assert.equal(sim.service.taskDefinitionArn, definition);
  sim.settle();
  assert.deepEqual(listed(sim), [["ecs-svc/1", "PRIMARY", "COMPLETED"]]);
  assert.deepEqual(
    sim.wanted.map((t) => t.arn),
    old,
    "no task of the old version was touched",
  );
  assert.deepEqual(sim.events.slice(-2), [
    "(deployment ecs-svc/1) deployment completed.",
    "has reached a steady state.",
  ]);
});

test("[DP33] the failed deployment is ACTIVE and FAILED until its tasks are gone; those that wait are stopped at once", () => {
  const sim = deployed(4, 50, 150);
  const { id } = sim.deploy();
  sim.settle();
  sim.change(sim.wanted.find((t) => t.deploymentId === id)!, { lastStatus: "RUNNING", startedAt: sim.now });
  sim.settle();
  sim.service = {
    ...sim.service,
    circuitBreaker: { ...ROLLS_BACK, thresholdConfiguration: { type: "COUNT", value: 1 } },
  };
  const running = sim.wanted.find((t) => t.deploymentId === id && t.lastStatus === "RUNNING")!;
  sim.change(running, { healthStatus: "UNHEALTHY" });
  sim.crash(sim.wanted.find((t) => t.deploymentId === id && t.lastStatus === "RUNNING")!);
  sim.look();
  const failed = sim.service.deployments.find((d) => d.id === id);
  assert.ok(failed === undefined || (failed.status === "ACTIVE" && failed.rolloutState === "FAILED"));
  assert.ok(!sim.wanted.some((t) => t.deploymentId === id && t.lastStatus === "PENDING"));
});

test("[DP33] a deployment whose every task has gone is still what is rolled back to", () => {
  const sim = deployed(1, 0, 100);
  const id = deployBroken(sim);
  assert.ok(sim.events.includes("rolling back to deployment ecs-svc/1."), sim.events.join("\n"));
  sim.settleTelling();
  assert.equal(sim.wanted[0]?.deploymentId, "ecs-svc/1");
  assert.notEqual(sim.primaryId, id);
});

test("[DP34] without a completed deployment the service stalls", () => {
  const sim = new SimulatedService({ desiredCount: 1, circuitBreaker: ROLLS_BACK });
  sim.settle();
  for (let i = 0; i < 3; i++) {
    sim.crash(sim.wanted[0]!);
    sim.settleTelling();
    sim.now = sim.lookAgainAt ?? sim.now;
    sim.settleTelling();
  }
  assert.deepEqual(listed(sim), [["ecs-svc/1", "PRIMARY", "FAILED"]]);
  assert.equal(sim.wanted.length, 0);
  assert.ok(!sim.events.some((e) => e.includes("rolling back")));
  const { id } = sim.deploy();
  sim.settle();
  assert.deepEqual(
    sim.wanted.map((t) => t.deploymentId),
    [id],
    "a new deployment ends the stall",
  );
});

test("[DP34] what is being rolled back to is no candidate until it is COMPLETED again, and is replaced with care all the same", () => {
  const sim = deployed(2, 50, 100);
  deployBroken(sim);
  // One task of the old version made room for the new one, and its replacement is not RUNNING yet.
  assert.deepEqual(listed(sim)[0], ["ecs-svc/1", "PRIMARY", "IN_PROGRESS"]);
  const third = deployBroken(sim);
  assert.equal(sim.service.deployments[0]?.id, third);
  assert.equal(sim.service.deployments[0]?.rolloutState, "FAILED");
  assert.ok(
    sim.wanted.some((t) => t.deploymentId === "ecs-svc/1" && t.lastStatus === "RUNNING"),
    "tasks that are known to work stay",
  );
});

test("[DP33] without rollback a tripped breaker leaves the old version's tasks and keeps repairing them", () => {
  const sim = deployed(2);
  sim.service = { ...sim.service, circuitBreaker: { enable: true, rollback: false } };
  const id = deployBroken(sim);
  assert.deepEqual(listed(sim), [
    [id, "PRIMARY", "FAILED"],
    ["ecs-svc/1", "ACTIVE", "COMPLETED"],
  ]);
  sim.crash(sim.wanted[0]!);
  sim.settleTelling();
  assert.deepEqual(
    sim.wanted.map((t) => t.deploymentId),
    ["ecs-svc/1", "ecs-svc/1"],
  );
});

test("[DP1] [DP33] however versions fail and whatever else happens, the limits hold and the last good version comes back whole", () => {
  const happening = fc.oneof(
    fc.record({ kind: fc.constant("deploy" as const) }),
    fc.record({ kind: fc.constant("scale" as const), to: fc.integer({ min: 1, max: 5 }) }),
    fc.record({ kind: fc.constant("crash" as const), which: fc.nat(9) }),
    fc.record({ kind: fc.constant("run" as const), which: fc.nat(9) }),
    fc.record({ kind: fc.constant("wait" as const), seconds: fc.constantFrom(1, 20, 40) }),
  );
  const seen = { rollbacks: 0, stalls: 0 };
  fc.assert(
    fc.property(
      fc.array(happening, { maxLength: 12 }),
      fc.integer({ min: 1, max: 4 }),
      fc.constantFrom([100, 200], [50, 100], [0, 100], [50, 150]),
      fc.boolean(),
      (happenings, desiredCount, [min = 0, max = 0], isHasty) => {
        const sim = deployed(desiredCount, min, max);
        for (const what of happenings) {
          const task = "which" in what ? sim.wanted[what.which % Math.max(1, sim.wanted.length)] : undefined;
          if (what.kind === "deploy") sim.deploy();
          if (what.kind === "scale") sim.service = { ...sim.service, desiredCount: what.to };
          // Only versions after the first are broken.
          if (what.kind === "crash" && task !== undefined && task.deploymentId !== "ecs-svc/1") sim.crash(task);
          if (what.kind === "run") sim.agentsCatchUp();
          if (what.kind === "wait") sim.now += what.seconds * 1000;
          sim.settleTelling();
        }
        const { floor, ceiling } = rollingLimits(sim.service);
        if (floor === ceiling) sim.service = { ...sim.service, minimumHealthyPercent: 0 };
        if (isHasty) deployBroken(sim);
        const id = deployBroken(sim);
        const failed = sim.service.deployments.find((d) => d.id === id);
        if (sim.primaryId === id) {
          assert.equal(failed?.rolloutState, "FAILED", "it was neither failed nor rolled back");
          seen.stalls++;
          return;
        }
        seen.rollbacks++;
        for (let i = 0; i < 200 && sim.service.steadyAt === undefined; i++) {
          sim.settleTelling();
          sim.agentsCatchUp();
          sim.settleTelling();
          sim.now = Math.max(sim.now + 1000, sim.lookAgainAt ?? 0);
        }
        assert.ok(sim.wanted.every((t) => t.deploymentId === sim.primaryId && t.lastStatus === "RUNNING"));
        assert.equal(sim.wanted.length, sim.service.desiredCount);
      },
    ),
    { numRuns: 300 },
  );
  assert.ok(seen.rollbacks > 50 && seen.stalls > 3, JSON.stringify(seen));
});
