import assert from "node:assert/strict";
import { test } from "node:test";
import { newDeployment, type ObservedTask } from "../deployment/index.ts";
import type { TaskSetRecord } from "../model/task-set.ts";
import { taskSetArn } from "../wire/arn.ts";
import { explainService } from "./service.ts";
import { definition, member, NOW, serviceFacts } from "./testing.ts";

const SCOPE = { region: "us-east-1", accountId: "000000000000" };
const WISH = { schedulingStrategy: "REPLICA", loadBalancers: [], placementConstraints: [], desiredCount: 2 } as const;

function set(digits: string, status: TaskSetRecord["status"], over: Partial<TaskSetRecord> = {}): TaskSetRecord {
  const deployment = newDeployment(`ecs-svc/${digits}`, { ...WISH, taskDefinitionArn: definition(1).arn }, 0);
  return {
    arn: taskSetArn(SCOPE, { clusterName: "default", serviceName: "web", taskSetId: `ecs-svc/${digits}` }),
    status,
    scalePercent: 100,
    deployment: { ...deployment, rolloutState: "COMPLETED" },
    stabilityStatus: "STEADY_STATE",
    stabilityStatusAt: 0,
    tags: {},
    createdAt: 0,
    updatedAt: 0,
    ...over,
  };
}

const explain = (taskSets: readonly TaskSetRecord[], tasks: readonly ObservedTask[]) =>
  explainService(
    serviceFacts({ deploymentController: "EXTERNAL", desiredCount: 2, deployments: [], taskSets }, tasks),
    NOW,
  );

const first = [member(1), member(2)];

test("a service that is steered from outside is explained by its task sets, and each by what is found about its tasks", () => {
  const second = set("2", "ACTIVE", { stabilityStatus: "STABILIZING" });
  const told = explain([set("1", "PRIMARY"), second], [...first, member(3, { deploymentId: "ecs-svc/2" })]);
  assert.equal(told.state, "MOVING");
  assert.equal(
    told.summary,
    "Service web is steered from outside and has 2 task sets: ecs-svc/1 (PRIMARY, web:1) runs 2 of 2; ecs-svc/2 (ACTIVE, web:1) runs 1 of 2.",
  );
  assert.deepEqual(told.findings, [
    { code: "STARTING", text: "ecs-svc/2: 1 further task is about to be started (web:1)" },
  ]);
});

test("a service that is steered from outside is well when its sets are steady, and not without a PRIMARY", () => {
  assert.equal(explain([set("1", "PRIMARY")], first).state, "WELL");
  assert.equal(explain([set("1", "ACTIVE")], first).state, "MOVING");
  assert.match(explain([], []).summary, /has 0 task sets\.$/);
});

test("a task set whose tasks fit nowhere says so", () => {
  const huge = set("1", "PRIMARY", { scalePercent: 1000 });
  const told = explain([{ ...huge, deployment: { ...huge.deployment, desiredCount: 20 } }], first);
  assert.equal(told.state, "WAITING");
  assert.equal(told.findings[0]?.text, "ecs-svc/1: 10 tasks fit on no host (of 2, 2 lack memory)");
  assert.equal(told.instances.length, 2);
});
