import assert from "node:assert/strict";
import { test } from "node:test";
import type { ObservedTask } from "../deployment/index.ts";
import { newDeployment } from "../deployment/index.ts";
import { testService, testTask } from "../deployment/testing.ts";
import { type DeploymentRecord, NO_THROTTLE } from "../model/deployment.ts";
import type { ServiceRecord } from "../model/service.ts";
import { revisionArnOf, type ServiceDeploymentRecord } from "../model/service-deployment.ts";
import type { TaskRecord } from "../model/task.ts";
import type { Explanation } from "./explanation.ts";
import type { ServiceFacts } from "./facts.ts";
import { explainDeployment, explainService } from "./service.ts";
import { container, definition, GROUP, host, member, NOW, serviceFacts, target } from "./testing.ts";

const V1 = definition(1).arn;
const V2 = definition(2).arn;
const wish = { schedulingStrategy: "REPLICA", loadBalancers: [], placementConstraints: [], desiredCount: 3 } as const;

function deployment(revision: 1 | 2, over: Partial<DeploymentRecord> = {}): DeploymentRecord {
  const made = newDeployment(
    `ecs-svc/${revision}`,
    { ...wish, taskDefinitionArn: revision === 1 ? V1 : V2 },
    NOW - 40_000,
  );
  return { ...made, ...over };
}

const DONE = deployment(1, { rolloutState: "COMPLETED" });
const OLD = deployment(1, { rolloutState: "COMPLETED", status: "ACTIVE" });
const THREE = { desiredCount: 3, deployments: [DONE] } satisfies Partial<ServiceRecord>;
const ROLLING = {
  desiredCount: 3,
  taskDefinitionArn: V2,
  deployments: [deployment(2), OLD],
} satisfies Partial<ServiceRecord>;
const id = (n: number) => String(n).padStart(32, "0");
const three = [member(1), member(2), member(3)];
const of2 = { deploymentId: "ecs-svc/2", taskDefinitionArn: V2 } satisfies Partial<TaskRecord>;
const failedTask = testTask(9, {
  lastStatus: "STOPPED",
  stopCode: "EssentialContainerExited",
  containerInstanceArn: host(1).arn,
  containers: [container({ lastStatus: "STOPPED", exitCode: 3 })],
});
const balanced = { loadBalancers: [{ targetGroupArn: GROUP, containerName: "web", containerPort: 80 }] };

interface Row {
  readonly when: string;
  readonly service?: Partial<ServiceRecord>;
  readonly tasks?: readonly ObservedTask[];
  readonly known?: Partial<ServiceFacts>;
  readonly state: Explanation["state"];
  readonly says: string;
  readonly also?: readonly string[];
  readonly fixes?: readonly string[];
}

