import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Resource } from "@aws-sdk/client-ecs";
import type { EcsOperations } from "../../../wire/models/ecs.ts";
import { refused } from "../testing.ts";
import { type TasksRig, tasksRig } from "./testing.ts";

type RunTaskInput = EcsOperations["RunTask"]["input"];

async function rigWithHosts(hosts: number): Promise<TasksRig> {
  const rig = await tasksRig();
  for (let i = 1; i <= hosts; i++) await rig.host(`${i}`);
  await rig.define("web");
  return rig;
}

const run = (rig: TasksRig, input: Partial<RunTaskInput> = {}) =>
  rig.call("RunTask", { taskDefinition: "web", ...input });

describe("RunTask", () => {
  test("answers PENDING tasks spread over the hosts, with ECS's defaults", async () => {
    const rig = await rigWithHosts(3);
    const { tasks = [], failures } = await run(rig, { count: 9 });
    assert.deepEqual(failures, []);
    const perHost = Object.values(Object.groupBy(tasks, (t) => t.containerInstanceArn ?? "")).map((t) => t?.length);
    assert.deepEqual(perHost, [3, 3, 3]);
    const [task] = tasks;
    const { group, launchType, lastStatus, desiredStatus, version, startedBy, overrides, tags } = task!;
    assert.deepEqual(
      { group, launchType, lastStatus, desiredStatus, version, startedBy, tags, overrides },
      {
        group: "family:web",
        launchType: "EC2",
        lastStatus: "PENDING",
        desiredStatus: "RUNNING",
        version: 1,
        startedBy: undefined,
        tags: [],
        overrides: {
          containerOverrides: [{ name: "web" }],
          inferenceAcceleratorOverrides: [],
          cpu: undefined,
          memory: undefined,
        },
      },
    );
    assert.match(task!.taskArn ?? "", /^arn:aws:ecs:us-east-1:000000000000:task\/default\/[0-9a-f]{32}$/);
    assert.equal(task!.containers?.[0]?.lastStatus, "PENDING");
  });

  test("[PL10] [PL11] places by memberOf, of the call and of the task definition together", async () => {
    const rig = await rigWithHosts(3);
    const [first = "", second = "", third = ""] =
      (await rig.call("ListContainerInstances", {})).containerInstanceArns ?? [];
    const attribute = (name: string, targetId: string) => ({ name, value: "yes", targetId });
    const attributes = [attribute("a", first), attribute("a", second), attribute("b", second), attribute("b", third)];
    await rig.call("PutAttributes", { attributes });
    await rig.define("picky", {}, { placementConstraints: [{ type: "memberOf", expression: "attribute:a exists" }] });
    const byB = { placementConstraints: [{ type: "memberOf" as const, expression: "attribute:b == yes" }] };
    const { tasks } = await run(rig, { taskDefinition: "picky", count: 2, group: "db", ...byB });
    assert.deepEqual(
      tasks?.map((t) => t.containerInstanceArn),
      [second, second],
    );
    const apart = { placementConstraints: [{ type: "memberOf" as const, expression: "not(task:group == db)" }] };
    const others = (await run(rig, { taskDefinition: "picky", count: 2, ...apart })).tasks;
    assert.deepEqual(
      others?.map((t) => t.containerInstanceArn),
      [first, first],
    );
    const none = { placementConstraints: [{ type: "memberOf" as const, expression: "attribute:c exists" }] };
    const { failures } = await run(rig, none);
    assert.deepEqual(
      failures?.map((f) => f.reason),
      Array(3).fill("MemberOf placement constraint unsatisfied."),
    );
  });

  test("[PL13] a failure's detail has everything that stands against the task, and who holds its port", async () => {
    const rig = await rigWithHosts(1);
    const ports = { portMappings: [{ containerPort: 80, hostPort: 8080 }] };
    await rig.define("edge", { ...ports, memory: 600 });
    const [holder] = (await run(rig, { taskDefinition: "edge" })).tasks ?? [];
    const { failures } = await run(rig, { taskDefinition: "edge" });
    const id = holder?.taskArn?.split("/").at(-1);
    const detail = `Needs 600 MiB of memory, 424 left of 1024; port 8080/tcp is held by task ${id}. Fits if 176 MiB and port 8080/tcp are freed here.`;
    assert.deepEqual(
      failures?.map((f) => [f.reason, f.detail]),
      [["RESOURCE:MEMORY", detail]],
    );
    const named = await rig.call("StartTask", {
      taskDefinition: "edge",
      containerInstances: [holder?.containerInstanceArn ?? ""],
    });
    assert.deepEqual(named.failures, failures);
  });

  test("[PL15] tasks are given the GPUs of their instance, each to one container, until they have STOPPED", async () => {
    const rig = await tasksRig();
    const devices = ["gpu-a", "gpu-b", "gpu-c"].map((id) => ({ id, type: "GPU" as const }));
    const host = await rig.host("1", { platformDevices: devices });
    await rig.host("2");
    const gpus = (value: string) => ({ resourceRequirements: [{ type: "GPU" as const, value }] });
    const side = { name: "side", image: "side", memory: 10, ...gpus("1") };
    await rig.define(
      "cuda",
      {},
      { containerDefinitions: [{ name: "web", image: "web", memory: 10, ...gpus("1") }, side] },
    );
    const [first] = (await run(rig, { taskDefinition: "cuda" })).tasks ?? [];
    assert.deepEqual(
      first?.containers?.map((c) => c.gpuIds),
      [["gpu-a"], ["gpu-b"]],
    );
    const { tasks, failures } = await run(rig, { taskDefinition: "cuda" });
    assert.deepEqual([tasks, failures?.map((f) => f.reason)], [[], ["RESOURCE:GPU", "RESOURCE:GPU"]]);
    const resource = async () => {
      const { containerInstances } = await rig.call("DescribeContainerInstances", { containerInstances: [host] });
      const of = (list: Resource[] | undefined) => list?.find((r) => r.name === "GPU")?.stringSetValue;
      const [instance] = containerInstances ?? [];
      return [of(instance?.registeredResources), of(instance?.remainingResources)];
    };
    assert.deepEqual(await resource(), [["gpu-a", "gpu-b", "gpu-c"], ["gpu-c"]]);
    const none = { containerOverrides: [{ name: "side", ...gpus("0") }] };
    const [small] = (await run(rig, { taskDefinition: "cuda", overrides: none })).tasks ?? [];
    assert.deepEqual(
      small?.containers?.map((c) => c.gpuIds),
      [["gpu-c"], undefined],
    );
    for (const task of [first, small]) {
      await rig.call("SubmitTaskStateChange", { task: task?.taskArn, status: "STOPPED" });
    }
    assert.deepEqual(await resource(), [
      ["gpu-a", "gpu-b", "gpu-c"],
      ["gpu-a", "gpu-b", "gpu-c"],
    ]);
    assert.equal((await run(rig, { taskDefinition: "cuda", count: 2 })).tasks?.length, 1);
    rig.context.store.verify();
  });

  test("[PL11] a task placed earlier in the same call counts for task:group", async () => {
    const rig = await rigWithHosts(2);
    const apart = { placementConstraints: [{ type: "memberOf" as const, expression: "task:group != lone" }] };
    const { tasks, failures } = await run(rig, { count: 3, group: "lone", ...apart });
    assert.deepEqual([tasks?.length, failures?.length], [2, 2]);
  });

  test("starts what fits and answers for the rest each host's reason", async () => {
    const rig = await rigWithHosts(2);
    await rig.define("big", { cpu: 600 });
    const { tasks, failures } = await run(rig, { taskDefinition: "big", count: 5 });
    assert.equal(tasks?.length, 2);
    assert.deepEqual(
      failures?.map((f) => [f.reason, f.detail]),
      Array(2).fill(["RESOURCE:CPU", "Needs 600 CPU units, 424 left of 1024. Fits if 176 CPU units are freed here."]),
    );
    const { containerInstances } = await rig.call("DescribeContainerInstances", {
      containerInstances: [tasks![0]!.containerInstanceArn!],
    });
    const remaining = containerInstances?.[0]?.remainingResources?.map((r) => r.integerValue ?? 0);
    assert.deepEqual([remaining?.[0], remaining?.[1]], [424, 924]);
  });

  const placed: readonly { readonly title: string; readonly container: object; readonly reason: string }[] = [
    { title: "memory", container: { memory: 2000 }, reason: "RESOURCE:MEMORY" },
    {
      title: "a port that the host keeps",
      container: { portMappings: [{ containerPort: 1, hostPort: 22 }] },
      reason: "RESOURCE:PORTS",
    },
  ];
  for (const { title, container, reason } of placed) {
    test(`gives ${reason} for ${title}`, async () => {
      const rig = await rigWithHosts(1);
      await rig.define("odd", container);
      const { failures } = await run(rig, { taskDefinition: "odd" });
      assert.deepEqual(
        failures?.map((f) => f.reason),
        [reason],
      );
    });
  }

  test("gives AGENT for a host that is not connected, ATTRIBUTE for one without a capability", async () => {
    const rig = await tasksRig();
    const { containerInstance } = await rig.call("RegisterContainerInstance", {
      totalResources: [
        { name: "CPU", type: "INTEGER", integerValue: 1024 },
        { name: "MEMORY", type: "INTEGER", integerValue: 1024 },
      ],
    });
    await rig.define("web");
    const { failures } = await run(rig);
    const detail = "Its agent is not connected. Fits if the agent connects here.";
    assert.deepEqual(failures, [{ arn: containerInstance?.containerInstanceArn, reason: "AGENT", detail }]);
    await rig.host("1");
    await rig.define("needy", {}, { requiresAttributes: [{ name: "ecs.capability.other" }] });
    const needy = await run(rig, { taskDefinition: "needy" });
    assert.deepEqual(needy.failures?.map((f) => f.reason).sort(), ["AGENT", "ATTRIBUTE"]);
    const external = await run(rig, { launchType: "EXTERNAL" });
    assert.ok(external.failures?.some((f) => f.reason === "ATTRIBUTE"));
  });

  test("gives ATTRIBUTE for a host with another processor than the definition's platform", async () => {
    const rig = await tasksRig();
    await rig.host("1", { attributes: [{ name: "ecs.cpu-architecture", value: "x86_64" }] });
    await rig.define("arm", {}, { runtimePlatform: { cpuArchitecture: "ARM64" } });
    await rig.define("intel", {}, { runtimePlatform: { cpuArchitecture: "X86_64" } });
    const arm = await run(rig, { taskDefinition: "arm" });
    assert.deepEqual(
      arm.failures?.map((f) => f.reason),
      ["ATTRIBUTE"],
    );
    assert.equal((await run(rig, { taskDefinition: "intel" })).tasks?.length, 1);
  });

  test("places by constraint and strategy", async () => {
    const rig = await rigWithHosts(2);
    const distinct = await run(rig, { count: 3, placementConstraints: [{ type: "distinctInstance" }] });
    assert.equal(distinct.tasks?.length, 2);
    assert.deepEqual(
      new Set(distinct.failures?.map((f) => f.reason)),
      new Set(["DistinctInstance placement constraint unsatisfied."]),
    );
    const packed = await run(rig, {
      count: 4,
      group: "other",
      placementStrategy: [{ type: "binpack", field: "memory" }],
    });
    assert.equal(new Set(packed.tasks?.map((t) => t.containerInstanceArn)).size, 1);
  });

  test("merges overrides into what the task holds", async () => {
    const rig = await rigWithHosts(1);
    const { tasks } = await run(rig, {
      overrides: {
        cpu: "0.25 vcpu",
        containerOverrides: [{ name: "web", memory: 300, command: ["x"], environment: [{ name: "A", value: "b" }] }],
      },
    });
    assert.deepEqual([tasks?.[0]?.cpu, tasks?.[0]?.containers?.[0]?.memory], ["256", "300"]);
    const record = rig.context.store.view.tasks.get(tasks?.[0]?.taskArn ?? "");
    assert.deepEqual(record?.resources, { cpu: 256, memoryMiB: 300, ports: [], portsUdp: [] });
  });

  test("tags tasks with its own, propagated and managed tags", async () => {
    const rig = await rigWithHosts(1);
    const { tasks } = await run(rig, {
      tags: [{ key: "team", value: "call" }],
      propagateTags: "TASK_DEFINITION",
      enableECSManagedTags: true,
    });
    assert.deepEqual(tasks?.[0]?.tags, [
      { key: "aws:ecs:clusterName", value: "default" },
      { key: "from", value: "definition" },
      { key: "team", value: "call" },
    ]);
  });

  test("answers the same tasks for the same clientToken, and refuses it for another call", async () => {
    const rig = await rigWithHosts(1);
    const first = await run(rig, { clientToken: "t", count: 2, startedBy: "me" });
    const again = await run(rig, { startedBy: "me", count: 2, clientToken: "t" });
    assert.deepEqual(
      again.tasks?.map((t) => t.taskArn),
      first.tasks?.map((t) => t.taskArn),
    );
    const error = await refused(() => run(rig, { clientToken: "t", count: 3, startedBy: "me" }), "ConflictException");
    assert.deepEqual(
      error.members.resourceIds,
      first.tasks?.map((t) => t.taskArn),
    );
    assert.equal((await rig.call("ListTasks", {})).taskArns?.length, 2);
  });

  test("answers the failures of the first call, too, for the same clientToken", async () => {
    const rig = await rigWithHosts(1);
    await rig.define("half", { cpu: 500, memory: 300 });
    const first = await run(rig, { taskDefinition: "half", count: 3, clientToken: "t" });
    assert.deepEqual([first.tasks?.length, first.failures?.map((f) => f.reason)], [2, ["RESOURCE:CPU"]]);
    const again = await run(rig, { taskDefinition: "half", count: 3, clientToken: "t" });
    assert.deepEqual([again.tasks?.length, again.failures], [2, first.failures]);
  });

  test("remembers no clientToken of a call that started nothing", async () => {
    const rig = await rigWithHosts(1);
    await rig.define("big", { cpu: 2000 });
    assert.equal((await run(rig, { taskDefinition: "big", clientToken: "t" })).tasks?.length, 0);
    assert.equal((await run(rig, { clientToken: "t" })).tasks?.length, 1);
  });

  const invalid: readonly (readonly [title: string, input: Partial<RunTaskInput>, code: string, message: RegExp])[] = [
    ["no cluster", { cluster: "none" }, "ClusterNotFoundException", /^Cluster not found\.$/],
    ["no task definition", { taskDefinition: "none" }, "ClientException", /^TaskDefinition not found\.$/],
    ["count 0", { count: 0 }, "InvalidParameterException", /count/],
    ["count 11", { count: 11 }, "InvalidParameterException", /count/],
    ["a group of services", { group: "service:web" }, "InvalidParameterException", /group/],
    ["startedBy with a space", { startedBy: "a b" }, "InvalidParameterException", /startedBy/],
    ["propagateTags SERVICE", { propagateTags: "SERVICE" }, "InvalidParameterException", /SERVICE/],
    ["a tag of AWS's", { tags: [{ key: "aws:x", value: "" }] }, "InvalidParameterException", /reserved/],
    ["FARGATE", { launchType: "FARGATE" }, "InvalidParameterException", /launchType/],
    [
      "FARGATE in a strategy",
      { capacityProviderStrategy: [{ capacityProvider: "FARGATE" }] },
      "InvalidParameterException",
      /capacityProviderStrategy/,
    ],
    ["a network", { networkConfiguration: {} }, "InvalidParameterException", /networkConfiguration/],
    ["volumes", { volumeConfigurations: [{ name: "x" }] }, "InvalidParameterException", /volumeConfigurations/],
    ["exec", { enableExecuteCommand: true }, "InvalidParameterException", /enableExecuteCommand/],
    ["a platform version", { platformVersion: "LATEST" }, "InvalidParameterException", /platformVersion/],
    [
      "memberOf by no expression",
      { placementConstraints: [{ type: "memberOf", expression: "attribute:a in b" }] },
      "InvalidParameterException",
      /The expression 'attribute:a in b' of the memberOf placement constraint is invalid at position 16: expected a list/,
    ],
    [
      "spread over nothing",
      { placementStrategy: [{ type: "spread", field: "x" }] },
      "InvalidParameterException",
      /spread/,
    ],
    ["a role", { overrides: { taskRoleArn: "x" } }, "InvalidParameterException", /taskRoleArn/],
    [
      "an override of no container",
      { overrides: { containerOverrides: [{ name: "x" }] } },
      "InvalidParameterException",
      /container named x/,
    ],
    [
      "a tiny memory override",
      { overrides: { containerOverrides: [{ name: "web", memory: 1 }] } },
      "InvalidParameterException",
      /memory/,
    ],
    ["a size that is none", { overrides: { cpu: "much" } }, "ClientException", /cpu/],
    ["a long clientToken", { clientToken: "x".repeat(65) }, "InvalidParameterException", /clientToken/],
  ];
  for (const [title, input, code, message] of invalid) {
    test(`refuses ${title} and changes nothing`, async () => {
      const rig = await rigWithHosts(1);
      const before = rig.context.store.revision;
      await refused(() => run(rig, input), code, message);
      assert.equal(rig.context.store.revision, before);
    });
  }

  test("refuses a cluster without container instances, and a definition that no task can be made of", async () => {
    const rig = await tasksRig();
    await rig.define("web");
    await rig.define("vpc", {}, { networkMode: "awsvpc" });
    await refused(() => run(rig), "InvalidParameterException", "No Container Instances were found in your cluster.");
    await refused(() => run(rig, { taskDefinition: "vpc" }), "InvalidParameterException", /awsvpc/);
  });
});

