import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import {
  CreateClusterCommand,
  CreateServiceCommand,
  DescribeServicesCommand,
  RegisterTaskDefinitionCommand,
  RunTaskCommand,
} from "@aws-sdk/client-ecs";
import { type Cluster, startCluster } from "./rig/cluster.ts";
import { eventually } from "./rig/eventually.ts";
import { SimulatedAgent } from "./rig/simulated-agent.ts";

const HOSTS = 10;

let cluster: Cluster;
const agents: SimulatedAgent[] = [];

before(async () => {
  cluster = await startCluster({ hosts: 0 });
  await cluster.ecs.send(new CreateClusterCommand({}));
  for (let i = 0; i < HOSTS; i++) {
    agents.push(
      await SimulatedAgent.start({
        endpoint: cluster.endpoint,
        region: "us-east-1",
        credentials: cluster.key,
        instanceId: `i-0000000000000000${i}`,
        startMs: 50,
        stopMs: 50,
      }),
    );
  }
  await cluster.ecs.send(
    new RegisterTaskDefinitionCommand({
      family: "web",
      containerDefinitions: [{ name: "web", image: "none", memory: 64, cpu: 64 }],
    }),
  );
  await cluster.ecs.send(new CreateServiceCommand({ serviceName: "web", taskDefinition: "web", desiredCount: HOSTS }));
  await eventually("the service runs", 10_000, async () => running() === HOSTS);
});
after(async () => {
  for (const agent of agents) agent.stop();
  await cluster?.close();
});

/** What really runs, on every host that is not cut off or not. */
const running = () => agents.reduce((sum, agent) => sum + agent.running.length, 0);
const started = () => agents.reduce((sum, agent) => sum + agent.tasks.size, 0);
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

async function service() {
  const { services } = await cluster.ecs.send(new DescribeServicesCommand({ services: ["web"] }));
  const found = services?.[0];
  assert.ok(found !== undefined);
  return found;
}

/** Events that came after those given, oldest first. */
const eventsAfter = async (count: number) =>
  ((await service()).events ?? [])
    .map((e) => e.message ?? "")
    .reverse()
    .slice(count);

test("the tasks of a service are one on each host", () => {
  assert.deepEqual(
    agents.map((a) => a.running.length),
    Array(HOSTS).fill(1),
  );
});

test("a host that is frozen for 3 s is not declared dead, nor is one whose agent restarts", async () => {
  const before = started();
  agents[0]!.cut();
  const restarted = agents[1]!.restart(2000);
  await pause(3000);
  agents[0]!.heal();
  await restarted;
  await pause(6000);
  assert.equal(started(), before);
});

test("when four of ten hosts are cut off at once nothing is replaced, an event says so, and another when they are back", async () => {
  const before = started();
  const events = (await service()).events?.length ?? 0;
  const cut = agents.slice(0, 4);
  for (const agent of cut) agent.cut();
  const held = await eventually("an event of the brake", 12_000, async () =>
    (await eventsAfter(events)).find((m) => m.includes("holding back")),
  );
  assert.match(
    held,
    /^\(service web\) is holding back the replacement of \d+ tasks: 4 of 10 container instances lost contact/,
  );
  await pause(3000);
  assert.equal(started(), before);
  for (const agent of cut) agent.heal();
  await eventually("an event of its release", 10_000, async () =>
    (await eventsAfter(events)).find((m) => m.includes("contact with container instances is back")),
  );
  await pause(3000);
  assert.equal(started(), before);
  assert.equal((await service()).runningCount, HOSTS);
});

test("the tasks of one lost host run elsewhere within 10 s, and when it is back it is told to stop its own", async () => {
  const lost = agents[4]!;
  const before = started();
  lost.cut();
  const cutAt = performance.now();
  await eventually("a replacement runs", 10_000, () => started() > before && running() === HOSTS + 1);
  console.log(`replaced ${Math.round(performance.now() - cutAt)} ms after the host was cut off`);
  lost.heal();
  await eventually("the host stops what was replaced", 10_000, () => running() === HOSTS && lost.running.length === 0);
  await eventually("the service is steady", 10_000, async () => (await service()).runningCount === HOSTS);
});

test("a killed and restarted control plane takes no host for lost, and hosts come back to it", async () => {
  const before = started();
  await cluster.crashServer();
  await eventually("all agents are back", 10_000, () => agents.every((agent) => agent.isConnected));
  await pause(9000);
  assert.equal(started(), before);
  assert.equal((await service()).runningCount, HOSTS);
});

test("twenty tasks of two RunTask calls reach their hosts at once", async () => {
  const before = started();
  const beganAt = performance.now();
  const run = () => cluster.ecs.send(new RunTaskCommand({ taskDefinition: "web", count: 10 }));
  await Promise.all([run(), run()]);
  await eventually("all twenty were received", 2_000, () => started() === before + 20);
  console.log(`20 tasks were with their agents after ${Math.round(performance.now() - beganAt)} ms`);
});
