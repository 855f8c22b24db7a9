import assert from "node:assert/strict";
import { test } from "node:test";
import type { Health } from "./health.ts";
import { SimulatedService, testTask } from "./testing.ts";
import { FORGET_CRASHES_AFTER_MS, isSettled, startDelayMs } from "./throttle.ts";

test("[DP12] the wait after failed starts doubles from one second to 27 minutes, in rounds of desiredCount failures", () => {
  const delay = (failures: number, desiredCount: number) => startDelayMs({ failures, crashes: 0 }, desiredCount) / 1000;
  assert.deepEqual(
    [0, 1, 2, 3, 4, 11, 12, 1000].map((n) => delay(n, 1)),
    [0, 1, 2, 4, 8, 1024, 1620, 1620],
  );
  assert.deepEqual(
    [1, 10, 11, 20, 21].map((n) => delay(n, 10)),
    [1, 1, 2, 2, 4],
  );
});

test("[DP13] crashes after RUNNING are replaced at once for three rounds, then after 1 to 10 seconds", () => {
  const delay = (crashes: number) => startDelayMs({ failures: 0, crashes }, 1) / 1000;
  assert.deepEqual([1, 2, 3, 4, 5, 6, 7, 8, 100].map(delay), [0, 0, 0, 1, 2, 4, 8, 10, 10]);
});

test("[DP12] a task that fails to start is tried again after the wait and not before, and the failures are shown", () => {
  const sim = new SimulatedService({ desiredCount: 1 });
  sim.settle();
  for (const [round, waitMs] of [1000, 2000, 4000].entries()) {
    sim.crash(sim.wanted[0]!);
    sim.settleTelling();
    assert.equal(sim.wanted.length, 0);
    assert.equal(sim.lookAgainAt, sim.now + waitMs);
    assert.equal(sim.service.deployments[0]?.failedTasks, round + 1);
    sim.now += waitMs - 1;
    sim.settleTelling();
    assert.equal(sim.wanted.length, 0);
    sim.now += 1;
    sim.settleTelling();
    assert.equal(sim.wanted.length, 1);
  }
  assert.ok(sim.events.some((e) => e.startsWith("is unable to consistently start tasks successfully.")));
});

test("[DP12] a task that reaches RUNNING ends the throttling, and one that is healthy sets failedTasks to 0", () => {
  const sim = new SimulatedService({ desiredCount: 1 });
  sim.settle();
  sim.now = 10;
  sim.crash(sim.wanted[0]!);
  sim.settle();
  sim.now = 2000;
  sim.settle();
  sim.now = 2500;
  sim.agentsCatchUp();
  sim.settle();
  assert.equal(sim.service.deployments[0]?.throttle.failures, 0);
  sim.now += 40_000;
  sim.settle();
  assert.equal(sim.service.deployments[0]?.failedTasks, 0);
});

test("[DP12] a new deployment is not throttled by the failures of the one before", () => {
  const sim = new SimulatedService({ desiredCount: 1 });
  sim.settle();
  for (let i = 0; i < 5; i++) {
    sim.crash(sim.wanted[0]!);
    sim.settleTelling();
    sim.now = sim.lookAgainAt ?? 0;
    sim.settleTelling();
  }
  sim.crash(sim.wanted[0]!);
  sim.settleTelling();
  assert.equal(sim.wanted.length, 0);
  const next = sim.deploy();
  sim.settleTelling();
  assert.deepEqual(
    sim.wanted.map((t) => t.deploymentId),
    [next.id],
  );
});

test("[DP13] a task that ran for long is replaced at once, however often that happens", () => {
  const sim = new SimulatedService({ desiredCount: 1 });
  sim.settle();
  for (let i = 0; i < 10; i++) {
    sim.agentsCatchUp();
    sim.now += 10_000;
    sim.crash(sim.wanted[0]!);
    sim.settle();
    assert.equal(sim.wanted.length, 1);
  }
});

