import assert from "node:assert/strict";
import { test } from "node:test";
import type { TaskRecord } from "../model/task.ts";
import { taskDefinitionArn } from "../wire/arn.ts";
import type { Explanation } from "./explanation.ts";
import type { TaskFacts } from "./facts.ts";
import { explainTask } from "./task.ts";
import { container, definition, GROUP, host, NOW, target, taskFacts } from "./testing.ts";

const TASK = `Task ${"7".padStart(32, "0")} (web:1)`;

interface Row {
  readonly when: string;
  readonly task?: Partial<TaskRecord>;
  readonly known?: Partial<TaskFacts>;
  readonly state: Explanation["state"];
  /** The summary after the task's name. */
  readonly says: string;
  readonly also?: readonly string[];
  readonly fixes?: readonly string[];
}

const LOAD_BALANCED = {
  loadBalancers: [{ targetGroupArn: GROUP, containerName: "web", containerPort: 80 }],
} satisfies Partial<TaskRecord>;

const PENDING = {
  lastStatus: "PENDING",
  startedAt: undefined,
  createdAt: NOW - 12_000,
  containers: [container({ lastStatus: "PENDING" })],
} satisfies Partial<TaskRecord>;

const CHECKED = definition(1, {
  containerDefinitions: [
    {
      name: "web",
      image: "hello:v1",
      healthCheck: { command: ["CMD-SHELL", "curl -f http://localhost/"], interval: 10 },
    },
  ],
});

const LIVE: readonly Row[] = [
  {
    when: "its agent has not acknowledged it",
    task: { ...PENDING, delivered: { start: false, stop: false } },
    state: "MOVING",
    says: "has not started yet, 12 s after it was placed: the agent of host host-1 has not taken it in yet.",
  },
  {
    when: "it waits for the digests of its images",
    task: { ...PENDING, awaitsImages: true, delivered: { start: false, stop: false } },
    state: "MOVING",
    says: "has not started yet, 12 s after it was placed: the first task of its deployment has yet to tell which image this is.",
  },
  {
    when: "its agent prepares it",
    task: PENDING,
    state: "MOVING",
    says: "has not started yet, 12 s after it was placed: the agent of host host-1 is pulling image hello:v1 or making the container.",
  },
  {
    when: "a container waits for another",
    task: {
      ...PENDING,
      containers: [container({ name: "db", lastStatus: "RUNNING" }), container({ lastStatus: "PENDING" })],
    },
    known: {
      definition: definition(1, {
        containerDefinitions: [
          { name: "db", image: "db" },
          { name: "web", image: "w", dependsOn: [{ containerName: "db", condition: "HEALTHY" }] },
        ],
      }),
    },
    state: "MOVING",
    says: "has not started yet, 12 s after it was placed: container web waits for db to be HEALTHY (it is UNKNOWN).",
  },
  {
    when: "its host's agent is not connected",
    task: PENDING,
    known: { instance: host(1, { agentConnected: false }) },
    state: "WAITING",
    says: "has not started yet, 12 s after it was placed: the agent of host host-1 has not been connected for 20 s.",
    fixes: [
      "see whether that host runs and reaches this server; `berth stop` ends the task, so that another can be placed",
    ],
  },
  { when: "it runs", state: "WELL", says: "has been running on host-1 for 10 min, and nothing is known against it." },
  {
    when: "it runs and its checks pass",
    task: { healthStatus: "HEALTHY", containers: [container({ checksHealth: true, healthStatus: "HEALTHY" })] },
    state: "WELL",
    says: "has been running on host-1 for 10 min, and is healthy.",
  },
  {
    when: "its health check fails",
    task: {
      healthStatus: "UNHEALTHY",
      containers: [container({ checksHealth: true, healthStatus: "UNHEALTHY", healthOutput: "refused" })],
    },
    known: { definition: CHECKED },
    state: "FAILING",
    says: 'has been running on host-1 for 10 min, and is unhealthy: container web is UNHEALTHY by its health check (curl -f http://localhost/, every 10 s), which wrote "refused".',
  },
  {
    when: "its target fails the load balancer's checks",
    task: LOAD_BALANCED,
    known: { targets: [target({ state: "unhealthy", description: "Health checks failed with these codes: [500]" })] },
    state: "FAILING",
    says: "has been running on host-1 for 10 min, and is unhealthy: its target i-1:32768 in target group hello is unhealthy: Health checks failed with these codes: [500] (GET /health every 5 s).",
  },
  {
    when: "its target is new",
    task: LOAD_BALANCED,
    known: { targets: [target({ state: "initial" })] },
    state: "MOVING",
    says: "has been running on host-1 for 10 min, and does not count as healthy yet: it waits for the first good health checks of its target i-1:32768 in target group hello (GET /health every 5 s).",
  },
  {
    when: "its target group is gone",
    task: LOAD_BALANCED,
    known: { targetGroups: new Map() },
    state: "MOVING",
    says: "has been running on host-1 for 10 min, and does not count as healthy yet: it waits for target group hello, which is not there any more.",
  },
  {
    when: "its host is DRAINING and it is of no service",
    known: { instance: host(1, { status: "DRAINING" }) },
    state: "MOVING",
    says: "has been running on host-1 for 10 min: host host-1 is DRAINING; a task of no service stays there until it ends by itself or is stopped.",
  },
  {
    when: "nothing is heard of its host",
    known: { isHostSilent: true },
    state: "WAITING",
    says: "ran on host-1 when its agent was last heard: nothing is heard of host host-1 at this moment.",
  },
  {
    when: "it is protected",
    task: { protectedUntil: NOW + 60_000 },
    state: "WELL",
    says: "has been running on host-1 for 10 min, and nothing is known against it.",
    also: ["it is protected from scale-in; that ends in 60 s (01:01:00 UTC)"],
  },
  {
    when: "its target drains",
    task: { desiredStatus: "STOPPED", lastStatus: "DEACTIVATING", stoppingAt: NOW - 5000, stoppedReason: "Scaling." },
    known: { targets: [target({ state: "draining", drainingSince: NOW - 5000 })] },
    state: "MOVING",
    says: 'has been stopping for 5 s ("Scaling"): target group hello lets it finish its requests, for 25 s at the most.',
  },
  {
    when: "its agent stops it",
    task: { desiredStatus: "STOPPED", lastStatus: "STOPPING", stoppingAt: NOW, delivered: { start: true, stop: true } },
    state: "MOVING",
    says: "has been stopping for 0 s: its agent stops its containers.",
  },
];

