import assert from "node:assert/strict";
import { test } from "node:test";
import type { BreakerThreshold, CircuitBreakerSettings } from "../model/service.ts";
import { breakerThreshold } from "./circuit-breaker.ts";
import { SimulatedService } from "./testing.ts";

const ON: CircuitBreakerSettings = { enable: true, rollback: false };

test("[DP30] the threshold is a share of desiredCount within 3 and 200, without bounds, or a count", () => {
  const rows: readonly [number, BreakerThreshold | undefined, number][] = [
    [0, undefined, 3],
    [1, undefined, 3],
    [6, undefined, 3],
    [7, undefined, 4],
    [25, undefined, 13],
    [400, undefined, 200],
    [800, undefined, 200],
    [10, { type: "BOUNDED_PERCENT", value: 100 }, 10],
    [10, { type: "BOUNDED_PERCENT", value: 1 }, 3],
    [10, { type: "UNBOUNDED_PERCENT", value: 1 }, 1],
    [0, { type: "UNBOUNDED_PERCENT", value: 50 }, 1],
    [800, { type: "UNBOUNDED_PERCENT", value: 50 }, 400],
    [800, { type: "COUNT", value: 1 }, 1],
    [1, { type: "COUNT", value: 7 }, 7],
  ];
  for (const [desiredCount, thresholdConfiguration, threshold] of rows) {
    assert.equal(breakerThreshold({ ...ON, thresholdConfiguration }, desiredCount), threshold);
  }
});

/** A service in its first deployment, with its tasks started. */
function starting(desiredCount: number, over: Partial<CircuitBreakerSettings> = {}): SimulatedService {
  const sim = new SimulatedService({ desiredCount, circuitBreaker: { ...ON, ...over } });
  sim.containers = [{ essential: true, checksHealth: true }] as unknown as typeof sim.containers;
  sim.settle();
  return sim;
}

const failures = (sim: SimulatedService) => sim.service.deployments[0]?.breaker?.failures ?? 0;
const state = (sim: SimulatedService) => sim.service.deployments[0]?.rolloutState;

/** Lets the tasks that wait for their delay be started. */
function next(sim: SimulatedService): void {
  sim.settleTelling();
  if (sim.wanted.length === 0) sim.now = sim.lookAgainAt ?? sim.now;
  sim.settleTelling();
}

test("[DP31] [DP32] three tasks in a row that never reach RUNNING fail the deployment, and it launches no more", () => {
  const sim = starting(1);
  for (const count of [1, 2]) {
    sim.crash(sim.wanted[0]!);
    next(sim);
    assert.deepEqual([failures(sim), state(sim), sim.wanted.length], [count, "IN_PROGRESS", 1]);
  }
  sim.crash(sim.wanted[0]!);
  sim.settleTelling();
  assert.deepEqual([failures(sim), state(sim)], [3, "FAILED"]);
  assert.equal(
    sim.service.deployments[0]?.rolloutStateReason,
    "ECS deployment circuit breaker: tasks failed to start.",
  );
  assert.ok(sim.events.includes("(deployment ecs-svc/1) deployment failed: tasks failed to start."));
  sim.now += 24 * 3600 * 1000;
  sim.settle();
  assert.equal(sim.wanted.length, 0, "a failed deployment starts nothing");
  assert.ok(!sim.events.some((e) => e.includes("rolling back")));
});

test("[DP31] without the breaker, or with it off, failures are never counted", () => {
  for (const circuitBreaker of [undefined, { enable: false, rollback: true }]) {
    const sim = new SimulatedService({ desiredCount: 1, circuitBreaker });
    sim.settle();
    for (let i = 0; i < 5; i++) {
      sim.crash(sim.wanted[0]!);
      next(sim);
    }
    assert.deepEqual([failures(sim), state(sim), sim.wanted.length], [0, "IN_PROGRESS", 1]);
  }
});

test("[DP31] once a task of the deployment runs, one that never starts is not counted", () => {
  const sim = starting(2);
  const [first, second] = sim.wanted;
  sim.change(first!, { lastStatus: "RUNNING", startedAt: sim.now });
  sim.settle();
  sim.now += 100;
  sim.crash(second!);
  sim.settleTelling();
  assert.equal(failures(sim), 0);
});

test("[DP31] a task that ran and exited by itself counts until one has been healthy, and not after", () => {
  const sim = starting(2);
  sim.agentsCatchUp();
  sim.now += 20_000;
  sim.crash(sim.wanted[0]!);
  sim.settle();
  assert.equal(failures(sim), 1, "it ran for 20 s and was never healthy");
  sim.change(sim.wanted[0]!, { healthStatus: "HEALTHY" });
  sim.settle();
  assert.equal(failures(sim), 0);
  sim.agentsCatchUp();
  sim.crash(sim.wanted.find((t) => t.startedAt === sim.now)!);
  sim.settle();
  assert.equal(failures(sim), 0);
});

test("[DP31] a container that exited before its task was RUNNING counts as one that ran", () => {
  const sim = starting(2);
  const [first, second] = sim.wanted;
  sim.change(first!, { lastStatus: "RUNNING", startedAt: sim.now });
  sim.settle();
  sim.now += 100;
  sim.crash({ ...second!, containers: [{ exitCode: 1 }] as never });
  sim.settleTelling();
  assert.equal(failures(sim), 1);
});

/** One of the service's tasks fails its health check and is replaced. */
function failHealth(sim: SimulatedService): void {
  const task = sim.wanted.find((t) => t.lastStatus === "RUNNING")!;
  sim.change(task, {
    desiredStatus: "STOPPED",
    lastStatus: "STOPPED",
    stopCode: "ServiceSchedulerInitiated",
    stoppedReason: "Task failed container health checks",
    stoppedAt: sim.now,
  });
  sim.settle();
}

