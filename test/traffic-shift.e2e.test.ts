import assert from "node:assert/strict";
import http from "node:http";
import { after, before, test } from "node:test";
import {
  ContinueServiceDeploymentCommand,
  CreateServiceCommand,
  type DeploymentConfiguration,
  DescribeServicesCommand,
  RegisterTaskDefinitionCommand,
  StopServiceDeploymentCommand,
  UpdateServiceCommand,
} from "@aws-sdk/client-ecs";
import {
  CreateListenerCommand,
  CreateLoadBalancerCommand,
  CreateRuleCommand,
  CreateTargetGroupCommand,
  DescribeListenersCommand,
  DescribeLoadBalancersCommand,
  DescribeRulesCommand,
} from "@aws-sdk/client-elastic-load-balancing-v2";
import { type Cluster, startCluster } from "./rig/cluster.ts";
import { eventually } from "./rig/eventually.ts";
import { freePort } from "./rig/free-port.ts";
import { createTargetGroup, deployHello, type HelloService } from "./rig/hello-service.ts";
import { startLoad } from "./rig/load.ts";
import { describeServiceDeployment, isOver, serviceDeploymentOver } from "./rig/service-deployments.ts";

const TASKS = 2;
const HOSTS = 2;
const REQUESTS_PER_SECOND = 100;
const CANARY_PERCENT = 10;
/** Enough that chance alone moves the share by half a point. */
const SAMPLE = 4000;
/** From the call that stops a canary until no more request reaches it. */
const ROLLED_BACK_WITHIN_MS = 1000;

let cluster: Cluster;
let hello: HelloService;
let loadBalancers: object[];

before(async () => {
  cluster = await startCluster({ hosts: HOSTS });
  hello = await deployHello(cluster, { tasks: TASKS, hosts: HOSTS });
  loadBalancers = await secondGroup();
});
after(() => cluster?.close());

/** A second target group, and a rule for requests that test: the service rolled so far, and shifts from now on. */
async function secondGroup(): Promise<object[]> {
  const { elb } = cluster;
  const alternateTargetGroupArn = await createTargetGroup(cluster, "hello-alternate");
  const { LoadBalancers } = await elb.send(new DescribeLoadBalancersCommand({ Names: ["hello"] }));
  const LoadBalancerArn = LoadBalancers?.[0]?.LoadBalancerArn;
  const { Listeners } = await elb.send(new DescribeListenersCommand({ LoadBalancerArn }));
  const ListenerArn = Listeners?.[0]?.ListenerArn;
  const { Rules } = await elb.send(new DescribeRulesCommand({ ListenerArn }));
  const { Rules: made } = await elb.send(
    new CreateRuleCommand({
      ListenerArn,
      Priority: 1,
      Conditions: [{ Field: "http-header", HttpHeaderConfig: { HttpHeaderName: "x-test", Values: ["yes"] } }],
      Actions: [{ Type: "forward", TargetGroupArn: hello.targetGroupArn }],
    }),
  );
  return [
    {
      targetGroupArn: hello.targetGroupArn,
      containerName: "web",
      containerPort: 80,
      advancedConfiguration: {
        alternateTargetGroupArn,
        productionListenerRule: Rules?.find((rule) => rule.IsDefault === true)?.RuleArn,
        testListenerRule: made?.[0]?.RuleArn,
        roleArn: "arn:aws:iam::000000000000:role/ecsInfrastructureRole",
      },
    },
  ];
}

/** A task definition that runs a shell command of the example image and ends. */
async function defineScript(family: string, command: string): Promise<string> {
  const container = { name: "script", image: "hello:v2", cpu: 16, memory: 16, essential: true };
  const { taskDefinition } = await cluster.ecs.send(
    new RegisterTaskDefinitionCommand({
      family,
      containerDefinitions: [{ ...container, entryPoint: ["/bin/sh", "-c"], command: [command] }],
    }),
  );
  return taskDefinition?.taskDefinitionArn ?? "";
}

const canary = (...hooks: NonNullable<DeploymentConfiguration["lifecycleHooks"]>): DeploymentConfiguration => ({
  strategy: "CANARY",
  bakeTimeInMinutes: 0,
  canaryConfiguration: { canaryPercent: CANARY_PERCENT, canaryBakeTimeInMinutes: 0 },
  lifecycleHooks: hooks,
});

const PAUSE_EACH_STEP = { targetType: "PAUSE", lifecycleStages: ["PRE_PRODUCTION_TRAFFIC_SHIFT"] } as const;
const pause = { ...PAUSE_EACH_STEP, lifecycleStages: [...PAUSE_EACH_STEP.lifecycleStages] };

/** Updates the service, and answers the service deployment that came of it. */
async function deploy(over: object): Promise<string> {
  const { service } = await cluster.ecs.send(new UpdateServiceCommand({ service: "hello", loadBalancers, ...over }));
  return service?.currentServiceDeployment ?? "";
}

const describe = (arn: string) => describeServiceDeployment(cluster, arn);
const finished = (arn: string, limitMs: number) => serviceDeploymentOver(cluster, arn, limitMs);

