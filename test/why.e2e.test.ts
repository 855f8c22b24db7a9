import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { after, before, test } from "node:test";
import {
  CreateClusterCommand,
  CreateServiceCommand,
  DescribeServicesCommand,
  ListTasksCommand,
  RegisterTaskDefinitionCommand,
  RunTaskCommand,
  UpdateServiceCommand,
} from "@aws-sdk/client-ecs";
import { systemClock } from "../src/runtime/clock.ts";
import { type AwsClient, createAwsClient } from "../src/wire/client.ts";
import type { BerthShape } from "../src/wire/models/berth.ts";
import { livingTasks } from "./rig/agreement.ts";
import { type Cluster, startCluster } from "./rig/cluster.ts";
import { eventually } from "./rig/eventually.ts";
import { hostsJoined } from "./rig/joined.ts";

let cluster: Cluster;
let client: AwsClient;

before(async () => {
  cluster = await startCluster({ hosts: 2, serverArgs: ["--service-healthy-after", "1"] });
  const { endpoint, key } = cluster;
  client = createAwsClient({
    endpoint,
    region: "us-east-1",
    credentials: key,
    clock: systemClock(),
    userAgent: "test",
  });
  await cluster.ecs.send(new CreateClusterCommand({}));
  await hostsJoined(cluster, 2);
  await register("web", 64, "sleep 1000");
  await register("crash", 32, "echo starting; echo cannot reach the database; exit 3");
  await register("huge", 1_000_000, "sleep 1000");
  await serve("web", 2);
  await eventually(
    "web is steady",
    20_000,
    async () => (await describe("web"))?.deployments?.[0]?.rolloutState === "COMPLETED",
  );
});
after(async () => {
  client?.close();
  await cluster?.close();
});

test("berth why says in one sentence that a service is well, and with --output json as data", async () => {
  const table = await berth("why", "web");
  assert.equal(
    table.out,
    "Service web is as it should be: 2 of 2 tasks (web:1) run, and nothing is wrong with them.\n",
  );
  const { out } = await berth("why", "web", "--output", "json");
  const answer = JSON.parse(out) as BerthShape<"ExplainResourceResponse">;
  assert.deepEqual([answer.kind, answer.state, answer.findings], ["SERVICE", "WELL", []]);
});

test("berth why of a crashing service names the task, whose own why has the exit code and its last lines", async () => {
  await serve("crash", 1);
  const service = await eventually("crashes are told", 20_000, async () => {
    const { out } = await berth("why", "crash");
    return /tasks in a row ended soon after the start/.test(out) && out;
  });
  assert.match(service, /because its container app exited with code 3/);
  assert.match(
    service,
    /Container app of task [0-9a-f]{32} wrote last:\n {2}starting\n {2}cannot reach the database\n$/,
  );
  const task = /berth why ([0-9a-f]{32})/.exec(service)?.[1] ?? "";
  const { out } = await berth("why", task);
  assert.match(
    out,
    /^Task [0-9a-f]{32} \(crash:1\) stopped \d+ s ago after it had run for \d+ s: its container app exited with code 3\.\n/,
  );
  assert.match(out, /Container app wrote last:\n {2}starting\n {2}cannot reach the database\n$/);
  await cluster.ecs.send(new UpdateServiceCommand({ service: "crash", desiredCount: 0 }));
});

test("berth why of a task whose health check fails says what the check wrote", async () => {
  const container = { name: "app", image: "hello:v1", memory: 32, essential: true, entryPoint: ["sleep", "1000"] };
  const healthCheck = { command: ["CMD-SHELL", "echo no answer; exit 1"], interval: 5, timeout: 2, retries: 1 };
  await cluster.ecs.send(
    new RegisterTaskDefinitionCommand({ family: "sick", containerDefinitions: [{ ...container, healthCheck }] }),
  );
  const { tasks } = await cluster.ecs.send(new RunTaskCommand({ taskDefinition: "sick" }));
  const told = await eventually("it is told", 20_000, async () => {
    const { out } = await berth("why", tasks?.[0]?.taskArn ?? "");
    return out.includes("is unhealthy") && out;
  });
  assert.match(
    told,
    /container app is UNHEALTHY by its health check \(echo no answer; exit 1, every 5 s\), which wrote "no answer"\./,
  );
});

