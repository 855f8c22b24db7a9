import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import {
  DescribeContainerInstancesCommand,
  ListContainerInstancesCommand,
  UpdateServiceCommand,
} from "@aws-sdk/client-ecs";
import type { Host } from "../src/capacity/index.ts";
import { type Cluster, startCluster } from "./rig/cluster.ts";
import { eventually } from "./rig/eventually.ts";
import { deployHello, type HelloService } from "./rig/hello-service.ts";
import { connectedHosts } from "./rig/joined.ts";
import { get, startLoad } from "./rig/load.ts";

const TASKS = 3;
const HOSTS = 3;
const REQUESTS_PER_SECOND = 200;

let cluster: Cluster;
let hello: HelloService;

before(async () => {
  cluster = await startCluster({ hosts: HOSTS });
  hello = await deployHello(cluster, { tasks: TASKS, hosts: HOSTS });
});
after(() => cluster?.close());

test("300 requests over three tasks on three hosts spread within 5 % of even", async () => {
  const answers = new Map<string, number>();
  for (let i = 0; i < 300; i++) {
    const body = await get(hello.url);
    answers.set(body, (answers.get(body) ?? 0) + 1);
  }
  assert.equal(answers.size, TASKS, `answers: ${[...answers.keys()].join(" | ")}`);
  for (const [body, count] of answers) assert.ok(count >= 95 && count <= 105, `${body} answered ${count} of 300`);
  const hosts = new Set([...answers.keys()].map((body) => / on (\S+)/.exec(body)?.[1]));
  assert.equal(hosts.size, HOSTS, "each task is on a host of its own");
});

test("a killed container costs at most the requests it was answering, and is replaced within twice a docker run and two seconds", async () => {
  const dockerRunMs = await timeDockerRun(cluster.hosts[0]!);
  const load = startLoad(hello.url, REQUESTS_PER_SECOND);
  await new Promise((resolve) => setTimeout(resolve, 1000));
  const { host, containerId } = await someContainer();
  const before = new Set((await hello.tasks()).map((t) => t.taskArn));
  const killedAt = performance.now();
  await cluster.docker(host, "kill", containerId);
  await eventually("a new task runs", 20_000, async () => {
    const tasks = await hello.tasks();
    const running = tasks.filter((t) => t.lastStatus === "RUNNING");
    return running.length === TASKS && running.some((t) => !before.has(t.taskArn));
  });
  const replacedMs = performance.now() - killedAt;
  await hello.stable(30);
  const result = await load.stop();
  console.log(
    `docker run ${Math.round(dockerRunMs)} ms; replaced after ${Math.round(replacedMs)} ms; ${result.failures.length} of ${result.sent} requests failed`,
  );
  assert.ok(
    replacedMs <= 2 * dockerRunMs + 2000,
    `replaced after ${replacedMs} ms, docker run takes ${dockerRunMs} ms`,
  );
  // At 200 requests a second over three tasks that answer in milliseconds, one or two are in flight on any of them.
  assert.ok(result.failures.length <= 3, `failed: ${JSON.stringify(result.failures)}`);
});

test("a rolling update under load fails no request", async () => {
  const load = startLoad(hello.url, REQUESTS_PER_SECOND);
  await cluster.ecs.send(new UpdateServiceCommand({ service: "hello", taskDefinition: "hello:2" }));
  await hello.stable(120);
  await eventually("only version 2 answers", 10_000, async () => (await get(hello.url)).includes("v2"));
  const result = await load.stop();
  console.log(
    `rolling update: ${result.failures.length} of ${result.sent} requests failed, slowest ${result.slowestMs} ms`,
  );
  assert.deepEqual(result.failures, []);
  assert.ok(
    [...result.answers.keys()].some((a) => a.includes("v1")) &&
      [...result.answers.keys()].some((a) => a.includes("v2")),
  );
  const { deployments } = await hello.describe();
  assert.equal(deployments?.length, 1);
  assert.equal(deployments?.[0]?.rolloutState, "COMPLETED");
});

