import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { newDeployment } from "../../deployment/index.ts";
import { testService, testTask } from "../../deployment/testing.ts";
import { revisionArnOf, type ServiceDeploymentRecord } from "../../model/service-deployment.ts";
import type { TaskRecord } from "../../model/task.ts";
import { clusterArn, serviceDeploymentArn } from "../../wire/arn.ts";
import { isDeclaredError } from "../../wire/common-errors.ts";
import { AwsError } from "../../wire/errors.ts";
import { berthModel } from "../../wire/model.ts";
import { arrange, refused, TEST_CALL, TEST_SCOPE, TEST_START, testContext, testInstance } from "../ecs/testing.ts";
import { berthApiPage } from "./documentation.ts";
import { berthOperations, createBerthService } from "./index.ts";

const INSTANCE = testInstance({ attributes: [{ name: "berth.host-name", value: "host-1" }] });
const SERVICE = testService({ steadyAt: TEST_START });
const TASK = testTask(1, {
  containerInstanceArn: INSTANCE.arn,
  startedAt: TEST_START - 60_000,
  createdAt: TEST_START - 61_000,
  containers: [
    {
      arn: "x" as TaskRecord["containers"][number]["arn"],
      name: "web",
      image: "hello:v1",
      runtimeId: "r",
      lastStatus: "RUNNING",
      networkBindings: [],
      healthStatus: "UNKNOWN",
      essential: true,
      checksHealth: false,
      cpu: 0,
    },
  ],
});
const OVER = testTask(2, { lastStatus: "STOPPED", desiredStatus: "STOPPED", deploymentId: "ecs-svc/7", stoppedAt: 5 });

const RECORD: ServiceDeploymentRecord = {
  arn: serviceDeploymentArn(TEST_SCOPE, { clusterName: "default", serviceName: "web", serviceDeploymentId: "abc" }),
  serviceArn: SERVICE.arn,
  clusterArn: SERVICE.clusterArn,
  targetRevisionArn: revisionArnOf(SERVICE.arn, "ecs-svc/5"),
  sourceRevisionArns: [],
  status: "SUCCESSFUL",
  settings: { minimumHealthyPercent: 100, maximumPercent: 200 },
  breaker: { status: "DISABLED", failureCount: 0, threshold: 3 },
  createdAt: TEST_START - 400_000,
  finishedAt: TEST_START - 300_000,
  updatedAt: TEST_START - 300_000,
};

/** A cluster with the service web, a task that runs and one that has stopped. */
async function bench() {
  const context = await testContext();
  await arrange(context, (tx) => {
    const arn = clusterArn(TEST_SCOPE, { clusterName: "default" });
    tx.clusters.put({ arn, name: "default", status: "ACTIVE", settings: [], tags: {}, createdAt: TEST_START });
    tx.containerInstances.put(INSTANCE);
    const deployment = { ...newDeployment("ecs-svc/1", SERVICE, 0), rolloutState: "COMPLETED" as const };
    tx.services.put({ ...SERVICE, deployments: [deployment] });
    tx.tasks.put(TASK);
    tx.tasks.put(OVER);
    tx.serviceDeployments.put(RECORD);
  });
  return context;
}

const taskIdOf = ({ arn }: TaskRecord) => arn.slice(arn.lastIndexOf("/") + 1);

for (const [what, resource, kind, arn] of [
  ["a service's name", "web", "SERVICE", SERVICE.arn],
  ["a service's ARN", SERVICE.arn, "SERVICE", SERVICE.arn],
  ["a task's id", taskIdOf(TASK), "TASK", TASK.arn],
  ["a task's ARN", TASK.arn, "TASK", TASK.arn],
  ["a deployment's id", "ecs-svc/1", "DEPLOYMENT", "ecs-svc/1"],
  ["the id of a deployment of whose tasks one is known", "ecs-svc/7", "DEPLOYMENT", "ecs-svc/7"],
  ["the id of a deployment in the service's history", "ecs-svc/5", "DEPLOYMENT", "ecs-svc/5"],
  ["a service deployment's ARN", RECORD.arn, "DEPLOYMENT", "ecs-svc/5"],
] as const)
  test(`ExplainResource finds ${what}`, async () => {
    const answer = await berthOperations.ExplainResource(await bench(), { resource }, TEST_CALL);
    assert.equal(answer.kind, kind);
    assert.equal(answer.arn, arn);
    assert.ok(answer.summary.endsWith("."));
  });

