import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import {
  ClusterNotFoundException,
  CreateClusterCommand,
  CreateServiceCommand,
  DeleteClusterCommand,
  DeleteServiceCommand,
  DescribeClustersCommand,
  DescribeServicesCommand,
  DescribeTasksCommand,
  ListTasksCommand,
  RegisterTaskDefinitionCommand,
  RunTaskCommand,
  StopTaskCommand,
  waitUntilServicesInactive,
  waitUntilServicesStable,
  waitUntilTasksRunning,
  waitUntilTasksStopped,
} from "@aws-sdk/client-ecs";

import { type Cluster, startCluster } from "./rig/cluster.ts";
import { eventually } from "./rig/eventually.ts";
import { hostsJoined } from "./rig/joined.ts";

const run = promisify(execFile);

/** The package's, version 2, or what set-up got where there is no package; any other `aws` on a developer's PATH is not meant. */
const AWS = existsSync("/usr/bin/aws") ? "/usr/bin/aws" : "aws";
const WAIT = { maxWaitTime: 60, minDelay: 1, maxDelay: 1 };

let cluster: Cluster;

before(async () => {
  // Services here have no health check: ECS would wait 40 s before it counts their tasks as healthy.
  cluster = await startCluster({ hosts: 1, serverArgs: ["--service-healthy-after", "1"] });
  await cluster.ecs.send(new CreateClusterCommand({}));
  await hostsJoined(cluster, 1);
  await cluster.ecs.send(
    new RegisterTaskDefinitionCommand({
      family: "sleeper",
      containerDefinitions: [
        {
          name: "main",
          image: "hello:v1",
          memory: 16,
          entryPoint: ["/bin/sh", "-c"],
          command: ["trap 'exit 0' TERM; while :; do sleep 0.1; done"],
        },
      ],
    }),
  );
});
after(() => cluster?.close());

test("the SDK runs a task, waits until it runs, stops it and waits until it has stopped", async () => {
  const { ecs } = cluster;
  const { tasks = [], failures } = await ecs.send(
    new RunTaskCommand({ taskDefinition: "sleeper", count: 2, startedBy: "test" }),
  );
  assert.deepEqual([tasks.length, failures], [2, []]);
  const arns = tasks.map((t) => t.taskArn ?? "");
  await waitUntilTasksRunning({ client: ecs, ...WAIT }, { tasks: arns });
  const described = await ecs.send(new DescribeTasksCommand({ tasks: arns }));
  for (const task of described.tasks ?? []) {
    assert.equal(task.lastStatus, "RUNNING");
    assert.equal(task.containers?.[0]?.lastStatus, "RUNNING");
    assert.match(task.containers?.[0]?.runtimeId ?? "", /^[0-9a-f]{64}$/);
    assert.ok(task.startedAt instanceof Date && task.createdAt instanceof Date);
  }
  for (const task of arns) await ecs.send(new StopTaskCommand({ task, reason: "the test is over" }));
  await waitUntilTasksStopped({ client: ecs, ...WAIT }, { tasks: arns });
  const stopped = await ecs.send(new DescribeTasksCommand({ tasks: arns }));
  for (const task of stopped.tasks ?? []) {
    assert.deepEqual(
      [task.stopCode, task.stoppedReason, task.containers?.[0]?.exitCode],
      ["UserInitiated", "the test is over", 0],
    );
  }
});

test("the SDK creates a service, waits until it is stable, deletes it and waits until it is inactive", async () => {
  const { ecs } = cluster;
  await ecs.send(new CreateServiceCommand({ serviceName: "sdk", taskDefinition: "sleeper", desiredCount: 2 }));
  await waitUntilServicesStable({ client: ecs, ...WAIT }, { services: ["sdk"] });
  const { services } = await ecs.send(new DescribeServicesCommand({ services: ["sdk"] }));
  assert.deepEqual([services?.[0]?.runningCount, services?.[0]?.deployments?.length], [2, 1]);
  await ecs.send(new DeleteServiceCommand({ service: "sdk", force: true }));
  await waitUntilServicesInactive({ client: ecs, ...WAIT }, { services: ["sdk"] });
  const { taskArns } = await ecs.send(new ListTasksCommand({ serviceName: "sdk" }));
  assert.deepEqual(taskArns, []);
});

test("the SDK gets its own exception classes back", async () => {
  await assert.rejects(cluster.ecs.send(new ListTasksCommand({ cluster: "nowhere" })), ClusterNotFoundException);
  await assert.rejects(cluster.ecs.send(new RunTaskCommand({ taskDefinition: "none" })), { name: "ClientException" });
  await assert.rejects(cluster.ecs.send(new RunTaskCommand({ taskDefinition: "sleeper", count: 11 })), {
    name: "InvalidParameterException",
  });
});