const SERVICE_ROWS: readonly Row[] = [
  {
    when: "all is well",
    tasks: three,
    state: "WELL",
    says: "Service web is as it should be: 3 of 3 tasks (web:1) run, and nothing is wrong with them.",
  },
  {
    when: "it is to have no tasks",
    service: { desiredCount: 0, deployments: [deployment(1, { rolloutState: "COMPLETED", desiredCount: 0 })] },
    state: "WELL",
    says: "Service web is as it should be: it is to have no task, and none runs.",
  },
  {
    when: "it was deleted",
    service: { status: "INACTIVE", deletedAt: NOW - 7_200_000, deployments: [] },
    state: "ENDED",
    says: "Service web was deleted 2 h ago.",
  },
  {
    when: "it is being deleted",
    service: { status: "DRAINING", deletedAt: NOW - 4000 },
    tasks: [member(1)],
    state: "MOVING",
    says: "Service web has been in deletion for 4 s: 1 task has still to stop.",
  },
  {
    when: "tasks are about to be started",
    tasks: [member(1)],
    state: "MOVING",
    says: "Service web runs 1 of 3 tasks (web:1): 2 further tasks are about to be started (web:1).",
  },
  {
    when: "more tasks fit nowhere than one look starts",
    service: { desiredCount: 1000, deployments: [deployment(1, { desiredCount: 1000, unplacedSince: NOW - 50_000 })] },
    tasks: three,
    state: "WAITING",
    says: "Service web runs 3 of 1000 tasks (web:1): 989 tasks fit on no host (of 2, 2 lack memory), for 50 s.",
    also: ["8 further tasks are about to be started (web:1)"],
    fixes: ["a task fits if 256 MiB are freed on host-1"],
  },
  {
    when: "a task ended by itself, and its replacement has not run for long",
    service: {
      desiredCount: 1,
      deployments: [
        deployment(1, {
          desiredCount: 1,
          rolloutState: "COMPLETED",
          throttle: { failures: 0, crashes: 0, lastExitAt: NOW - 12_000 },
        }),
      ],
    },
    tasks: [member(1, { startedAt: NOW - 10_000 })],
    state: "MOVING",
    says: "Service web runs 1 of 1 task (web:1): 1 task runs, but a task of the same deployment ended by itself 12 s ago; the service counts as steady in 30 s (01:00:30 UTC) if none ends by then.",
  },
  {
    when: "its tasks crash",
    service: {
      desiredCount: 1,
      deployments: [
        deployment(1, {
          desiredCount: 1,
          throttle: { failures: 0, crashes: 7, lastFailureAt: NOW, nextAttemptAt: NOW + 5000 },
        }),
      ],
    },
    known: { lastFailures: new Map([["ecs-svc/1", failedTask]]) },
    state: "FAILING",
    says: `Service web runs 0 of 1 task (web:1): 7 tasks in a row ended soon after the start (web:1), the last (${id(9)}) because its container web exited with code 3; the next start is tried in 5 s (01:00:05 UTC).`,
    fixes: [`see what the last one wrote: \`berth why ${id(9)}\``],
  },
  {
    when: "a crash of long ago is over",
    service: {
      ...THREE,
      deployments: [{ ...DONE, throttle: { failures: 0, crashes: 2, lastFailureAt: NOW - 60_000 } }],
    },
    tasks: three,
    state: "WELL",
    says: "Service web is as it should be: 3 of 3 tasks (web:1) run, and nothing is wrong with them.",
  },
  {
    when: "its deployment has failed",
    service: {
      ...ROLLING,
      deployments: [deployment(2, { rolloutState: "FAILED", rolloutStateReason: "Too many tasks failed." }), OLD],
    },
    tasks: three,
    known: { lastFailures: new Map([["ecs-svc/2", failedTask]]) },
    state: "FAILING",
    says: "Service web runs 3 of 3 tasks, 0 of them with web:2: deployment ecs-svc/2 (web:2) has failed: Too many tasks failed; its last task ended because its container web exited with code 3.",
    also: ["3 tasks of the deployment before (web:1) go when tasks of web:2 are healthy"],
    fixes: ["deploy a task definition that works: `aws ecs update-service --service web --task-definition …`"],
  },
  {
    when: "a host is away",
    tasks: [member(1), member(2), member(3, {}, { instance: host(2, { agentConnected: false }) })],
    state: "WAITING",
    says: "Service web runs 3 of 3 tasks (web:1): 1 task on host host-2: its agent has not been connected for 20 s.",
    fixes: ["see whether those hosts run and reach this server"],
  },
  {
    when: "the brake holds",
    tasks: [member(1), member(2), member(3, {}, { instance: host(2, { agentConnected: false }) })],
    known: { heldHosts: new Set([host(2).arn]) },
    state: "WAITING",
    says: "Service web runs 3 of 3 tasks (web:1): 1 task on host host-2: its agent has not been connected for 20 s; they are not replaced yet, because many hosts lost contact at about the same time, which looks like a failure of the network.",
    fixes: ["see whether those hosts run and reach this server"],
  },
  {
    when: "a task fails its health check",
    tasks: [
      member(1),
      member(2),
      member(3, {
        healthStatus: "UNHEALTHY",
        containers: [container({ checksHealth: true, healthStatus: "UNHEALTHY" })],
      }),
    ],
    state: "FAILING",
    says: `Service web runs 3 of 3 tasks (web:1): 1 task is unhealthy and will be replaced: task ${id(3)}, container web is UNHEALTHY by its health check.`,
    also: ["1 further task is about to be started (web:1)"],
  },
  {
    when: "a target is new",
    tasks: [
      member(1),
      member(2),
      member(3, { ...balanced, startedAt: NOW - 3000 }, { targets: [target({ state: "initial" })] }),
    ],
    state: "MOVING",
    says: `Service web runs 3 of 3 tasks (web:1): task ${id(3)} runs and waits for the first good health checks of its target i-1:32768 in target group hello (GET /health every 5 s).`,
  },
  {
    when: "bad health does not count yet",
    service: { ...THREE, healthCheckGracePeriodSeconds: 60 },
    tasks: [
      member(1),
      member(2),
      member(
        3,
        { ...balanced, startedAt: NOW - 3000 },
        { targets: [target({ state: "unhealthy", description: "Request timed out" })] },
      ),
    ],
    state: "MOVING",
    says: `Service web runs 3 of 3 tasks (web:1): task ${id(3)} runs and does not count as healthy: its target i-1:32768 in target group hello is unhealthy: Request timed out (GET /health every 5 s); that counts only in 57 s (01:00:57 UTC).`,
  },
  {
    when: "the percentages allow nothing",
    service: { ...ROLLING, minimumHealthyPercent: 100, maximumPercent: 100 },
    tasks: three,
    state: "WAITING",
    says: "Service web runs 3 of 3 tasks, 0 of them with web:2: nothing may be stopped below 3 healthy tasks (minimumHealthyPercent 100 of 3) and nothing started above 3 tasks (maximumPercent 100).",
    also: ["3 tasks of the deployment before (web:1) go when tasks of web:2 are healthy"],
    fixes: ["set maximumPercent to 134 or more, or minimumHealthyPercent to 66 or less"],
  },
  {
    when: "a protected task stays",
    service: { desiredCount: 1, deployments: [{ ...DONE, desiredCount: 1 }] },
    tasks: [member(1, { protectedUntil: NOW + 60_000 }), member(2, { protectedUntil: NOW + 120_000 })],
    state: "WAITING",
    says: "Service web runs 2 tasks where 1 is wanted (web:1): 2 tasks stay because of protection from scale-in, which ends in 2 min (01:02:00 UTC).",
    fixes: [`end it sooner with \`aws ecs update-task-protection --no-protection-enabled --tasks ${id(1)} ${id(2)}\``],
  },
  {
    when: "tasks start",
    tasks: [
      member(1),
      ...[2, 3].map((n) =>
        member(n, {
          lastStatus: "PENDING",
          startedAt: undefined,
          createdAt: NOW - 9000,
          containers: [container({ lastStatus: "PENDING" })],
        }),
      ),
    ],
    state: "MOVING",
    says: "Service web runs 1 of 3 tasks (web:1): 2 tasks are starting, for 9 s: the agent of host host-1 is pulling image hello:v1 or making the container.",
  },
  {
    when: "a host is drained",
    tasks: [member(1), member(2), member(3, {}, { instance: host(2, { status: "DRAINING" }) })],
    state: "MOVING",
    says: "Service web runs 3 of 3 tasks (web:1): 1 further task is about to be started (web:1).",
    also: ["1 task on host host-2, which is DRAINING, is to be replaced elsewhere"],
  },
  {
    when: "a host cannot be drained",
    service: { ...THREE, maximumPercent: 100 },
    tasks: [member(1), member(2), member(3, {}, { instance: host(2, { status: "DRAINING" }) })],
    state: "WAITING",
    says: "Service web runs 3 of 3 tasks (web:1): nothing may be stopped below 3 healthy tasks (minimumHealthyPercent 100 of 3) and nothing started above 3 tasks (maximumPercent 100).",
    also: ["1 task on host host-2, which is DRAINING, is to be replaced elsewhere"],
    fixes: ["set maximumPercent to 134 or more, or minimumHealthyPercent to 66 or less"],
  },
  {
    when: "a deployment is under way",
    service: { ...ROLLING, deployments: [deployment(2), { ...OLD, desiredCount: 2 }] },
    tasks: [
      member(1),
      member(2),
      member(4, { ...of2, startedAt: NOW - 30_000 }),
      member(5, { ...of2, startedAt: NOW - 30_000 }),
      member(6, { ...of2, startedAt: NOW - 30_000 }),
    ],
    state: "MOVING",
    says: "Service web runs 5 tasks where 3 are wanted, 3 of them with web:2: 2 tasks of the deployment before (web:1) go when tasks of web:2 are healthy; the next new task counts as healthy in 10 s (01:00:10 UTC).",
  },
  {
    when: "a task is being moved",
    tasks: [...three, member(4, { move: { from: host(1).arn, field: "instanceId" } }, { instance: host(2) })],
    state: "WELL",
    says: "Service web is as it should be: 3 of 3 tasks (web:1) run, and nothing is wrong with them; a task moves from host-1 to host-2, to even tasks out.",
  },
  {
    when: "old tasks are leaving",
    tasks: [
      ...three,
      member(4, { desiredStatus: "STOPPED", lastStatus: "DEACTIVATING" }),
      member(5, { desiredStatus: "STOPPED", lastStatus: "STOPPING" }),
    ],
    state: "WELL",
    says: "Service web is as it should be: 3 of 3 tasks (web:1) run, and nothing is wrong with them; 2 tasks are being stopped, 1 of them still finishing requests.",
  },
];