/** Waits until the deployment waits, with that share of production traffic, and answers the hook. */
const paused = (arn: string, percent: number) =>
  eventually(`${arn} waits at ${percent} percent`, 30_000, async () => {
    const found = await describe(arn);
    assert.ok(!isOver(found), `${found.status}: ${found.statusReason}`);
    if (found.targetServiceRevision?.requestedProductionTrafficWeight !== percent) return undefined;
    return found.lifecycleHookDetails?.find((hook) => hook.status === "AWAITING_ACTION")?.hookId;
  });

const go = (serviceDeploymentArn: string, hookId: string) =>
  cluster.ecs.send(new ContinueServiceDeploymentCommand({ serviceDeploymentArn, hookId }));

/** The percentage of requests that a version answers, of `count` over a few kept connections. */
async function shareOf(version: string, count = SAMPLE, headers: http.OutgoingHttpHeaders = {}): Promise<number> {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 8 });
  let mine = 0;
  const lane = async () => {
    for (let i = 0; i < count / 8; i++) if ((await ask(agent, headers)).includes(version)) mine++;
  };
  await Promise.all(Array.from({ length: 8 }, lane));
  agent.destroy();
  return (100 * mine) / (8 * Math.ceil(count / 8));
}

function ask(agent: http.Agent, headers: http.OutgoingHttpHeaders): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = http.get(hello.url, { agent, headers, timeout: 5_000 }, (response) => {
      let body = "";
      response.setEncoding("utf8");
      response.on("data", (part: string) => {
        body += part;
      });
      response.on("end", () => resolve(body));
    });
    request.on("timeout", () => request.destroy(new Error("no answer within 5 s")));
    request.on("error", reject);
  });
}

test("[TS3] [TS5] [TS20] [TS22] a canary runs its migration, waits at 10 percent, and completes without a failed request", async () => {
  const migration = await defineScript(
    "migrate",
    'echo "$BERTH_HOOK_EVENT"; case "$BERTH_HOOK_EVENT" in *PRE_SCALE_UP*schema*) exit 0;; esac; exit 4',
  );
  const load = startLoad(hello.url, REQUESTS_PER_SECOND);
  const migrate = { hookTargetArn: migration, lifecycleStages: ["PRE_SCALE_UP" as const], hookDetails: { schema: 7 } };
  const arn = await deploy({ taskDefinition: "hello:2", deploymentConfiguration: canary(pause, migrate) });
  const first = await paused(arn, 0);
  assert.equal(await shareOf("version v2", 200), 0, "before the first step");
  assert.equal(await shareOf("version v2", 200, { "x-test": "yes" }), 100, "of test traffic");
  await go(arn, first);
  const second = await paused(arn, CANARY_PERCENT);
  const share = await shareOf("version v2");
  await cluster.crashServer();
  assert.equal(await paused(arn, CANARY_PERCENT), second);
  await go(arn, second);
  const over = await finished(arn, 40_000);
  assert.equal(await shareOf("version v2", 200), 100);
  const result = await load.stop();
  const failed = `${result.failures.length} of ${result.sent} requests failed`;
  console.log(`canary at ${CANARY_PERCENT} percent: ${share.toFixed(2)} percent of ${SAMPLE} requests; ${failed}`);
  assert.ok(Math.abs(share - CANARY_PERCENT) <= 2, `${share} percent`);
  assert.equal(over.status, "SUCCESSFUL");
  assert.deepEqual(
    over.lifecycleHookDetails?.map((hook) => [hook.targetType, hook.status]),
    [
      ["AWS_LAMBDA", "SUCCEEDED"],
      ["PAUSE", "SUCCEEDED"],
    ],
  );
  assert.deepEqual(result.failures, []);
  const { deployments } = await hello.describe();
  assert.deepEqual(
    deployments?.map((d) => [d.status, d.rolloutState, d.runningCount]),
    [["PRIMARY", "COMPLETED", TASKS]],
  );
});

test("[TS9] a canary that is stopped gets no request after a second, and none fails", async () => {
  const load = startLoad(hello.url, REQUESTS_PER_SECOND);
  const arn = await deploy({ taskDefinition: "hello:1", deploymentConfiguration: canary(pause) });
  await go(arn, await paused(arn, 0));
  await paused(arn, CANARY_PERCENT);
  await eventually("the canary answers", 5_000, async () => (await shareOf("version v1", 80)) > 0);
  const agent = new http.Agent({ keepAlive: true, maxSockets: 4 });
  const stoppedAt = performance.now();
  let lastSeenMs = 0;
  const watch = async () => {
    for (let sentMs = 0; sentMs < 3 * ROLLED_BACK_WITHIN_MS; sentMs = performance.now() - stoppedAt) {
      if ((await ask(agent, {})).includes("version v1")) lastSeenMs = Math.max(lastSeenMs, sentMs);
    }
  };
  const watchers = [watch(), watch(), watch(), watch()];
  await cluster.ecs.send(new StopServiceDeploymentCommand({ serviceDeploymentArn: arn }));
  await Promise.all(watchers);
  agent.destroy();
  const over = await finished(arn, 40_000);
  const result = await load.stop();
  const failed = `${result.failures.length} of ${result.sent} requests failed`;
  console.log(
    `the last request that reached the stopped canary was sent ${Math.round(lastSeenMs)} ms after the call; ${failed}`,
  );
  assert.ok(lastSeenMs <= ROLLED_BACK_WITHIN_MS, `${lastSeenMs} ms`);
  assert.equal(over.status, "ROLLBACK_SUCCESSFUL");
  assert.deepEqual(result.failures, []);
  assert.match((await hello.describe()).taskDefinition ?? "", /hello:2$/);
});

