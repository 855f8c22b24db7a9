import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import {
  CreateClusterCommand,
  CreateServiceCommand,
  DescribeServiceRevisionsCommand,
  DescribeServicesCommand,
  DescribeTasksCommand,
  ListTasksCommand,
  RegisterTaskDefinitionCommand,
  type Task,
  UpdateServiceCommand,
} from "@aws-sdk/client-ecs";
import { type Cluster, GATEWAY, startCluster } from "./rig/cluster.ts";
import { eventually } from "./rig/eventually.ts";
import { hostsJoined } from "./rig/joined.ts";
import { startRegistry, type TestRegistry } from "./rig/registry.ts";

const HOSTS = 3;
const TASKS = 6;

let cluster: Cluster;
let registry: TestRegistry;
/** The digests of the two versions between which the tag is moved. */
const digests: Record<"v1" | "v2", string> = { v1: "", v2: "" };

before(async () => {
  cluster = await startCluster({ hosts: HOSTS, serverArgs: ["--service-healthy-after", "1"] });
  registry = await startRegistry(GATEWAY);
  await cluster.ecs.send(new CreateClusterCommand({}));
  for (const host of cluster.hosts) await registry.trustedBy(cluster, host);
  for (const version of ["v2", "v1"] as const) {
    await moveTag(version);
    digests[version] = await registry.digestOf("app", "live");
  }
  assert.notEqual(digests.v1, digests.v2);
  for (const [family, versionConsistency] of [
    ["app", "enabled"],
    ["loose", "disabled"],
  ] as const) {
    const web = { name: "web", image: image(), cpu: 16, memory: 16, stopTimeout: 2, versionConsistency };
    await cluster.ecs.send(new RegisterTaskDefinitionCommand({ family, containerDefinitions: [web] }));
  }
  await hostsJoined(cluster, HOSTS);
});
after(async () => {
  await cluster?.close();
  await registry?.close();
});

const image = () => `${registry.address}/app:live`;

/** Lets the tag name that version from now on. No host keeps an image of the name. */
async function moveTag(version: "v1" | "v2"): Promise<void> {
  const [host] = cluster.hosts;
  assert.ok(host !== undefined);
  await cluster.docker(host, "tag", `hello:${version}`, image());
  await cluster.docker(host, "push", "--quiet", image());
  await cluster.docker(host, "rmi", image());
}

async function tasksOf(serviceName: string): Promise<readonly Task[]> {
  const { taskArns = [] } = await cluster.ecs.send(new ListTasksCommand({ serviceName }));
  if (taskArns.length === 0) return [];
  return (await cluster.ecs.send(new DescribeTasksCommand({ tasks: taskArns }))).tasks ?? [];
}

const running = async (service: string) => (await tasksOf(service)).filter((t) => t.lastStatus === "RUNNING");
const digestsOf = (tasks: readonly Task[]) => [...new Set(tasks.map((t) => t.containers?.[0]?.imageDigest))];

const runs = (service: string, count: number) =>
  eventually(`${count} tasks of ${service} run`, 60_000, async () => {
    const tasks = await running(service);
    return tasks.length === count ? tasks : undefined;
  });

/** The digest that the service's revision has, as people see it. */
async function revisionDigest(service: string): Promise<string | undefined> {
  const { services } = await cluster.ecs.send(new DescribeServicesCommand({ services: [service] }));
  const arn = services?.[0]?.currentServiceRevisions?.[0]?.arn ?? "";
  const { serviceRevisions } = await cluster.ecs.send(
    new DescribeServiceRevisionsCommand({ serviceRevisionArns: [arn] }),
  );
  return serviceRevisions?.[0]?.containerImages?.[0]?.imageDigest;
}

const create = (serviceName: string, desiredCount: number) =>
  cluster.ecs.send(
    new CreateServiceCommand({
      serviceName,
      taskDefinition: serviceName,
      desiredCount,
      // One task more than wanted at a time: a deployment of six has many steps between which a tag can be moved.
      deploymentConfiguration: { minimumHealthyPercent: 100, maximumPercent: 120 },
    }),
  );
const update = (service: string, over: object) => cluster.ecs.send(new UpdateServiceCommand({ service, ...over }));

test("[DP38] tasks that start after the tag was moved run what the first task of their deployment ran", async () => {
  await create("app", 1);
  const [first] = await runs("app", 1);
  assert.equal(first?.containers?.[0]?.imageDigest, digests.v1);
  assert.equal(await revisionDigest("app"), digests.v1);
  await moveTag("v2");
  await update("app", { desiredCount: TASKS });
  const tasks = await runs("app", TASKS);
  assert.deepEqual(digestsOf(tasks), [digests.v1]);
  assert.equal(new Set(tasks.map((t) => t.containerInstanceArn)).size, HOSTS, "they are on every host");
  assert.ok(tasks.every((t) => t.containers?.[0]?.image === image()));
});

test("[DP38] a tag that is moved in the middle of a deployment is asked for once: the deployment is of one version", async () => {
  const before = new Set((await tasksOf("app")).map((t) => t.taskArn));
  await update("app", { forceNewDeployment: true });
  const isNew = (t: Task) => !before.has(t.taskArn);
  await eventually("the first task of the new deployment runs", 30_000, async () =>
    (await running("app")).some((t) => isNew(t)),
  );
  await moveTag("v1");
  const tasks = await eventually("only new tasks run", 60_000, async () => {
    const found = await running("app");
    return found.length === TASKS && found.every(isNew) ? found : undefined;
  });
  assert.deepEqual(digestsOf(tasks), [digests.v2]);
  assert.equal(await revisionDigest("app"), digests.v2);
});

test("[DP38] without version consistency each task has the tag's image of its time", async () => {
  await create("loose", 1);
  await runs("loose", 1);
  await moveTag("v2");
  await update("loose", { desiredCount: 4 });
  const tasks = await runs("loose", 4);
  assert.deepEqual(digestsOf(tasks).toSorted(), [digests.v1, digests.v2].toSorted());
  assert.equal(await revisionDigest("loose"), undefined);
});
