import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import {
  CloudWatchLogsClient,
  DescribeLogGroupsCommand,
  DescribeLogStreamsCommand,
  GetLogEventsCommand,
  type GetLogEventsCommandOutput,
  ResourceNotFoundException,
} from "@aws-sdk/client-cloudwatch-logs";
import {
  CreateClusterCommand,
  RegisterTaskDefinitionCommand,
  RunTaskCommand,
  StopTaskCommand,
  waitUntilTasksRunning,
  waitUntilTasksStopped,
} from "@aws-sdk/client-ecs";
import { dockerRuntime } from "../src/agent/docker/docker-runtime.ts";
import { parseDockerHost } from "../src/agent/docker/endpoint.ts";
import { systemClock } from "../src/runtime/clock.ts";
import { type Cluster, startCluster } from "./rig/cluster.ts";
import { eventually } from "./rig/eventually.ts";
import { connectedHosts, hostsJoined } from "./rig/joined.ts";

const run = promisify(execFile);
const WAIT = { maxWaitTime: 60, minDelay: 1, maxDelay: 1 };
const GROUP = "/berth/default";

let cluster: Cluster;
let logs: CloudWatchLogsClient;

before(async () => {
  cluster = await startCluster({ hosts: 1 });
  logs = new CloudWatchLogsClient({
    endpoint: cluster.endpoint,
    region: "us-east-1",
    credentials: cluster.key,
    maxAttempts: 1,
  });
  await cluster.ecs.send(new CreateClusterCommand({}));
  await hostsJoined(cluster, 1);
  await register("lines", 'i=1; while [ $i -le 300 ]; do echo "line $i"; i=$((i+1)); done; echo problem >&2');
  await register("once", "echo first; echo second >&2; printf last; exit 3", {});
  await register("ticker", "i=1; while :; do echo tick $i; i=$((i+1)); sleep 0.2; done");
  await register("terminal", "echo one; echo two >&2", { pseudoTerminal: true });
  await register("long", 'i=0; s=x; while [ $i -lt 15 ]; do s="$s$s"; i=$((i+1)); done; echo "$s"; echo after');
});
after(async () => {
  logs?.destroy();
  await cluster?.close();
});

/**
 * All that a task of `lines` writes, once it is there: 300 lines and an error, which may stand anywhere among them, since a
 * container's output and errors reach its engine by pipes of their own.
 */
function wholeLog(id: string): Promise<string[]> {
  return eventually("the task has written all", 20_000, async () => {
    const lines = (await berth("logs", id, "--tail", "20000")).trimEnd().split("\n");
    return lines.length === 301 && lines;
  });
}

test("the CLI shows the last lines, output and error together, as a table and as JSON lines", async () => {
  const { id } = await runTask("lines");
  const all = await wholeLog(id);
  assert.deepEqual(
    all.filter((line) => line !== "problem"),
    Array.from({ length: 300 }, (_, i) => `line ${i + 1}`),
  );
  assert.equal((await berth("logs", id)).trimEnd().split("\n").length, 100);
  assert.deepEqual((await berth("logs", id, "--tail", "2")).trimEnd().split("\n"), all.slice(-2));
  assert.equal(await berth("logs", id, "--tail", "0"), "");
  const json = (await berth("logs", id, "--tail", "2", "--output", "json")).trimEnd().split("\n");
  assert.deepEqual(
    json.map((line) => JSON.parse(line).message),
    all.slice(-2),
  );
});

test("the SDK pages forward and backward through a log and misses and repeats nothing", async () => {
  const { id } = await runTask("lines");
  const stream = { logGroupName: GROUP, logStreamName: `lines/main/${id}` };
  await wholeLog(id);
  const forward: string[] = [];
  let nextToken: string | undefined;
  for (;;) {
    const page: GetLogEventsCommandOutput = await logs.send(
      new GetLogEventsCommand({ ...stream, nextToken, limit: 7, startFromHead: true }),
    );
    forward.push(...(page.events ?? []).map((e) => e.message ?? ""));
    if (page.nextForwardToken === nextToken) break;
    nextToken = page.nextForwardToken;
  }
  const backward: string[] = [];
  nextToken = undefined;
  for (;;) {
    const page: GetLogEventsCommandOutput = await logs.send(
      new GetLogEventsCommand({ ...stream, nextToken, limit: 11 }),
    );
    backward.unshift(...(page.events ?? []).map((e) => e.message ?? ""));
    if (page.nextBackwardToken === nextToken) break;
    nextToken = page.nextBackwardToken;
  }
  assert.equal(forward.length, 301);
  assert.deepEqual(backward, forward);
  const whole = await logs.send(new GetLogEventsCommand({ ...stream, startFromHead: true }));
  const times = (whole.events ?? []).map((e) => e.timestamp ?? 0);
  assert.deepEqual(
    times,
    times.toSorted((a, b) => a - b),
  );
  assert.ok(Math.abs((times[0] ?? 0) - Date.now()) < 60_000);
  const middle = times[150] ?? 0;
  const early = await logs.send(new GetLogEventsCommand({ ...stream, endTime: middle }));
  const late = await logs.send(new GetLogEventsCommand({ ...stream, startTime: middle }));
  assert.deepEqual(
    [...(early.events ?? []), ...(late.events ?? [])].map((e) => e.message),
    forward,
  );
});

