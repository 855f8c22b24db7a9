import assert from "node:assert/strict";
import { test } from "node:test";
import type { TargetRecord } from "../model/load-balancer.ts";
import { rollingLimits } from "./limits.ts";
import { reconcileService } from "./reconcile.ts";
import { SimulatedService } from "./testing.ts";

test("[DP1] the floor rounds up and the ceiling rounds down", () => {
  const rows = [
    { desired: 4, min: 50, max: 200, floor: 2, ceiling: 8 },
    { desired: 2, min: 75, max: 200, floor: 2, ceiling: 4 },
    { desired: 3, min: 100, max: 125, floor: 3, ceiling: 3 },
    { desired: 1, min: 100, max: 200, floor: 1, ceiling: 2 },
    { desired: 1, min: 0, max: 100, floor: 0, ceiling: 1 },
    { desired: 3, min: 50, max: 150, floor: 2, ceiling: 4 },
    { desired: 7, min: 100, max: 100, floor: 7, ceiling: 7 },
    { desired: 0, min: 100, max: 200, floor: 0, ceiling: 0 },
  ];
  for (const { desired, min, max, floor, ceiling } of rows) {
    const service = { desiredCount: desired, minimumHealthyPercent: min, maximumPercent: max };
    assert.deepEqual(rollingLimits(service), { floor, ceiling });
  }
});

/** A service whose tasks of version 1 are all healthy, at 100 s. */
function deployed(desiredCount: number, minimumHealthyPercent = 100, maximumPercent = 200): SimulatedService {
  const sim = new SimulatedService({ desiredCount, minimumHealthyPercent, maximumPercent });
  sim.settle();
  sim.agentsCatchUp();
  sim.now = 100_000;
  sim.settle();
  assert.equal(sim.healthy().length, desiredCount);
  return sim;
}

const started = (sim: SimulatedService) => sim.tasks.filter((t) => t.lastStatus === "PENDING").length;
const stopping = (sim: SimulatedService) => sim.tasks.filter((t) => t.lastStatus === "STOPPING").length;

test("[DP5] [DP14] a new service starts its tasks at once, completes its deployment and tells that it is steady", () => {
  const sim = new SimulatedService({ desiredCount: 3 });
  sim.settle();
  assert.equal(started(sim), 3);
  assert.equal(sim.service.deployments[0]?.rolloutState, "IN_PROGRESS");
  sim.agentsCatchUp();
  sim.settle();
  assert.deepEqual(sim.events, ["(deployment ecs-svc/1) deployment completed.", "has reached a steady state."]);
  assert.equal(sim.service.deployments[0]?.rolloutState, "COMPLETED");
  assert.equal(sim.service.deployments[0]?.rolloutStateReason, "ECS deployment ecs-svc/1 completed.");
});

test("[DP6] [DP7] at 100..200 % all new tasks start first, and old ones stop only when the new are healthy", () => {
  const sim = deployed(3);
  const id = sim.deploy().id;
  sim.settle();
  assert.equal(started(sim), 3);
  assert.equal(stopping(sim), 0);
  assert.deepEqual(
    sim.service.deployments.map((d) => d.status),
    ["PRIMARY", "ACTIVE"],
  );
  sim.agentsCatchUp();
  sim.now += 39_999;
  sim.settle();
  assert.equal(stopping(sim), 0, "39.999 s after RUNNING the new tasks do not count yet");
  assert.equal(sim.service.deployments[0]?.rolloutState, "IN_PROGRESS", "all tasks are well, but old ones are left");
  assert.equal(sim.lookAgainAt, sim.now + 1);
  sim.now += 1;
  sim.settle();
  assert.equal(stopping(sim), 3);
  assert.ok(sim.wanted.every((t) => t.deploymentId === id));
  assert.deepEqual(
    sim.service.deployments.map((d) => d.rolloutState),
    ["COMPLETED"],
  );
});

test("[DP6] at 50..100 % half of the old tasks stop, and the new ones start when those are gone", () => {
  const sim = deployed(4, 50, 100);
  sim.deploy();
  sim.settle();
  assert.equal(stopping(sim), 2);
  assert.equal(started(sim), 0, "the tasks that are being stopped still take room");
  sim.agentsCatchUp();
  sim.settle();
  assert.equal(started(sim), 2);
  sim.agentsCatchUp();
  sim.now += 40_000;
  sim.settle();
  assert.equal(stopping(sim), 2);
  sim.agentsCatchUp();
  sim.settle();
  sim.agentsCatchUp();
  sim.settle();
  assert.equal(sim.service.deployments.length, 1);
  assert.equal(sim.wanted.length, 4);
});

