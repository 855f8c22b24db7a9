import assert from "node:assert/strict";
import { test } from "node:test";
import type { CreateServiceRequest, DeploymentConfiguration, LoadBalancer } from "@aws-sdk/client-ecs";
import type { Action } from "@aws-sdk/client-elastic-load-balancing-v2";
import type { ListenerRecord, LoadBalancerRecord, TargetGroupRecord } from "../../../model/load-balancer.ts";
import { moveServiceDeployment } from "../../../model/service-deployment.ts";
import type { ShiftState } from "../../../model/traffic-shift.ts";
import { listenerArn, listenerRuleArn, loadBalancerArn, targetGroupArn, taskDefinitionArn } from "../../../wire/arn.ts";
import { createCluster } from "../clusters/clusters.ts";
import { arrange, refused, TEST_CALL, TEST_SCOPE, testContext } from "../testing.ts";
import { continueServiceDeployment } from "./continue-service-deployment.ts";
import { describeServices } from "./queries.ts";
import { describeServiceDeployments, describeServiceRevisions } from "./service-deployments.ts";
import { createService, updateService } from "./services.ts";

type Context = Awaited<ReturnType<typeof testContext>>;

const hex = (name: string) => Buffer.from(name).toString("hex").padEnd(16, "0").slice(0, 16);
const group = (name: string) => targetGroupArn(TEST_SCOPE, { targetGroupName: name, targetGroupId: hex(name) });
const BLUE = group("blue");
const GREEN = group("green");
const OTHER = group("other");
const TCP_BLUE = group("tcpblue");
const TCP_GREEN = group("tcpgreen");

const balancer = (kind: "app" | "net", name: string) => ({
  loadBalancerKind: kind,
  loadBalancerName: name,
  loadBalancerId: hex(name),
});
const FRONT = { ...balancer("app", "front"), listenerId: "1".repeat(16) };
const SIDE = { ...balancer("app", "side"), listenerId: "2".repeat(16) };
const NET = { ...balancer("net", "net"), listenerId: "3".repeat(16) };
const PRODUCTION = listenerRuleArn(TEST_SCOPE, { ...FRONT, ruleId: "d".repeat(16) });
const TEST_RULE = listenerRuleArn(TEST_SCOPE, { ...FRONT, ruleId: "e".repeat(16) });
const FOREIGN = listenerRuleArn(TEST_SCOPE, { ...FRONT, ruleId: "f".repeat(16) });
const NET_LISTENER = listenerArn(TEST_SCOPE, NET);
const MIGRATION = taskDefinitionArn(TEST_SCOPE, { family: "migrate", revision: 1 });

const forward = (arn: string): Action => ({ Type: "forward", TargetGroupArn: arn });

/** A load balancer `front` whose default rule forwards to `blue`, with a test rule; one with a TCP listener; definitions. */
async function world(): Promise<Context> {
  const context = await testContext();
  await createCluster(context, {}, TEST_CALL);
  await arrange(context, (tx) => {
    for (const family of ["web", "migrate"]) {
      for (const revision of [1, 2]) {
        tx.taskDefinitions.put({
          arn: taskDefinitionArn(TEST_SCOPE, { family, revision }),
          family,
          revision,
          status: "ACTIVE",
          definition: {
            family,
            containerDefinitions: [{ name: "web", image: "web", memory: 128, portMappings: [{ containerPort: 80 }] }],
          },
          registeredAt: 0,
          registeredBy: TEST_CALL.principal.arn,
          tags: {},
        });
      }
      tx.taskDefinitionFamilies.put({ family, lastRevision: 2 });
    }
    for (const [name, protocol] of Object.entries({
      blue: "HTTP",
      green: "HTTP",
      other: "HTTP",
      tcpblue: "TCP",
      tcpgreen: "TCP",
    })) {
      const record = { name, protocol, port: 80, targetType: "instance", attributes: {}, tags: {}, createdAt: 0 };
      tx.targetGroups.put({ ...record, arn: group(name) } as unknown as TargetGroupRecord);
    }
    const listen = (names: typeof FRONT | typeof NET, type: string, port: number, to: string, ruleId: string) => {
      const arn = loadBalancerArn(TEST_SCOPE, names);
      tx.loadBalancers.put({ arn, name: names.loadBalancerName, type } as unknown as LoadBalancerRecord);
      tx.listeners.put({
        arn: listenerArn(TEST_SCOPE, names),
        loadBalancerArn: arn,
        protocol: type === "network" ? "TCP" : "HTTP",
        port,
        defaultActions: [forward(to)],
        defaultRuleArn: listenerRuleArn(TEST_SCOPE, { ...names, ruleId }),
        attributes: {},
        tags: {},
        createdAt: 0,
      } as ListenerRecord);
    };
    listen(FRONT, "application", 80, BLUE, "d".repeat(16));
    listen(SIDE, "application", 81, OTHER, "9".repeat(16));
    listen(NET, "network", 82, TCP_BLUE, "8".repeat(16));
    for (const [arn, to, priority] of [
      [TEST_RULE, BLUE, 1],
      [FOREIGN, OTHER, 2],
    ] as const) {
      tx.listenerRules.put({
        arn,
        listenerArn: listenerArn(TEST_SCOPE, FRONT),
        loadBalancerArn: loadBalancerArn(TEST_SCOPE, FRONT),
        priority,
        conditions: [],
        actions: [forward(to)],
        tags: {},
        createdAt: 0,
      });
    }
  });
  return context;
}

