import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { EcsOperations } from "../../../wire/models/ecs.ts";
import { registration, type TasksRig, tasksRig } from "../tasks/testing.ts";
import { refused } from "../testing.ts";

type Registration = EcsOperations["RegisterContainerInstance"]["input"];

const register = async (rig: TasksRig, input: Registration) =>
  (await rig.call("RegisterContainerInstance", input)).containerInstance!;

describe("RegisterContainerInstance", () => {
  test("repeats every attribute, and adds what is known of the host", async () => {
    const rig = await tasksRig();
    const instance = await register(rig, registration("1"));
    assert.match(instance.containerInstanceArn ?? "", /container-instance\/default\/[0-9a-f]{32}$/);
    assert.deepEqual(
      [instance.ec2InstanceId, instance.status, instance.agentConnected, instance.version],
      ["i-1", "ACTIVE", false, 1],
    );
    assert.deepEqual(instance.attributes, [
      { name: "ecs.availability-zone", value: "us-east-1a" },
      { name: "ecs.instance-type", value: "t" },
      { name: "ecs.os-type", value: "linux" },
      { name: "ecs.capability.efs" },
    ]);
    assert.deepEqual(
      instance.registeredResources?.map((r) => r.integerValue || r.stringSetValue),
      [1024, 1024, ["22"], []],
    );
  });

  test("of an agent from elsewhere, without a document, makes an id for the host", async () => {
    const rig = await tasksRig();
    const instance = await register(rig, { ...registration("1"), instanceIdentityDocument: "" });
    assert.match(instance.ec2InstanceId ?? "", /^mi-[0-9a-f]{17}$/);
  });

  test("with its ARN keeps the instance, its tasks and custom attributes, and takes the rest anew", async () => {
    const rig = await tasksRig();
    const arn = await rig.host("1", { attributes: [{ name: "ecs.capability.old" }, { name: "rack", value: "7" }] });
    await rig.define("web");
    await rig.call("RunTask", { taskDefinition: "web" });
    const again = await register(rig, {
      ...registration("1"),
      containerInstanceArn: arn,
      attributes: [{ name: "ecs.capability.new" }],
    });
    assert.equal(again.containerInstanceArn, arn);
    assert.equal(again.pendingTasksCount, 1);
    const names = again.attributes?.map((a) => a.name);
    assert.ok(names?.includes("rack") && names.includes("ecs.capability.new") && !names.includes("ecs.capability.old"));
    assert.equal((await rig.call("ListContainerInstances", {})).containerInstanceArns?.length, 1);
  });

  test("a second time, when the first answer was lost, makes no second instance; a host that was used gets a new one", async () => {
    const rig = await tasksRig();
    const first = await register(rig, registration("1"));
    const second = await register(rig, registration("1"));
    assert.equal(second.containerInstanceArn, first.containerInstanceArn);
    await rig.host("1");
    const third = await register(rig, registration("1"));
    assert.notEqual(third.containerInstanceArn, first.containerInstanceArn);
  });

  const arnOf = "arn:aws:ecs:us-east-1:000000000000:container-instance/default/";
  const invalid: readonly (readonly [title: string, input: Partial<Registration>, code: string, message: RegExp])[] = [
    ["an unknown cluster", { cluster: "none" }, "ClusterNotFoundException", /^Cluster not found\.$/],
    ["an unknown ARN", { containerInstanceArn: `${arnOf}${"0".repeat(32)}` }, "ClientException", /not registered/],
    [
      "an ARN of another cluster",
      { containerInstanceArn: `${arnOf.replace("default", "other")}a` },
      "InvalidParameterException",
      /Your cluster is default/,
    ],
    ["a document that is not JSON", { instanceIdentityDocument: "{" }, "InvalidParameterException", /JSON/],
    [
      "a document with a strange address",
      { instanceIdentityDocument: '{"privateIp":"x y"}' },
      "InvalidParameterException",
      /IP/,
    ],
    ["no resources", { totalResources: [] }, "InvalidParameterException", /CPU and MEMORY/],
    [
      "a port that is none",
      { totalResources: [...registration("1").totalResources!.slice(0, 2), { name: "PORTS", stringSetValue: ["0"] }] },
      "InvalidParameterException",
      /not a port/,
    ],
    [
      "a GPU twice",
      {
        platformDevices: [
          { id: "g", type: "GPU" },
          { id: "g", type: "GPU" },
        ],
      },
      "InvalidParameterException",
      /platformDevices: 'g' is no id, or is given twice/,
    ],
    ["a GPU without an id", { platformDevices: [{ id: "", type: "GPU" }] }, "InvalidParameterException", /is no id/],
    ["an attribute without a name", { attributes: [{ name: "" }] }, "InvalidParameterException", /attribute/],
    [
      "eleven custom attributes",
      { attributes: Array.from({ length: 11 }, (_, i) => ({ name: `a${i}` })) },
      "AttributeLimitExceededException",
      /10/,
    ],
  ];
  for (const [title, input, code, message] of invalid) {
    test(`refuses ${title} and changes nothing`, async () => {
      const rig = await tasksRig();
      const before = rig.context.store.revision;
      await refused(() => register(rig, { ...registration("1"), ...input }), code, message);
      assert.equal(rig.context.store.revision, before);
    });
  }

  test("refuses another host or type under the same ARN, and a deregistered one", async () => {
    const rig = await tasksRig();
    const containerInstanceArn = await rig.host("1");
    const document = (given: object) => JSON.stringify({ instanceId: "i-1", instanceType: "t", ...given });
    const again = (given: object) => () =>
      register(rig, { ...registration("1"), containerInstanceArn, instanceIdentityDocument: document(given) });
    await refused(again({ instanceId: "i-2" }), "InvalidParameterException");
    await refused(
      again({ instanceType: "u" }),
      "InvalidParameterException",
      "Container instance type changes are not supported.",
    );
    await rig.call("DeregisterContainerInstance", { containerInstance: containerInstanceArn });
    await refused(again({}), "ClientException", /deregistered/);
  });
});

