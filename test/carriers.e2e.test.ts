import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { UpdateServiceCommand } from "@aws-sdk/client-ecs";
import { DescribeLoadBalancersCommand } from "@aws-sdk/client-elastic-load-balancing-v2";
import { type Cluster, startCluster } from "./rig/cluster.ts";
import { eventually } from "./rig/eventually.ts";
import { deployHello, type HelloService } from "./rig/hello-service.ts";
import { get, startLoad } from "./rig/load.ts";

const MAIN = fileURLToPath(new URL("../src/cli/main.ts", import.meta.url));
const REQUESTS_PER_SECOND = 50;
/** From when a balancer's session is open again until it serves what is wanted now. */
const PRESENT_WITHIN_MS = 2_000;

let cluster: Cluster;
let hello: HelloService;
/** The service through the balancer of each host. */
let urls: readonly string[];

before(async () => {
  cluster = await startCluster({ hosts: 2, balancers: true, serverArgs: ["--balancer-grace", "2"] });
  await eventually("every balancer has joined", 10_000, async () => (await balancers()).length === 3);
  hello = await deployHello(cluster, { tasks: 2, hosts: 2 });
  urls = cluster.hosts.map(({ address }) => `http://${address}:${new URL(hello.url).port}`);
});
after(() => cluster?.close());

interface Listed {
  readonly name: string;
  readonly address: string;
  readonly connected: boolean;
  readonly failedListeners: readonly unknown[];
  readonly problem?: string;
}

/** Those that are connected, as `berth balancers` tells it. */
async function balancers(): Promise<readonly Listed[]> {
  const args = [MAIN, "balancers", "--output", "json"];
  const { stdout } = await promisify(execFile)(process.execPath, args, { env: cluster.env });
  return (JSON.parse(stdout) as Listed[]).filter(({ connected }) => connected);
}

async function roll(taskDefinition: string, limitSeconds: number): Promise<void> {
  await cluster.ecs.send(new UpdateServiceCommand({ service: "hello", taskDefinition }));
  await hello.stable(limitSeconds);
  const { deployments } = await hello.describe();
  assert.equal(deployments?.length, 1);
}

test("the service is served by the server's balancer and by those of both hosts, and a rolling update costs none a request", async () => {
  const { LoadBalancers } = await cluster.elb.send(new DescribeLoadBalancersCommand({ Names: ["hello"] }));
  assert.deepEqual(
    LoadBalancers?.[0]?.AvailabilityZones?.flatMap((zone) => zone.LoadBalancerAddresses?.map((a) => a.IpAddress)),
    ["127.0.0.1", ...cluster.hosts.map(({ address }) => address)],
  );
  const loads = [hello.url, ...urls].map((url) => startLoad(url, REQUESTS_PER_SECOND));
  await roll("hello:2", 40);
  for (const result of await Promise.all(loads.map((load) => load.stop()))) {
    assert.deepEqual(result.failures, []);
    assert.ok(
      [...result.answers.keys()].some((body) => /v2/.test(body)),
      "version 2 was never served",
    );
  }
});

test("while the control plane is down both hosts serve, also when their processes are killed, and they are back with it", async () => {
  const loads = urls.map((url) => startLoad(url, REQUESTS_PER_SECOND));
  const before = await Promise.all(cluster.hosts.map(async ({ name }) => (await cluster.pids(name)).balancer));
  await cluster.crashServer(async () => {
    for (const pid of before) process.kill(pid ?? -1, "SIGKILL");
    await eventually("the balancers' processes are back", 10_000, async () => {
      const pids = await Promise.all(cluster.hosts.map(async ({ name }) => (await cluster.pids(name)).balancer));
      return pids.every((pid, i) => pid !== undefined && pid !== before[i]);
    });
  });
  const listed = await eventually("every balancer is back", 10_000, async () => {
    const connected = await balancers();
    return connected.length === 3 && connected;
  });
  for (const { failedListeners, problem } of listed) assert.deepEqual([failedListeners, problem], [[], undefined]);
  for (const result of await Promise.all(loads.map((load) => load.stop()))) assert.deepEqual(result.failures, []);
});

test("while one host is cut off the other serves and a deployment completes, and the one that comes back serves what is there now", async () => {
  const [, cut] = cluster.hosts;
  const [stays = "", returns = ""] = urls;
  if (cut === undefined) throw new Error("no second host");
  await cluster.cable(cut.name, "down");
  await eventually("its balancer has left", 15_000, async () => (await balancers()).length === 2);
  await roll("hello:1", 40);
  assert.match(await get(stays), /v1/);
  await cluster.cable(cut.name, "up");
  await eventually("its balancer is back", 10_000, async () => (await balancers()).length === 3);
  const from = performance.now();
  await eventually("it serves version 1", PRESENT_WITHIN_MS, () =>
    get(returns).then(
      (body) => /v1/.test(body),
      () => false,
    ),
  );
  for (let i = 0; i < 10; i++) assert.match(await get(returns), /v1/);
  assert.ok(performance.now() - from < PRESENT_WITHIN_MS);
});