function check(
  { service = THREE, tasks = [], known, state, says, also = [], fixes = [] }: Row,
  explain: (facts: ServiceFacts) => Explanation,
): void {
  const told = explain(serviceFacts(service, tasks, known));
  assert.equal(told.summary, says);
  assert.equal(told.state, state);
  assert.deepEqual(
    told.findings.map(({ text }) => text).filter((text) => !says.includes(text)),
    also,
  );
  assert.deepEqual(told.fixes, fixes);
}

for (const row of SERVICE_ROWS)
  test(`a service is explained: ${row.when}`, () => check(row, (facts) => explainService(facts, NOW)));

function past(over: Partial<ServiceDeploymentRecord>): ServiceDeploymentRecord {
  const service = testService();
  return {
    arn: "arn:aws:ecs:us-east-1:000000000000:service-deployment/default/web/abc" as ServiceDeploymentRecord["arn"],
    serviceArn: service.arn,
    clusterArn: service.clusterArn,
    targetRevisionArn: revisionArnOf(service.arn, "ecs-svc/77"),
    sourceRevisionArns: [],
    status: "SUCCESSFUL",
    settings: { minimumHealthyPercent: 100, maximumPercent: 200 },
    breaker: { status: "DISABLED", failureCount: 0, threshold: 3 },
    createdAt: 0,
    finishedAt: NOW - 300_000,
    updatedAt: NOW - 300_000,
    ...over,
  };
}