test("[TS22] [DP37] a migration that fails stops the deployment, and its last words are an event", async () => {
  const migration = await defineScript("bad-migrate", "echo adding a column; echo it is there already; exit 3");
  const migrate = { hookTargetArn: migration, lifecycleStages: ["PRE_SCALE_UP" as const] };
  const before = (await hello.tasks()).map((t) => t.taskArn).sort();
  const arn = await deploy({ taskDefinition: "hello:1", deploymentConfiguration: canary(migrate) });
  const over = await finished(arn, 30_000);
  assert.equal(over.status, "ROLLBACK_SUCCESSFUL");
  assert.match(over.statusReason ?? "", /lifecycle hook ecs-task-\d+-1 at PRE_SCALE_UP failed: .* exited with code 3/);
  const said = await eventually("the event with the log", 20_000, async () => {
    const { events = [] } = await hello.describe();
    return events.map((e) => e.message ?? "").find((m) => m.includes("it is there already"));
  });
  assert.match(said, /\(container script, exit code 3\).*\n {2}adding a column\n {2}it is there already$/);
  assert.deepEqual((await hello.tasks()).map((t) => t.taskArn).sort(), before);
});

/** Target groups `blue` and `green` for connections, and a network load balancer's listener that leads to the blue one. */
async function networkLoadBalancer(port: number) {
  const { elb } = cluster;
  const group = async (Name: string) => {
    const timings = { HealthCheckIntervalSeconds: 5, HealthCheckTimeoutSeconds: 2, HealthyThresholdCount: 2 };
    const asked = new CreateTargetGroupCommand({ Name, Protocol: "TCP", Port: 80, VpcId: "vpc-1", ...timings });
    return (await elb.send(asked)).TargetGroups?.[0]?.TargetGroupArn ?? "";
  };
  const [blue, green] = [await group("tcp-blue"), await group("tcp-green")];
  const made = await elb.send(new CreateLoadBalancerCommand({ Name: "tcp", Type: "network", Subnets: ["subnet-1"] }));
  const { Listeners } = await elb.send(
    new CreateListenerCommand({
      LoadBalancerArn: made.LoadBalancers?.[0]?.LoadBalancerArn,
      Protocol: "TCP",
      Port: port,
      DefaultActions: [{ Type: "forward", TargetGroupArn: blue }],
    }),
  );
  return { blue, green, listener: Listeners?.[0]?.ListenerArn ?? "" };
}

test("[TS5] blue/green behind a network load balancer: connections go over to the new version, and none fails", async () => {
  const { ecs } = cluster;
  const port = await freePort();
  const { blue, green, listener } = await networkLoadBalancer(port);
  const advancedConfiguration = {
    alternateTargetGroupArn: green,
    productionListenerRule: listener,
    roleArn: "arn:aws:iam::000000000000:role/ecsInfrastructureRole",
  };
  await ecs.send(
    new CreateServiceCommand({
      serviceName: "tcp",
      taskDefinition: "hello:1",
      desiredCount: 1,
      loadBalancers: [{ targetGroupArn: blue, containerName: "web", containerPort: 80, advancedConfiguration }],
      deploymentConfiguration: { strategy: "BLUE_GREEN", bakeTimeInMinutes: 0 },
    }),
  );
  await eventually("the service has its task", 30_000, async () => {
    const { services } = await ecs.send(new DescribeServicesCommand({ services: ["tcp"] }));
    return services?.[0]?.deployments?.[0]?.rolloutState === "COMPLETED";
  });
  const load = startLoad(`http://127.0.0.1:${port}`, REQUESTS_PER_SECOND);
  const updated = await ecs.send(new UpdateServiceCommand({ service: "tcp", taskDefinition: "hello:2" }));
  const over = await finished(updated.service?.currentServiceDeployment ?? "", 60_000);
  const result = await load.stop();
  assert.equal(over.status, "SUCCESSFUL", over.statusReason ?? "");
  assert.deepEqual(result.failures, []);
  const answers = [...result.answers.keys()];
  assert.ok(answers.some((a) => a.includes("version v1")) && answers.at(-1)?.includes("version v2"), `${answers}`);
  console.log(`blue/green behind a network load balancer: ${result.failures.length} of ${result.sent} requests failed`);
});
