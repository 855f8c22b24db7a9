import assert from "node:assert/strict";
import { test } from "node:test";
import type { LifecycleStage } from "../model/traffic-shift.ts";
import { DEPLOYMENT_LIMIT_MS, MINUTE_MS, STAGE_LIMIT_MS, shiftSteps } from "./lifecycle.ts";
import {
  ALTERNATE_GROUP,
  PRIMARY_GROUP,
  PRODUCTION,
  pauseAt,
  ShiftedService,
  shiftedHealthy,
  TEST,
} from "./testing/shifted.ts";
import { weightsOf } from "./traffic.ts";

const HOUR = 60 * MINUTE_MS;

const status = (sim: ShiftedService) => [sim.record.status, sim.shift?.stage];
const counts = (sim: ShiftedService) => sim.service.deployments.map((d) => sim.healthyOf(d).length);

/** Looks one by one, the agents at work between them, and notes the stages that are passed. */
function stagesOf(sim: ShiftedService): readonly LifecycleStage[] {
  const seen: LifecycleStage[] = [];
  for (let i = 0; i < 200; i++) {
    const actions = sim.look();
    sim.agentsCatchUp();
    const stage = sim.shift?.stage;
    if (stage !== undefined && stage !== seen.at(-1)) seen.push(stage);
    if (actions.length === 0 && sim.record.status !== "IN_PROGRESS") return seen;
  }
  return seen;
}

test("[TS1] BLUE_GREEN passes every stage in ECS's order and ends SUCCESSFUL, all traffic on the new revision", () => {
  const sim = shiftedHealthy();
  const blue = sim.primaryId;
  sim.deploy();
  assert.deepEqual(stagesOf(sim), [
    "SCALE_UP",
    "POST_SCALE_UP",
    "TEST_TRAFFIC_SHIFT",
    "POST_TEST_TRAFFIC_SHIFT",
    "PRE_PRODUCTION_TRAFFIC_SHIFT",
    "PRODUCTION_TRAFFIC_SHIFT",
    "POST_PRODUCTION_TRAFFIC_SHIFT",
    "BAKE_TIME",
    "CLEAN_UP",
  ]);
  assert.deepEqual(status(sim), ["SUCCESSFUL", "CLEAN_UP"]);
  assert.equal(sim.share(ALTERNATE_GROUP), 100);
  assert.equal(sim.share(ALTERNATE_GROUP, TEST), 100);
  assert.deepEqual(
    sim.service.deployments.map((d) => [d.rolloutState, d.usesAlternate]),
    [["COMPLETED", true]],
  );
  assert.equal(sim.wanted.filter((t) => t.deploymentId === blue).length, 0);
  assert.ok(sim.events.some((e) => /deployment completed/.test(e)));
});

test("[TS2] each deployment gets the target group that is idle: they take turns", () => {
  const sim = shiftedHealthy();
  for (const group of [ALTERNATE_GROUP, PRIMARY_GROUP, ALTERNATE_GROUP]) {
    sim.deploy();
    sim.run();
    assert.equal(sim.record.status, "SUCCESSFUL");
    assert.equal(sim.share(group), 100);
    assert.deepEqual([...new Set(sim.wanted.flatMap((t) => t.loadBalancers.map((lb) => lb.targetGroupArn)))], [group]);
  }
});

test("[TS3] no traffic goes to the new revision before it has its full count, all healthy", () => {
  const sim = shiftedHealthy();
  const { id } = sim.deploy();
  sim.settle();
  assert.deepEqual(status(sim), ["IN_PROGRESS", "SCALE_UP"]);
  for (const task of sim.wanted.filter((t) => t.deploymentId === id)) sim.sick.add(task.arn);
  sim.service = { ...sim.service, healthCheckGracePeriodSeconds: 600 };
  sim.agentsCatchUp();
  sim.settle();
  assert.deepEqual(status(sim), ["IN_PROGRESS", "SCALE_UP"], "RUNNING is not enough");
  sim.sick.delete([...sim.sick][0]!);
  sim.settle();
  assert.deepEqual(status(sim), ["IN_PROGRESS", "SCALE_UP"], "one of two is not enough");
  assert.equal(sim.share(PRIMARY_GROUP), 100);
  assert.equal(sim.share(PRIMARY_GROUP, TEST), 100);
  sim.sick.clear();
  sim.run();
  assert.equal(sim.record.status, "SUCCESSFUL");
});

