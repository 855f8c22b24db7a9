import assert from "node:assert/strict";
import { test } from "node:test";
import type { ServiceRecord } from "../../../model/service.ts";
import type { TaskRecord } from "../../../model/task.ts";
import { clusterArn } from "../../../wire/arn.ts";
import { arrange, refused, TEST_CALL, TEST_SCOPE, testContext, testInstance } from "../testing.ts";
import {
  createCluster,
  deleteCluster,
  describeClusters,
  listClusters,
  updateCluster,
  updateClusterSettings,
} from "./clusters.ts";

const DEFAULT_ARN = "arn:aws:ecs:us-east-1:000000000000:cluster/default";

function task(lastStatus: TaskRecord["lastStatus"], id = "a"): TaskRecord {
  return {
    arn: `arn:aws:ecs:us-east-1:000000000000:task/default/${id.repeat(32)}`,
    clusterArn: DEFAULT_ARN,
    launchType: "EC2",
    desiredStatus: "RUNNING",
    lastStatus,
  } as unknown as TaskRecord;
}

function service(status: ServiceRecord["status"]): ServiceRecord {
  return {
    arn: "arn:aws:ecs:us-east-1:000000000000:service/default/web",
    name: "web",
    clusterArn: DEFAULT_ARN,
    status,
    launchType: "EC2",
    deployments: [],
    loadBalancers: [],
  } as unknown as ServiceRecord;
}

test("a cluster without a name is called default and is answered whole", async () => {
  const context = await testContext();
  const { cluster } = await createCluster(context, { tags: [{ key: "team", value: "a" }] }, TEST_CALL);
  assert.deepEqual(cluster, {
    clusterArn: DEFAULT_ARN,
    clusterName: "default",
    status: "ACTIVE",
    registeredContainerInstancesCount: 0,
    runningTasksCount: 0,
    pendingTasksCount: 0,
    activeServicesCount: 0,
    statistics: [],
    tags: [{ key: "team", value: "a" }],
    settings: [{ name: "containerInsights", value: "disabled" }],
    capacityProviders: [],
    defaultCapacityProviderStrategy: [],
  });
});

test("creating a cluster that is there answers it as it is, and a deleted one is made anew", async () => {
  const context = await testContext();
  const tagged = (value: string) => ({ clusterName: "c", tags: [{ key: "k", value }] });
  await createCluster(context, tagged("first"), TEST_CALL);
  const again = await createCluster(context, tagged("second"), TEST_CALL);
  assert.deepEqual(again.cluster?.tags, [{ key: "k", value: "first" }]);
  await deleteCluster(context, { cluster: "c" }, TEST_CALL);
  const anew = await createCluster(context, tagged("third"), TEST_CALL);
  assert.deepEqual([anew.cluster?.status, anew.cluster?.tags], ["ACTIVE", [{ key: "k", value: "third" }]]);
});

test("what CreateCluster does not carry out or accept is refused by its name and changes nothing", async () => {
  const context = await testContext();
  const table: [Parameters<typeof createCluster>[1], RegExp][] = [
    [{ capacityProviders: ["FARGATE"] }, /Berth does not carry out capacityProviders\[\] FARGATE and FARGATE_SPOT\./],
    [{ defaultCapacityProviderStrategy: [{ capacityProvider: "FARGATE_SPOT" }] }, /defaultCapacityProviderStrategy/],
    [{ capacityProviders: ["x"] }, /^The specified capacity provider 'x' was not found\./],
    [{ defaultCapacityProviderStrategy: [{ capacityProvider: "x" }] }, /is not associated with the cluster/],
    [{ configuration: {} }, /carry out configuration/],
    [{ serviceConnectDefaults: { namespace: "n" } }, /carry out serviceConnectDefaults/],
    [
      { settings: [{ name: "containerInsights", value: "enhanced" }] },
      /settings containerInsights enabled and enhanced/,
    ],
    [{ clusterName: "no spaces" }, /^Cluster must match \^\[a-zA-Z0-9\\-_\]\{1,255\}\$, but was no spaces$/],
    [{ tags: [{ key: "aws:x", value: "" }] }, /reserved/],
    [{ settings: [{ name: "containerInsights" }] }, /./],
  ];
  for (const [input, message] of table) {
    await refused(() => createCluster(context, input, TEST_CALL), "InvalidParameterException", message);
  }
  assert.equal(context.store.view.clusters.size, 0);
  const empty = { capacityProviders: [], defaultCapacityProviderStrategy: [] };
  assert.equal((await createCluster(context, empty, TEST_CALL)).cluster?.status, "ACTIVE");
});

test("a cluster is deleted only when nothing lives in it", async () => {
  const context = await testContext();
  await createCluster(context, {}, TEST_CALL);
  const remove = () => deleteCluster(context, { cluster: DEFAULT_ARN }, TEST_CALL);
  for (const status of ["ACTIVE", "DRAINING"] as const) {
    await arrange(context, (tx) => tx.services.put(service(status)));
    await refused(
      remove,
      "ClusterContainsServicesException",
      "The Cluster cannot be deleted while Services are active.",
    );
  }
  await arrange(context, (tx) => {
    tx.services.put(service("INACTIVE"));
    tx.tasks.put(task("STOPPING"));
    tx.containerInstances.put(testInstance({ status: "DRAINING" }));
  });
  await refused(remove, "ClusterContainsTasksException", "The Cluster cannot be deleted while Tasks are active.");
  await arrange(context, (tx) => tx.tasks.put(task("STOPPED")));
  await refused(
    remove,
    "ClusterContainsContainerInstancesException",
    "The Cluster cannot be deleted while Container Instances are active or draining.",
  );
  await arrange(context, (tx) => tx.containerInstances.put(testInstance({ status: "INACTIVE" })));
  assert.equal((await remove()).cluster?.status, "INACTIVE");
  await refused(remove, "ClusterNotFoundException", "The referenced cluster was inactive.");
});