describe("StartTask", () => {
  test("starts a task on each host named, and says why not on the others", async () => {
    const rig = await rigWithHosts(2);
    const [one, two] = (await rig.call("ListContainerInstances", {})).containerInstanceArns as [string, string];
    await rig.call("UpdateContainerInstancesState", { containerInstances: [two], status: "DRAINING" });
    const missing = one.replace(/.{32}$/, "0".repeat(32));
    const { tasks, failures } = await rig.call("StartTask", {
      taskDefinition: "web",
      containerInstances: [one, two, missing, one],
      startedBy: "me",
    });
    assert.deepEqual(
      tasks?.map((t) => [t.containerInstanceArn, t.startedBy]),
      [
        [one, "me"],
        [one, "me"],
      ],
    );
    assert.deepEqual(failures, [
      { arn: two, reason: "DRAINING" },
      { arn: missing, reason: "MISSING" },
    ]);
  });

  test("starts as EXTERNAL on a host from outside AWS, and only what can run there", async () => {
    const rig = await tasksRig();
    const host = await rig.host("1", { attributes: [{ name: "ecs.capability.external" }] });
    await rig.define("any");
    await rig.define("own", {}, { requiresCompatibilities: ["EC2"] });
    await rig.define("outside", {}, { requiresCompatibilities: ["EXTERNAL"] });
    const start = (taskDefinition: string) => rig.call("StartTask", { taskDefinition, containerInstances: [host] });
    assert.equal((await start("any")).tasks?.[0]?.launchType, "EXTERNAL");
    assert.equal((await start("outside")).tasks?.[0]?.launchType, "EXTERNAL");
    assert.deepEqual((await start("own")).failures, [{ arn: host, reason: "ATTRIBUTE" }]);
    await rig.define("cloud", {}, { requiresCompatibilities: ["FARGATE"] });
    await refused(() => start("cloud"), "InvalidParameterException", /does not support launch_type/);
  });

  test("refuses an empty list and more than ten hosts", async () => {
    const rig = await rigWithHosts(1);
    const start = (containerInstances: string[]) =>
      rig.call("StartTask", { taskDefinition: "web", containerInstances });
    await refused(() => start([]), "ClientException", "Container Instances cannot be empty.");
    await refused(() => start(Array(11).fill("a")), "InvalidParameterException", /10/);
  });
});