test("[TS3] PRE_SCALE_UP starts nothing of the new revision", () => {
  const sim = shiftedHealthy({ hooks: [pauseAt("PRE_SCALE_UP")] });
  sim.deploy();
  sim.run();
  assert.deepEqual(counts(sim), [0, 2]);
  sim.resolvePause();
  sim.run();
  assert.equal(sim.record.status, "SUCCESSFUL");
});

test("[TS4] both revisions keep their full count until CLEAN_UP, replace what is unhealthy and follow desiredCount", () => {
  const sim = shiftedHealthy({ hooks: [pauseAt("POST_PRODUCTION_TRAFFIC_SHIFT")] }, { minimumHealthyPercent: 0 });
  const [blue] = sim.service.deployments;
  const green = sim.deploy();
  sim.run();
  assert.deepEqual(counts(sim), [2, 2]);
  for (const deployment of [blue, green]) {
    sim.sick.add(sim.healthyOf(deployment)[0]!.arn);
    sim.run();
    assert.deepEqual(counts(sim), [2, 2], "a task was not replaced");
  }
  sim.service = { ...sim.service, desiredCount: 3 };
  sim.run();
  assert.deepEqual(counts(sim), [3, 3]);
  assert.deepEqual(
    sim.service.deployments.map((d) => d.desiredCount),
    [3, 3],
  );
  sim.service = { ...sim.service, desiredCount: 1 };
  sim.run();
  assert.deepEqual(counts(sim), [1, 1]);
  sim.draining.add(sim.healthyOf(blue)[0]!.arn);
  sim.run();
  assert.deepEqual(counts(sim), [1, 1], "a draining host waits for the shift");
  assert.equal(sim.wanted.length, 2);
  sim.resolvePause();
  sim.run();
  assert.deepEqual(counts(sim), [1]);
});

test("[TS4] a replacement is started first, whatever minimumHealthyPercent and maximumPercent allow", () => {
  const sim = shiftedHealthy({ hooks: [pauseAt("POST_SCALE_UP")] }, { minimumHealthyPercent: 50, maximumPercent: 100 });
  const [blue] = sim.service.deployments;
  sim.deploy();
  sim.run();
  sim.draining.add(sim.healthyOf(blue)[0]!.arn);
  sim.look();
  assert.deepEqual([sim.wanted.length, sim.healthyOf(blue).length], [5, 2]);
});

test("[TS5] the shares of CANARY and LINEAR are those that were asked for, and always add up", () => {
  const linear = (stepPercent: number) =>
    shiftSteps(
      { strategy: "LINEAR", bakeTimeMinutes: 0, hooks: [], linear: { stepPercent, stepBakeTimeMinutes: 6 } },
      true,
    );
  const canary = (canaryPercent: number, isGradual = true) =>
    shiftSteps(
      { strategy: "CANARY", bakeTimeMinutes: 0, hooks: [], canary: { canaryPercent, canaryBakeTimeMinutes: 6 } },
      isGradual,
    );
  assert.deepEqual(linear(30), [30, 60, 90, 100]);
  assert.deepEqual(linear(50), [50, 100]);
  assert.deepEqual(linear(33.4), [33.4, 66.8, 100]);
  assert.deepEqual(linear(100), [100]);
  assert.equal(linear(3).length, 34);
  assert.deepEqual(linear(3.3).slice(0, 3), [3.3, 6.6, 9.9]);
  assert.deepEqual(canary(10), [10, 100]);
  assert.deepEqual(canary(100), [100]);
  assert.deepEqual(canary(10, false), [100], "with nothing to shift from");
  assert.deepEqual(weightsOf(10), { mine: 10, others: 90 });
  assert.deepEqual(weightsOf(0.1), { mine: 1, others: 999 });
  assert.deepEqual(weightsOf(33.4), { mine: 334, others: 666 });
  assert.deepEqual(weightsOf(0), { mine: 0, others: 100 });
});

test("[TS5] a rule that was changed by hand in the middle of a shift is put right", () => {
  const sim = shiftedHealthy({ hooks: [pauseAt("PRE_PRODUCTION_TRAFFIC_SHIFT")] });
  sim.deploy();
  sim.run();
  for (const [primary, alternate] of [
    [0, 1],
    [100, 7],
    [7, 0],
  ] as const) {
    sim.rules.set(
      PRODUCTION,
      new Map([
        [PRIMARY_GROUP, primary],
        [ALTERNATE_GROUP, alternate],
      ]),
    );
    sim.run();
    assert.deepEqual(
      [...(sim.rules.get(PRODUCTION) ?? [])],
      [
        [PRIMARY_GROUP, 100],
        [ALTERNATE_GROUP, 0],
      ],
    );
  }
});