const stopped = (over: Partial<TaskRecord>, ended: Parameters<typeof container>[0] = {}): Partial<TaskRecord> => ({
  desiredStatus: "STOPPED",
  lastStatus: "STOPPED",
  stoppedAt: NOW - 300_000,
  executionStoppedAt: NOW - 588_000,
  containers: [container({ lastStatus: "STOPPED", ...ended })],
  ...over,
});

const exit = { stopCode: "EssentialContainerExited", stoppedReason: "Essential container in task exited" } as const;
const startFailure = (stoppedReason: string) =>
  stopped({ stopCode: "TaskFailedToStart", startedAt: undefined, stoppedReason }, { reason: stoppedReason });

const DEAD: readonly Row[] = [
  {
    when: "its program failed",
    task: stopped(exit, { exitCode: 1 }),
    state: "FAILING",
    says: "stopped 5 min ago after it had run for 12 s: its container web exited with code 1.",
  },
  {
    when: "its program was done",
    task: stopped(exit, { exitCode: 0 }),
    state: "ENDED",
    says: "stopped 5 min ago after it had run for 12 s: its container web exited with code 0 (without an error).",
    fixes: ["if it is to go on running, let container web stay in the foreground"],
  },
  {
    when: "it needed too much memory",
    task: stopped(exit, { exitCode: 137, reason: "OutOfMemoryError: Container killed due to memory usage" }),
    state: "FAILING",
    says: "stopped 5 min ago after it had run for 12 s: its container web was killed for using more than its memory limit of 256 MiB.",
    fixes: ["raise the memory of container web from 256 MiB in a new revision of its task definition"],
  },
  {
    when: "its command is not in the image",
    task: stopped(exit, { exitCode: 127 }),
    state: "FAILING",
    says: "stopped 5 min ago after it had run for 12 s: its container web exited with code 127 (its command was not found).",
    fixes: ["check the command of container web: it is not in the image"],
  },
  {
    when: "one container brought the others down",
    task: stopped({
      ...exit,
      containers: [
        container({ name: "proxy", lastStatus: "STOPPED", exitCode: 143 }),
        container({ lastStatus: "STOPPED", exitCode: 2 }),
      ],
    }),
    state: "FAILING",
    says: "stopped 5 min ago after it had run for 12 s: its container web exited with code 2.",
    also: ["container proxy exited with code 143 (it was told to end, SIGTERM)", "container web exited with code 2"],
  },
  {
    when: "its image could not be pulled",
    task: startFailure("CannotPullContainerError: manifest unknown"),
    state: "FAILING",
    says: "stopped 5 min ago without having run: its image could not be pulled on host host-1 (image hello:v1): manifest unknown.",
    fixes: [
      "check the image's name and tag, and that the host reaches its registry: `docker pull` there says the same",
    ],
  },
  {
    when: "it could not be started for another reason",
    task: startFailure("Task failed to start"),
    state: "FAILING",
    says: "stopped 5 min ago without having run: it could not be started on host host-1 (image hello:v1): Task failed to start.",
  },
  {
    when: "a call stopped it",
    task: stopped({ stopCode: "UserInitiated", stoppedReason: "no longer needed" }, { exitCode: 143 }),
    state: "ENDED",
    says: 'stopped 5 min ago after it had run for 12 s: a call stopped it ("no longer needed").',
    also: ["container web exited with code 143 (it was told to end, SIGTERM)"],
  },
  {
    when: "its service replaced it for its targets",
    task: stopped({
      stopCode: "ServiceSchedulerInitiated",
      stoppedReason: `Task failed ELB health checks in (target-group ${GROUP})`,
    }),
    state: "FAILING",
    says: "stopped 5 min ago after it had run for 12 s: its service replaced it, because it failed the health checks of target group hello.",
    fixes: ["check that it answers the health check of target group hello, and in time"],
  },
  {
    when: "its service replaced it for its health check",
    task: stopped(
      { stopCode: "ServiceSchedulerInitiated", stoppedReason: "Task failed container health checks" },
      { healthStatus: "UNHEALTHY", healthOutput: "curl: (7) Failed to connect\n" },
    ),
    state: "FAILING",
    says: 'stopped 5 min ago after it had run for 12 s: its service replaced it, because the health check of its container web failed, which wrote "curl: (7) Failed to connect".',
  },
  {
    when: "its service scaled in",
    task: stopped({
      stopCode: "ServiceSchedulerInitiated",
      deploymentId: "ecs-svc/1",
      stoppedReason: "Scaling activity initiated by (deployment ecs-svc/1)",
    }),
    state: "ENDED",
    says: "stopped 5 min ago after it had run for 12 s: its service needed it no longer: it has fewer tasks to have, or moved it to another host.",
  },
  {
    when: "a newer deployment replaced it",
    task: stopped({
      stopCode: "ServiceSchedulerInitiated",
      deploymentId: "ecs-svc/1",
      stoppedReason: "Scaling activity initiated by (deployment ecs-svc/2)",
    }),
    state: "ENDED",
    says: "stopped 5 min ago after it had run for 12 s: a newer deployment of its service (ecs-svc/2) replaced it.",
  },
  {
    when: "its host was lost",
    task: stopped({
      stopCode: "InfrastructureHealth",
      stoppedReason: "Host lost: the agent of (container-instance i1) has not been heard from for 7 s.",
    }),
    known: { instance: host(1, { agentConnected: false }) },
    state: "FAILING",
    says: "stopped 5 min ago after it had run for 12 s: host host-1 was lost: the agent of (container-instance i1) has not been heard from for 7 s.",
    also: [
      "the agent of host host-1, where it ran, has not been connected for 20 s: its log cannot be read until it is back",
    ],
    fixes: ["see whether host host-1 runs and reaches this server; `berth hosts` shows which agents are connected"],
  },
  {
    when: "its host has left the cluster",
    task: stopped(exit, { exitCode: 1 }),
    known: { instance: host(1, { status: "INACTIVE", agentConnected: false }) },
    state: "FAILING",
    says: "stopped 5 min ago after it had run for 12 s: its container web exited with code 1.",
    also: ["host host-1, where it ran, has left the cluster, and its log with it"],
  },
];

for (const { when, task, known, state, says, also = [], fixes = [] } of [...LIVE, ...DEAD]) {
  test(`a task is explained: ${when}`, () => {
    const told = explainTask(taskFacts(task, known), NOW);
    assert.equal(told.summary, `${TASK} ${says}`);
    assert.equal(told.state, state);
    const others = told.findings.map(({ text }) => text).filter((text) => !told.summary.includes(text));
    const expected = also.filter((text) => !told.summary.includes(text));
    assert.deepEqual(others, expected);
    assert.deepEqual(told.fixes, fixes);
  });
}

test("the task definition is named by family and revision", () => {
  const arn = taskDefinitionArn({ region: "us-east-1", accountId: "000000000000" }, { family: "a-b", revision: 12 });
  assert.match(
    explainTask(taskFacts({ taskDefinitionArn: arn }), NOW).summary,
    /^Task 0+7 \(a-b:12\) has been running/,
  );
});
