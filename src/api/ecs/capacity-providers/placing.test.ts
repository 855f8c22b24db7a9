import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { observeService, startControllers } from "../../../controllers/index.ts";
import { reconcileService } from "../../../deployment/index.ts";
import { HOST_GROUP_ATTRIBUTE } from "../../../model/capacity-provider.ts";
import { attributeValue } from "../../../model/container-instance.ts";
import { applyReport } from "../../../state/index.ts";
import type { EcsOperations } from "../../../wire/models/ecs.ts";
import { type TasksRig, tasksRig } from "../tasks/testing.ts";
import { refused } from "../testing.ts";

/** Cluster `default` with providers `a` and `b`, so many hosts in each, and one host that belongs to none. A host takes ten `web`. */
async function rigWith(hosts: { readonly a: number; readonly b: number }): Promise<TasksRig> {
  const rig = await tasksRig();
  await rig.define("web");
  for (const name of ["a", "b"] as const) {
    await rig.call("CreateCapacityProvider", { name, autoScalingGroupProvider: { autoScalingGroupArn: name } });
    for (let i = 0; i < hosts[name]; i++) {
      await rig.host(`${name}${i}`, { attributes: [{ name: "berth.host-group", value: name }] });
    }
  }
  await rig.host("other");
  await rig.call("PutClusterCapacityProviders", {
    cluster: "default",
    capacityProviders: ["a", "b"],
    defaultCapacityProviderStrategy: [],
  });
  return rig;
}

const share = (capacityProvider: string, weight = 1, base = 0) => ({ capacityProvider, weight, base });

/** How many tasks run by which provider, having checked that each is on one of its hosts. */
async function spread(rig: TasksRig, taskArns: readonly string[]): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  if (taskArns.length === 0) return counts;
  const { tasks = [] } = await rig.call("DescribeTasks", { tasks: [...taskArns] });
  const ids = [...new Set(tasks.map((t) => t.containerInstanceArn ?? ""))];
  const { containerInstances = [] } = await rig.call("DescribeContainerInstances", { containerInstances: ids });
  const providerOf = new Map(containerInstances.map((i) => [i.containerInstanceArn, i.capacityProviderName]));
  for (const task of tasks) {
    const name = task.capacityProviderName ?? "none";
    if (name !== "none") assert.equal(providerOf.get(task.containerInstanceArn), name);
    counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts;
}

const run = (rig: TasksRig, input: Partial<EcsOperations["RunTask"]["input"]>) =>
  rig.call("RunTask", { taskDefinition: "web", ...input });

describe("RunTask by capacity providers", () => {
  test("[PL16] [PL17] keeps the strategy's proportion for each call, each task on its provider's hosts", async () => {
    const rig = await rigWith({ a: 1, b: 1 });
    const { tasks, failures } = await run(rig, {
      count: 10,
      capacityProviderStrategy: [share("a", 1, 2), share("b", 3)],
    });
    assert.deepEqual(failures, []);
    assert.ok(tasks?.every((t) => t.launchType === "EC2"));
    assert.deepEqual(
      await spread(
        rig,
        (tasks ?? []).map((t) => t.taskArn ?? ""),
      ),
      { a: 4, b: 6 },
    );
  });

  test("[PL16] goes by the cluster's default strategy only without a launch type", async () => {
    const rig = await rigWith({ a: 1, b: 1 });
    await rig.call("PutClusterCapacityProviders", {
      cluster: "default",
      capacityProviders: ["a", "b"],
      defaultCapacityProviderStrategy: [{ capacityProvider: "b" }],
    });
    const names = async (input: Partial<EcsOperations["RunTask"]["input"]>) =>
      (await run(rig, input)).tasks?.map((t) => t.capacityProviderName);
    assert.deepEqual(await names({}), ["b"]);
    assert.deepEqual(await names({ launchType: "EC2" }), [undefined]);
    assert.deepEqual(await names({ capacityProviderStrategy: [{ capacityProvider: "a" }] }), ["a"]);
    await refused(
      () => run(rig, { launchType: "EC2", capacityProviderStrategy: [{ capacityProvider: "a" }] }),
      "InvalidParameterException",
      "Specify either Launch Type or Capacity Provider Strategy, but not both.",
    );
  });

  test("[PL19] what a provider has no room for does not go to another, and says what it lacks there", async () => {
    const rig = await rigWith({ a: 1, b: 0 });
    await rig.define("half", { cpu: 500 });
    const both = [share("a"), share("b")];
    const some = await run(rig, { taskDefinition: "half", count: 6, capacityProviderStrategy: both });
    assert.deepEqual(
      some.tasks?.map((t) => t.capacityProviderName),
      ["a", "a"],
    );
    assert.deepEqual(
      some.failures?.map((f) => [f.arn?.split("/")[0], f.reason]),
      [
        ["arn:aws:ecs:us-east-1:000000000000:capacity-provider", "EMPTY CAPACITY PROVIDER"],
        ["arn:aws:ecs:us-east-1:000000000000:container-instance", "RESOURCE:CPU"],
      ],
    );
    await refused(
      () => run(rig, { capacityProviderStrategy: [share("b")] }),
      "InvalidParameterException",
      "No Container Instances were found in your capacity provider.",
    );
  });
});

