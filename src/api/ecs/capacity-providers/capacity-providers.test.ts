import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type TasksRig, tasksRig } from "../tasks/testing.ts";
import { refused, TEST_SCOPE } from "../testing.ts";

const UUID = "01234567-89ab-cdef-0123-456789abcdef";
const groupArn = (name: string, region = TEST_SCOPE.region) =>
  `arn:aws:autoscaling:${region}:${TEST_SCOPE.accountId}:autoScalingGroup:${UUID}:autoScalingGroupName/${name}`;
const providerArn = (name: string) => `arn:aws:ecs:us-east-1:000000000000:capacity-provider/${name}`;

function create(rig: TasksRig, name: string, autoScalingGroupArn = name) {
  return rig.call("CreateCapacityProvider", { name, autoScalingGroupProvider: { autoScalingGroupArn } });
}

const associate = (rig: TasksRig, ...capacityProviders: string[]) =>
  rig.call("PutClusterCapacityProviders", {
    cluster: "default",
    capacityProviders,
    defaultCapacityProviderStrategy: [],
  });

describe("CreateCapacityProvider", () => {
  test("answers the provider whole, of a group by its ARN or its bare name", async () => {
    const rig = await tasksRig();
    const { capacityProvider } = await rig.call("CreateCapacityProvider", {
      name: "fast",
      autoScalingGroupProvider: {
        autoScalingGroupArn: groupArn("fast hosts"),
        managedScaling: { status: "DISABLED", targetCapacity: 90 },
        managedTerminationProtection: "DISABLED",
      },
      tags: [{ key: "team", value: "a" }],
    });
    assert.deepEqual(capacityProvider, {
      capacityProviderArn: providerArn("fast"),
      name: "fast",
      status: "ACTIVE",
      type: "EC2_AUTOSCALING",
      autoScalingGroupProvider: {
        autoScalingGroupArn: groupArn("fast hosts"),
        managedScaling: { status: "DISABLED", targetCapacity: 90 },
        managedTerminationProtection: "DISABLED",
        managedDraining: "DISABLED",
      },
      updateStatus: "CREATE_COMPLETE",
      tags: [{ key: "team", value: "a" }],
    });
    const bare = await create(rig, "slow", "slow.hosts");
    assert.equal(bare.capacityProvider?.autoScalingGroupProvider?.autoScalingGroupArn, "slow.hosts");
  });

  test("refuses what no provider can be, and what is not carried out, and changes nothing", async () => {
    const rig = await tasksRig();
    await create(rig, "one", "group");
    const group = (over: object) => ({ autoScalingGroupProvider: { autoScalingGroupArn: "g", ...over } });
    const rows: [string, object, string, RegExp][] = [
      ["aws-x", group({}), "InvalidParameterException", /name is invalid/],
      ["FARGATE", group({}), "InvalidParameterException", /name is invalid/],
      ["a b", group({}), "InvalidParameterException", /name is invalid/],
      ["x".repeat(256), group({}), "InvalidParameterException", /name is invalid/],
      ["x", {}, "InvalidParameterException", /needs an autoScalingGroupProvider/],
      ["x", group({ autoScalingGroupArn: "" }), "InvalidParameterException", /autoScalingGroupArn must be/],
      ["x", group({ autoScalingGroupArn: "arn:nonsense" }), "InvalidParameterException", /autoScalingGroupArn must be/],
      ["x", group({ autoScalingGroupArn: groupArn("g", "eu-west-1") }), "InvalidParameterException", /must be/],
      ["x", group({ managedScaling: { status: "ENABLED" } }), "InvalidParameterException", /managedScaling\.status/],
      ["x", group({ managedScaling: {} }), "InvalidParameterException", /managedScaling\.status/],
      [
        "x",
        group({ managedScaling: { status: "DISABLED", targetCapacity: 101 } }),
        "InvalidParameterException",
        /^targetCapacity must be between 1 and 100\.$/,
      ],
      ["x", group({ managedTerminationProtection: "ENABLED" }), "InvalidParameterException", /TerminationProtection/],
      ["x", group({ managedDraining: "ENABLED" }), "InvalidParameterException", /managedDraining/],
      ["x", { managedInstancesProvider: {} }, "InvalidParameterException", /managedInstancesProvider/],
      ["x", { ...group({}), cluster: "default" }, "InvalidParameterException", /cluster/],
      ["one", group({}), "ClientException", /already exists/],
      ["x", group({ autoScalingGroupArn: groupArn("group") }), "ClientException", /in use by capacity provider one\./],
    ];
    for (const [name, over, code, message] of rows) {
      await refused(() => rig.call("CreateCapacityProvider", { name, ...over }), code, message);
    }
    assert.equal(rig.context.store.view.capacityProviders.size, 1);
  });
});