test("the answer about a task has its state, its sentence, and where its log is", async () => {
  const answer = await berthOperations.ExplainResource(await bench(), { resource: taskIdOf(TASK) }, TEST_CALL);
  assert.deepEqual(answer, {
    kind: "TASK",
    arn: TASK.arn,
    state: "WELL",
    summary: `Task ${taskIdOf(TASK)} (web:1) has been running on host-1 for 60 s, and nothing checks its health.`,
    findings: [],
    fixes: [],
    instances: [],
    logStreams: [
      {
        taskArn: TASK.arn,
        containerName: "web",
        logGroupName: "/berth/default",
        logStreamName: `web/web/${taskIdOf(TASK)}`,
      },
    ],
  });
});

test("the answer about a service that fails has the log of the task that failed last", async () => {
  const context = await bench();
  const failed = (n: number, stoppedAt: number) => ({
    ...TASK,
    arn: testTask(n).arn,
    lastStatus: "STOPPED" as const,
    desiredStatus: "STOPPED" as const,
    stopCode: "EssentialContainerExited" as const,
    stoppedAt,
  });
  await arrange(context, (tx) => {
    tx.tasks.delete(TASK.arn);
    for (const task of [failed(8, TEST_START - 9000), failed(9, TEST_START - 5000)]) tx.tasks.put(task);
    const [service] = tx.services.where("cluster", SERVICE.clusterArn);
    if (service === undefined) throw new Error("not arranged");
    const throttle = { failures: 0, crashes: 5, lastFailureAt: TEST_START - 5000, nextAttemptAt: TEST_START + 5000 };
    tx.services.put({ ...service, deployments: service.deployments.map((d) => ({ ...d, throttle })) });
  });
  const last = testTask(9).arn;
  for (const resource of ["web", "ecs-svc/1"]) {
    const { state, logStreams } = await berthOperations.ExplainResource(context, { resource }, TEST_CALL);
    assert.deepEqual([state, logStreams.map((stream) => stream.taskArn)], ["FAILING", [last]]);
  }
});

test("the answer about a deployment of the past says how it ended", async () => {
  const { summary } = await berthOperations.ExplainResource(await bench(), { resource: "ecs-svc/5" }, TEST_CALL);
  assert.equal(summary, "Deployment ecs-svc/5 of service web was completed 5 min ago, and has been replaced since.");
});

test("a host that is silent, and the brake, are seen as the controllers see them", async () => {
  const context = await bench();
  const silent = { ...context.services, agents: { heardSince: () => undefined } };
  const told = await berthOperations.ExplainResource({ ...context, services: silent }, { resource: "web" }, TEST_CALL);
  assert.equal(
    told.summary,
    "Service web runs 1 of 1 task (web:1): 1 task on host host-1: nothing is heard of it now.",
  );
  const held = { ...silent, heldHosts: () => new Set([INSTANCE.arn]) };
  const more = await berthOperations.ExplainResource({ ...context, services: held }, { resource: "web" }, TEST_CALL);
  assert.match(more.summary, /they are not replaced yet/);
});

for (const [what, input, code, message] of [
  [
    "nothing of that name",
    { resource: "nope" },
    "ResourceNotFoundException",
    "Cluster default has no service, deployment or task 'nope'.",
  ],
  ["no such deployment", { resource: "ecs-svc/12" }, "ResourceNotFoundException", /ecs-svc\/12/],
  ["an empty name", { resource: "" }, "InvalidParameterException", /1 to 1024/],
  ["an endless name", { resource: "x".repeat(1025) }, "InvalidParameterException", /1 to 1024/],
  ["no name at all", { resource: "*/%" }, "ResourceNotFoundException", undefined],
  [
    "the ARN of something else",
    { resource: INSTANCE.arn },
    "InvalidParameterException",
    /service deployment or a task/,
  ],
  [
    "the ARN of another cluster's",
    { resource: SERVICE.arn.replace("/default/", "/x/") },
    "InvalidParameterException",
    /is for cluster x/,
  ],
  ["no ARN of ECS", { resource: "arn:aws:s3:::x" }, "InvalidParameterException", /service deployment or a task/],
  ["another cluster", { resource: "web", cluster: "x" }, "ClusterNotFoundException", undefined],
  ["no cluster's name", { resource: "web", cluster: "?" }, "InvalidParameterException", undefined],
] as const)
  test(`ExplainResource refuses ${what}, by an error that its model lists`, async () => {
    const context = await bench();
    const error = await refused(
      () =>
        createBerthService(context).call("ExplainResource", input, {
          ...TEST_CALL,
          signal: new AbortController().signal,
        }),
      code,
      message,
    );
    const operation = berthModel().operations.get("ExplainResource");
    assert.ok(error instanceof AwsError && operation !== undefined && isDeclaredError(berthModel(), operation, error));
  });

test("docs/api.md says what the model says; `node scripts/compatibility.ts` writes it anew", () => {
  const page = readFileSync(join(import.meta.dirname, "../../../docs/api.md"), "utf8");
  assert.equal(page, berthApiPage());
});