test("[TS6] LINEAR takes each step after its bake time, and none after the last", () => {
  const sim = shiftedHealthy({ strategy: "LINEAR", linear: { stepPercent: 40, stepBakeTimeMinutes: 6 } });
  sim.deploy();
  sim.run();
  for (const share of [40, 80]) {
    assert.equal(sim.share(ALTERNATE_GROUP), share);
    assert.deepEqual(status(sim), ["IN_PROGRESS", "PRODUCTION_TRAFFIC_SHIFT"]);
    assert.equal(sim.lookAgainAt, sim.now + 6 * MINUTE_MS);
    sim.now += 6 * MINUTE_MS - 1;
    sim.run();
    assert.equal(sim.share(ALTERNATE_GROUP), share, "too early");
    sim.now += 1;
    sim.run();
  }
  assert.equal(sim.share(ALTERNATE_GROUP), 100);
  assert.equal(sim.record.status, "SUCCESSFUL");
});

test("[TS7] after the last step both revisions are there for the bake time", () => {
  const sim = shiftedHealthy({ bakeTimeMinutes: 5 });
  sim.deploy();
  sim.run();
  assert.deepEqual(status(sim), ["IN_PROGRESS", "BAKE_TIME"]);
  assert.deepEqual(counts(sim), [2, 2]);
  sim.now += 5 * MINUTE_MS - 1;
  sim.run();
  assert.deepEqual(counts(sim), [2, 2]);
  sim.now += 1;
  sim.run();
  assert.deepEqual([sim.record.status, counts(sim)], ["SUCCESSFUL", [2]]);
});

test("[TS8] a revision that is not whole within a day is rolled back, and one that takes longer than 30 days", () => {
  const sim = shiftedHealthy();
  sim.deploy();
  sim.settle();
  sim.now += STAGE_LIMIT_MS - 1;
  sim.settle();
  assert.deepEqual(status(sim), ["IN_PROGRESS", "SCALE_UP"]);
  sim.now += 1;
  sim.settle();
  sim.run();
  assert.equal(sim.record.status, "ROLLBACK_SUCCESSFUL");
  assert.match(sim.record.statusReason ?? "", /in stage SCALE_UP for longer than 24 hours/);

  const slow = shiftedHealthy({ bakeTimeMinutes: 1440, hooks: [pauseAt("POST_SCALE_UP", "POST_TEST_TRAFFIC_SHIFT")] });
  slow.deploy();
  slow.run();
  slow.now += 300 * HOUR;
  slow.service = { ...slow.service, healthCheckGracePeriodSeconds: 3_000_000 };
  const [late] = slow.wanted.filter((t) => t.deploymentId === slow.primaryId);
  slow.sick.add(late!.arn);
  slow.resolvePause();
  slow.run();
  assert.deepEqual(status(slow), ["IN_PROGRESS", "POST_SCALE_UP"], "a pause is no delay of the stage");
  slow.sick.clear();
  slow.run();
  assert.deepEqual(status(slow), ["IN_PROGRESS", "POST_TEST_TRAFFIC_SHIFT"]);
  slow.now += 330 * HOUR;
  slow.resolvePause();
  slow.run();
  assert.deepEqual(status(slow), ["IN_PROGRESS", "BAKE_TIME"]);
  slow.service = { ...slow.service };
  slow.serviceDeployments[1] = { ...slow.record, startedAt: slow.now - DEPLOYMENT_LIMIT_MS };
  slow.run();
  assert.equal(slow.record.status, "ROLLBACK_SUCCESSFUL");
  assert.match(slow.record.statusReason ?? "", /longer than 30 days/);
});

