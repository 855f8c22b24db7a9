import assert from "node:assert/strict";
import { test } from "node:test";
import type { TaskDefinitionRecord, TaskDefinitionStatus } from "../../model/task-definition.ts";
import { taskDefinitionArn } from "../../wire/arn.ts";
import { createCluster } from "./clusters/clusters.ts";
import {
  checkClusterOf,
  findTaskDefinition,
  resolveActiveTaskDefinition,
  resolveCluster,
  resolveTaskDefinition,
} from "./resolve.ts";
import { arrange, refused, TEST_CALL, TEST_SCOPE, TEST_START, testContext } from "./testing.ts";

function revision(family: string, number: number, status: TaskDefinitionStatus): TaskDefinitionRecord {
  return {
    arn: taskDefinitionArn(TEST_SCOPE, { family, revision: number }),
    family,
    revision: number,
    status,
    definition: { family, containerDefinitions: [] },
    registeredAt: TEST_START,
    registeredBy: TEST_CALL.principal.arn,
    tags: {},
  };
}

test("a cluster is found by name, by ARN, or as default", async () => {
  const context = await testContext();
  for (const clusterName of ["default", "web"]) await createCluster(context, { clusterName }, TEST_CALL);
  const { view } = context.store;
  for (const [given, name] of [
    [undefined, "default"],
    ["", "default"],
    ["web", "web"],
    ["arn:aws:ecs:us-east-1:000000000000:cluster/web", "web"],
  ] as const) {
    assert.equal(resolveCluster(view, TEST_SCOPE, given).name, name);
  }
  for (const [given, code, message] of [
    ["nowhere", "ClusterNotFoundException", "Cluster not found."],
    ["arn:aws:ecs:eu-west-1:000000000000:cluster/web", "ClusterNotFoundException", "Cluster not found."],
    ["arn:aws:ecs:us-east-1:111111111111:cluster/web", "ClusterNotFoundException", "Cluster not found."],
    ["arn:aws:ecs:us-east-1:000000000000:service/web", "InvalidParameterException", "The ARN provided is invalid."],
    ["no spaces", "InvalidParameterException", undefined],
  ] as const) {
    await refused(() => resolveCluster(view, TEST_SCOPE, given), code, message);
  }
});

test("an ARN with another cluster's name in it is refused", async () => {
  const context = await testContext();
  await createCluster(context, {}, TEST_CALL);
  const cluster = resolveCluster(context.store.view, TEST_SCOPE, undefined);
  checkClusterOf(cluster, "default");
  await refused(
    () => checkClusterOf(cluster, "web"),
    "InvalidParameterException",
    "Invalid identifier: Identifier is for cluster web. Your cluster is default",
  );
});

test("a family means its latest ACTIVE revision, and a revision means itself whatever its status", async () => {
  const context = await testContext();
  const { view } = context.store;
  await arrange(context, (tx) => {
    tx.taskDefinitionFamilies.put({ family: "web", lastRevision: 5 });
    tx.taskDefinitionFamilies.put({ family: "old", lastRevision: 1 });
    // Revision 4 was deleted for good.
    const statuses: TaskDefinitionStatus[] = ["ACTIVE", "ACTIVE", "INACTIVE"];
    for (const [i, status] of statuses.entries()) tx.taskDefinitions.put(revision("web", i + 1, status));
    tx.taskDefinitions.put(revision("web", 5, "DELETE_IN_PROGRESS"));
    tx.taskDefinitions.put(revision("old", 1, "INACTIVE"));
  });
  const arn = "arn:aws:ecs:us-east-1:000000000000:task-definition";
  for (const [reference, expected] of [
    ["web", 2],
    ["web:3", 3],
    [`${arn}/web:1`, 1],
    [`${arn}/web`, 2],
    ["old", undefined],
    ["web:4", undefined],
    ["nothing", undefined],
    ["arn:aws:ecs:us-east-1:111111111111:task-definition/web:1", undefined],
  ] as const) {
    assert.equal(findTaskDefinition(view, TEST_SCOPE, reference)?.revision, expected, reference);
  }
  for (const [reference, code, message] of [
    ["web:foo", "InvalidParameterException", "Invalid revision number. Number: foo"],
    ["web:0", "InvalidParameterException", "Invalid revision number. Number: 0"],
    ["arn:aws:ecs:us-east-1:000000000000:cluster/web", "InvalidParameterException", "The ARN provided is invalid."],
    ["we b", "ClientException", "Family contains invalid characters."],
    ["nothing", "ClientException", "TaskDefinition not found."],
  ] as const) {
    await refused(() => resolveTaskDefinition(view, TEST_SCOPE, reference), code, message);
  }
  assert.equal(resolveActiveTaskDefinition(view, TEST_SCOPE, "web:1").revision, 1);
  const inactive = () => resolveActiveTaskDefinition(view, TEST_SCOPE, "web:3");
  await refused(inactive, "ClientException", "TaskDefinition is inactive");
});
