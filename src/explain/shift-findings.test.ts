import assert from "node:assert/strict";
import { test } from "node:test";
import { newDeployment } from "../deployment/index.ts";
import { testService } from "../deployment/testing.ts";
import { revisionArnOf, type ServiceDeploymentRecord } from "../model/service-deployment.ts";
import type { HookRun, LifecycleHook, ShiftSettings, ShiftState } from "../model/traffic-shift.ts";
import type { TaskArn } from "../wire/arn.ts";
import type { Explanation } from "./explanation.ts";
import type { ServiceFacts } from "./facts.ts";
import { explainDeployment, explainService } from "./service.ts";
import { definition, member, NOW, serviceFacts } from "./testing.ts";

const V1 = definition(1).arn;
const V2 = definition(2).arn;
const wish = { schedulingStrategy: "REPLICA", loadBalancers: [], placementConstraints: [], desiredCount: 2 } as const;
const made = (id: string, taskDefinitionArn: typeof V1) =>
  newDeployment(id, { ...wish, taskDefinitionArn }, NOW - 600_000);
const DEPLOYMENTS = [
  made("ecs-svc/2", V2),
  { ...made("ecs-svc/1", V1), status: "ACTIVE" as const, rolloutState: "COMPLETED" as const },
];
const of2 = { deploymentId: "ecs-svc/2", taskDefinitionArn: V2 };
const BOTH = [member(1), member(2), member(3, of2), member(4, of2)];
const ARN = "arn:aws:ecs:us-east-1:000000000000:service-deployment/default/web/abc" as ServiceDeploymentRecord["arn"];

const PAUSE: LifecycleHook = {
  targetType: "PAUSE",
  stages: ["POST_TEST_TRAFFIC_SHIFT"],
  timeoutMinutes: 60,
  timeoutAction: "ROLLBACK",
};
const RUN: HookRun = {
  id: "ecs-pause-2-1",
  hook: 0,
  stage: "POST_TEST_TRAFFIC_SHIFT",
  step: 0,
  status: "AWAITING_ACTION",
  expiresAt: NOW + 3_300_000,
};
const TASK_ARN = "arn:aws:ecs:us-east-1:000000000000:task/default/0f" as TaskArn;

function record(state: Partial<ShiftState>, settings: Partial<ShiftSettings>): ServiceDeploymentRecord {
  const { arn: serviceArn, clusterArn } = testService();
  const shift: ShiftSettings = { strategy: "BLUE_GREEN", bakeTimeMinutes: 10, hooks: [], ...settings };
  return {
    arn: ARN,
    serviceArn,
    clusterArn,
    targetRevisionArn: revisionArnOf(serviceArn, "ecs-svc/2"),
    sourceRevisionArns: [revisionArnOf(serviceArn, "ecs-svc/1")],
    status: "IN_PROGRESS",
    settings: { minimumHealthyPercent: 100, maximumPercent: 200, shift },
    breaker: { status: "DISABLED", failureCount: 0, threshold: 3 },
    shift: {
      stage: "POST_TEST_TRAFFIC_SHIFT",
      since: NOW - 300_000,
      step: 0,
      production: 0,
      test: 100,
      hooks: [],
      hooksBegun: 1,
      ...state,
    },
    createdAt: NOW - 600_000,
    startedAt: NOW - 600_000,
    updatedAt: NOW - 300_000,
  };
}

function factsOf(one: ServiceDeploymentRecord, known: Partial<ServiceFacts> = {}): ServiceFacts {
  const facts = serviceFacts({ desiredCount: 2, taskDefinitionArn: V2, deployments: DEPLOYMENTS }, BOTH, known);
  return { ...facts, observed: { ...facts.observed, serviceDeployments: [one] } };
}

const RUNS = "Service web runs 4 tasks where 2 are wanted, 2 of them with web:2";
const STAYS = "2 tasks of the deployment before (web:1) stay until web:2 has all traffic and its bake time is over";
const CONTINUE = `aws ecs continue-service-deployment --service-deployment-arn ${ARN} --hook-id ecs-pause-2-1 --action`;
const BACK = `aws ecs stop-service-deployment --service-deployment-arn ${ARN} --stop-type ROLLBACK`;

interface Row {
  readonly when: string;
  readonly state: Partial<ShiftState>;
  readonly settings?: Partial<ShiftSettings>;
  readonly is: Explanation["state"];
  readonly says: string;
  readonly fixes: readonly string[];
}