test("the SDK lists log groups and streams", async () => {
  const { id } = await runTask("once");
  const groups = await logs.send(new DescribeLogGroupsCommand({ logGroupNamePrefix: "/berth/" }));
  assert.deepEqual(
    groups.logGroups?.map((g) => [g.logGroupName, g.arn]),
    [[GROUP, `arn:aws:logs:us-east-1:000000000000:log-group:${GROUP}:*`]],
  );
  const streams = await logs.send(
    new DescribeLogStreamsCommand({ logGroupName: GROUP, logStreamNamePrefix: `once/main/${id}` }),
  );
  assert.deepEqual(
    streams.logStreams?.map((s) => s.logStreamName),
    [`once/main/${id}`],
  );
});

test("a stopped task's log can be read, and following it ends by itself", async () => {
  const { id, arn } = await runTask("once");
  await waitUntilTasksStopped({ client: cluster.ecs, ...WAIT }, { tasks: [arn] });
  const sorted = (text: string) => text.trimEnd().split("\n").sort();
  assert.deepEqual(sorted(await berth("logs", id)), ["first", "last", "second"]);
  assert.deepEqual(sorted(await berth("logs", arn, "--follow")), ["first", "last", "second"]);
});

test("--follow shows what is written as it is written, each line once, until the container stops", async () => {
  const { id, arn } = await runTask("ticker");
  await waitUntilTasksRunning({ client: cluster.ecs, ...WAIT }, { tasks: [arn] });
  const child = spawn(process.execPath, ["src/cli/main.ts", "logs", id, "--follow"], { env: cluster.env });
  let seen = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    seen += text;
  });
  const exit = new Promise<number | null>((resolve) => child.once("exit", resolve));
  try {
    await eventually("ten lines", 30_000, () => seen.includes("tick 10\n"));
    await cluster.ecs.send(new StopTaskCommand({ task: arn }));
    assert.equal(await exit, 0);
  } finally {
    child.kill("SIGKILL");
  }
  const lines = seen.trimEnd().split("\n");
  assert.deepEqual(
    lines,
    lines.map((_, i) => `tick ${i + 1}`),
  );
});

test("a container with a terminal, and lines longer than Docker keeps in one piece", async () => {
  const terminal = await runTask("terminal");
  const long = await runTask("long");
  await waitUntilTasksStopped({ client: cluster.ecs, ...WAIT }, { tasks: [terminal.arn, long.arn] });
  assert.equal(await berth("logs", terminal.id), "one\ntwo\n");
  assert.equal(await berth("logs", long.id), `${"x".repeat(32768)}\nafter\n`);
});

test("what cannot be read says why", async () => {
  const { id } = await runTask("once");
  const unknown = { logGroupName: GROUP, logStreamName: `once/main/${"0".repeat(32)}` };
  await assert.rejects(logs.send(new GetLogEventsCommand(unknown)), (error: unknown) => {
    assert.ok(error instanceof ResourceNotFoundException);
    assert.equal(error.message, "The specified log stream does not exist.");
    return true;
  });
  await assert.rejects(logs.send(new GetLogEventsCommand({ ...unknown, logGroupName: "/other" })), {
    name: "ResourceNotFoundException",
    message: "The specified log group does not exist.",
  });
  await assert.rejects(berth("logs", "0".repeat(32)), /is not in cluster 'default'/);
  await assert.rejects(berth("logs", id, "--container", "other"), /no container 'other', but these: main/);
});

test("a container whose log the engine does not keep is told from one that is not there", async () => {
  const [host] = cluster.hosts;
  assert.ok(host !== undefined);
  const id = await cluster.docker(host, "create", "--log-driver", "none", "hello:v1");
  const runtime = dockerRuntime(parseDockerHost(host.dockerHost), systemClock());
  const read = async (container: string) => {
    for await (const line of runtime.logLines(container, {})) assert.fail(line.message);
  };
  try {
    await assert.rejects(read(id), { kind: "unreadable", message: /log driver "none"/ });
    await assert.rejects(read("nowhere"), { kind: "not-found" });
  } finally {
    runtime.close();
    await cluster.docker(host, "rm", id);
  }
});

test("a host whose agent is away is named", async () => {
  const { id, arn } = await runTask("once");
  await waitUntilTasksStopped({ client: cluster.ecs, ...WAIT }, { tasks: [arn] });
  const name = cluster.hosts[0]?.name ?? "";
  await cluster.killHost(name);
  await eventually("its silence is noticed", 20_000, async () => (await connectedHosts(cluster)) === 0);
  const message = new RegExp(`ServiceUnavailableException: The agent of host ${name},.* is not connected`);
  await assert.rejects(berth("logs", id), message);
});

async function register(family: string, script: string, more: object = {}): Promise<void> {
  await cluster.ecs.send(
    new RegisterTaskDefinitionCommand({
      family,
      containerDefinitions: [
        {
          name: "main",
          image: "hello:v1",
          memory: 16,
          stopTimeout: 2,
          entryPoint: ["/bin/sh", "-c"],
          command: [family === "lines" ? `${script}; sleep 3600` : script],
          ...more,
        },
      ],
    }),
  );
}

async function runTask(taskDefinition: string): Promise<{ readonly arn: string; readonly id: string }> {
  const { tasks, failures } = await cluster.ecs.send(new RunTaskCommand({ taskDefinition }));
  assert.deepEqual(failures, []);
  const arn = tasks?.[0]?.taskArn ?? "";
  return { arn, id: arn.slice(arn.lastIndexOf("/") + 1) };
}

async function berth(...args: string[]): Promise<string> {
  const { stdout } = await run(process.execPath, ["src/cli/main.ts", ...args], {
    env: cluster.env,
    maxBuffer: 64 * 1024 * 1024,
  });
  return stdout;
}