type CreateInput = EcsOperations["CreateService"]["input"];

/** A service with its controllers running, whose agents do at once what they are told. */
async function withService(
  hosts: { readonly a: number; readonly b: number },
  input: Partial<CreateInput>,
  body: (rig: TasksRig, settled: () => Promise<Record<string, number>>) => Promise<void>,
): Promise<void> {
  const rig = await rigWith(hosts);
  const { store, clock, random, log } = rig.context;
  const deployment = { healthyAfterMs: 0, rebalanceAfterMs: 0 };
  const controllers = startControllers({ store, clock, random, log, deployment });
  try {
    await rig.call("CreateService", { serviceName: "web", taskDefinition: "web", desiredCount: 1, ...input });
    await body(rig, async () => spread(rig, await untilSettled(rig)));
  } finally {
    await controllers.stop();
  }
}

/** Waits until the service is steady: neither then nor at a later look is a task moved, and it could only be to hosts of the provider. */
async function checkNoMove(rig: TasksRig, provider: string): Promise<void> {
  const { view } = rig.context.store;
  const service = () => [...view.services.all()][0];
  for (let i = 0; i < 2000 && service()?.steadyAt === undefined; i++) await wait(5);
  const observed = observeService(view, service()?.arn ?? "", { healthyAfterMs: 0, rebalanceAfterMs: 0 });
  assert.ok(observed?.service.steadyAt !== undefined);
  const places = (observed.places?.() ?? []).map(({ instance }) => attributeValue(instance, HOST_GROUP_ATTRIBUTE));
  assert.deepEqual(places, [provider]);
  const actions = reconcileService(observed, rig.context.clock.now());
  assert.deepEqual(
    actions.filter((a) => a.kind === "start-tasks"),
    [],
  );
  assert.deepEqual(
    [...view.tasks.all()].filter((t) => t.move !== undefined),
    [],
  );
}

/** Waits for at most ten seconds until the service has one deployment with all its tasks, and answers these. */
async function untilSettled(rig: TasksRig): Promise<readonly string[]> {
  const { store, clock } = rig.context;
  for (let i = 0; i < 2000; i++) {
    const [service] = [...store.view.services.all()];
    const tasks = store.view.tasks.where("service", service?.arn ?? "");
    const isWhole = tasks.length === service?.desiredCount && tasks.every((t) => t.lastStatus === "RUNNING");
    const [primary, ...others] = service?.deployments ?? [];
    if (isWhole && others.length === 0 && primary?.rolloutState === "COMPLETED") return tasks.map((t) => t.arn);
    await store.transact("agents", (tx) => {
      for (const task of tx.tasks.where("service", service?.arn ?? "")) {
        if (task.lastStatus === "STOPPING") applyReport(tx, task, { status: "STOPPED", containers: [] }, clock.now());
        if (task.lastStatus === "PENDING") applyReport(tx, task, { status: "RUNNING", containers: [] }, clock.now());
      }
    });
    await wait(5);
  }
  throw new Error(`not settled: ${JSON.stringify([...store.view.services.all()].map((s) => s.deployments))}`);
}

