import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import {
  CreateClusterCommand,
  CreateServiceCommand,
  DeleteServiceCommand,
  DescribeServicesCommand,
  DescribeTasksCommand,
  ListTasksCommand,
  RegisterTaskDefinitionCommand,
  RunTaskCommand,
  StopTaskCommand,
  type Task,
  UpdateContainerInstancesStateCommand,
  UpdateServiceCommand,
  waitUntilServicesInactive,
  waitUntilServicesStable,
} from "@aws-sdk/client-ecs";
import { type Cluster, startCluster } from "./rig/cluster.ts";
import { eventually } from "./rig/eventually.ts";
import { hostsJoined } from "./rig/joined.ts";

let cluster: Cluster;

before(async () => {
  cluster = await startCluster({ hosts: 2, serverArgs: ["--service-healthy-after", "1"] });
  const { ecs } = cluster;
  await ecs.send(new CreateClusterCommand({}));
  for (const version of ["v1", "v2"]) {
    const web = { name: "web", image: `hello:${version}`, cpu: 16, memory: 16, essential: true, stopTimeout: 2 };
    await ecs.send(new RegisterTaskDefinitionCommand({ family: "watch", containerDefinitions: [web] }));
  }
  await hostsJoined(cluster, 2);
});
after(() => cluster?.close());

async function running(): Promise<readonly Task[]> {
  const { taskArns = [] } = await cluster.ecs.send(new ListTasksCommand({ serviceName: "watch" }));
  if (taskArns.length === 0) return [];
  const { tasks = [] } = await cluster.ecs.send(new DescribeTasksCommand({ tasks: taskArns }));
  return tasks.filter((t) => t.lastStatus === "RUNNING" && t.desiredStatus === "RUNNING");
}

const hostsOf = (tasks: readonly Task[]) => new Set(tasks.map((t) => t.containerInstanceArn));

const stable = () =>
  waitUntilServicesStable({ client: cluster.ecs, maxWaitTime: 40, minDelay: 1, maxDelay: 1 }, { services: ["watch"] });

test("[DP20] [DP21] [DP23] a DAEMON service runs once on each host, on one that joins at once, and last on one that drains", async () => {
  const { ecs } = cluster;
  const service = { serviceName: "watch", taskDefinition: "watch:1", schedulingStrategy: "DAEMON" } as const;
  await ecs.send(new CreateServiceCommand(service));
  await stable();
  assert.equal(hostsOf(await running()).size, 2);

  await cluster.addHost("late");
  await eventually("the new host has its task", 20_000, async () => hostsOf(await running()).size === 3);
  await stable();
  const { services } = await ecs.send(new DescribeServicesCommand({ services: ["watch"] }));
  assert.deepEqual([services?.[0]?.desiredCount, services?.[0]?.runningCount], [3, 3]);

  await ecs.send(new UpdateServiceCommand({ service: "watch", taskDefinition: "watch:2" }));
  await stable();
  const rolled = await running();
  assert.ok(rolled.length === 3 && rolled.every((t) => t.taskDefinitionArn?.endsWith(":2")));
  assert.equal(hostsOf(rolled).size, 3);

  const { tasks } = await ecs.send(new RunTaskCommand({ taskDefinition: "watch:1" }));
  const other = tasks?.[0];
  const drained = other?.containerInstanceArn ?? "";
  await ecs.send(new UpdateContainerInstancesStateCommand({ containerInstances: [drained], status: "DRAINING" }));
  await stable();
  assert.ok(hostsOf(await running()).has(drained), "it stays while the other runs");
  await ecs.send(new StopTaskCommand({ task: other?.taskArn ?? "" }));
  await eventually("the drained host's task is gone", 20_000, async () => !hostsOf(await running()).has(drained));

  await ecs.send(new DeleteServiceCommand({ service: "watch" }));
  await waitUntilServicesInactive({ client: ecs, maxWaitTime: 30, minDelay: 1, maxDelay: 1 }, { services: ["watch"] });
});