const LB: LoadBalancer = {
  targetGroupArn: BLUE,
  containerName: "web",
  containerPort: 80,
  advancedConfiguration: {
    alternateTargetGroupArn: GREEN,
    productionListenerRule: PRODUCTION,
    testListenerRule: TEST_RULE,
    roleArn: "arn:aws:iam::000000000000:role/lb",
  },
};
const CANARY: DeploymentConfiguration = { strategy: "CANARY", canaryConfiguration: { canaryPercent: 10 } };

const create = (context: Context, over: Partial<CreateServiceRequest> = {}) =>
  createService(
    context,
    { serviceName: "web", taskDefinition: "web:1", desiredCount: 1, loadBalancers: [LB], ...over },
    TEST_CALL,
  );
const update = (context: Context, over: object) => updateService(context, { service: "web", ...over }, TEST_CALL);
const advanced = (over: object): LoadBalancer => ({
  ...LB,
  advancedConfiguration: { ...LB.advancedConfiguration, ...over },
});

test("CreateService and DescribeServices echo a deployment strategy with all its parts, and their defaults", async () => {
  const context = await world();
  const hooks: DeploymentConfiguration["lifecycleHooks"] = [
    { targetType: "PAUSE", lifecycleStages: ["POST_TEST_TRAFFIC_SHIFT"] },
    {
      hookTargetArn: MIGRATION,
      roleArn: "arn:aws:iam::000000000000:role/hook",
      lifecycleStages: ["PRE_SCALE_UP"],
      hookDetails: { schema: 7 },
      timeoutConfiguration: { timeoutInMinutes: 5, action: "CONTINUE" },
    },
  ];
  await create(context, { deploymentConfiguration: { ...CANARY, bakeTimeInMinutes: 3, lifecycleHooks: hooks } });
  const { services: [service] = [] } = await describeServices(context, { services: ["web"] }, TEST_CALL);
  assert.deepEqual(service?.loadBalancers, [LB]);
  assert.deepEqual(service?.deploymentConfiguration, {
    deploymentCircuitBreaker: { enable: false, rollback: false },
    maximumPercent: 200,
    minimumHealthyPercent: 100,
    strategy: "CANARY",
    bakeTimeInMinutes: 3,
    canaryConfiguration: { canaryPercent: 10, canaryBakeTimeInMinutes: 10 },
    lifecycleHooks: [
      {
        targetType: "PAUSE",
        hookTargetArn: undefined,
        roleArn: undefined,
        hookDetails: undefined,
        lifecycleStages: ["POST_TEST_TRAFFIC_SHIFT"],
        timeoutConfiguration: { timeoutInMinutes: 1440, action: "ROLLBACK" },
      },
      {
        targetType: "AWS_LAMBDA",
        hookTargetArn: MIGRATION,
        roleArn: "arn:aws:iam::000000000000:role/hook",
        hookDetails: { schema: 7 },
        lifecycleStages: ["PRE_SCALE_UP"],
        timeoutConfiguration: { timeoutInMinutes: 5, action: "CONTINUE" },
      },
    ],
  });
  assert.equal(context.store.view.services.size, 1);
  await create(context, { deploymentConfiguration: { ...CANARY, bakeTimeInMinutes: 3, lifecycleHooks: hooks } });
  await refused(
    () => create(context, { deploymentConfiguration: CANARY }),
    "InvalidParameterException",
    /not idempotent/,
  );
});