describe("services by capacity providers", () => {
  test("[DP39] keep the proportion when they grow, shrink and are deployed anew", async () => {
    const capacityProviderStrategy = [share("a", 1, 1), share("b", 2)];
    await withService({ a: 2, b: 2 }, { desiredCount: 7, capacityProviderStrategy }, async (rig, settled) => {
      assert.deepEqual(await settled(), { a: 3, b: 4 });
      const { services } = await rig.call("DescribeServices", { services: ["web"] });
      const [service] = services ?? [];
      const [deployment] = service?.deployments ?? [];
      assert.deepEqual(
        [service?.launchType, service?.capacityProviderStrategy, deployment?.launchType],
        [undefined, capacityProviderStrategy, undefined],
      );
      assert.deepEqual(deployment?.capacityProviderStrategy, capacityProviderStrategy);
      const serviceRevisionArns = (service?.currentServiceRevisions ?? []).map((r) => r.arn ?? "");
      const { serviceRevisions } = await rig.call("DescribeServiceRevisions", { serviceRevisionArns });
      assert.deepEqual(serviceRevisions?.[0]?.capacityProviderStrategy, capacityProviderStrategy);
      await rig.call("UpdateService", { service: "web", desiredCount: 10 });
      assert.deepEqual(await settled(), { a: 4, b: 6 });
      await rig.call("UpdateService", { service: "web", desiredCount: 4 });
      assert.deepEqual(await settled(), { a: 2, b: 2 });
      await rig.call("UpdateService", { service: "web", forceNewDeployment: true });
      assert.deepEqual(await settled(), { a: 2, b: 2 });
    });
  });

  test("[DP39] another strategy starts no deployment and moves no task; a new deployment does", async () => {
    const input = { desiredCount: 3, capacityProviderStrategy: [share("a")] };
    await withService({ a: 1, b: 1 }, input, async (rig, settled) => {
      assert.deepEqual(await settled(), { a: 3 });
      const id = async () =>
        (await rig.call("DescribeServices", { services: ["web"] })).services?.[0]?.deployments?.map((d) => d.id);
      const before = await id();
      await rig.call("UpdateService", { service: "web", capacityProviderStrategy: [share("b")] });
      assert.deepEqual([await settled(), await id()], [{ a: 3 }, before]);
      await checkNoMove(rig, "b");
      await rig.call("UpdateService", { service: "web", desiredCount: 4 });
      assert.deepEqual(await settled(), { a: 3, b: 1 });
      await rig.call("UpdateService", { service: "web", desiredCount: 2 });
      assert.deepEqual(await settled(), { a: 1, b: 1 });
      await rig.call("UpdateService", { service: "web", forceNewDeployment: true });
      assert.deepEqual(await settled(), { b: 2 });
      await rig.call("UpdateService", { service: "web", capacityProviderStrategy: [], forceNewDeployment: true });
      assert.deepEqual(await settled(), { none: 2 });
      const { services } = await rig.call("DescribeServices", { services: ["web"] });
      assert.equal(services?.[0]?.launchType, "EC2");
    });
  });

  test("[PL19] wait for a host of the provider, and say so", async () => {
    const input = { desiredCount: 2, capacityProviderStrategy: [share("b"), share("a")] };
    await withService({ a: 1, b: 0 }, input, async (rig, settled) => {
      const events = () => [...rig.context.store.view.serviceEvents.all()].map((e) => e.message);
      const isTold = () =>
        events().some((e) => e.includes("unable to place")) && events().some((e) => e.includes("started"));
      for (let i = 0; i < 2000 && !isTold(); i++) await wait(5);
      assert.match(
        events().find((e) => e.includes("unable to place")) ?? "",
        /Reason: No Container Instances were found in your capacity provider\./,
      );
      assert.equal(rig.context.store.view.tasks.size, 1);
      await rig.host("late", { attributes: [{ name: "berth.host-group", value: "b" }] });
      assert.deepEqual(await settled(), { a: 1, b: 1 });
    });
  });

  test("refuse what does not go with a strategy", async () => {
    const rig = await rigWith({ a: 1, b: 1 });
    const create = (input: Partial<CreateInput>) => () =>
      rig.call("CreateService", { serviceName: "web", taskDefinition: "web", desiredCount: 1, ...input });
    const both = [share("a"), share("b")];
    const rows: [Partial<CreateInput>, RegExp][] = [
      [{ launchType: "EC2", capacityProviderStrategy: both }, /^Specify either Launch Type or Capacity Provider/],
      [{ capacityProviderStrategy: [share("c")] }, /not associated with the cluster/],
      [
        { capacityProviderStrategy: both, schedulingStrategy: "DAEMON", desiredCount: undefined },
        /not supported .* DAEMON scheduling strategy\.$/,
      ],
      [
        { capacityProviderStrategy: both, deploymentController: { type: "EXTERNAL" }, taskDefinition: undefined },
        /EXTERNAL deployment controller/,
      ],
      [{ capacityProviderStrategy: both, availabilityZoneRebalancing: "ENABLED" }, /rebalancing does not support/],
    ];
    for (const [input, message] of rows) await refused(create(input), "InvalidParameterException", message);
    assert.equal(rig.context.store.view.services.size, 0);
    const { service } = await create({
      capacityProviderStrategy: [share("a")],
      availabilityZoneRebalancing: "ENABLED",
    })();
    assert.equal(service?.availabilityZoneRebalancing, "ENABLED");
    await refused(
      () => rig.call("UpdateService", { service: "web", capacityProviderStrategy: both }),
      "InvalidParameterException",
      /rebalancing does not support .* several/,
    );
    const again = await create({ capacityProviderStrategy: [share("a")], availabilityZoneRebalancing: "ENABLED" })();
    assert.equal(again.service?.serviceArn, service?.serviceArn);
    await refused(create({}), "InvalidParameterException", "Creation of service was not idempotent.");
  });
});
