import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type Cluster, startCluster } from "./rig/cluster.ts";
import { eventually } from "./rig/eventually.ts";
import { deployHello, type HelloService } from "./rig/hello-service.ts";
import { startLoad } from "./rig/load.ts";

const REQUESTS_PER_SECOND = 100;

let cluster: Cluster;
let hello: HelloService;

before(async () => {
  cluster = await startCluster({ hosts: 2, serverArgs: ["--rebalance-after", "1"] });
  hello = await deployHello(cluster, { tasks: 4, hosts: 2 });
});
after(() => cluster?.close());

test("[DP24] [DP25] a host that joins gets its share of a service under load, and no request fails", async () => {
  const load = startLoad(hello.url, REQUESTS_PER_SECOND);
  await cluster.addHost("late");
  const { events: before = [] } = await hello.describe();
  await eventually("the tasks are even over three hosts", 60_000, async () => {
    const tasks = (await hello.tasks()).filter((t) => t.desiredStatus === "RUNNING" && t.lastStatus === "RUNNING");
    return tasks.length === 4 && new Set(tasks.map((t) => t.containerInstanceArn)).size === 3;
  });
  await hello.stable(30);
  const { events = [] } = await hello.describe();
  const told = events.slice(0, events.length - before.length).map((e) => e.message ?? "");
  assert.ok(
    told.some((m) => /is not balanced over its container instances with 2 tasks on .*, 0 tasks on /.test(m)),
    told.join("\n"),
  );
  assert.equal(told.filter((m) => m.includes("to rebalance: (task")).length, 1, "one move does");
  assert.ok(told.some((m) => m.endsWith("is balanced over its container instances.")));
  const result = await load.stop();
  console.log(
    `rebalancing: ${result.failures.length} of ${result.sent} requests failed, slowest ${result.slowestMs} ms`,
  );
  assert.deepEqual(result.failures, []);
});