test("berth why of a service that fits nowhere says so", async () => {
  await serve("huge", 1);
  const told = await eventually("it is told", 10_000, async () => {
    const { out } = await berth("why", "huge");
    return out.includes("fits on no host") && out;
  });
  assert.match(told, /^Service huge runs 0 of 1 task \(huge:1\): 1 task fits on no host \(of 2, 2 lack memory\)/);
  for (const { name } of cluster.hosts)
    assert.match(told, new RegExp(`^${name} +no +needs 1000000 MiB of memory, \\d+ left of \\d+$`, "m"));
});

test("what is not there is said, with exit code 1", async () => {
  const { code, err } = await berth("why", "nothing");
  assert.equal(code, 1);
  assert.match(err, /has no service, deployment or task 'nothing'/);
});

test("berth plan scale says where tasks go, changes nothing, and is what then happens", async () => {
  const before = await taskArns();
  const { out } = await berth("plan", "scale", "web", "4", "--output", "json");
  const plan = JSON.parse(out) as BerthShape<"Plan">;
  assert.equal(plan.summary, "It takes 1 step: 2 tasks of web:1 start; every task finds its place.");
  assert.deepEqual(await taskArns(), before);
  await cluster.ecs.send(new UpdateServiceCommand({ service: "web", desiredCount: 4 }));
  await eventually("four tasks run", 20_000, async () => (await describe("web"))?.runningCount === 4);
  const started = (await livingTasks(cluster)).filter(
    (t) => t.group === "service:web" && !before.includes(t.taskArn ?? ""),
  );
  for (const { containerInstanceArn, count } of plan.steps.flatMap((step) => step.starts)) {
    assert.equal(started.filter((task) => task.containerInstanceArn === containerInstanceArn).length, count);
  }
});

test("berth plan drain and remove-host take the host's name, and one that does not work out is exit code 1", async () => {
  const [first = { name: "" }, second = { name: "" }] = cluster.hosts;
  const drain = await berth("plan", "drain", first.name);
  assert.equal(drain.code, 0, drain.err);
  assert.match(
    drain.out,
    /^It takes 2 steps: 2 tasks of web:1 start and 2 tasks of web:1 stop; every task finds its place\.\n/,
  );
  assert.match(drain.out, new RegExp(`^1 +start +2 +web:1 +web +${second.name}$`, "m"));
  const removal = await berth("plan", "remove-host", first.name);
  assert.match(removal.out, /^It takes 1 step: 2 tasks of web:1 start; every task finds its place\.\n/);
  const both = await berth("plan", "drain", first.name, second.name);
  assert.equal(both.code, 1);
  assert.match(both.out, /fit on no host/);
  const described = await client.berth("PlanServiceUpdate", { service: "web", taskDefinition: "huge" });
  assert.equal(described.end, "STUCK");
  assert.equal((await describe("web"))?.taskDefinition?.endsWith("web:1"), true);
});

async function register(family: string, memory: number, command: string): Promise<void> {
  const container = { name: "app", image: "hello:v1", memory, essential: true };
  const shell = { entryPoint: ["sh", "-c"], command: [command] };
  await cluster.ecs.send(
    new RegisterTaskDefinitionCommand({ family, containerDefinitions: [{ ...container, ...shell }] }),
  );
}

async function serve(serviceName: string, desiredCount: number): Promise<void> {
  await cluster.ecs.send(new CreateServiceCommand({ serviceName, taskDefinition: serviceName, desiredCount }));
}

async function describe(service: string) {
  const { services } = await cluster.ecs.send(new DescribeServicesCommand({ services: [service] }));
  return services?.[0];
}

async function taskArns(): Promise<string[]> {
  const { taskArns: arns = [] } = await cluster.ecs.send(new ListTasksCommand({ serviceName: "web" }));
  return arns.sort();
}

function berth(...args: string[]): Promise<{ readonly code: number; readonly out: string; readonly err: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, ["src/cli/main.ts", ...args], { env: cluster.env }, (error, out, err) =>
      resolve({ code: error === null ? 0 : Number(error.code), out, err }),
    );
  });
}
