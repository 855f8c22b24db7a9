import assert from "node:assert/strict";
import { test } from "node:test";
import { MINUTE_MS } from "./lifecycle.ts";
import {
  ALTERNATE_GROUP,
  PRIMARY_GROUP,
  pauseAt,
  type ShiftedService,
  shiftedHealthy,
  taskAt,
} from "./testing/shifted.ts";

const open = (sim: ShiftedService) => sim.shift?.hooks.filter((r) => r.endedAt === undefined);
const hookTask = (sim: ShiftedService) => [...sim.hookTasks.values()].at(-1);

test("[TS20] a PAUSE hook holds a deployment in its stage until it is continued, and again in the next stage it names", () => {
  const sim = shiftedHealthy({ hooks: [pauseAt("POST_SCALE_UP", "POST_TEST_TRAFFIC_SHIFT")] });
  sim.deploy();
  const ids = new Set<string>();
  for (const stage of ["POST_SCALE_UP", "POST_TEST_TRAFFIC_SHIFT"]) {
    sim.run();
    assert.equal(sim.shift?.stage, stage);
    const [run] = open(sim) ?? [];
    assert.deepEqual([run?.status, run?.expiresAt], ["AWAITING_ACTION", sim.now + 20_160 * MINUTE_MS]);
    assert.match(run?.id ?? "", /^ecs-pause-\d+-\d+$/);
    assert.ok(sim.events.some((e) => e.includes(`is paused at ${stage}`) && e.includes(run?.id ?? "?")));
    ids.add(run?.id ?? "");
    sim.now += 3 * 24 * 60 * MINUTE_MS;
    sim.run();
    assert.equal(sim.shift?.stage, stage);
    sim.resolvePause();
  }
  sim.run();
  assert.deepEqual([sim.record.status, ids.size], ["SUCCESSFUL", 2]);
});

test("[TS20] a hook before the shift of production traffic holds each of its steps", () => {
  const sim = shiftedHealthy({
    strategy: "LINEAR",
    linear: { stepPercent: 50, stepBakeTimeMinutes: 0 },
    hooks: [pauseAt("PRE_PRODUCTION_TRAFFIC_SHIFT")],
  });
  sim.deploy();
  for (const share of [0, 50]) {
    sim.run();
    assert.equal(sim.share(ALTERNATE_GROUP), share);
    sim.resolvePause();
  }
  sim.run();
  assert.equal(sim.record.status, "SUCCESSFUL");
});

test("[TS20] a PAUSE hook that is answered with ROLLBACK rolls back", () => {
  const sim = shiftedHealthy({ hooks: [pauseAt("POST_PRODUCTION_TRAFFIC_SHIFT")] });
  sim.deploy();
  sim.run();
  assert.equal(sim.share(ALTERNATE_GROUP), 100);
  sim.resolvePause("ROLLBACK");
  sim.look();
  assert.equal(sim.share(PRIMARY_GROUP), 100);
  sim.run();
  assert.equal(sim.record.status, "ROLLBACK_SUCCESSFUL");
});

test("[TS21] a hook that is out of time continues or rolls back, as it says", () => {
  for (const timeoutAction of ["CONTINUE", "ROLLBACK"] as const) {
    const sim = shiftedHealthy({ hooks: [{ ...pauseAt("POST_SCALE_UP"), timeoutMinutes: 10, timeoutAction }] });
    sim.deploy();
    sim.run();
    assert.equal(sim.lookAgainAt, sim.now + 10 * MINUTE_MS);
    sim.now += 10 * MINUTE_MS - 1;
    sim.run();
    assert.equal(open(sim)?.length, 1);
    sim.now += 1;
    sim.run();
    assert.equal(sim.record.status, timeoutAction === "CONTINUE" ? "SUCCESSFUL" : "ROLLBACK_SUCCESSFUL");
    assert.equal(sim.record.shift?.hooks[0]?.status, "TIMED_OUT");
  }
});