test("[DP6] at 0..100 % a single task is stopped, and its replacement starts after it has stopped", () => {
  const sim = deployed(1, 0, 100);
  sim.deploy();
  sim.settle();
  assert.deepEqual([stopping(sim), started(sim)], [1, 0]);
  sim.agentsCatchUp();
  sim.settle();
  assert.equal(started(sim), 1);
});

for (const [desired, min, max] of [
  [3, 100, 125],
  [3, 100, 100],
] as const) {
  test(`[DP15] ${desired} tasks at ${min}..${max} % can neither start nor stop, and an event says so once`, () => {
    const sim = deployed(desired, min, max);
    sim.deploy();
    sim.settleTelling();
    assert.deepEqual([stopping(sim), started(sim)], [0, 0]);
    assert.equal(
      sim.events.filter((e) => e.includes("was unable to stop or start tasks during a deployment")).length,
      1,
    );
    sim.service = { ...sim.service, minimumHealthyPercent: 50 };
    sim.settleTelling();
    assert.equal(stopping(sim), 1);
  });
}

test("[DP8] scaling in stops what has not started before what runs, and one deployment stays", () => {
  const sim = deployed(3);
  sim.service = { ...sim.service, desiredCount: 5 };
  sim.settle();
  assert.equal(started(sim), 2);
  sim.service = { ...sim.service, desiredCount: 2 };
  sim.settle();
  assert.equal(sim.wanted.length, 2);
  assert.ok(sim.wanted.every((t) => t.lastStatus === "RUNNING"));
  assert.equal(sim.service.deployments.length, 1);
  assert.equal(sim.service.deployments[0]?.desiredCount, 2);
});

test("[DP9] an unhealthy task stays until its replacement is healthy, when the maximum has room", () => {
  const sim = deployed(2);
  const [sick] = sim.wanted;
  sim.change(sick!, { healthStatus: "UNHEALTHY" });
  sim.settleTelling();
  assert.deepEqual([started(sim), stopping(sim)], [1, 0]);
  assert.ok(sim.events.some((e) => e.endsWith("failed container health checks.")));
  sim.agentsCatchUp();
  sim.now += 40_000;
  sim.settleTelling();
  const stopped = sim.tasks.find((t) => t.lastStatus === "STOPPING");
  assert.equal(stopped?.arn, sick?.arn);
  assert.equal(stopped?.stoppedReason, "Task failed container health checks");
});

test("[DP9] at 100 % maximum unhealthy tasks are stopped one at a time", () => {
  const sim = deployed(3, 50, 100);
  for (const task of sim.wanted.slice(0, 2)) sim.change(task, { healthStatus: "UNHEALTHY" });
  sim.settleTelling();
  assert.equal(stopping(sim), 1);
  assert.equal(sim.wanted.length, 3, "its replacement has been started");
});

test("[DP10] a RUNNING task on a DRAINING instance is replaced first and then stopped; a PENDING one stops at once", () => {
  const sim = deployed(2);
  sim.draining.add(sim.wanted[0]!.arn);
  sim.settle();
  assert.deepEqual([started(sim), stopping(sim)], [1, 0]);
  const pending = sim.wanted.find((t) => t.lastStatus === "PENDING")!;
  sim.draining.add(pending.arn);
  sim.settle();
  assert.deepEqual([started(sim), stopping(sim)], [1, 1]);
  sim.agentsCatchUp();
  sim.now += 40_000;
  sim.settle();
  assert.deepEqual(
    sim.wanted.map((t) => sim.draining.has(t.arn)),
    [false, false],
  );
});

test("[DP11] a deployment that was never completed loses its PENDING tasks when it is superseded", () => {
  const sim = deployed(2);
  sim.deploy();
  sim.settle();
  assert.equal(started(sim), 2);
  const third = sim.deploy();
  sim.settle();
  assert.equal(stopping(sim), 2);
  assert.ok(sim.tasks.filter((t) => t.lastStatus === "PENDING").every((t) => t.deploymentId === third.id));
});

test("[DP11] a lost task of the last completed deployment is replaced while the new one is not healthy", () => {
  const sim = deployed(2);
  sim.deploy();
  sim.settle();
  sim.crash(sim.wanted.find((t) => t.deploymentId === "ecs-svc/1")!);
  sim.settle();
  assert.equal(sim.wanted.filter((t) => t.deploymentId === "ecs-svc/1").length, 2);
  assert.equal(sim.wanted.length, 4);
});

