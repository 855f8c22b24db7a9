import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { UpdateServiceCommand } from "@aws-sdk/client-ecs";
import { assertAgreement, containersByHost, describeInstances, livingTasks } from "./rig/agreement.ts";
import { type Cluster, startCluster } from "./rig/cluster.ts";
import { eventually } from "./rig/eventually.ts";
import { deployHello, type HelloService } from "./rig/hello-service.ts";
import { connectedHosts } from "./rig/joined.ts";

const HOSTS = 3;
const TASKS = 6;

let cluster: Cluster;
let hello: HelloService;

before(async () => {
  // Hosts come back here, and where tasks are afterwards is what is looked at: evening out would move some.
  cluster = await startCluster({ hosts: HOSTS, serverArgs: ["--rebalance-after", "3600"] });
  hello = await deployHello(cluster, { tasks: TASKS, hosts: HOSTS });
});
after(() => cluster?.close());
// A test that failed must not leave a host cut off for the next.
afterEach(async () => {
  for (const host of cluster.hosts) await cluster.cable(host.name, "up");
});

const hostName = (index: number) => cluster.hosts[index]?.name ?? "";
const arns = async () => (await hello.tasks()).map((task) => task.taskArn).sort();

async function instanceOf(name: string): Promise<string | undefined> {
  const instances = await describeInstances(cluster);
  return instances.find((i) => i.attributes?.some((a) => a.value === name))?.containerInstanceArn;
}

/** Waits until as many tasks as wanted run, none of them on that instance, and answers how long it took. */
async function replaced(instance: string | undefined, limitMs: number): Promise<number> {
  const from = performance.now();
  await eventually("the tasks run elsewhere", limitMs, async () => {
    const running = (await hello.tasks()).filter((t) => t.lastStatus === "RUNNING");
    return running.length === TASKS && running.every((t) => t.containerInstanceArn !== instance);
  });
  return Math.round(performance.now() - from);
}

/** Everything is connected, the service as wished, nothing doubled and nothing left over. */
async function inOrder(): Promise<void> {
  await eventually("all hosts are connected", 20_000, async () => (await connectedHosts(cluster)) === HOSTS);
  await hello.stable(60);
  await eventually("nothing else is left of any task", 30_000, async () => {
    const containers = [...(await containersByHost(cluster)).values()].flat();
    return containers.length === TASKS && (await livingTasks(cluster)).length === TASKS;
  });
  await assertAgreement(cluster);
}

test("a host that is cut off for four seconds keeps its tasks", async () => {
  const tasks = await arns();
  await cluster.cable(hostName(0), "down");
  await sleep(4000);
  await cluster.cable(hostName(0), "up");
  await sleep(6000);
  assert.deepEqual(await arns(), tasks);
  await inOrder();
});

test("a host that is cut off for twenty seconds is replaced within ten, and stops its old containers when it is back", async () => {
  const instance = await instanceOf(hostName(0));
  const cutAt = performance.now();
  await cluster.cable(hostName(0), "down");
  console.log(`replaced ${await replaced(instance, 10_000)} ms after the cut`);
  const old = (await containersByHost(cluster)).get(hostName(0)) ?? [];
  assert.ok(old.length > 0, "what ran on the host runs on while it is cut off");
  await sleep(cutAt + 20_000 - performance.now());
  await cluster.cable(hostName(0), "up");
  const healedAt = performance.now();
  await eventually("the old containers have stopped", 30_000, async () => {
    const now = (await containersByHost(cluster)).get(hostName(0)) ?? [];
    return !now.some((id) => old.includes(id));
  });
  console.log(`old containers stopped ${Math.round(performance.now() - healedAt)} ms after the host was back`);
  await inOrder();
});

test("a deployment goes on around a host that is cut off, and takes it in again", async () => {
  await cluster.ecs.send(new UpdateServiceCommand({ service: "hello", taskDefinition: "hello:2" }));
  await sleep(1500);
  await cluster.cable(hostName(1), "down");
  await sleep(15_000);
  await cluster.cable(hostName(1), "up");
  await inOrder();
  const tasks = await hello.tasks();
  assert.ok(tasks.every((task) => task.taskDefinitionArn?.endsWith("hello:2")));
});

test("a control plane that is killed while a host is cut off finds it again, and replaces nothing before its time", async () => {
  const tasks = await arns();
  await cluster.cable(hostName(2), "down");
  await sleep(2000);
  await cluster.crashServer();
  // Longer than the load balancer takes to find the targets unhealthy, shorter than the grace after a start.
  await sleep(15_000);
  assert.deepEqual(await arns(), tasks);
  await cluster.cable(hostName(2), "up");
  await inOrder();
  assert.deepEqual(await arns(), tasks);
});

test("a control plane that is killed after it replaced a host's tasks still has them stopped when the host is back", async () => {
  await cluster.ecs.send(new UpdateServiceCommand({ service: "hello", forceNewDeployment: true }));
  await hello.stable(60);
  const instance = await instanceOf(hostName(0));
  await cluster.cable(hostName(0), "down");
  await replaced(instance, 12_000);
  await cluster.crashServer(() => cluster.cable(hostName(0), "up"));
  await inOrder();
});