test("[TS9] a rollback gives the earlier revision all traffic in the same look, then takes the new one away", () => {
  for (const stage of ["POST_SCALE_UP", "POST_TEST_TRAFFIC_SHIFT", "PRE_PRODUCTION_TRAFFIC_SHIFT"] as const) {
    const sim = shiftedHealthy({
      strategy: "CANARY",
      canary: { canaryPercent: 10, canaryBakeTimeMinutes: 0 },
      hooks: [pauseAt(stage)],
    });
    const [blue] = sim.service.deployments;
    sim.deploy();
    sim.run();
    if (stage === "PRE_PRODUCTION_TRAFFIC_SHIFT") {
      sim.resolvePause();
      sim.run();
      assert.equal(sim.share(ALTERNATE_GROUP), 10);
    }
    sim.requestRollback();
    sim.look();
    assert.equal(sim.record.status, "ROLLBACK_IN_PROGRESS");
    assert.deepEqual([sim.share(PRIMARY_GROUP), sim.share(PRIMARY_GROUP, TEST)], [100, 100]);
    assert.equal(sim.primaryId, blue?.id);
    assert.equal(sim.healthyOf(blue).length, 2);
    sim.run();
    assert.deepEqual(status(sim), ["ROLLBACK_SUCCESSFUL", stage]);
    assert.deepEqual(
      sim.service.deployments.map((d) => [d.id, d.rolloutState]),
      [[blue?.id, "COMPLETED"]],
    );
    assert.equal(sim.wanted.length, 2);
    assert.ok(sim.record.shift?.hooks.every((run) => run.status !== "AWAITING_ACTION"));
    // The next one goes through: the group is idle again.
    sim.service = { ...sim.service, shift: { ...sim.service.shift!, hooks: [] } };
    sim.deploy();
    sim.run();
    assert.deepEqual([sim.record.status, sim.share(ALTERNATE_GROUP)], ["SUCCESSFUL", 100]);
  }
});

test("[TS9] a tripped circuit breaker rolls a shift back, also without its rollback option", () => {
  const sim = shiftedHealthy({}, { circuitBreaker: { enable: true, rollback: false } });
  const [blue] = sim.service.deployments;
  const { id } = sim.deploy();
  for (let i = 0; i < 20 && sim.primaryId === id; i++) {
    sim.settleTelling();
    for (const task of sim.wanted.filter((t) => t.deploymentId === id)) sim.crash(task);
    sim.settleTelling();
    sim.now = Math.max(sim.now, sim.lookAgainAt ?? 0);
  }
  sim.run();
  assert.deepEqual([sim.primaryId, sim.record.status], [blue?.id, "ROLLBACK_SUCCESSFUL"]);
  assert.equal(sim.record.breaker.status, "TRIGGERED");
});

test("[TS9] a first deployment that is given up keeps the traffic that it has, and the next one takes it over", () => {
  const sim = new ShiftedService({ hooks: [pauseAt("POST_SCALE_UP", "POST_PRODUCTION_TRAFFIC_SHIFT")] });
  sim.run();
  sim.resolvePause();
  sim.run();
  const [first] = sim.service.deployments;
  sim.requestRollback();
  sim.run();
  assert.deepEqual([sim.record.status, sim.green?.rolloutState], ["STOPPED", "FAILED"]);
  assert.deepEqual([sim.share(PRIMARY_GROUP), sim.healthyOf(first).length], [100, 2]);
  const second = sim.deploy({ shift: { ...sim.service.shift!, hooks: [] } });
  assert.equal(second.usesAlternate, true);
  for (let i = 0; i < 100 && sim.record.status !== "SUCCESSFUL"; i++) {
    sim.look();
    if (sim.share(PRIMARY_GROUP) > 0) assert.equal(sim.healthyOf(first).length, 2);
    sim.agentsCatchUp();
  }
  assert.deepEqual([sim.record.status, sim.share(ALTERNATE_GROUP)], ["SUCCESSFUL", 100]);

  const early = new ShiftedService({ hooks: [pauseAt("POST_SCALE_UP")] });
  early.run();
  early.requestRollback();
  early.run();
  assert.equal(early.share(PRIMARY_GROUP), 0, "what was refused before it had traffic gets none");
});

test("[TS10] from CLEAN_UP on a deployment is not rolled back: a request comes too late", () => {
  const sim = shiftedHealthy();
  sim.deploy();
  for (let i = 0; i < 50 && sim.shift?.stage !== "CLEAN_UP"; i++) {
    sim.look();
    sim.agentsCatchUp();
  }
  assert.equal(sim.record.status, "IN_PROGRESS");
  sim.requestRollback();
  sim.run();
  assert.deepEqual([sim.record.status, sim.share(ALTERNATE_GROUP)], ["SUCCESSFUL", 100]);
});

