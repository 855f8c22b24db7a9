import assert from "node:assert/strict";
import { test } from "node:test";
import { tasksRig } from "../tasks/testing.ts";
import { refused, TEST_START } from "../testing.ts";

const OF_WEB = { cluster: "default", service: "web" } as const;

/** A service `web` of three, steered from outside, without task sets. */
async function world() {
  const rig = await tasksRig();
  await rig.define("web");
  await rig.define("next");
  const external = { deploymentController: { type: "EXTERNAL" as const } };
  await rig.call("CreateService", { serviceName: "web", desiredCount: 3, ...external });
  const make = (over: object = {}) => rig.call("CreateTaskSet", { ...OF_WEB, taskDefinition: "web", ...over });
  const service = async () => (await rig.call("DescribeServices", { services: ["web"] })).services?.[0];
  return { rig, make, service };
}

test("CreateService with the EXTERNAL controller needs a name and a count, and shows no task definition", async () => {
  const { service } = await world();
  const shown = await service();
  assert.deepEqual(shown?.deploymentController, { type: "EXTERNAL" });
  assert.deepEqual(
    [shown?.taskDefinition, shown?.launchType, shown?.deployments, shown?.taskSets, shown?.availabilityZoneRebalancing],
    [undefined, undefined, [], [], "DISABLED"],
  );
});

test("[DP26] CreateTaskSet answers an ACTIVE set that has no tasks until it is scaled", async () => {
  const { rig, make } = await world();
  const { taskSet } = await make({ externalId: "blue", tags: [{ key: "a", value: "b" }] });
  const { id = "", ...rest } = taskSet ?? {};
  assert.match(id, /^ecs-svc\/[0-9]{19}$/);
  assert.deepEqual(rest, {
    taskSetArn: `arn:aws:ecs:us-east-1:000000000000:task-set/default/web/${id}`,
    serviceArn: "arn:aws:ecs:us-east-1:000000000000:service/default/web",
    clusterArn: "arn:aws:ecs:us-east-1:000000000000:cluster/default",
    externalId: "blue",
    status: "ACTIVE",
    taskDefinition: "arn:aws:ecs:us-east-1:000000000000:task-definition/web:1",
    computedDesiredCount: 0,
    pendingCount: 0,
    runningCount: 0,
    createdAt: new Date(TEST_START),
    updatedAt: new Date(TEST_START),
    launchType: "EC2",
    loadBalancers: [],
    serviceRegistries: [],
    scale: { value: 0, unit: "PERCENT" },
    stabilityStatus: "STABILIZING",
    stabilityStatusAt: new Date(TEST_START),
    tags: [{ key: "a", value: "b" }],
  });
  const scaled = await rig.call("UpdateTaskSet", { ...OF_WEB, taskSet: id, scale: { value: 50, unit: "PERCENT" } });
  assert.equal(scaled.taskSet?.computedDesiredCount, 2);
});

test("UpdateServicePrimaryTaskSet makes the service show the set, and the one before it ACTIVE", async () => {
  const { rig, make, service } = await world();
  const [first, second] = [(await make()).taskSet, (await make({ taskDefinition: "next" })).taskSet];
  const promote = (primaryTaskSet = "") => rig.call("UpdateServicePrimaryTaskSet", { ...OF_WEB, primaryTaskSet });
  assert.equal((await promote(first?.id)).taskSet?.status, "PRIMARY");
  await promote(second?.taskSetArn);
  const shown = await service();
  assert.match(shown?.taskDefinition ?? "", /\/next:1$/);
  assert.deepEqual(
    shown?.taskSets?.map((set) => [set.id, set.status]),
    [
      [first?.id, "ACTIVE"],
      [second?.id, "PRIMARY"],
    ],
  );
});

test("DescribeTaskSets shows all or those named, tags when asked, and fails others as MISSING", async () => {
  const { rig, make } = await world();
  const { taskSet } = await make({ tags: [{ key: "a", value: "b" }] });
  const { taskSet: other } = await make();
  const all = await rig.call("DescribeTaskSets", OF_WEB);
  assert.deepEqual(
    all.taskSets?.map((set) => [set.id, set.tags]),
    [
      [taskSet?.id, []],
      [other?.id, []],
    ],
  );
  const asked = { ...OF_WEB, taskSets: [taskSet?.id ?? "", "ecs-svc/1"], include: ["TAGS" as const] };
  const { taskSets, failures } = await rig.call("DescribeTaskSets", asked);
  assert.deepEqual(
    taskSets?.map((set) => set.tags),
    [[{ key: "a", value: "b" }]],
  );
  assert.deepEqual(failures, [{ arn: "ecs-svc/1", reason: "MISSING" }]);
});

