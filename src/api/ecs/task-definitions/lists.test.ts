import assert from "node:assert/strict";
import { test } from "node:test";
import type { ServiceRecord } from "../../../model/service.ts";
import type { TaskRecord } from "../../../model/task.ts";
import { purgeTaskDefinitions } from "../../../state/index.ts";
import type { ApiContext } from "../../context.ts";
import { arrange, refused, TEST_CALL, testContext } from "../testing.ts";
import { deleteTaskDefinitions } from "./deletion.ts";
import { listTaskDefinitionFamilies, listTaskDefinitions } from "./lists.ts";
import { deregisterTaskDefinition, registerTaskDefinition } from "./task-definitions.ts";

const ARN = "arn:aws:ecs:us-east-1:000000000000:task-definition";

async function register(context: ApiContext, family: string, times = 1): Promise<void> {
  for (let i = 0; i < times; i++) {
    const containerDefinitions = [{ name: "app", image: "nginx", memory: 128 }];
    await registerTaskDefinition(context, { family, containerDefinitions }, TEST_CALL);
  }
}

const deregister = (context: ApiContext, taskDefinition: string) =>
  deregisterTaskDefinition(context, { taskDefinition }, TEST_CALL);

async function pages(context: ApiContext, input: Parameters<typeof listTaskDefinitions>[1]): Promise<string[][]> {
  const all: string[][] = [];
  let nextToken: string | undefined;
  do {
    const answer = await listTaskDefinitions(context, { ...input, nextToken }, TEST_CALL);
    all.push((answer.taskDefinitionArns ?? []).map((arn) => arn.slice(ARN.length + 1)));
    nextToken = answer.nextToken;
  } while (nextToken !== undefined);
  return all;
}

test("definitions are listed by family and then by number, in either direction, page by page", async () => {
  const context = await testContext();
  await register(context, "a-b");
  await register(context, "a", 11);
  await register(context, "ab");
  await deregister(context, "a:1");
  const ascending = ["a:2", "a:3", "a:4", "a:5", "a:6", "a:7", "a:8", "a:9", "a:10", "a:11", "a-b:1", "ab:1"];
  assert.deepEqual(await pages(context, {}), [ascending]);
  assert.deepEqual((await pages(context, { maxResults: 5 })).flat(), ascending);
  assert.deepEqual((await pages(context, { maxResults: 5, sort: "DESC" })).flat(), ascending.toReversed());
  assert.deepEqual(await pages(context, { status: "INACTIVE" }), [["a:1"]]);
  assert.deepEqual(await pages(context, { familyPrefix: "a-b" }), [["a-b:1"]]);
  assert.deepEqual(await pages(context, { familyPrefix: "nothing" }), [[]]);
  const first = await listTaskDefinitions(context, { maxResults: 1 }, TEST_CALL);
  const other = () => listTaskDefinitions(context, { sort: "DESC", nextToken: first.nextToken }, TEST_CALL);
  await refused(other, "InvalidParameterException");
});

test("a family is ACTIVE while one of its revisions is", async () => {
  const context = await testContext();
  await register(context, "web", 2);
  await register(context, "worker");
  await register(context, "gone");
  await deregister(context, "web:2");
  for (const reference of ["worker:1", "gone:1"]) await deregister(context, reference);
  await deleteTaskDefinitions(context, { taskDefinitions: ["gone:1"] }, TEST_CALL);
  const families = async (input: Parameters<typeof listTaskDefinitionFamilies>[1]) =>
    (await listTaskDefinitionFamilies(context, input, TEST_CALL)).families;
  assert.deepEqual(await families({}), ["web", "worker"]);
  assert.deepEqual(await families({ status: "ACTIVE" }), ["web"]);
  assert.deepEqual(await families({ status: "INACTIVE" }), ["worker"]);
  assert.deepEqual(await families({ familyPrefix: "wo" }), ["worker"]);
});

test("only INACTIVE revisions are marked for deletion, each failure with its reason", async () => {
  const context = await testContext();
  await register(context, "web", 3);
  await deregister(context, "web:2");
  const taskDefinitions = ["web:1", "web:2", `${ARN}/web:2`, "web:9", "web", "web:x"];
  const answer = await deleteTaskDefinitions(context, { taskDefinitions }, TEST_CALL);
  assert.deepEqual(
    answer.taskDefinitions?.map((d) => [d.revision, d.status]),
    [
      [2, "DELETE_IN_PROGRESS"],
      [2, "DELETE_IN_PROGRESS"],
    ],
  );
  assert.deepEqual(answer.failures, [
    {
      arn: `${ARN}/web:1`,
      reason: "The specified task definition is still in ACTIVE status. Please deregister the target and try again.",
    },
    { arn: `${ARN}/web:9`, reason: "MISSING" },
    { arn: `${ARN}/web`, reason: "Revision is missing." },
    { arn: `${ARN}/web:x`, reason: "Invalid revision number. Number: x" },
  ]);
  const remove = (count: number) => () =>
    deleteTaskDefinitions(context, { taskDefinitions: Array<string>(count).fill("web:1") }, TEST_CALL);
  await refused(remove(0), "ClientException", "size of TaskDefinition references list must be greater than 0");
  await refused(remove(11), "ClientException", "Size of TaskDefinition references list cannot exceed 10");
});

test("a revision to be deleted is gone when no task and no service uses it, and its number is never used again", async () => {
  const context = await testContext();
  await register(context, "web", 3);
  for (const n of [1, 2, 3]) await deregister(context, `web:${n}`);
  await deleteTaskDefinitions(context, { taskDefinitions: ["web:1", "web:2", "web:3"] }, TEST_CALL);
  const clusterArn = "arn:aws:ecs:us-east-1:000000000000:cluster/default";
  const task = { arn: "task", clusterArn, taskDefinitionArn: `${ARN}/web:1`, lastStatus: "RUNNING" };
  const service = {
    arn: "service",
    clusterArn,
    status: "ACTIVE",
    loadBalancers: [],
    deployments: [{ taskDefinitionArn: `${ARN}/web:2` }],
  };
  await arrange(context, (tx) => {
    tx.tasks.put(task as unknown as TaskRecord);
    tx.services.put(service as unknown as ServiceRecord);
  });
  const purge = () => context.store.transact("purge", (tx) => purgeTaskDefinitions(tx));
  assert.equal(await purge(), 1);
  assert.deepEqual((await pages(context, { status: "DELETE_IN_PROGRESS" })).flat(), ["web:1", "web:2"]);
  await arrange(context, (tx) => {
    tx.tasks.put({ ...task, lastStatus: "STOPPED" } as unknown as TaskRecord);
    tx.services.put({ ...service, status: "INACTIVE" } as unknown as ServiceRecord);
  });
  assert.equal(await purge(), 2);
  await register(context, "web");
  assert.deepEqual(await pages(context, {}), [["web:4"]]);
});