test("[TS11] a revision with traffic and without a healthy task is rolled back at once", () => {
  const sim = shiftedHealthy({
    strategy: "CANARY",
    canary: { canaryPercent: 10, canaryBakeTimeMinutes: 60 },
  });
  const green = sim.deploy();
  sim.run();
  assert.equal(sim.share(ALTERNATE_GROUP), 10);
  const [one, other] = sim.healthyOf(green);
  sim.crash(one!);
  sim.look();
  assert.equal(sim.record.status, "IN_PROGRESS", "one healthy task is left");
  sim.crash(other!);
  sim.look();
  assert.deepEqual([sim.record.status, sim.share(PRIMARY_GROUP)], ["ROLLBACK_IN_PROGRESS", 100]);
  sim.run();
  assert.equal(sim.record.status, "ROLLBACK_SUCCESSFUL");
  assert.match(sim.record.statusReason ?? "", /none of its tasks was healthy/);
});

test("[TS12] an update in the middle of a shift takes its traffic back at once, and begins when its tasks are gone", () => {
  const sim = shiftedHealthy({
    strategy: "CANARY",
    canary: { canaryPercent: 10, canaryBakeTimeMinutes: 60 },
  });
  const [blue] = sim.service.deployments;
  const first = sim.deploy();
  sim.run();
  assert.equal(sim.share(ALTERNATE_GROUP), 10);
  const second = sim.deploy();
  assert.equal(sim.share(PRIMARY_GROUP), 100, "before the next look");
  assert.equal(second.usesAlternate, true, "the group that the first leaves");
  sim.look();
  assert.equal(sim.serviceDeployments[1]?.status, "STOPPED");
  assert.deepEqual(status(sim), ["IN_PROGRESS", "RECONCILE_SERVICE"]);
  assert.equal(sim.healthyOf(blue).length, 2);
  sim.settle();
  assert.equal(sim.wanted.filter((t) => t.deploymentId === first.id).length, 0);
  sim.run();
  assert.equal(sim.share(ALTERNATE_GROUP), 10);
  assert.equal(sim.healthyOf(second).length, 2);
  sim.now += 60 * MINUTE_MS;
  sim.run();
  assert.deepEqual([sim.record.status, sim.share(ALTERNATE_GROUP)], ["SUCCESSFUL", 100]);
});

test("[TS12] an update in CLEAN_UP goes on from the revision that took over", () => {
  const sim = shiftedHealthy();
  const first = sim.deploy();
  for (let i = 0; i < 50 && sim.shift?.stage !== "CLEAN_UP"; i++) {
    sim.look();
    sim.agentsCatchUp();
  }
  const second = sim.deploy();
  assert.equal(second.usesAlternate, false);
  assert.equal(sim.share(ALTERNATE_GROUP), 100);
  for (let i = 0; i < 100 && sim.record.status !== "SUCCESSFUL"; i++) {
    sim.look();
    if (sim.share(ALTERNATE_GROUP) === 100) assert.equal(sim.healthyOf(first).length, 2, "it lost tasks");
    sim.agentsCatchUp();
  }
  assert.deepEqual([sim.record.status, sim.share(PRIMARY_GROUP)], ["SUCCESSFUL", 100]);
});

test("[TS12] a revision that is leaving when the next begins gets no task back, whatever is lost", () => {
  const sim = shiftedHealthy({ bakeTimeMinutes: 5 });
  const [blue] = sim.service.deployments;
  const first = sim.deploy();
  sim.run();
  sim.service = { ...sim.service, desiredCount: 3 };
  sim.settle();
  sim.now += 5 * MINUTE_MS;
  sim.settle();
  assert.equal(sim.shift?.stage, "CLEAN_UP");
  sim.crash(sim.wanted.find((t) => t.deploymentId === first.id)!);
  sim.settle();
  sim.deploy();
  sim.crash(sim.wanted.find((t) => t.deploymentId === blue?.id)!);
  sim.settle();
  assert.deepEqual(
    sim.wanted.filter((t) => t.deploymentId === blue?.id),
    [],
  );
  sim.run();
  sim.now += 5 * MINUTE_MS;
  sim.run();
  assert.equal(sim.record.status, "SUCCESSFUL");
});