test("UpdateService keeps what it does not name of a strategy, and another strategy alone is no new deployment", async () => {
  const context = await world();
  await create(context, { deploymentConfiguration: CANARY });
  const { service: kept } = await update(context, { deploymentConfiguration: { bakeTimeInMinutes: 7 } });
  assert.deepEqual(
    [kept?.deploymentConfiguration?.strategy, kept?.deploymentConfiguration?.canaryConfiguration?.canaryPercent],
    ["CANARY", 10],
  );
  const { service: linear } = await update(context, { deploymentConfiguration: { strategy: "LINEAR" } });
  assert.deepEqual(linear?.deploymentConfiguration?.linearConfiguration, { stepPercent: 10, stepBakeTimeInMinutes: 6 });
  assert.equal(linear?.deploymentConfiguration?.canaryConfiguration, undefined);
  assert.equal(linear?.deployments?.length, 1);
  const { service: rolling } = await update(context, { deploymentConfiguration: { strategy: "ROLLING" } });
  assert.deepEqual(
    [rolling?.deploymentConfiguration?.strategy, rolling?.deploymentConfiguration?.bakeTimeInMinutes],
    ["ROLLING", 0],
  );
});

test("[TS16] what a strategy cannot be carried out with is refused, and nothing is changed", async () => {
  const context = await world();
  const pause = (over: object): DeploymentConfiguration => ({
    ...CANARY,
    lifecycleHooks: [{ targetType: "PAUSE", lifecycleStages: ["POST_SCALE_UP"], ...over }],
  });
  const task = (over: object): DeploymentConfiguration => ({
    ...CANARY,
    lifecycleHooks: [{ hookTargetArn: MIGRATION, lifecycleStages: ["POST_SCALE_UP"], ...over }],
  });
  const rows: [Partial<CreateServiceRequest>, RegExp][] = [
    [{ deploymentConfiguration: { strategy: "BLUE_GREEN" } }, /bakeTimeInMinutes must be given/],
    [{ deploymentConfiguration: { strategy: "BLUE_GREEN", bakeTimeInMinutes: 1441 } }, /between 0 and 1440/],
    [{ deploymentConfiguration: { ...CANARY, canaryConfiguration: { canaryPercent: 0.05 } } }, /canaryPercent/],
    [{ deploymentConfiguration: { ...CANARY, canaryConfiguration: { canaryPercent: 10.55 } } }, /multiple of 0.1/],
    [{ deploymentConfiguration: { strategy: "LINEAR", linearConfiguration: { stepPercent: 2.9 } } }, /stepPercent/],
    [
      { deploymentConfiguration: { ...CANARY, linearConfiguration: {} } },
      /linearConfiguration with the strategy CANARY/,
    ],
    [{ deploymentConfiguration: CANARY, schedulingStrategy: "DAEMON", desiredCount: undefined }, /daemon/],
    [{ deploymentConfiguration: CANARY, loadBalancers: [] }, /needs an Application Load Balancer/],
    [{ deploymentConfiguration: CANARY, loadBalancers: [{ ...LB, advancedConfiguration: undefined }] }, /needs an adv/],
    [{ deploymentConfiguration: CANARY, loadBalancers: [advanced({ alternateTargetGroupArn: BLUE })] }, /must differ/],
    [
      { deploymentConfiguration: CANARY, loadBalancers: [advanced({ alternateTargetGroupArn: group("no") })] },
      /not exist/,
    ],
    [{ deploymentConfiguration: CANARY, loadBalancers: [advanced({ alternateTargetGroupArn: "" })] }, /needs an alt/],
    [{ deploymentConfiguration: CANARY, loadBalancers: [advanced({ productionListenerRule: "" })] }, /needs a prod/],
    [
      { deploymentConfiguration: CANARY, loadBalancers: [advanced({ productionListenerRule: "x" })] },
      /x does not exist/,
    ],
    [
      { deploymentConfiguration: CANARY, loadBalancers: [advanced({ productionListenerRule: FOREIGN })] },
      /must forward/,
    ],
    [{ deploymentConfiguration: CANARY, loadBalancers: [advanced({ testListenerRule: PRODUCTION })] }, /must differ/],
    [
      {
        deploymentConfiguration: CANARY,
        loadBalancers: [advanced({ productionListenerRule: listenerArn(TEST_SCOPE, FRONT) })],
      },
      /must be the ARN of a listener rule/,
    ],
    [
      { deploymentConfiguration: CANARY, loadBalancers: [advanced({ alternateTargetGroupArn: OTHER })] },
      /another load balancer/,
    ],
    [
      { deploymentConfiguration: CANARY, loadBalancers: [advanced({ alternateTargetGroupArn: TCP_GREEN })] },
      /same protocol/,
    ],
    [{ deploymentConfiguration: pause({ lifecycleStages: [] }) }, /cannot be empty/],
    [{ deploymentConfiguration: pause({ lifecycleStages: ["PRODUCTION_TRAFFIC_SHIFT"] }) }, /not supported at PROD/],
    [{ deploymentConfiguration: pause({ hookTargetArn: MIGRATION }) }, /hookTargetArn is not supported/],
    [{ deploymentConfiguration: pause({ timeoutConfiguration: { timeoutInMinutes: 20_161 } }) }, /timeoutInMinutes/],
    [{ deploymentConfiguration: task({ hookTargetArn: undefined }) }, /needs a hookTargetArn/],
    [
      { deploymentConfiguration: task({ hookTargetArn: "arn:aws:lambda:us-east-1:000000000000:function:f" }) },
      /does not carry out .*hookTargetArn of a Lambda function/,
    ],
    [{ deploymentConfiguration: task({ hookTargetArn: "arn:aws:sns:us-east-1:000000000000:x" }) }, /task definition/],
  ];
  for (const [over, message] of rows) {
    await refused(() => create(context, over), "InvalidParameterException", message);
  }
  await refused(
    () => create(context, { deploymentConfiguration: task({ hookTargetArn: MIGRATION.replace(":1", ":9") }) }),
    "ClientException",
  );
  assert.equal(context.store.view.services.size, 0);
});