describe("DeregisterContainerInstance", () => {
  test("refuses an instance with tasks unless forced, and then gives them up", async () => {
    const rig = await tasksRig();
    const containerInstance = await rig.host("1");
    await rig.define("web");
    const { tasks } = await rig.call("RunTask", { taskDefinition: "web" });
    const deregister = (force?: boolean) => rig.call("DeregisterContainerInstance", { containerInstance, force });
    await refused(() => deregister(), "InvalidParameterException", "Found running tasks on the instance.");
    const answer = await deregister(true);
    assert.deepEqual([answer.containerInstance?.status, answer.containerInstance?.agentConnected], ["INACTIVE", false]);
    const described = await rig.call("DescribeTasks", { tasks: [tasks![0]!.taskArn!] });
    const { lastStatus, stopCode, stoppedReason } = described.tasks![0]!;
    assert.deepEqual(
      [lastStatus, stopCode, stoppedReason],
      ["STOPPED", "UserInitiated", "Container instance deregistration forced by user"],
    );
    assert.deepEqual((await rig.call("ListContainerInstances", {})).containerInstanceArns, []);
    const shown = await rig.call("DescribeContainerInstances", { containerInstances: [containerInstance] });
    assert.equal(shown.containerInstances?.[0]?.status, "INACTIVE");
    await refused(() => deregister(), "ClientException");
  });
});

describe("UpdateContainerInstancesState", () => {
  test("drains and takes back, with failures for those that are gone", async () => {
    const rig = await tasksRig();
    const [one, gone] = [await rig.host("1"), await rig.host("2")];
    await rig.call("DeregisterContainerInstance", { containerInstance: gone });
    const missing = one.replace(/.{32}$/, "0".repeat(32));
    const update = (status: "ACTIVE" | "DRAINING", ...containerInstances: string[]) =>
      rig.call("UpdateContainerInstancesState", { containerInstances, status });
    const drained = await update("DRAINING", one, gone, missing);
    assert.deepEqual(
      drained.containerInstances?.map((i) => [i.containerInstanceArn, i.status]),
      [[one, "DRAINING"]],
    );
    assert.deepEqual(drained.failures, [
      { arn: gone, reason: "INACTIVE" },
      { arn: missing, reason: "MISSING" },
    ]);
    assert.deepEqual((await rig.call("ListContainerInstances", { status: "ACTIVE" })).containerInstanceArns, []);
    assert.equal((await update("ACTIVE", one)).containerInstances?.[0]?.status, "ACTIVE");
  });

  test("refuses other states and an empty list", async () => {
    const rig = await tasksRig();
    const update = (status: "REGISTERING" | "DRAINING", containerInstances: string[]) =>
      rig.call("UpdateContainerInstancesState", { containerInstances, status });
    await refused(
      () => update("REGISTERING", ["a"]),
      "InvalidParameterException",
      "Container instance status should be one of [ACTIVE, DRAINING]",
    );
    await refused(() => update("DRAINING", []), "ClientException", "Container Instances cannot be empty.");
    await refused(() => update("DRAINING", Array(11).fill("a")), "InvalidParameterException");
  });
});

test("DescribeContainerInstances shows tags and health when asked, and fails what is missing", async () => {
  const rig = await tasksRig();
  const arn = await rig.host("1", { tags: [{ key: "a", value: "b" }] });
  const { containerInstances, failures } = await rig.call("DescribeContainerInstances", {
    containerInstances: [arn, "none"],
    include: ["TAGS", "CONTAINER_INSTANCE_HEALTH"],
  });
  assert.deepEqual(containerInstances?.[0]?.tags, [{ key: "a", value: "b" }]);
  assert.equal(containerInstances?.[0]?.healthStatus?.overallStatus, "OK");
  assert.deepEqual(
    failures?.map((f) => f.reason),
    ["MISSING"],
  );
});

test("[PL10] [PL11] ListContainerInstances filters by an expression, and refuses one that it cannot read", async () => {
  const rig = await tasksRig();
  const [one, two] = [await rig.host("1"), await rig.host("2")];
  await rig.define("web");
  await rig.call("StartTask", { taskDefinition: "web", containerInstances: [two], group: "db" });
  const list = async (filter: string) => (await rig.call("ListContainerInstances", { filter })).containerInstanceArns;
  assert.deepEqual(await list("ec2InstanceId == i-1 and agentConnected == true"), [one]);
  assert.deepEqual(await list("task:group == db"), [two]);
  assert.deepEqual(await list("attribute:ecs.instance-type != t"), []);
  assert.deepEqual(await list(""), [one, two].sort());
  await refused(
    () => list("x == y"),
    "InvalidParameterException",
    /^The filter is invalid at position 1: 'x' is no subject/,
  );
});

test("UpdateContainerAgent never has an update", async () => {
  const rig = await tasksRig();
  const containerInstance = await rig.host("1");
  await refused(() => rig.call("UpdateContainerAgent", { containerInstance }), "NoUpdateAvailableException");
});