test("describing answers each cluster once, deleted ones too, and the others as missing", async () => {
  const context = await testContext();
  for (const clusterName of ["default", "gone"]) await createCluster(context, { clusterName }, TEST_CALL);
  await deleteCluster(context, { cluster: "gone" }, TEST_CALL);
  const elsewhere = "arn:aws:ecs:eu-west-1:000000000000:cluster/default";
  const answer = await describeClusters(
    context,
    { clusters: ["default", "default", "gone", "never", elsewhere] },
    TEST_CALL,
  );
  assert.deepEqual(
    answer.clusters?.map((c) => [c.clusterName, c.status]),
    [
      ["default", "ACTIVE"],
      ["gone", "INACTIVE"],
    ],
  );
  assert.deepEqual(answer.failures, [
    { arn: "arn:aws:ecs:us-east-1:000000000000:cluster/never", reason: "MISSING" },
    { arn: elsewhere, reason: "MISSING" },
  ]);
  assert.equal((await describeClusters(context, {}, TEST_CALL)).clusters?.[0]?.clusterName, "default");
});

test("a description counts what is there, and shows statistics, settings and tags only if asked", async () => {
  const context = await testContext();
  await createCluster(context, { tags: [{ key: "k", value: "v" }] }, TEST_CALL);
  await arrange(context, (tx) => {
    tx.containerInstances.put(testInstance());
    tx.tasks.put(task("RUNNING", "a"));
    tx.tasks.put(task("PENDING", "b"));
    tx.tasks.put(task("STOPPED", "c"));
    tx.services.put(service("ACTIVE"));
  });
  const plain = (await describeClusters(context, {}, TEST_CALL)).clusters?.[0];
  assert.deepEqual(
    [plain?.registeredContainerInstancesCount, plain?.runningTasksCount, plain?.pendingTasksCount],
    [1, 1, 1],
  );
  assert.deepEqual([plain?.activeServicesCount, plain?.statistics, plain?.settings, plain?.tags], [1, [], [], []]);
  const whole = (await describeClusters(context, { include: ["STATISTICS", "SETTINGS", "TAGS"] }, TEST_CALL))
    .clusters?.[0];
  const statistics = Object.fromEntries((whole?.statistics ?? []).map((s) => [s.name, s.value]));
  assert.equal(Object.keys(statistics).length, 12);
  assert.deepEqual(
    [statistics.runningEC2TasksCount, statistics.pendingEC2TasksCount, statistics.activeEC2ServiceCount],
    ["1", "1", "1"],
  );
  assert.deepEqual([whole?.settings?.length, whole?.tags?.length], [1, 1]);
});

test("a list is paged over ACTIVE clusters, and its token is good for it alone", async () => {
  const context = await testContext();
  for (const clusterName of ["b", "a", "c", "x"]) await createCluster(context, { clusterName }, TEST_CALL);
  await deleteCluster(context, { cluster: "x" }, TEST_CALL);
  const first = await listClusters(context, { maxResults: 2 }, TEST_CALL);
  const second = await listClusters(context, { maxResults: 2, nextToken: first.nextToken }, TEST_CALL);
  const name = (arn: string) => arn.slice(arn.lastIndexOf("/") + 1);
  assert.deepEqual([first.clusterArns?.map(name), second.clusterArns?.map(name)], [["a", "b"], ["c"]]);
  assert.equal(second.nextToken, undefined);
  for (const input of [{ maxResults: 101 }, { maxResults: 0 }, { nextToken: "made up" }]) {
    await refused(() => listClusters(context, input, TEST_CALL), "InvalidParameterException");
  }
});

test("settings are changed one by one, and what is not carried out is refused", async () => {
  const context = await testContext();
  await createCluster(context, {}, TEST_CALL);
  const off = { settings: [{ name: "containerInsights" as const, value: "disabled" }] };
  const on = { settings: [{ name: "containerInsights" as const, value: "enabled" }] };
  const updated = await updateCluster(context, { cluster: "default", ...off }, TEST_CALL);
  assert.deepEqual(updated.cluster?.settings, off.settings);
  await updateClusterSettings(context, { cluster: "default", ...off }, TEST_CALL);
  for (const call of [
    () => updateCluster(context, { cluster: "default", ...on }, TEST_CALL),
    () => updateCluster(context, { cluster: "default", configuration: {} }, TEST_CALL),
    () => updateClusterSettings(context, { cluster: "default", ...on }, TEST_CALL),
    () => updateClusterSettings(context, { cluster: "default", settings: [] }, TEST_CALL),
  ]) {
    await refused(call, "InvalidParameterException");
  }
  const bogus = { settings: [{ name: "containerInsights" as const, value: "bogus" }] };
  await refused(
    () => updateCluster(context, { cluster: "default", ...bogus }, TEST_CALL),
    "InvalidParameterException",
    "Setting value should be one of [enhanced,enabled,disabled]",
  );
  const nowhere = () => updateCluster(context, { cluster: "nowhere", ...off }, TEST_CALL);
  await refused(nowhere, "ClusterNotFoundException", "Cluster not found.");
  assert.equal(context.store.view.clusters.get(clusterArn(TEST_SCOPE, { clusterName: "default" }))?.settings.length, 1);
});