test("a host whose agent is stopped for three seconds is not declared dead", async () => {
  const before = (await hello.tasks()).map((t) => t.taskArn).sort();
  const agent = await agentPid(cluster.hosts[0]!);
  process.kill(agent, "SIGSTOP");
  try {
    await new Promise((resolve) => setTimeout(resolve, 3000));
  } finally {
    process.kill(agent, "SIGCONT");
  }
  await new Promise((resolve) => setTimeout(resolve, 5000));
  assert.deepEqual((await hello.tasks()).map((t) => t.taskArn).sort(), before);
  assert.equal(await connectedHosts(cluster), HOSTS);
});

test("killing an agent and then its dockerd leaves the containers as they are", async () => {
  const host = cluster.hosts[0]!;
  const containersBefore = await runningContainers(host);
  assert.ok(containersBefore.length > 0, "the host runs nothing to keep");
  process.kill(await agentPid(host), "SIGKILL");
  await eventually("the agent is back", 20_000, async () => (await connectedHosts(cluster)) === HOSTS);
  const { engine } = await cluster.pids(host.name);
  assert.ok(engine !== undefined);
  process.kill(engine, "SIGKILL");
  await eventually("the engine answers again", 30_000, () =>
    runningContainers(host).then(
      (c) => c.length > 0,
      () => false,
    ),
  );
  await new Promise((resolve) => setTimeout(resolve, 3000));
  assert.deepEqual(await runningContainers(host), containersBefore);
  await hello.stable(30);
});

test("a killed host's tasks run elsewhere within ten seconds", async () => {
  const [victim] = await hostsWithTasks();
  assert.ok(victim !== undefined);
  const lost = new Set(
    (await hello.tasks()).filter((t) => t.containerInstanceArn === victim.arn).map((t) => t.taskArn),
  );
  const load = startLoad(hello.url, REQUESTS_PER_SECOND);
  const killedAt = performance.now();
  await cluster.killHost(victim.name);
  await eventually("every task runs on another host", 20_000, async () => {
    const running = (await hello.tasks()).filter((t) => t.lastStatus === "RUNNING" && !lost.has(t.taskArn));
    return running.length === TASKS && running.every((t) => t.containerInstanceArn !== victim.arn);
  });
  const movedMs = performance.now() - killedAt;
  const result = await load.stop();
  console.log(
    `host killed: tasks elsewhere after ${Math.round(movedMs)} ms; ${result.failures.length} of ${result.sent} requests failed`,
  );
  assert.ok(movedMs <= 10_000, `took ${movedMs} ms`);
});

async function timeDockerRun(host: Host): Promise<number> {
  const startedAt = performance.now();
  const id = await cluster.docker(host, "run", "-d", "--memory", "32m", "-p", "80", "hello:v1");
  const ms = performance.now() - startedAt;
  await cluster.docker(host, "rm", "-f", id);
  return ms;
}

async function runningContainers(host: Host): Promise<string[]> {
  const ids = await cluster.docker(host, "ps", "-q", "--no-trunc", "--filter", "label=com.amazonaws.ecs.task-arn");
  return ids.split("\n").filter(Boolean).sort();
}

async function someContainer(): Promise<{ host: Host; containerId: string }> {
  for (const host of cluster.hosts) {
    const [containerId] = await runningContainers(host);
    if (containerId !== undefined) return { host, containerId };
  }
  throw new Error("no container runs");
}

async function agentPid(host: Host): Promise<number> {
  const { agent: pid } = await cluster.pids(host.name);
  if (pid === undefined) throw new Error(`${host.name} has no agent`);
  return pid;
}

async function instances() {
  const { containerInstanceArns } = await cluster.ecs.send(new ListContainerInstancesCommand({}));
  const described = await cluster.ecs.send(
    new DescribeContainerInstancesCommand({ containerInstances: containerInstanceArns ?? [] }),
  );
  return described.containerInstances ?? [];
}

async function hostsWithTasks(): Promise<{ name: string; arn: string | undefined }[]> {
  const busy = new Set((await hello.tasks()).map((t) => t.containerInstanceArn));
  return (await instances())
    .filter((i) => busy.has(i.containerInstanceArn))
    .map((i) => ({
      name: i.attributes?.find((a) => a.name === "berth.host-name")?.value ?? "",
      arn: i.containerInstanceArn,
    }));
}
