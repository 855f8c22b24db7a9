import assert from "node:assert/strict";
import { test } from "node:test";
import { daemonHealthy, type SimulatedDaemon } from "./testing/daemon.ts";

const starting = (sim: SimulatedDaemon) => sim.tasks.filter((t) => t.lastStatus === "PENDING").length;
const stopping = (sim: SimulatedDaemon) => sim.tasks.filter((t) => t.lastStatus === "STOPPING").length;
const on = (sim: SimulatedDaemon, host: number) =>
  sim.wanted.filter((t) => t.containerInstanceArn === sim.hosts[host]?.instance.arn);

test("[DP20] [DP21] each instance gets one task, one that joins at once, and desiredCount follows", () => {
  const sim = daemonHealthy(2);
  assert.deepEqual([sim.wanted.length, sim.service.desiredCount], [2, 2]);
  sim.join();
  sim.settle();
  assert.equal(on(sim, 2).length, 1);
  assert.deepEqual([sim.service.desiredCount, sim.service.deployments[0]?.desiredCount], [3, 3]);
  assert.equal(sim.service.steadyAt, undefined);
  sim.agentsCatchUp();
  sim.settle();
  assert.notEqual(sim.service.steadyAt, undefined);
});

test("[DP20] an instance that loses an attribute loses its task, even below the minimum; one without a connection is left alone", () => {
  const sim = daemonHealthy(2, 100);
  sim.hosts[0]!.isEligible = false;
  sim.hosts[1]!.instance = { ...sim.hosts[1]!.instance, agentConnected: false };
  sim.settle();
  assert.deepEqual([on(sim, 0).length, on(sim, 1).length, sim.service.desiredCount], [0, 1, 1]);
  sim.crash(on(sim, 1)[0]!);
  sim.settle();
  assert.equal(sim.service.desiredCount, 0, "it gets no other before its agent is back");
});

test("[DP21] on a DRAINING instance the task stays until the others are gone, and counts until then", () => {
  const sim = daemonHealthy(2);
  const host = sim.hosts[0]!;
  host.instance = { ...host.instance, status: "DRAINING" };
  host.hasOthers = true;
  sim.settle();
  assert.deepEqual([on(sim, 0).length, sim.service.desiredCount], [1, 2]);
  assert.notEqual(sim.service.steadyAt, undefined, "nothing is amiss meanwhile");
  host.hasOthers = false;
  sim.settle();
  assert.deepEqual([on(sim, 0).length, sim.service.desiredCount, stopping(sim)], [0, 1, 1]);
});

test("[DP21] a deployment does not wait for a DRAINING instance with tasks of others", () => {
  const sim = daemonHealthy(2);
  const host = sim.hosts[0]!;
  host.instance = { ...host.instance, status: "DRAINING" };
  host.hasOthers = true;
  sim.deploy();
  for (let i = 0; i < 3; i++) {
    sim.settle();
    sim.agentsCatchUp();
  }
  assert.deepEqual(
    sim.service.deployments.map((d) => [d.id, d.rolloutState]),
    [[sim.primaryId, "COMPLETED"]],
  );
  assert.deepEqual([on(sim, 0).length, on(sim, 1).length], [0, 1]);
});

for (const { minimum, first } of [
  { minimum: 0, first: 4 },
  { minimum: 50, first: 2 },
  { minimum: 75, first: 1 },
]) {
  test(`[DP23] at ${minimum} % a deployment stops ${first} of 4 at first, and starts the new ones when those have stopped`, () => {
    const sim = daemonHealthy(4, minimum);
    sim.deploy();
    sim.settle();
    assert.deepEqual([stopping(sim), starting(sim)], [first, 0]);
    sim.agentsCatchUp();
    sim.settle();
    assert.deepEqual([stopping(sim), starting(sim)], [0, first]);
    for (let i = 0; i < 4; i++) {
      sim.agentsCatchUp();
      sim.now += 40_000;
      sim.settle();
      sim.agentsCatchUp();
      sim.settle();
    }
    assert.deepEqual(sim.wanted.map((t) => t.deploymentId).toSorted(), Array(4).fill(sim.primaryId));
  });
}

test("[DP15] [DP23] at 100 % nothing can roll, and an event says so", () => {
  const sim = daemonHealthy(2, 100);
  sim.deploy();
  sim.settleTelling();
  assert.deepEqual([stopping(sim), starting(sim)], [0, 0]);
  assert.ok(sim.events.some((e) => e.startsWith("was unable to stop or start tasks during a deployment")));
});

test("[DP23] while the new version fails to start, instances without a task get the old one back", () => {
  const sim = daemonHealthy(2, 50);
  const old = sim.primaryId;
  sim.deploy();
  sim.settle();
  sim.agentsCatchUp();
  sim.settle();
  const [trial] = sim.wanted.filter((t) => t.deploymentId === sim.primaryId);
  sim.crash(trial!);
  sim.settleTelling();
  assert.deepEqual(
    sim.wanted.map((t) => t.deploymentId),
    [old, old],
  );
  assert.equal(sim.lookAgainAt, sim.now + 1000, "the new version is tried again after its pause");
});

test("[DP23] unhealthy tasks are replaced one at a time", () => {
  const sim = daemonHealthy(3);
  for (const task of sim.wanted) sim.change(task, { healthStatus: "UNHEALTHY" });
  sim.settleTelling();
  assert.equal(stopping(sim), 1);
  sim.agentsCatchUp();
  sim.settleTelling();
  assert.deepEqual([stopping(sim), starting(sim)], [0, 1]);
  sim.agentsCatchUp();
  sim.settleTelling();
  assert.equal(stopping(sim), 0, "its replacement is not healthy yet");
  sim.now += 40_000;
  sim.settleTelling();
  assert.equal(stopping(sim), 1);
});