test("[TS12] an update in the middle of a rollback keeps the revision that was rolled back to", () => {
  const sim = shiftedHealthy({ bakeTimeMinutes: 60 });
  const [blue] = sim.service.deployments;
  sim.deploy();
  sim.run();
  sim.requestRollback();
  sim.look();
  sim.deploy();
  assert.equal(sim.record.status, "PENDING");
  assert.equal(sim.serviceDeployments[1]?.status, "ROLLBACK_FAILED");
  for (let i = 0; i < 30; i++) {
    sim.look();
    assert.equal(sim.healthyOf(blue).length, 2);
    sim.agentsCatchUp();
  }
  sim.now += 60 * MINUTE_MS;
  sim.run();
  assert.deepEqual([sim.record.status, sim.share(ALTERNATE_GROUP)], ["SUCCESSFUL", 100]);
});

test("[TS13] a first deployment passes the same stages and has all traffic in one step", () => {
  const sim = shiftedHealthy({ strategy: "CANARY", canary: { canaryPercent: 10, canaryBakeTimeMinutes: 60 } });
  assert.equal(sim.share(PRIMARY_GROUP), 100);
  assert.equal(sim.serviceDeployments.length, 1);
  assert.equal(sim.shift?.step, 1);
});

test("[TS2] a deployment that has failed is never taken for the one that has the traffic", () => {
  const sim = new ShiftedService({}, { circuitBreaker: { enable: true, rollback: true } });
  const first = sim.primaryId;
  for (let i = 0; i < 20 && sim.record.status !== "ROLLBACK_FAILED"; i++) {
    sim.settleTelling();
    for (const task of sim.wanted) sim.crash(task);
    sim.settleTelling();
    sim.now = Math.max(sim.now, sim.lookAgainAt ?? 0);
  }
  assert.equal(sim.record.status, "ROLLBACK_FAILED");
  assert.equal(sim.green?.rolloutState, "FAILED");
  assert.equal(sim.deploy().usesAlternate, false);
  sim.run();
  assert.deepEqual([sim.record.status, sim.share(PRIMARY_GROUP)], ["SUCCESSFUL", 100]);
  assert.equal(sim.shift?.source, undefined);
  assert.ok(sim.service.deployments.every((d) => d.id !== first));
});

test("[TS13] a service without load balancers passes the same stages", () => {
  const sim = shiftedHealthy({}, { loadBalancers: [] });
  sim.rules.clear();
  sim.deploy();
  assert.equal(stagesOf(sim).includes("PRODUCTION_TRAFFIC_SHIFT"), false, "healthy without checks takes 40 s");
  sim.now += 40_000;
  sim.run();
  assert.equal(sim.record.status, "SUCCESSFUL");
});

test("[TS14] without its listener rule no deployment goes on, and an event says so", () => {
  const sim = shiftedHealthy();
  sim.rules.delete(PRODUCTION);
  sim.deploy();
  sim.run();
  assert.deepEqual(status(sim), ["IN_PROGRESS", "SCALE_UP"]);
  assert.ok(sim.events.some((e) => e.includes(`no listener rule ${PRODUCTION}`)));
  sim.rules.set(PRODUCTION, new Map([[PRIMARY_GROUP, 1]]));
  sim.run();
  assert.equal(sim.record.status, "SUCCESSFUL");
});

test("a canary of 10 percent that is paused over a weekend continues and completes, or is stopped and rolls back", () => {
  for (const ends of ["SUCCESSFUL", "ROLLBACK_SUCCESSFUL"] as const) {
    const sim = shiftedHealthy(
      {
        strategy: "CANARY",
        canary: { canaryPercent: 10, canaryBakeTimeMinutes: 10 },
        bakeTimeMinutes: 5,
        hooks: [pauseAt("PRE_PRODUCTION_TRAFFIC_SHIFT")],
      },
      { desiredCount: 3 },
    );
    sim.deploy();
    sim.run();
    sim.resolvePause();
    sim.run();
    sim.now += 10 * MINUTE_MS;
    sim.run();
    for (let hour = 0; hour < 62; hour++) {
      sim.now += HOUR;
      sim.run();
      assert.equal(sim.share(ALTERNATE_GROUP), 10);
      assert.deepEqual(counts(sim), [3, 3]);
    }
    if (ends === "SUCCESSFUL") sim.resolvePause();
    else sim.requestRollback();
    sim.look();
    assert.equal(sim.share(ALTERNATE_GROUP), ends === "SUCCESSFUL" ? 100 : 0);
    sim.run();
    sim.now += 5 * MINUTE_MS;
    sim.run();
    assert.deepEqual([sim.record.status, sim.wanted.length], [ends, 3]);
  }
});
