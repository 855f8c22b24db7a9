import assert from "node:assert/strict";
import { test } from "node:test";
import type { Attribute } from "@aws-sdk/client-ecs";
import { createCluster } from "../clusters/clusters.ts";
import { arrange, refused, TEST_CALL, testContext, testInstance } from "../testing.ts";
import { deleteAttributes, listAttributes, putAttributes } from "./attributes.ts";

const ID = "1".repeat(32);
const ARN = testInstance().arn;
const on = (name: string, value?: string): Attribute => ({
  name,
  value,
  targetId: ID,
  targetType: "container-instance",
});
const shown = (name: string, value?: string): Attribute => ({
  name,
  ...(value === undefined ? {} : { value }),
  targetType: "container-instance",
  targetId: ARN,
});

async function contextWithInstances() {
  const context = await testContext();
  await createCluster(context, {}, TEST_CALL);
  await arrange(context, (tx) => {
    tx.containerInstances.put(testInstance({ attributes: [{ name: "ecs.os-type", value: "linux" }] }));
    tx.containerInstances.put(testInstance({ id: "2".repeat(32), status: "INACTIVE" }));
  });
  return context;
}

test("attributes are put, replaced, listed by name and value, and deleted", async () => {
  const context = await contextWithInstances();
  const put = await putAttributes(context, { attributes: [on("stack", "blue"), on("ssd")] }, TEST_CALL);
  assert.deepEqual(put.attributes, [shown("stack", "blue"), shown("ssd")]);
  await putAttributes(context, { attributes: [{ name: "stack", value: "green", targetId: ARN }] }, TEST_CALL);
  const list = async (given: { attributeName?: string; attributeValue?: string; maxResults?: number } = {}) =>
    listAttributes(context, { targetType: "container-instance", ...given }, TEST_CALL);
  assert.deepEqual((await list()).attributes, [shown("ecs.os-type", "linux"), shown("ssd"), shown("stack", "green")]);
  assert.deepEqual((await list({ attributeName: "stack", attributeValue: "green" })).attributes?.length, 1);
  assert.deepEqual((await list({ attributeName: "stack", attributeValue: "blue" })).attributes, []);
  assert.notEqual((await list({ maxResults: 1 })).nextToken, undefined);
  await refused(() => list({ attributeValue: "blue" }), "InvalidParameterException");
  const version = context.store.view.containerInstances.get(ARN)?.version;
  const deleted = await deleteAttributes(
    context,
    { attributes: [on("stack", "blue"), on("ssd"), on("never")] },
    TEST_CALL,
  );
  assert.deepEqual(deleted.attributes, [shown("ssd")]);
  assert.equal(context.store.view.containerInstances.get(ARN)?.version, (version ?? 0) + 1);
});

test("attributes that ECS does not accept are refused, and none of the call's are put", async () => {
  const context = await contextWithInstances();
  const put = (attributes: Attribute[], cluster?: string) => () =>
    putAttributes(context, { attributes, cluster }, TEST_CALL);
  for (const [call, code, message] of [
    [put([]), "InvalidParameterException", /cannot be empty/],
    [put(Array.from({ length: 11 }, (_, i) => on(`n${i}`))), "InvalidParameterException", /more than 10/],
    [put([on("no spaces")]), "InvalidParameterException", /name/],
    [put([on("ecs.os-type", "windows")]), "InvalidParameterException", /reserved/],
    [put([on("berth.capability.task-logs")]), "InvalidParameterException", /reserved/],
    [put([on("n", " v")]), "InvalidParameterException", /value/],
    [put([on("n", "v".repeat(129))]), "InvalidParameterException", /value/],
    [put([on("good"), { ...on("n"), targetId: "nobody" }]), "TargetNotFoundException", /^Could not find nobody$/],
    [put([{ ...on("n"), targetId: "2".repeat(32) }]), "TargetNotFoundException", undefined],
    [put([{ name: "n", targetId: ID }]), "InvalidParameterException", /targetType/],
    [put([on("n")], "nowhere"), "ClusterNotFoundException", undefined],
    [
      put([{ name: "n", targetId: testInstance({ clusterName: "other" }).arn }]),
      "InvalidParameterException",
      /Your cluster is default/,
    ],
  ] as const) {
    await refused(call, code, message);
  }
  assert.equal(context.store.view.containerInstances.get(ARN)?.attributes.length, 1);
  await put(Array.from({ length: 10 }, (_, i) => on(`n${i}`)))();
  await put([on("n3", "again")])();
  await refused(put([on("one-more")]), "AttributeLimitExceededException");
  const builtIn = () => deleteAttributes(context, { attributes: [on("ecs.os-type")] }, TEST_CALL);
  await refused(builtIn, "InvalidParameterException");
});
