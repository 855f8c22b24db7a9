import assert from "node:assert/strict";
import { test } from "node:test";
import type { ServiceFacts } from "./facts.ts";
import { explainTaskSets } from "./task-sets.ts";

const set = (digits: string, status: string, stabilityStatus: string) => ({
  status,
  stabilityStatus,
  deployment: { id: `ecs-svc/${digits}`, desiredCount: 2, taskDefinitionArn: "arn:x:task-definition/web:1" },
});

const factsOf = (taskSets: readonly unknown[], running: readonly string[]) =>
  ({
    observed: {
      service: { name: "web", taskSets },
      tasks: running.map((deploymentId) => ({ task: { deploymentId, lastStatus: "RUNNING" } })),
    },
  }) as unknown as ServiceFacts;

test("a service that is steered from outside is explained by its task sets", () => {
  const sets = [set("1", "PRIMARY", "STEADY_STATE"), set("2", "ACTIVE", "STABILIZING")];
  const { state, summary } = explainTaskSets(factsOf(sets, ["ecs-svc/1", "ecs-svc/1", "ecs-svc/2"]));
  assert.equal(state, "MOVING");
  assert.equal(
    summary,
    "Service web is steered from outside and has 2 task sets: ecs-svc/1 (PRIMARY, web:1) runs 2 of 2; ecs-svc/2 (ACTIVE, web:1) runs 1 of 2.",
  );
  assert.equal(explainTaskSets(factsOf(sets.slice(0, 1), [])).state, "WELL");
  assert.match(explainTaskSets(factsOf([], [])).summary, /has 0 task sets\.$/);
});
