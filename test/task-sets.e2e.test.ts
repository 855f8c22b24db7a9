import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import {
  CreateClusterCommand,
  CreateServiceCommand,
  CreateTaskSetCommand,
  DeleteServiceCommand,
  DeleteTaskSetCommand,
  DescribeServicesCommand,
  DescribeTaskSetsCommand,
  InvalidParameterException,
  RegisterTaskDefinitionCommand,
  type TaskSet,
  UpdateServicePrimaryTaskSetCommand,
  UpdateTaskSetCommand,
  waitUntilServicesInactive,
} from "@aws-sdk/client-ecs";
import {
  CreateListenerCommand,
  CreateLoadBalancerCommand,
  ModifyListenerCommand,
  ModifyTargetGroupAttributesCommand,
} from "@aws-sdk/client-elastic-load-balancing-v2";
import { type Cluster, startCluster } from "./rig/cluster.ts";
import { eventually } from "./rig/eventually.ts";
import { createTargetGroup } from "./rig/hello-service.ts";
import { hostsJoined } from "./rig/joined.ts";
import { get, startLoad } from "./rig/load.ts";
import { freePorts } from "./rig/start-process.ts";

const OF_WEB = { cluster: "default", service: "web" } as const;
const TASKS = 2;

let cluster: Cluster;

before(async () => {
  cluster = await startCluster({ hosts: 1 });
  await cluster.ecs.send(new CreateClusterCommand({}));
  for (const version of ["v1", "v2"]) {
    const container = { name: "web", image: `hello:${version}`, cpu: 16, memory: 16, stopTimeout: 2 };
    const containerDefinitions = [{ ...container, portMappings: [{ containerPort: 80 }] }];
    await cluster.ecs.send(new RegisterTaskDefinitionCommand({ family: "web", containerDefinitions }));
  }
  await hostsJoined(cluster, 1);
});
after(() => cluster?.close());

/** A target group whose targets are drained within a second. */
async function group(name: string): Promise<string> {
  const TargetGroupArn = await createTargetGroup(cluster, name);
  const Attributes = [{ Key: "deregistration_delay.timeout_seconds", Value: "1" }];
  await cluster.elb.send(new ModifyTargetGroupAttributesCommand({ TargetGroupArn, Attributes }));
  return TargetGroupArn;
}

/** All traffic to the one group, none to the other. */
const forwardTo = (all: string, none: string) => [
  {
    Type: "forward" as const,
    ForwardConfig: {
      TargetGroups: [
        { TargetGroupArn: all, Weight: 1 },
        { TargetGroupArn: none, Weight: 0 },
      ],
    },
  },
];

async function makeSet(taskDefinition: string, targetGroupArn: string, percent: number): Promise<string> {
  const { taskSet } = await cluster.ecs.send(
    new CreateTaskSetCommand({
      ...OF_WEB,
      taskDefinition,
      scale: { value: percent, unit: "PERCENT" },
      loadBalancers: [{ targetGroupArn, containerName: "web", containerPort: 80 }],
    }),
  );
  return taskSet?.id ?? "";
}

async function sets(): Promise<readonly TaskSet[]> {
  const { taskSets = [] } = await cluster.ecs.send(new DescribeTaskSetsCommand(OF_WEB));
  return taskSets;
}

const steady = (what: string, count: number) =>
  eventually(what, 30_000, async () => {
    const all = await sets();
    return all.length === count && all.every((set) => set.stabilityStatus === "STEADY_STATE");
  });

/** How many containers of each image run on the host. */
async function images(): Promise<Readonly<Record<string, number>>> {
  const [host] = cluster.hosts;
  if (host === undefined) throw new Error("there is no host");
  const names = (await cluster.docker(host, "ps", "--format", "{{.Image}}")).split("\n").filter((name) => name !== "");
  return Object.fromEntries([...Map.groupBy(names, (name) => name)].map(([name, all]) => [name, all.length]));
}

test("[DP26] [DP27] somebody else's deployment: a set beside the other, traffic moved by hand, the new one PRIMARY, the old one gone", async () => {
  const { ecs, elb } = cluster;
  const [port = 0] = await freePorts(1);
  const [blue, green] = [await group("blue"), await group("green")];
  const { LoadBalancers } = await elb.send(new CreateLoadBalancerCommand({ Name: "web", Subnets: ["subnet-1"] }));
  const LoadBalancerArn = LoadBalancers?.[0]?.LoadBalancerArn;
  const listener = { LoadBalancerArn, Protocol: "HTTP", Port: port, DefaultActions: forwardTo(blue, green) } as const;
  const { Listeners } = await elb.send(new CreateListenerCommand(listener));
  const ListenerArn = Listeners?.[0]?.ListenerArn;
  const deploymentController = { type: "EXTERNAL" } as const;
  await ecs.send(new CreateServiceCommand({ serviceName: "web", desiredCount: TASKS, deploymentController }));

  const first = await makeSet("web:1", blue, 100);
  await ecs.send(new UpdateServicePrimaryTaskSetCommand({ ...OF_WEB, primaryTaskSet: first }));
  const second = await makeSet("web:2", green, 50);
  await steady("both sets are steady", 2);
  assert.deepEqual(await images(), { "hello:v1": TASKS, "hello:v2": TASKS / 2 });

  const load = startLoad(`http://127.0.0.1:${port}/`, 50);
  assert.match(await get(`http://127.0.0.1:${port}/`), /v1/);
  await ecs.send(new UpdateTaskSetCommand({ ...OF_WEB, taskSet: second, scale: { value: 100, unit: "PERCENT" } }));
  await elb.send(new ModifyListenerCommand({ ListenerArn, DefaultActions: forwardTo(green, blue) }));
  await eventually("the new version answers", 5_000, async () => /v2/.test(await get(`http://127.0.0.1:${port}/`)));
  await ecs.send(new UpdateServicePrimaryTaskSetCommand({ ...OF_WEB, primaryTaskSet: second }));
  const { services } = await ecs.send(new DescribeServicesCommand({ services: ["web"] }));
  assert.match(services?.[0]?.taskDefinition ?? "", /\/web:2$/);
  assert.deepEqual(
    services?.[0]?.taskSets?.map((set) => [set.id, set.status]),
    [
      [first, "ACTIVE"],
      [second, "PRIMARY"],
    ],
  );

  const remove = (force: boolean) => ecs.send(new DeleteTaskSetCommand({ ...OF_WEB, taskSet: first, force }));
  await assert.rejects(remove(false), InvalidParameterException);
  assert.equal((await remove(true)).taskSet?.status, "DRAINING");
  await steady("the old set is gone, and the new one whole", 1);
  const { failures, sent } = await load.stop();
  assert.deepEqual(failures, [], `of ${sent} requests`);
  assert.deepEqual(await images(), { "hello:v2": TASKS });

  await ecs.send(new DeleteServiceCommand({ service: "web", force: true }));
  await waitUntilServicesInactive({ client: ecs, maxWaitTime: 30, minDelay: 1, maxDelay: 1 }, { services: ["web"] });
  assert.deepEqual(await images(), {});
});
