import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { isDeepStrictEqual } from "node:util";
import {
  DescribeTaskDefinitionCommand,
  RegisterTaskDefinitionCommand,
  UpdateServiceCommand,
} from "@aws-sdk/client-ecs";
import { type Cluster, startCluster } from "./rig/cluster.ts";
import { eventually } from "./rig/eventually.ts";
import { deployHello, type HelloService } from "./rig/hello-service.ts";
import { startLoad } from "./rig/load.ts";

const CRASHES = 20;
const TASKS = 3;
const HOSTS = 2;

let cluster: Cluster;
let hello: HelloService;

before(async () => {
  // Hosts come back here, and where tasks are afterwards is what is looked at: evening out would move some.
  cluster = await startCluster({ hosts: HOSTS, serverArgs: ["--rebalance-after", "3600"] });
  hello = await deployHello(cluster, { tasks: TASKS, hosts: HOSTS });
});
after(() => cluster?.close());

test("a server that is killed twenty times during deployments carries on each time, and loses no acknowledged call", async (t) => {
  const load = startLoad(hello.url, 50);
  const acknowledged: string[] = [];
  let version = 1;
  for (let crash = 0; crash < CRASHES; crash++) {
    version = version === 1 ? 2 : 1;
    const registered = await cluster.ecs.send(
      new RegisterTaskDefinitionCommand({
        family: `mark-${crash}`,
        containerDefinitions: [{ name: "m", image: "hello:v1", memory: 16 }],
      }),
    );
    acknowledged.push(registered.taskDefinition?.taskDefinitionArn ?? "");
    const update = await cluster.ecs.send(
      new UpdateServiceCommand({ service: "hello", taskDefinition: `hello:${version}` }),
    );
    assert.equal(update.service?.deployments?.[0]?.status, "PRIMARY");
    const pause = Math.round(Math.random() * 1500);
    t.diagnostic(`crash ${crash + 1} after ${pause} ms`);
    await new Promise((resolve) => setTimeout(resolve, pause));
    await cluster.crashServer();
    const service = await hello.describe();
    assert.match(
      service.taskDefinition ?? "",
      new RegExp(`hello:${version}$`),
      "the acknowledged update is there after the crash",
    );
  }
  await hello.stable(120);
  const result = await load.stop();
  for (const arn of acknowledged) {
    const { taskDefinition } = await cluster.ecs.send(new DescribeTaskDefinitionCommand({ taskDefinition: arn }));
    assert.equal(taskDefinition?.taskDefinitionArn, arn);
  }
  const tasks = await hello.tasks();
  assert.equal(tasks.filter((task) => task.lastStatus === "RUNNING").length, TASKS);
  assert.ok(tasks.every((task) => task.taskDefinitionArn?.endsWith(`hello:${version}`)));
  const wanted = tasks.map((task) => task.containers?.[0]?.runtimeId).sort();
  // The last deployment's old tasks may be draining still: what must not be is a container that nothing ends.
  await eventually("the containers that run are exactly those of the service's tasks", 30_000, async () =>
    isDeepStrictEqual(await containersThatRun(), wanted),
  );
  console.log(`${CRASHES} crashes: ${result.failures.length} of ${result.sent} requests failed`);
  assert.deepEqual(result.failures, [], "the load balancer went on all the while");
});

async function containersThatRun(): Promise<string[]> {
  const lists = await Promise.all(
    cluster.hosts.map((host) =>
      cluster.docker(host, "ps", "-q", "--no-trunc", "--filter", "label=com.amazonaws.ecs.task-arn"),
    ),
  );
  return lists.flatMap((list) => list.split("\n").filter(Boolean)).sort();
}