const ROWS: readonly Row[] = [
  {
    when: "it is paused at a hook",
    state: { hooks: [RUN] },
    settings: { hooks: [PAUSE] },
    is: "WAITING",
    says: "deployment ecs-svc/2 (web:2) is paused at POST_TEST_TRAFFIC_SHIFT, for 5 min, with 0 % of the traffic, until somebody says how it goes on; if nobody does, it is rolled back in 55 min (01:55:00 UTC)",
    fixes: [`continue with \`${CONTINUE} CONTINUE\``, `roll it back with \`${CONTINUE} ROLLBACK\``],
  },
  {
    when: "it is paused at a hook that lets it go on in time",
    state: { hooks: [RUN], stage: "PRE_PRODUCTION_TRAFFIC_SHIFT", production: 10 },
    settings: { hooks: [{ ...PAUSE, timeoutAction: "CONTINUE" }] },
    is: "WAITING",
    says: "deployment ecs-svc/2 (web:2) is paused at POST_TEST_TRAFFIC_SHIFT, for 5 min, with 10 % of the traffic, until somebody says how it goes on; if nobody does, it goes on by itself in 55 min (01:55:00 UTC)",
    fixes: [`continue with \`${CONTINUE} CONTINUE\``, `roll it back with \`${CONTINUE} ROLLBACK\``],
  },
  {
    when: "it waits for the task of a hook",
    state: { hooks: [{ ...RUN, id: "ecs-task-2-1", status: "IN_PROGRESS", taskArn: TASK_ARN }] },
    settings: { hooks: [{ ...PAUSE, targetType: "AWS_LAMBDA", taskDefinitionArn: V1 }] },
    is: "MOVING",
    says: "deployment ecs-svc/2 (web:2) waits at POST_TEST_TRAFFIC_SHIFT, for 5 min, with 0 % of the traffic, for task 0f of lifecycle hook ecs-task-2-1; if that has not ended by then, it is rolled back in 55 min (01:55:00 UTC)",
    fixes: ["see how it does: `berth why 0f`"],
  },
  {
    when: "the task of a hook finds no place",
    state: { hooks: [{ ...RUN, id: "ecs-task-2-1", status: "IN_PROGRESS" }] },
    settings: { hooks: [{ ...PAUSE, targetType: "AWS_LAMBDA", taskDefinitionArn: V1 }] },
    is: "MOVING",
    says: "deployment ecs-svc/2 (web:2) waits at POST_TEST_TRAFFIC_SHIFT, for 5 min, with 0 % of the traffic, for a task that has found no place yet of lifecycle hook ecs-task-2-1; if that has not ended by then, it is rolled back in 55 min (01:55:00 UTC)",
    fixes: [],
  },
  {
    when: "it bakes",
    state: { stage: "BAKE_TIME", production: 100 },
    is: "MOVING",
    says: "deployment ecs-svc/2 (web:2) is baking with 100 % of the traffic, for 5 min; this bake time is over in 5 min (01:05:00 UTC)",
    fixes: [`if it does not do well, roll it back with \`${BACK}\``],
  },
  {
    when: "a canary bakes",
    state: { stage: "PRODUCTION_TRAFFIC_SHIFT", production: 10, step: 1 },
    settings: { strategy: "CANARY", canary: { canaryPercent: 10, canaryBakeTimeMinutes: 30 } },
    is: "MOVING",
    says: "deployment ecs-svc/2 (web:2) is baking with 10 % of the traffic, for 5 min; this bake time is over in 25 min (01:25:00 UTC)",
    fixes: [`if it does not do well, roll it back with \`${BACK}\``],
  },
  {
    when: "it does not wait",
    state: { stage: "SCALE_UP" },
    is: "MOVING",
    says: STAYS,
    fixes: [],
  },
  {
    when: "it cleans up",
    state: { stage: "CLEAN_UP", production: 100 },
    is: "MOVING",
    says: "2 tasks of the deployment before (web:1) go when tasks of web:2 are healthy",
    fixes: [],
  },
];

for (const row of ROWS) {
  test(`[TS6] [TS7] [TS20] [TS22] a deployment that shifts traffic is explained: ${row.when}`, () => {
    const facts = factsOf(record(row.state, row.settings ?? {}));
    const told = explainService(facts, NOW);
    assert.equal(told.summary, `${RUNS}: ${row.says}.`);
    assert.deepEqual([told.state, told.fixes], [row.is, row.fixes]);
    const texts = told.findings.map((finding) => finding.text);
    if (row.state.stage !== "CLEAN_UP") assert.ok(texts.includes(STAYS), texts.join("\n"));
    // It is a matter of the deployment that shifts, and of no other; what a rehearsal made has no ARN that a command could name.
    const asked = (id: string) => explainDeployment(facts, id, undefined, NOW).findings.map(({ text }) => text);
    assert.deepEqual(asked("ecs-svc/2"), texts);
    assert.ok(!asked("ecs-svc/1").some((text) => text.startsWith("deployment ecs-svc/2")));
    const rehearsed = explainService(factsOf(record(row.state, row.settings ?? {}), { isRehearsed: true }), NOW);
    assert.deepEqual([rehearsed.summary, rehearsed.fixes], [told.summary, []]);
  });
}

test("a deployment that is being rolled back, or whose bake time has just passed, waits for nobody", () => {
  const over = explainService(factsOf(record({ stage: "BAKE_TIME", since: NOW - 600_000, production: 100 }, {})), NOW);
  assert.deepEqual(
    over.findings.map(({ code }) => code),
    ["REPLACING"],
  );
  const back = { ...record({ hooks: [RUN] }, { hooks: [PAUSE] }), status: "ROLLBACK_IN_PROGRESS" as const };
  assert.ok(!explainService(factsOf(back), NOW).findings.some(({ code }) => code === "PAUSED"));
});