const DEPLOYMENT_ROWS: readonly (Row & { readonly of: string; readonly record?: ServiceDeploymentRecord })[] = [
  {
    when: "it is done",
    of: "ecs-svc/1",
    tasks: three,
    state: "WELL",
    says: "Deployment ecs-svc/1 (web:1) of service web is COMPLETED: 3 of 3 tasks run and are well.",
  },
  {
    when: "it is over",
    of: "ecs-svc/77",
    tasks: three,
    state: "ENDED",
    says: "Deployment ecs-svc/77 of service web is over: none of its tasks is wanted any more.",
  },
  {
    when: "it was completed and replaced",
    of: "ecs-svc/77",
    record: past({}),
    tasks: three,
    state: "ENDED",
    says: "Deployment ecs-svc/77 of service web was completed 5 min ago, and has been replaced since.",
  },
  {
    when: "it was rolled back",
    of: "ecs-svc/77",
    record: past({
      status: "ROLLBACK_SUCCESSFUL",
      statusReason: "Service deployment rolled back because the circuit breaker threshold was exceeded.",
      failedTask: { taskArn: failedTask.arn, since: 0, isTold: true },
    }),
    tasks: three,
    state: "FAILING",
    says: "Deployment ecs-svc/77 of service web failed and was rolled back 5 min ago: Service deployment rolled back because the circuit breaker threshold was exceeded.",
    fixes: [`see how one of its tasks failed: \`berth why ${id(9)}\``],
  },
  {
    when: "it was stopped",
    of: "ecs-svc/77",
    record: past({ status: "STOPPED" }),
    tasks: three,
    state: "FAILING",
    says: "Deployment ecs-svc/77 of service web failed or was stopped 5 min ago: no reason is recorded.",
  },
  {
    when: "it is in progress",
    of: "ecs-svc/2",
    service: ROLLING,
    tasks: [member(1), member(4, { ...of2, startedAt: NOW - 30_000 }), member(5, of2), member(6, of2)],
    state: "MOVING",
    says: "Deployment ecs-svc/2 (web:2) of service web is in progress, for 40 s: 3 of 3 tasks run and are well; 1 task of the deployment before (web:1) goes when tasks of web:2 are healthy; the next new task counts as healthy in 10 s (01:00:10 UTC).",
  },
  {
    when: "it is rolled back to",
    of: "ecs-svc/1",
    service: {
      ...THREE,
      deployments: [
        deployment(1, {
          rolloutStateReason: "ECS deployment circuit breaker: rolling back to deploymentId ecs-svc/1.",
        }),
        deployment(2, { status: "ACTIVE", rolloutState: "FAILED", rolloutStateReason: "Failed.", desiredCount: 1 }),
      ],
    },
    tasks: [member(1), member(2), member(3, { startedAt: NOW - 30_000 }), member(4, of2)],
    state: "MOVING",
    says: "Deployment ecs-svc/1 (web:1) of service web is being rolled back to: 3 of 3 tasks run and are well; 1 task of the deployment before (web:2) goes when tasks of web:1 are healthy; the next new task counts as healthy in 10 s (01:00:10 UTC).",
  },
  {
    when: "it is being replaced",
    of: "ecs-svc/1",
    service: ROLLING,
    tasks: [member(1), member(4, { ...of2, startedAt: NOW - 30_000 }), member(5, of2), member(6, of2)],
    state: "MOVING",
    says: "Deployment ecs-svc/1 (web:1) of service web is being replaced by ecs-svc/2 (web:2): 1 task is left of it; 1 task of the deployment before (web:1) goes when tasks of web:2 are healthy; the next new task counts as healthy in 10 s (01:00:10 UTC).",
  },
  {
    when: "its starts fail",
    of: "ecs-svc/2",
    service: {
      ...ROLLING,
      deployments: [
        deployment(2, { throttle: { ...NO_THROTTLE, failures: 3, lastFailureAt: NOW, nextAttemptAt: NOW + 2000 } }),
        OLD,
      ],
    },
    tasks: three,
    state: "FAILING",
    says: "Deployment ecs-svc/2 (web:2) of service web is in progress, for 40 s: 0 of 3 tasks run and are well; 3 tasks in a row could not be started (web:2); the next start is tried in 2 s (01:00:02 UTC).",
    also: ["3 tasks of the deployment before (web:1) go when tasks of web:2 are healthy"],
  },
];