test("a task set's tags are changed and listed by its ARN", async () => {
  const { rig, make } = await world();
  const { taskSet } = await make({ tags: [{ key: "a", value: "b" }] });
  const resourceArn = taskSet?.taskSetArn ?? "";
  await rig.call("TagResource", { resourceArn, tags: [{ key: "c", value: "d" }] });
  await rig.call("UntagResource", { resourceArn, tagKeys: ["a"] });
  assert.deepEqual((await rig.call("ListTagsForResource", { resourceArn })).tags, [{ key: "c", value: "d" }]);
  const other = resourceArn.replace(/[0-9]+$/, "1");
  await refused(
    () => rig.call("TagResource", { resourceArn: other, tags: [] }),
    "ResourceNotFoundException",
    /task set/,
  );
});

test("DeleteTaskSet asks for force above 0, and a service with task sets for force too", async () => {
  const { rig, make } = await world();
  const { taskSet } = await make({ scale: { value: 100 } });
  const remove = (force?: boolean) => rig.call("DeleteTaskSet", { ...OF_WEB, taskSet: taskSet?.id ?? "", force });
  await refused(
    () => remove(),
    "InvalidParameterException",
    "The task set cannot be deleted while it is scaled above 0.",
  );
  assert.equal((await remove(true)).taskSet?.status, "DRAINING");
  await refused(
    () => rig.call("UpdateTaskSet", { ...OF_WEB, taskSet: taskSet?.id ?? "", scale: { value: 1 } }),
    "InvalidParameterException",
  );
  await rig.call("UpdateService", { service: "web", desiredCount: 0 });
  await refused(() => rig.call("DeleteService", { service: "web" }), "InvalidParameterException", /has task sets/);
  assert.equal((await rig.call("DeleteService", { service: "web", force: true })).service?.status, "DRAINING");
});

test("a repeated CreateTaskSet with its token is the same set, and there are five at most", async () => {
  const { make, service } = await world();
  const [first, again] = [await make({ clientToken: "t" }), await make({ clientToken: "t" })];
  assert.equal(first.taskSet?.id, again.taskSet?.id);
  for (let i = 0; i < 4; i++) await make();
  await refused(() => make(), "LimitExceededException");
  assert.equal((await service())?.taskSets?.length, 5);
});

test("what belongs elsewhere is refused by name and changes nothing", async () => {
  const { rig, make, service } = await world();
  const { taskSet } = await make();
  const before = await service();
  await refused(() => make({ scale: { value: 101 } }), "InvalidParameterException", /between 0 and 100/);
  await refused(
    () => make({ networkConfiguration: { awsvpcConfiguration: { subnets: ["s"] } } }),
    "InvalidParameterException",
    /networkConfiguration/,
  );
  await refused(() => make({ taskDefinition: "none" }), "ClientException");
  await refused(() => make({ service: "none" }), "ServiceNotFoundException");
  await refused(
    () => rig.call("UpdateServicePrimaryTaskSet", { ...OF_WEB, primaryTaskSet: "ecs-svc/1" }),
    "TaskSetNotFoundException",
  );
  for (const over of [{ taskDefinition: "next" }, { forceNewDeployment: true }]) {
    await refused(
      () => rig.call("UpdateService", { service: "web", ...over }),
      "InvalidParameterException",
      /CreateTaskSet/,
    );
  }
  const ecs = { deploymentController: { type: "ECS" as const } };
  await refused(
    () => rig.call("UpdateService", { service: "web", ...ecs }),
    "InvalidParameterException",
    /service's own/,
  );
  assert.deepEqual(await service(), before);
  const controller = (type: "CODE_DEPLOY" | "EXTERNAL") => ({ deploymentController: { type } });
  const create = (over: object) => rig.call("CreateService", { serviceName: "other", desiredCount: 1, ...over });
  await refused(() => create(controller("CODE_DEPLOY")), "InvalidParameterException", /CODE_DEPLOY/);
  await refused(
    () => create({ ...controller("EXTERNAL"), taskDefinition: "web" }),
    "InvalidParameterException",
    /taskDefinition/,
  );
  await refused(
    () => create({ ...controller("EXTERNAL"), schedulingStrategy: "DAEMON", desiredCount: undefined }),
    "InvalidParameterException",
    /daemon/,
  );
  await create({ taskDefinition: "web" });
  await refused(
    () => rig.call("CreateTaskSet", { ...OF_WEB, service: "other", taskDefinition: "web" }),
    "InvalidParameterException",
    /EXTERNAL deployment controller/,
  );
  assert.equal(taskSet?.status, "ACTIVE");
});
