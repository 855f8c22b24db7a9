import assert from "node:assert/strict";
import { test } from "node:test";
import { computedDesiredCount, type TaskSetRecord } from "../model/task-set.ts";
import { taskSetArn } from "../wire/arn.ts";
import { newDeployment } from "./new-deployment.ts";
import { SimulatedService, testService } from "./testing.ts";

function taskSet(digits: string, over: Partial<TaskSetRecord> = {}): TaskSetRecord {
  const id = `ecs-svc/${digits}`;
  const scope = { region: "us-east-1", accountId: "000000000000" };
  return {
    arn: taskSetArn(scope, { clusterName: "default", serviceName: "web", taskSetId: id }),
    status: "ACTIVE",
    scalePercent: 100,
    deployment: { ...newDeployment(id, testService(), 0), rolloutState: "COMPLETED" },
    stabilityStatus: "STABILIZING",
    stabilityStatusAt: 0,
    tags: {},
    createdAt: 0,
    updatedAt: 0,
    ...over,
  };
}

function steered(...taskSets: TaskSetRecord[]): SimulatedService {
  const sim = new SimulatedService({ desiredCount: 4, deploymentController: "EXTERNAL" });
  sim.service = { ...sim.service, deployments: [], taskSets };
  sim.settle();
  return sim;
}

const counts = (sim: SimulatedService) =>
  (sim.service.taskSets ?? []).map((set) => sim.wanted.filter((t) => t.deploymentId === set.deployment.id).length);
const stability = (sim: SimulatedService) => (sim.service.taskSets ?? []).map((set) => set.stabilityStatus);
const change = (sim: SimulatedService, index: number, over: Partial<TaskSetRecord>) => {
  const taskSets = (sim.service.taskSets ?? []).map((set, i) => (i === index ? { ...set, ...over } : set));
  sim.service = { ...sim.service, taskSets };
};

test("[DP26] a set's share of the service is rounded up, and none when it is being deleted", () => {
  const share = (desired: number, scalePercent: number) =>
    computedDesiredCount(desired, { status: "ACTIVE", scalePercent });
  assert.deepEqual([share(3, 50), share(3, 0), share(3, 0.1), share(10, 100), share(0, 50)], [2, 0, 1, 10, 0]);
  assert.equal(computedDesiredCount(3, { status: "DRAINING", scalePercent: 100 }), 0);
});

test("[DP26] [DP27] each set gets its own tasks, follows its scale, and is stable when they run", () => {
  const sim = steered(taskSet("1"), taskSet("2", { scalePercent: 30 }));
  assert.deepEqual(
    [counts(sim), stability(sim)],
    [
      [4, 2],
      ["STABILIZING", "STABILIZING"],
    ],
  );
  sim.agentsCatchUp();
  sim.settle();
  assert.deepEqual(stability(sim), ["STEADY_STATE", "STEADY_STATE"]);
  sim.now += 50_000;
  change(sim, 0, { scalePercent: 50 });
  sim.settle();
  assert.deepEqual(
    [counts(sim), stability(sim)],
    [
      [2, 2],
      ["STABILIZING", "STEADY_STATE"],
    ],
  );
  sim.agentsCatchUp();
  sim.settle();
  assert.deepEqual(stability(sim), ["STEADY_STATE", "STEADY_STATE"]);
  assert.equal(sim.service.taskSets?.[0]?.stabilityStatusAt, sim.now);
  assert.deepEqual(sim.events, ["has reached a steady state.", "has reached a steady state."]);
});

test("[DP26] a set's unhealthy and crashed tasks are replaced in that set, healthy before the old one goes", () => {
  const sim = steered(taskSet("1"), taskSet("2"));
  sim.agentsCatchUp();
  sim.now += 50_000;
  sim.settle();
  const [sick, dead] = sim.wanted.filter((t) => t.deploymentId === "ecs-svc/1");
  sim.change(sick!, { healthStatus: "UNHEALTHY" });
  sim.crash(dead!);
  sim.settleTelling();
  assert.deepEqual(
    [counts(sim), stability(sim)],
    [
      [5, 4],
      ["STABILIZING", "STEADY_STATE"],
    ],
  );
  sim.agentsCatchUp();
  sim.now += 40_000;
  sim.settleTelling();
  assert.deepEqual(counts(sim), [4, 4]);
  assert.ok(!sim.wanted.some((t) => t.arn === sick?.arn));
});

test("[DP26] starts that fail are paced for their set alone", () => {
  const sim = steered(taskSet("1", { scalePercent: 25 }), taskSet("2", { scalePercent: 25 }));
  sim.crash(sim.wanted.find((t) => t.deploymentId === "ecs-svc/1")!);
  sim.settle();
  assert.deepEqual([counts(sim), sim.lookAgainAt], [[0, 1], sim.now + 1000]);
  assert.equal(sim.service.taskSets?.[0]?.deployment.failedTasks, 1);
  sim.now += 1000;
  sim.settle();
  assert.deepEqual(counts(sim), [1, 1]);
});

test("[DP27] a deleted set stops its tasks and is gone with the last; tasks of no set are stopped", () => {
  const sim = steered(taskSet("1"), taskSet("2"));
  sim.agentsCatchUp();
  sim.settle();
  change(sim, 0, { status: "DRAINING" });
  sim.change(sim.wanted.find((t) => t.deploymentId === "ecs-svc/2")!, { deploymentId: "ecs-svc/9" });
  sim.settle();
  assert.deepEqual([counts(sim), sim.wanted.length], [[0, 4], 4]);
  sim.agentsCatchUp();
  sim.settle();
  assert.deepEqual(
    sim.service.taskSets?.map((set) => set.deployment.id),
    ["ecs-svc/2"],
  );
});

test("[DP19] [DP26] a protected task of a set stays", () => {
  const sim = steered(taskSet("1"));
  sim.agentsCatchUp();
  sim.now += 50_000;
  sim.settle();
  for (const task of sim.wanted) sim.change(task, { protectedUntil: sim.now + 60_000 });
  change(sim, 0, { scalePercent: 0 });
  sim.settleTelling();
  assert.deepEqual([counts(sim), sim.lookAgainAt], [[4], sim.now + 60_000]);
  sim.now += 60_000;
  sim.settle();
  assert.deepEqual(counts(sim), [0]);
});

test("[DP27] [DP40] a set whose task ended by itself is stable again when its replacement has run for a while", () => {
  const sim = steered(taskSet("1"));
  sim.agentsCatchUp();
  sim.settle();
  assert.deepEqual(stability(sim), ["STEADY_STATE"]);
  sim.crash(sim.wanted[0]!);
  sim.settle();
  sim.agentsCatchUp();
  sim.settle();
  assert.deepEqual([counts(sim), stability(sim)], [[4], ["STABILIZING"]]);
  sim.now += 40_000;
  sim.settle();
  assert.deepEqual(stability(sim), ["STEADY_STATE"]);
});