test("[DP13] a crash loop slows down and never stops trying", () => {
  const sim = new SimulatedService({ desiredCount: 1 });
  sim.settle();
  const waits: number[] = [];
  for (let i = 0; i < 10; i++) {
    sim.agentsCatchUp();
    sim.now += 500;
    sim.crash(sim.wanted[0]!);
    sim.settle();
    waits.push(sim.wanted.length > 0 ? 0 : (sim.lookAgainAt ?? Number.NaN) - sim.now);
    if (sim.wanted.length === 0) {
      sim.now = sim.lookAgainAt ?? Number.NaN;
      sim.settle();
    }
  }
  assert.deepEqual(waits, [0, 0, 0, 1000, 2000, 4000, 8000, 10_000, 10_000, 10_000]);
  assert.equal(sim.service.deployments[0]?.throttle.failures, 0, "tasks that reached RUNNING are not failed starts");
});

test("[DP12] a task that was stopped by someone, or lost with its host, is no failure", () => {
  const sim = new SimulatedService({ desiredCount: 1 });
  sim.settle();
  sim.change(sim.wanted[0]!, {
    lastStatus: "STOPPED",
    desiredStatus: "STOPPED",
    stopCode: "UserInitiated",
    stoppedAt: 0,
  });
  sim.settle();
  assert.equal(sim.wanted.length, 1);
  assert.equal(sim.service.deployments[0]?.failedTasks, 0);
});

test("[DP12] while failures hold the new deployment back and the old one's repair finds no room, no look asks for the next at once", () => {
  const sim = new SimulatedService({ desiredCount: 2 });
  sim.settle();
  sim.agentsCatchUp();
  sim.now = 50_000;
  sim.settle();
  const { id } = sim.deploy();
  sim.settle();
  for (const task of sim.wanted) if (task.deploymentId === id) sim.crash(task);
  sim.settleTelling();
  sim.crash(sim.wanted[0]!);
  sim.capacity = 1;
  for (let i = 0; i < 5; i++) sim.look();
  assert.equal(sim.wanted.length, 1);
  assert.equal(sim.lookAgainAt, sim.now + 1000);
});

for (const runMs of [1000, 20_000, 39_000]) {
  test(`[DP14] [DP17] [DP40] tasks that end by themselves every ${runMs / 1000} s make neither a steady service nor a completed deployment`, () => {
    const sim = new SimulatedService({ desiredCount: 2 });
    sim.settle();
    const told = () => sim.events.filter((e) => /steady state|deployment completed/.test(e));
    // One comes up while the other still starts, and so it is never whole before the first exit.
    const step = (ms: number) => {
      sim.now += ms;
      sim.settle();
      sim.agentsCatchUp();
      sim.settle();
    };
    sim.change(sim.wanted[0]!, { lastStatus: "RUNNING", startedAt: sim.now });
    sim.settle();
    for (let round = 0; round < 20; round++) {
      sim.now += runMs;
      for (const task of sim.wanted.filter((t) => t.lastStatus === "RUNNING")) sim.crash(task);
      step(0);
      step(10_000 - 1); // the longest wait after crashes, less than a run of 10 s
      assert.deepEqual(told(), [], `round ${round}`);
    }
    step(10_000);
    step(40_000);
    assert.deepEqual(told(), ["(deployment ecs-svc/1) deployment completed.", "has reached a steady state."]);
    assert.equal(sim.service.deployments[0]?.rolloutState, "COMPLETED");
  });
}

test("[DP40] a task with no check has to run for a while where another has just ended by itself, and one with a check to pass it", () => {
  const states: Readonly<Record<string, Health>> = {
    running: { state: "running", well: true },
    checked: { state: "healthy", well: true },
    unchecked: { state: "running", well: false },
  };
  const settled = (startedAt: number, lastExitAt?: number) =>
    Object.entries(states)
      .filter(([, health]) =>
        isSettled(
          { task: testTask(1, { startedAt }), health },
          { throttle: { failures: 0, crashes: 0, ...(lastExitAt === undefined ? {} : { lastExitAt }) } },
        ),
      )
      .map(([name]) => name);
  assert.deepEqual(settled(1000), ["running", "checked"]);
  assert.deepEqual(settled(1000, 900), ["checked"]);
  assert.deepEqual(settled(900, 1000), ["checked"], "it stood beside the one that ended, and not for long");
  assert.deepEqual(settled(1000 + FORGET_CRASHES_AFTER_MS - 1, 1000), ["checked"]);
  assert.deepEqual(settled(1000 + FORGET_CRASHES_AFTER_MS, 1000), ["running", "checked"]);
});