describe("DescribeCapacityProviders", () => {
  test("answers by name and ARN each once, in pages, or those of a cluster; tags only if asked", async () => {
    const rig = await tasksRig();
    for (let i = 0; i < 12; i++) await create(rig, `p${String(i).padStart(2, "0")}`);
    const named = await rig.call("DescribeCapacityProviders", {
      capacityProviders: ["p01", providerArn("p02"), "p01", "none"],
    });
    assert.deepEqual(
      named.capacityProviders?.map((p) => [p.name, p.tags]),
      [
        ["p01", []],
        ["p02", []],
      ],
    );
    assert.deepEqual(named.failures, [{ arn: providerArn("none"), reason: "MISSING" }]);
    const first = await rig.call("DescribeCapacityProviders", {});
    const second = await rig.call("DescribeCapacityProviders", { nextToken: first.nextToken });
    assert.deepEqual([first.capacityProviders?.length, second.capacityProviders?.length], [10, 2]);
    await associate(rig, "p03");
    const mine = await rig.call("DescribeCapacityProviders", { cluster: "default" });
    assert.deepEqual(
      mine.capacityProviders?.map((p) => p.name),
      ["p03"],
    );
  });
});

describe("UpdateCapacityProvider and DeleteCapacityProvider", () => {
  test("keep the numbers of managed scaling, and delete what no cluster has", async () => {
    const rig = await tasksRig();
    await create(rig, "one");
    const updated = await rig.call("UpdateCapacityProvider", {
      name: "one",
      autoScalingGroupProvider: { managedScaling: { status: "DISABLED", instanceWarmupPeriod: 5 } },
    });
    assert.deepEqual(
      [
        updated.capacityProvider?.updateStatus,
        updated.capacityProvider?.autoScalingGroupProvider?.managedScaling?.instanceWarmupPeriod,
      ],
      ["UPDATE_COMPLETE", 5],
    );
    await associate(rig, "one");
    const remove = (capacityProvider: string) => rig.call("DeleteCapacityProvider", { capacityProvider });
    await refused(() => remove("one"), "ClientException", /in use and cannot be removed\. .* cluster default\.$/);
    await associate(rig);
    const { capacityProvider } = await remove(providerArn("one"));
    assert.deepEqual([capacityProvider?.status, capacityProvider?.updateStatus], ["INACTIVE", "DELETE_COMPLETE"]);
    await refused(() => remove("one"), "ClientException", "The specified capacity provider could not be found.");
    await create(rig, "two");
    await associate(rig, "two");
    await rig.call("DeleteCluster", { cluster: "default" });
    await remove("two");
    await refused(() => remove("FARGATE"), "ClientException", /cannot be changed or deleted/);
    await refused(
      () =>
        rig.call("UpdateCapacityProvider", {
          name: "one",
          autoScalingGroupProvider: { managedScaling: { status: "ENABLED" } },
        }),
      "InvalidParameterException",
      /managedScaling\.status other than DISABLED/,
    );
  });
});