test("[TS22] the task of a hook runs once for each passage of its stage, and exit code 0 lets the deployment go on", () => {
  const sim = shiftedHealthy({ hooks: [taskAt("PRE_SCALE_UP")] });
  const blue = sim.primaryId;
  sim.deploy();
  sim.run();
  assert.deepEqual([sim.shift?.stage, sim.hookTasks.size, open(sim)?.[0]?.status], ["PRE_SCALE_UP", 1, "IN_PROGRESS"]);
  assert.ok(
    sim.wanted.every((t) => t.deploymentId === blue),
    "the new revision waits for its migration",
  );
  sim.endHook(0);
  sim.run();
  assert.deepEqual([sim.record.status, sim.hookTasks.size], ["SUCCESSFUL", 1]);
  assert.equal(sim.record.shift?.hooks[0]?.status, "SUCCEEDED");
});

test("[TS22] a hook's task that exits with another code stops the deployment, and is the task to tell of", () => {
  const sim = shiftedHealthy({ hooks: [taskAt("POST_SCALE_UP")] });
  sim.deploy();
  sim.run();
  const task = hookTask(sim);
  sim.endHook(3);
  sim.look();
  assert.equal(sim.record.failedTask?.taskArn, task?.arn);
  sim.run();
  assert.equal(sim.record.status, "ROLLBACK_SUCCESSFUL");
  assert.match(
    sim.record.statusReason ?? "",
    /lifecycle hook ecs-task-\d+-1 at POST_SCALE_UP failed: .* exited with code 3/,
  );
  assert.equal(sim.record.breaker.status, "DISABLED", "it was not the circuit breaker");
  assert.ok(sim.events.some((e) => /deployment failed: lifecycle hook/.test(e)));
});

test("[TS22] a hook's task that is stopped by somebody has not succeeded, whatever its exit code", () => {
  const sim = shiftedHealthy({ hooks: [taskAt("POST_SCALE_UP")] });
  sim.deploy();
  sim.run();
  sim.endHook(0);
  const task = hookTask(sim)!;
  sim.hookTasks.set(task.arn, { ...task, stopCode: "UserInitiated" });
  sim.run();
  assert.equal(sim.record.status, "ROLLBACK_SUCCESSFUL");
});

test("[TS23] the task of a hook that is not waited for any more is stopped", () => {
  const begin = () => {
    const sim = shiftedHealthy({
      hooks: [{ ...taskAt("POST_SCALE_UP"), timeoutMinutes: 10, timeoutAction: "CONTINUE" }],
    });
    sim.deploy();
    sim.run();
    assert.equal(hookTask(sim)?.desiredStatus, "RUNNING");
    return sim;
  };
  const ends: Record<string, (sim: ShiftedService) => void> = {
    "a rollback": (sim) => sim.requestRollback(),
    "a newer deployment": (sim) => sim.deploy({ shift: { ...sim.service.shift!, hooks: [] } }),
    "its time": (sim) => {
      sim.now += 10 * MINUTE_MS;
    },
  };
  for (const [what, end] of Object.entries(ends)) {
    const sim = begin();
    end(sim);
    sim.run();
    assert.equal(hookTask(sim)?.desiredStatus, "STOPPED", what);
    assert.equal(sim.hookTasks.size, 1, what);
  }
});

test("[TS24] a stage with several hooks is left when all are resolved, and rolls back for any of them", () => {
  const sim = shiftedHealthy({
    hooks: [pauseAt("POST_SCALE_UP"), taskAt("POST_SCALE_UP"), pauseAt("POST_TEST_TRAFFIC_SHIFT")],
  });
  sim.deploy();
  sim.run();
  assert.equal(open(sim)?.length, 2);
  sim.resolvePause();
  sim.run();
  assert.equal(sim.shift?.stage, "POST_SCALE_UP");
  sim.endHook(0);
  sim.run();
  assert.equal(sim.shift?.stage, "POST_TEST_TRAFFIC_SHIFT");
  sim.resolvePause("ROLLBACK");
  sim.run();
  assert.equal(sim.record.status, "ROLLBACK_SUCCESSFUL");
});