for (const row of DEPLOYMENT_ROWS)
  test(`a deployment is explained: ${row.when}`, () =>
    check(row, (facts) => explainDeployment(facts, row.of, row.record, NOW)));

test("[PL19] of a strategy's tasks each is told of with its own provider's hosts", () => {
  const capacityProviderStrategy = ["a", "b"].map((capacityProvider) => ({ capacityProvider, weight: 1, base: 0 }));
  const inGroup = host(1);
  const instances = [
    { ...inGroup, attributes: [...inGroup.attributes, { name: "berth.host-group", value: "a" }] },
    host(2),
  ];
  const wanted = { desiredCount: 4, deployments: [deployment(1, { desiredCount: 4 })], capacityProviderStrategy };
  const { findings } = explainService(serviceFacts(wanted, [], { instances }), NOW);
  const texts = findings.map((f) => f.text);
  assert.ok(
    texts.some((text) => text.startsWith("2 tasks fit on no host of capacity provider b (there is none)")),
    texts.join("\n"),
  );
  assert.ok(
    texts.some((text) => text.startsWith("2 further tasks are about to be started")),
    texts.join("\n"),
  );
  const nowhere = explainService(serviceFacts(wanted, [], { instances: [host(2)] }), NOW).findings.map((f) => f.text);
  for (const name of ["a", "b"]) {
    const says = `2 tasks fit on no host of capacity provider ${name} (there is none)`;
    assert.ok(
      nowhere.some((text) => text.startsWith(says)),
      nowhere.join("\n"),
    );
  }
});