test("[TS16] BLUE_GREEN goes without load balancers and with a network load balancer, LINEAR and CANARY do not", async () => {
  const net: LoadBalancer = {
    targetGroupArn: TCP_BLUE,
    containerName: "web",
    containerPort: 80,
    advancedConfiguration: { alternateTargetGroupArn: TCP_GREEN, productionListenerRule: NET_LISTENER },
  };
  const context = await world();
  await refused(
    () => create(context, { deploymentConfiguration: CANARY, loadBalancers: [net] }),
    "InvalidParameterException",
    /Application Load Balancer/,
  );
  const blueGreen: DeploymentConfiguration = { strategy: "BLUE_GREEN", bakeTimeInMinutes: 0 };
  await create(context, { deploymentConfiguration: blueGreen, loadBalancers: [net] });
  await create(context, { serviceName: "headless", deploymentConfiguration: blueGreen, loadBalancers: [] });
  await update(context, { service: "headless", taskDefinition: "web:2" });
});

test("[TS2] a service that is to shift traffic must have it in one of the two groups, and none leaves for the idle one", async () => {
  const context = await world();
  const plain = { ...LB, advancedConfiguration: undefined };
  await create(context, { loadBalancers: [plain] });
  await arrange(context, (tx) => {
    const listener = tx.listeners.get(listenerArn(TEST_SCOPE, FRONT))!;
    tx.listeners.put({ ...listener, defaultActions: [forward(BLUE)] });
  });
  await update(context, { loadBalancers: [LB], deploymentConfiguration: CANARY });
  const [next] = context.store.view.services.where("cluster", [...context.store.view.clusters.all()][0]!.arn);
  assert.equal(next?.deployments[0]?.usesAlternate, true, "the group that the service does not use");
  // The new revision has taken over.
  await arrange(context, (tx) => {
    const service = tx.services.get(next!.arn)!;
    const [d] = service.deployments;
    tx.services.put({ ...service, deployments: [{ ...d!, rolloutState: "COMPLETED", completedAt: 1 }] });
    const listener = tx.listeners.get(listenerArn(TEST_SCOPE, FRONT))!;
    tx.listeners.put({
      ...listener,
      defaultActions: [
        {
          Type: "forward",
          ForwardConfig: {
            TargetGroups: [
              { TargetGroupArn: BLUE, Weight: 0 },
              { TargetGroupArn: GREEN, Weight: 100 },
            ],
          },
        },
      ],
    });
  });
  await refused(
    () => update(context, { loadBalancers: [plain], deploymentConfiguration: { strategy: "ROLLING" } }),
    "InvalidParameterException",
    /traffic goes to the target group .*green/,
  );
  await update(context, {
    loadBalancers: [{ ...plain, targetGroupArn: GREEN }],
    deploymentConfiguration: { strategy: "ROLLING" },
  });
});