test("[DP31] tasks stopped for bad health count, and a task that becomes healthy resets the count unless told otherwise", () => {
  for (const resetOnHealthyTask of [undefined, true, false]) {
    const sim = starting(2, { resetOnHealthyTask });
    sim.agentsCatchUp();
    sim.settle();
    failHealth(sim);
    sim.agentsCatchUp();
    sim.settle();
    failHealth(sim);
    assert.equal(failures(sim), 2);
    sim.change(sim.wanted.find((t) => t.lastStatus === "RUNNING")!, { healthStatus: "HEALTHY" });
    sim.settle();
    assert.equal(failures(sim), resetOnHealthyTask === false ? 2 : 0);
  }
});

test("[DP31] a task that is stopped for bad health counts when that is decided, and once", () => {
  const sim = starting(2);
  sim.agentsCatchUp();
  sim.settle();
  sim.service = { ...sim.service, maximumPercent: 100, minimumHealthyPercent: 0 };
  for (const task of sim.wanted) sim.change(task, { healthStatus: "UNHEALTHY" });
  sim.look();
  const sick = sim.tasks.find((t) => t.lastStatus === "STOPPING");
  assert.ok(sick !== undefined);
  sim.look();
  assert.equal(failures(sim), 1);
  sim.change(sim.tasks.find((t) => t.arn === sick.arn)!, { lastStatus: "STOPPED", stoppedAt: sim.now });
  sim.settleTelling();
  assert.equal(failures(sim), 1);
});

test("[DP31] a task that stays healthy does not forgive those that fail after it became so", () => {
  const sim = starting(2);
  const [steady] = sim.wanted;
  sim.change(steady!, { lastStatus: "RUNNING", startedAt: sim.now, healthStatus: "HEALTHY" });
  sim.settle();
  for (let i = 0; i < 3; i++) {
    const sick = sim.wanted.find((t) => t.arn !== steady?.arn)!;
    sim.change(sick, {
      desiredStatus: "STOPPED",
      lastStatus: "STOPPED",
      stopCode: "ServiceSchedulerInitiated",
      stoppedReason: "Task failed ELB health checks in (target-group x)",
      startedAt: sim.now - 1,
      stoppedAt: sim.now,
    });
    sim.settle();
  }
  assert.equal(state(sim), "FAILED");
});

test("[DP31] tasks that someone stopped are no failures", () => {
  const sim = starting(1);
  sim.change(sim.wanted[0]!, {
    lastStatus: "STOPPED",
    desiredStatus: "STOPPED",
    stopCode: "UserInitiated",
    stoppedAt: 0,
  });
  sim.settle();
  assert.equal(failures(sim), 0);
});

test("[DP31] a task without a place is a failure every ten seconds, and none once it has one", () => {
  const sim = new SimulatedService({ desiredCount: 2, circuitBreaker: ON });
  sim.capacity = 1;
  sim.look();
  sim.look();
  assert.equal(sim.service.deployments[0]?.unplacedSince, 0);
  for (const count of [1, 2]) {
    assert.equal(sim.lookAgainAt, sim.now + 10_000);
    sim.now += 9_999;
    sim.look();
    assert.equal(failures(sim), count - 1);
    sim.now += 1;
    sim.look();
    assert.equal(failures(sim), count);
  }
  sim.capacity = 2;
  sim.settle();
  assert.equal(sim.service.deployments[0]?.unplacedSince, undefined);
  sim.now += 60_000;
  sim.settle();
  assert.deepEqual([failures(sim), state(sim)], [2, "IN_PROGRESS"]);
});

test("[DP31] a task without a place is no failure while tasks of the service are being stopped, or when it is wanted no more", () => {
  const sim = new SimulatedService({ desiredCount: 1, circuitBreaker: ON });
  sim.settle();
  sim.capacity = 1;
  sim.service = { ...sim.service, desiredCount: 2 };
  sim.look();
  const [one] = sim.tasks;
  sim.change(one!, { desiredStatus: "STOPPED", lastStatus: "STOPPING", stopCode: "UserInitiated" });
  sim.now += 100_000;
  sim.look();
  assert.equal(failures(sim), 0);
  sim.now += 9_000;
  sim.change(one!, { desiredStatus: "STOPPED", lastStatus: "STOPPED", stopCode: "UserInitiated", stoppedAt: sim.now });
  sim.look();
  assert.equal(failures(sim), 0, "its place became free less than a round ago");
  sim.service = { ...sim.service, desiredCount: 1 };
  sim.settle();
  assert.equal(sim.service.deployments[0]?.unplacedSince, undefined);
});

test("[DP31] a lack of places that lasts fails the deployment after three rounds", () => {
  const sim = new SimulatedService({ desiredCount: 1, circuitBreaker: ON });
  sim.capacity = 0;
  for (let i = 0; i < 4; i++) {
    sim.look();
    sim.look();
    sim.now = sim.lookAgainAt ?? sim.now;
  }
  assert.deepEqual([state(sim), sim.now], ["FAILED", 30_000]);
});

test("[DP30] fewer tasks wanted means a lower threshold at once", () => {
  const sim = starting(20);
  for (const task of sim.wanted.slice(0, 4)) sim.crash(task);
  sim.settleTelling();
  assert.equal(state(sim), "IN_PROGRESS");
  sim.service = { ...sim.service, desiredCount: 6 };
  sim.settleTelling();
  assert.equal(state(sim), "FAILED");
});