test("[DP11] with room for one task, the floor's repair goes before the new deployment's start", () => {
  const sim = deployed(2, 100, 150);
  const next = sim.deploy();
  sim.settle();
  assert.deepEqual(
    sim.wanted.map((t) => t.deploymentId),
    ["ecs-svc/1", "ecs-svc/1", next.id],
  );
  // Only the old task's place becomes free: the new deployment still lacks one, and so does the old.
  sim.crash(sim.wanted[0]!);
  sim.now += 2000;
  sim.settle();
  assert.equal(sim.wanted.filter((t) => t.deploymentId === "ecs-svc/1").length, 2);
});

test("[DP11] with room to spare, a lost task is replaced even above the floor", () => {
  const sim = deployed(4, 50, 200);
  sim.deploy();
  sim.settle();
  sim.crash(sim.wanted.find((t) => t.deploymentId === "ecs-svc/1")!);
  sim.settle();
  assert.equal(sim.wanted.filter((t) => t.deploymentId === "ecs-svc/1").length, 4);
});

test("[DP1] a task with targets drains before it is STOPPING and takes no room meanwhile", () => {
  const sim = deployed(1, 0, 100);
  sim.deploy();
  const observed = sim.observe();
  const target = { port: 1, state: "healthy", registeredAt: 0 } as TargetRecord;
  const kinds = (targets: readonly TargetRecord[]) =>
    reconcileService({ ...observed, tasks: observed.tasks.map((t) => ({ ...t, targets })) }, sim.now).map(
      (a) => a.kind,
    );
  assert.ok(kinds([target]).includes("stop-task") && kinds([target]).includes("start-tasks"));
  assert.ok(kinds([]).includes("stop-task") && !kinds([]).includes("start-tasks"));
});

test("[DP16] a deleted service stops all it has and is INACTIVE when the last task has stopped", () => {
  const sim = deployed(2);
  sim.service = { ...sim.service, status: "DRAINING", desiredCount: 0 };
  sim.look();
  assert.equal(stopping(sim), 2);
  assert.equal(sim.service.status, "DRAINING");
  sim.agentsCatchUp();
  sim.look();
  sim.look();
  assert.equal(sim.service.status, "INACTIVE");
});

test("[DP6] old tasks that do not count as healthy yet are not stopped to make room below the minimum", () => {
  const sim = new SimulatedService({ desiredCount: 4, minimumHealthyPercent: 50, maximumPercent: 100 });
  sim.settle();
  sim.agentsCatchUp();
  sim.now = 15_000;
  sim.settle();
  sim.deploy();
  sim.settle();
  assert.deepEqual([stopping(sim), started(sim)], [0, 0]);
  sim.now = sim.lookAgainAt ?? 0;
  sim.settle();
  assert.equal(stopping(sim), 2);
});

test("[DP7] several superseded deployments are ACTIVE, newest first, and all go when the PRIMARY is healthy", () => {
  const sim = deployed(2);
  const second = sim.deploy().id;
  sim.settle();
  sim.change(sim.wanted.find((t) => t.deploymentId === second)!, { lastStatus: "RUNNING", startedAt: sim.now });
  sim.now += 40_000;
  sim.settle();
  const third = sim.deploy().id;
  sim.settle();
  assert.deepEqual(
    sim.service.deployments.map((d) => [d.id, d.status]),
    [
      [third, "PRIMARY"],
      [second, "ACTIVE"],
      ["ecs-svc/1", "ACTIVE"],
    ],
  );
  sim.agentsCatchUp();
  sim.settle();
  sim.agentsCatchUp();
  sim.now += 40_000;
  sim.settle();
  assert.deepEqual(
    sim.service.deployments.map((d) => d.id),
    [third],
  );
});

test("[DP17] [DP40] a steady service says so again after six hours, and a crash makes it tell anew when that is over", () => {
  const sim = deployed(1);
  const steady = () => sim.events.filter((e) => e === "has reached a steady state.").length;
  assert.equal(steady(), 1);
  sim.now = sim.lookAgainAt ?? 0;
  assert.equal(sim.now - (sim.service.steadyAt ?? 0), 6 * 3600 * 1000);
  sim.settle();
  assert.equal(steady(), 2);
  sim.crash(sim.wanted[0]!);
  sim.settle();
  assert.equal(sim.service.steadyAt, undefined);
  sim.agentsCatchUp();
  sim.settle();
  assert.deepEqual([steady(), sim.lookAgainAt], [2, sim.now + 40_000]);
  sim.now += 40_000;
  sim.settle();
  assert.equal(steady(), 3);
});