test("a task whose image cannot be had stops and says so", async () => {
  const { ecs } = cluster;
  await ecs.send(
    new RegisterTaskDefinitionCommand({
      family: "absent",
      containerDefinitions: [{ name: "main", image: "127.0.0.1:1/absent:v1", memory: 16 }],
    }),
  );
  const { tasks } = await ecs.send(new RunTaskCommand({ taskDefinition: "absent" }));
  const arn = tasks?.[0]?.taskArn ?? "";
  const task = await eventually("the task has stopped", 60_000, async () => {
    const described = await ecs.send(new DescribeTasksCommand({ tasks: [arn] }));
    return described.tasks?.find((t) => t.lastStatus === "STOPPED");
  });
  assert.equal(task.stopCode, "TaskFailedToStart");
  assert.match(task.stoppedReason ?? "", /CannotPullContainerError/);
});

test("the aws CLI lists, runs, waits and describes", async () => {
  const { stdout: version } = await run(AWS, ["--version"]);
  assert.match(version, AWS === "/usr/bin/aws" ? /^aws-cli\/2/ : /^aws-cli\//);
  assert.deepEqual(await aws("ecs", "list-clusters", "--query", "clusterArns"), [
    "arn:aws:ecs:us-east-1:000000000000:cluster/default",
  ]);
  const arns = (await aws("ecs", "run-task", "--task-definition", "sleeper", "--query", "tasks[].taskArn")) as string[];
  await aws("ecs", "wait", "tasks-running", "--tasks", ...arns);
  assert.deepEqual(await aws("ecs", "describe-tasks", "--tasks", ...arns, "--query", "tasks[].lastStatus"), [
    "RUNNING",
  ]);
  await aws("ecs", "stop-task", "--task", arns[0] ?? "");
  await aws("ecs", "wait", "tasks-stopped", "--tasks", ...arns);
  await aws("ecs", "create-service", "--service-name", "cli", "--task-definition", "sleeper", "--desired-count", "1");
  await aws("ecs", "wait", "services-stable", "--services", "cli");
  await aws("ecs", "delete-service", "--service", "cli", "--force");
  const created = (await aws(
    "elbv2",
    "create-target-group",
    "--name",
    "cli",
    "--protocol",
    "HTTP",
    "--port",
    "80",
    "--vpc-id",
    "vpc-1",
  )) as {
    TargetGroups: { HealthCheckPath: string }[];
  };
  assert.equal(created.TargetGroups[0]?.HealthCheckPath, "/");
});

test("the aws CLI is told what is wrong in AWS's words", async () => {
  const failure = await run(AWS, ["--endpoint-url", cluster.endpoint, "ecs", "list-tasks", "--cluster", "nowhere"], {
    env: cluster.env,
  }).then(
    () => assert.fail("it succeeded"),
    (error: { stderr: string; code: number }) => error,
  );
  assert.match(failure.stderr, /ClusterNotFoundException.*Cluster not found\./);
});

test("berth's own commands show the same and fail with an exit code", async () => {
  const { stdout } = await run(process.execPath, ["src/cli/main.ts", "hosts", "--output", "json"], {
    env: cluster.env,
  });
  assert.equal(JSON.parse(stdout).length, 1);
  const ps = await run(process.execPath, ["src/cli/main.ts", "ps", "--all"], { env: cluster.env });
  assert.match(ps.stdout, /^TASK\s+GROUP\s+DEFINITION\s+STATUS/);
  await assert.rejects(run(process.execPath, ["src/cli/main.ts", "scale", "none", "2"], { env: cluster.env }), {
    code: 1,
  });
  await assert.rejects(run(process.execPath, ["src/cli/main.ts", "scale", "none", "many"], { env: cluster.env }), {
    code: 2,
  });
});

test("a cluster that was made can be deleted", async () => {
  const { ecs } = cluster;
  await ecs.send(new CreateClusterCommand({ clusterName: "short-lived" }));
  await ecs.send(new DeleteClusterCommand({ cluster: "short-lived" }));
  const { clusters } = await ecs.send(new DescribeClustersCommand({ clusters: ["short-lived"] }));
  assert.equal(clusters?.[0]?.status, "INACTIVE");
});

async function aws(...args: string[]): Promise<unknown> {
  const { stdout } = await run(AWS, ["--endpoint-url", cluster.endpoint, "--output", "json", ...args], {
    env: cluster.env,
  });
  return stdout.trim() === "" ? undefined : JSON.parse(stdout);
}