describe("PutClusterCapacityProviders", () => {
  test("replaces what the cluster has, and instances show their provider", async () => {
    const rig = await tasksRig();
    for (const name of ["one", "two"]) await create(rig, name, `${name}-hosts`);
    const { cluster } = await rig.call("PutClusterCapacityProviders", {
      cluster: "default",
      capacityProviders: ["one", "two"],
      defaultCapacityProviderStrategy: [{ capacityProvider: "two", weight: 1 }],
    });
    assert.deepEqual(
      [cluster?.capacityProviders, cluster?.defaultCapacityProviderStrategy, cluster?.attachmentsStatus],
      [["one", "two"], [{ capacityProvider: "two", weight: 1, base: 0 }], "UPDATE_COMPLETE"],
    );
    const inGroup = await rig.host("a", { attributes: [{ name: "berth.host-group", value: "one-hosts" }] });
    const outside = await rig.host("b", { attributes: [{ name: "berth.host-group", value: "others" }] });
    const shown = async () => {
      const containerInstances = [inGroup, outside];
      const answer = await rig.call("DescribeContainerInstances", { containerInstances });
      return answer.containerInstances?.map((i) => i.capacityProviderName);
    };
    assert.deepEqual(await shown(), ["one", undefined]);
    await associate(rig, "two");
    assert.deepEqual(await shown(), [undefined, undefined]);
  });

  test("refuses strategies that nothing can be placed by", async () => {
    const rig = await tasksRig();
    for (const name of ["one", "two"]) await create(rig, name);
    await associate(rig, "one", "two");
    const of = (capacityProvider: string, weight?: number, base?: number) => ({ capacityProvider, weight, base });
    const rows: [object[], RegExp][] = [
      [[of("three", 1)], /not associated with the cluster\. Associate/],
      [[of("one"), of("two")], /only capacity providers with a weight of 0/],
      [[of("one", 1, 1), of("two", 1, 1)], /more than one capacity provider with a base/],
      [[of("one", 1), of("one", 1)], /more than once/],
      [[of("one", 1001)], /^weight must be between 0 and 1000\.$/],
      [[of("one", -1)], /^weight must be/],
      [[of("one", 1, 100_001)], /^base must be between 0 and 100000\.$/],
      [Array.from({ length: 21 }, (_, i) => of(`p${i}`, 1)), /more than 20 capacity providers/],
      [[of("FARGATE_SPOT", 1)], /FARGATE/],
    ];
    for (const [strategy, message] of rows) {
      const given = strategy as { capacityProvider: string }[];
      for (const call of [
        () =>
          rig.call("PutClusterCapacityProviders", {
            cluster: "default",
            capacityProviders: ["one", "two"],
            defaultCapacityProviderStrategy: given,
          }),
        () => rig.call("RunTask", { taskDefinition: "web", capacityProviderStrategy: given }),
      ]) {
        if (rig.context.store.view.taskDefinitions.size === 0) await rig.define("web");
        await refused(call, "InvalidParameterException", message);
      }
    }
    await refused(() => associate(rig, "one", "one"), "InvalidParameterException", /more than once/);
    await refused(() => associate(rig, "none"), "InvalidParameterException", /'none' was not found/);
    await refused(() => associate(rig, "FARGATE"), "InvalidParameterException", /capacityProviders\[\] FARGATE/);
    const many = Array.from({ length: 21 }, (_, i) => `p${i}`);
    await refused(() => associate(rig, ...many), "InvalidParameterException", /more than 20/);
  });

  test("does not take away what a service's strategy or a task has", async () => {
    const rig = await tasksRig();
    for (const name of ["one", "two"]) await create(rig, name);
    await associate(rig, "one", "two");
    await rig.host("a", { attributes: [{ name: "berth.host-group", value: "one" }] });
    await rig.define("web");
    const { tasks } = await rig.call("RunTask", {
      taskDefinition: "web",
      capacityProviderStrategy: [{ capacityProvider: "one" }],
    });
    await rig.call("CreateService", {
      serviceName: "web",
      taskDefinition: "web",
      desiredCount: 0,
      capacityProviderStrategy: [{ capacityProvider: "two" }],
    });
    const inUse = (...left: string[]) =>
      refused(
        () => associate(rig, ...left),
        "ResourceInUseException",
        "The specified capacity provider is in use and cannot be removed.",
      );
    await inUse("one");
    await inUse("two");
    await rig.call("StopTask", { task: tasks?.[0]?.taskArn ?? "" });
    await associate(rig, "two");
    await rig.call("UpdateService", { service: "web", capacityProviderStrategy: [] });
    await associate(rig);
  });
});
