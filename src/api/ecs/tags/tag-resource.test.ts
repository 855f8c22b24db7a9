import assert from "node:assert/strict";
import { test } from "node:test";
import type { TaskRecord } from "../../../model/task.ts";
import { createCluster, deleteCluster } from "../clusters/clusters.ts";
import { registerTaskDefinition } from "../task-definitions/task-definitions.ts";
import { arrange, refused, TEST_CALL, testContext, testInstance } from "../testing.ts";
import { listTagsForResource, tagResource, untagResource } from "./tag-resource.ts";
import { fromWireTags } from "./tags.ts";

const PREFIX = "arn:aws:ecs:us-east-1:000000000000";

test("tags that ECS does not accept are refused", async () => {
  const many = Array.from({ length: 51 }, (_, i) => ({ key: `k${i}`, value: "" }));
  for (const [tags, message] of [
    [[{ key: "", value: "v" }], /cannot be empty/],
    [[{ value: "v" }], /cannot be empty/],
    [[{ key: "k".repeat(129) }], /longer than 128/],
    [[{ key: "k", value: "v".repeat(257) }], /longer than 256/],
    [[{ key: "AWS:k" }], /reserved prefix/],
    [[{ key: "k*" }], /invalid characters/],
    [[{ key: "k", value: "<v>" }], /invalid characters/],
    [[{ key: "k" }, { key: "k" }], /Duplicate/],
    [many, /exceeds the limit of 50/],
  ] as const) {
    await refused(() => fromWireTags(tags), "InvalidParameterException", message);
  }
  assert.deepEqual(fromWireTags([{ key: "schlüssel +-=._:/@", value: "wert 1" }, { key: "empty" }]), {
    "schlüssel +-=._:/@": "wert 1",
    empty: "",
  });
  assert.equal(Object.keys(fromWireTags(many.slice(1))).length, 50);
});

test("everything that can be tagged is tagged, untagged and listed by its ARN", async () => {
  const context = await testContext();
  await createCluster(context, {}, TEST_CALL);
  const containerDefinitions = [{ name: "app", image: "nginx", memory: 128 }];
  await registerTaskDefinition(context, { family: "web", containerDefinitions }, TEST_CALL);
  const instance = testInstance();
  const task = {
    arn: `${PREFIX}:task/default/abc`,
    clusterArn: `${PREFIX}:cluster/default`,
    tags: { "aws:ecs:clusterName": "default" },
  };
  const service = {
    arn: `${PREFIX}:service/default/web`,
    status: "ACTIVE",
    tags: {},
    deployments: [],
    loadBalancers: [],
  };
  await arrange(context, (tx) => {
    tx.containerInstances.put(instance);
    tx.tasks.put(task as unknown as TaskRecord);
    tx.services.put(service as never);
  });
  for (const [resourceArn, kept] of [
    [`${PREFIX}:cluster/default`, []],
    [`${PREFIX}:task-definition/web:1`, []],
    [instance.arn, []],
    [task.arn, [{ key: "aws:ecs:clusterName", value: "default" }]],
    [service.arn, []],
  ] as const) {
    const list = async () => (await listTagsForResource(context, { resourceArn }, TEST_CALL)).tags;
    const tags = [
      { key: "k", value: "1" },
      { key: "l", value: "2" },
    ];
    await tagResource(context, { resourceArn, tags }, TEST_CALL);
    await tagResource(context, { resourceArn, tags: [{ key: "k", value: "3" }] }, TEST_CALL);
    assert.deepEqual(await list(), [...kept, { key: "k", value: "3" }, { key: "l", value: "2" }]);
    await untagResource(context, { resourceArn, tagKeys: ["k", "never"] }, TEST_CALL);
    assert.deepEqual(await list(), [...kept, { key: "l", value: "2" }]);
  }
});

test("a resource has at most 50 tags however they are added", async () => {
  const context = await testContext();
  await createCluster(context, {}, TEST_CALL);
  const resourceArn = `${PREFIX}:cluster/default`;
  const tags = (from: number, count: number) =>
    Array.from({ length: count }, (_, i) => ({ key: `k${from + i}`, value: "" }));
  await tagResource(context, { resourceArn, tags: tags(0, 50) }, TEST_CALL);
  await tagResource(context, { resourceArn, tags: tags(10, 40) }, TEST_CALL);
  const oneMore = () => tagResource(context, { resourceArn, tags: tags(50, 1) }, TEST_CALL);
  await refused(oneMore, "InvalidParameterException", /exceeds the limit of 50/);
});

test("what is not there, is deleted, or cannot be tagged is refused", async () => {
  const context = await testContext();
  await createCluster(context, {}, TEST_CALL);
  await deleteCluster(context, { cluster: "default" }, TEST_CALL);
  const tags = [{ key: "k", value: "v" }];
  for (const [resourceArn, code] of [
    [`${PREFIX}:cluster/default`, "ClusterNotFoundException"],
    [`${PREFIX}:task/default/abc`, "ResourceNotFoundException"],
    [`${PREFIX}:capacity-provider/x`, "ResourceNotFoundException"],
    ["arn:aws:ecs:us-east-1:111111111111:cluster/default", "InvalidParameterException"],
    ["arn:aws:s3:::bucket", "InvalidParameterException"],
    ["default", "InvalidParameterException"],
  ] as const) {
    await refused(() => tagResource(context, { resourceArn, tags }, TEST_CALL), code);
  }
  for (const resourceArn of [`${PREFIX}:task/abc`, `${PREFIX}:service/web`, `${PREFIX}:container-instance/abc`]) {
    await refused(
      () => tagResource(context, { resourceArn, tags }, TEST_CALL),
      "InvalidParameterException",
      "Long arn format must be used for tagging operations",
    );
  }
  const resourceArn = `${PREFIX}:task/default/abc`;
  await refused(() => listTagsForResource(context, { resourceArn }, TEST_CALL), "InvalidParameterException");
  const managed = () => untagResource(context, { resourceArn, tagKeys: ["aws:ecs:clusterName"] }, TEST_CALL);
  await refused(managed, "InvalidParameterException", /reserved prefix/);
});