test("a service deployment shows its stage, its hooks and the share of traffic of each revision", async () => {
  const context = await world();
  await create(context, {
    deploymentConfiguration: {
      ...CANARY,
      lifecycleHooks: [{ targetType: "PAUSE", lifecycleStages: ["POST_SCALE_UP"] }],
    },
  });
  const arn = await paused(context);
  const { serviceDeployments: [shown] = [] } = await describeServiceDeployments(
    context,
    { serviceDeploymentArns: [arn] },
    TEST_CALL,
  );
  assert.equal(shown?.lifecycleStage, "POST_SCALE_UP");
  assert.deepEqual(shown?.lifecycleHookDetails, [
    {
      hookId: "ecs-pause-1-1",
      targetType: "PAUSE",
      targetArn: undefined,
      status: "AWAITING_ACTION",
      expiresAt: new Date(99_000),
      timeoutAction: "ROLLBACK",
    },
  ]);
  assert.equal(shown?.targetServiceRevision?.requestedProductionTrafficWeight, 10);
  assert.equal(shown?.targetServiceRevision?.requestedTestTrafficWeight, 100);
  assert.equal(shown?.deploymentConfiguration?.strategy, "CANARY");
  const { serviceRevisions: [revision] = [] } = await describeServiceRevisions(
    context,
    { serviceRevisionArns: [shown?.targetServiceRevision?.arn ?? ""] },
    TEST_CALL,
  );
  assert.deepEqual(revision?.loadBalancers, [LB]);
  assert.deepEqual(revision?.resolvedConfiguration, {
    loadBalancers: [{ targetGroupArn: BLUE, productionListenerRule: PRODUCTION }],
  });
});

/** The service's deployment waits at a hook. */
async function paused(context: Context): Promise<string> {
  const [record] = [...context.store.view.serviceDeployments.all()];
  await arrange(context, (tx) => {
    const shift: ShiftState = {
      stage: "POST_SCALE_UP",
      since: 0,
      step: 0,
      production: 10,
      test: 100,
      hooksBegun: 1,
      hooks: [
        { id: "ecs-pause-1-1", hook: 0, stage: "POST_SCALE_UP", step: 0, status: "AWAITING_ACTION", expiresAt: 99_000 },
      ],
    };
    tx.serviceDeployments.put({ ...moveServiceDeployment(record!, "IN_PROGRESS", 1), shift });
  });
  return record!.arn;
}

test("[TS20] ContinueServiceDeployment resolves the hook that is waited for, once, and refuses everything else", async () => {
  for (const [action, hook, status] of [
    [undefined, "SUCCEEDED", "IN_PROGRESS"],
    ["CONTINUE", "SUCCEEDED", "IN_PROGRESS"],
    ["ROLLBACK", "FAILED", "ROLLBACK_REQUESTED"],
  ] as const) {
    const context = await world();
    await create(context, {
      deploymentConfiguration: {
        ...CANARY,
        lifecycleHooks: [{ targetType: "PAUSE", lifecycleStages: ["POST_SCALE_UP"] }],
      },
    });
    const arn = await paused(context);
    const go = (over: object) =>
      continueServiceDeployment(
        context,
        { serviceDeploymentArn: arn, hookId: "ecs-pause-1-1", action, ...over },
        TEST_CALL,
      );
    await refused(() => go({ hookId: "ecs-pause-1-2" }), "InvalidParameterException", /no lifecycle hook/);
    await refused(() => go({ serviceDeploymentArn: "x" }), "InvalidParameterException");
    await refused(() => go({ serviceDeploymentArn: `${arn.slice(0, -1)}_` }), "ServiceDeploymentNotFoundException");
    assert.deepEqual(await go({}), { serviceDeploymentArn: arn });
    const record = context.store.view.serviceDeployments.get(arn);
    assert.deepEqual([record?.shift?.hooks[0]?.status, record?.status], [hook, status]);
    await refused(() => go({}), "InvalidParameterException", /awaits no action|not IN_PROGRESS/);
  }
});
