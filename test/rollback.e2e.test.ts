import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import {
  DescribeServiceRevisionsCommand,
  ListServiceDeploymentsCommand,
  RegisterTaskDefinitionCommand,
  StopServiceDeploymentCommand,
  UpdateServiceCommand,
} from "@aws-sdk/client-ecs";
import { type Cluster, startCluster } from "./rig/cluster.ts";
import { eventually } from "./rig/eventually.ts";
import { deployHello, type HelloService } from "./rig/hello-service.ts";
import { startLoad } from "./rig/load.ts";
import { describeServiceDeployment, serviceDeploymentOver } from "./rig/service-deployments.ts";

const TASKS = 3;
const HOSTS = 3;
const REQUESTS_PER_SECOND = 100;
/** What a broken version has until users have the old one whole again, at the default threshold. */
const ROLLED_BACK_WITHIN_MS = 30_000;
/** How often the broken version is deployed while users are watched. */
const ROUNDS = 5;

let cluster: Cluster;
let hello: HelloService;

before(async () => {
  cluster = await startCluster({ hosts: HOSTS });
  hello = await deployHello(cluster, { tasks: TASKS, hosts: HOSTS });
  await define("broken", "echo version 2 starts; echo no route to the database; exit 3");
  await define("sick", "echo I have no health page; mkdir /empty; exec httpd -f -p 80 -h /empty");
  const deploymentCircuitBreaker = { enable: true, rollback: true };
  await update({ deploymentConfiguration: { deploymentCircuitBreaker } });
});
after(() => cluster?.close());

async function define(family: string, command: string): Promise<void> {
  const web = {
    name: "web",
    image: "hello:v2",
    cpu: 32,
    memory: 32,
    essential: true,
    portMappings: [{ containerPort: 80 }],
    stopTimeout: 2,
    entryPoint: ["/bin/sh", "-c"],
    command: [command],
  };
  await cluster.ecs.send(new RegisterTaskDefinitionCommand({ family, containerDefinitions: [web] }));
}

const update = (over: object) => cluster.ecs.send(new UpdateServiceCommand({ service: "hello", ...over }));

/** Updates the service as a deployment tool does, and answers the service deployment that came of it. */
async function deploy(over: object): Promise<string> {
  const since = new Date();
  const { service } = await update(over);
  const id = service?.deployments?.find((d) => d.status === "PRIMARY")?.id?.split("/")[1] ?? "";
  return eventually("the service deployment of the PRIMARY deployment is listed", 5_000, async () => {
    const filter = { service: "hello", createdAt: { after: since } };
    const { serviceDeployments = [] } = await cluster.ecs.send(new ListServiceDeploymentsCommand(filter));
    return serviceDeployments.find((d) => d.targetServiceRevisionArn?.includes(id))?.serviceDeploymentArn;
  });
}

const describe = (arn: string) => describeServiceDeployment(cluster, arn);
const finished = (arn: string, limitMs: number) => serviceDeploymentOver(cluster, arn, limitMs);

async function taskDefinitionOf(revisionArn: string | undefined): Promise<string> {
  const command = new DescribeServiceRevisionsCommand({ serviceRevisionArns: [revisionArn ?? ""] });
  const { serviceRevisions } = await cluster.ecs.send(command);
  return serviceRevisions?.[0]?.taskDefinition?.split("/").at(-1) ?? "";
}

const told = async (arn: string) => {
  const id = (await describe(arn)).targetServiceRevision?.arn?.split("/").at(-1);
  const events = (await hello.describe()).events ?? [];
  return events.map((e) => e.message ?? "").filter((m) => m.includes(`(deployment ecs-svc/${id}) (task`));
};

const LAST_WORDS =
  /failed: .*\(container web, exit code 3(, [^)]*)?\)\. The last lines that it logged:\n {2}version 2 starts\n {2}no route to the database$/;

test("[DP33] [DP37] a version that crashes is rolled back within 30 seconds, its last words are an event, and no user notices", async () => {
  const load = startLoad(hello.url, REQUESTS_PER_SECOND);
  const old = new Set((await hello.tasks()).map((t) => t.taskArn));
  const tookMs: number[] = [];
  let arn = "";
  for (let round = 0; round < ROUNDS; round++) {
    const startedAt = performance.now();
    arn = await deploy({ taskDefinition: "broken" });
    assert.equal((await finished(arn, ROLLED_BACK_WITHIN_MS)).status, "ROLLBACK_SUCCESSFUL");
    tookMs.push(Math.round(performance.now() - startedAt));
  }
  const over = await describe(arn);
  const [event, ...others] = await eventually("the event with the log", 10_000, async () => {
    const events = await told(arn);
    return events.length > 0 ? events : undefined;
  });
  await hello.stable(30);
  const result = await load.stop();
  const failed = `${result.failures.length} of ${result.sent} requests failed`;
  console.log(`rolled back after ${tookMs.join(", ")} ms; ${failed}, slowest ${result.slowestMs} ms`);
  assert.equal(over.statusReason, "Service deployment rolled back because the circuit breaker threshold was exceeded.");
  assert.equal(over.deploymentCircuitBreaker?.status, "TRIGGERED");
  assert.equal(over.deploymentCircuitBreaker?.threshold, 3);
  assert.equal(await taskDefinitionOf(over.rollback?.serviceRevisionArn), "hello:1");
  assert.match(event ?? "", LAST_WORDS);
  assert.deepEqual(others, []);
  assert.deepEqual(result.failures, []);
  assert.ok([...result.answers.keys()].every((body) => body.includes("version v1")));
  const service = await hello.describe();
  assert.match(service.taskDefinition ?? "", /hello:1$/);
  assert.deepEqual(
    service.deployments?.map((d) => [d.status, d.rolloutState]),
    [["PRIMARY", "COMPLETED"]],
  );
  assert.ok(
    (await hello.tasks()).every((t) => old.has(t.taskArn)),
    "no task of the old version was replaced",
  );
});

test("[DP33] [DP37] a control plane that is killed in the middle rolls back all the same, and tells of the task once", async () => {
  const arn = await deploy({ taskDefinition: "broken" });
  await cluster.crashServer();
  assert.equal((await finished(arn, ROLLED_BACK_WITHIN_MS)).status, "ROLLBACK_SUCCESSFUL");
  await cluster.crashServer();
  await eventually("the event with the log", 20_000, async () => (await told(arn)).length > 0);
  await cluster.crashServer();
  await hello.stable(30);
  const [event, ...others] = await told(arn);
  assert.match(event ?? "", LAST_WORDS);
  assert.deepEqual(others, []);
});

test("[DP35] [DP36] a good version is SUCCESSFUL; one that is stopped in the middle gives way to the one before", async () => {
  const good = await deploy({ taskDefinition: "hello:2" });
  const first = await finished(good, 90_000);
  assert.deepEqual([first.status, first.targetServiceRevision?.requestedTaskCount], ["SUCCESSFUL", TASKS]);
  await hello.stable(30);
  const stopped = await deploy({ taskDefinition: "hello:1" });
  await eventually("it has begun", 10_000, async () => (await describe(stopped)).status === "IN_PROGRESS");
  await cluster.ecs.send(new StopServiceDeploymentCommand({ serviceDeploymentArn: stopped }));
  const over = await finished(stopped, 60_000);
  assert.equal(over.status, "ROLLBACK_SUCCESSFUL");
  assert.equal(await taskDefinitionOf(over.rollback?.serviceRevisionArn), "hello:2");
  await hello.stable(30);
  assert.match((await hello.describe()).taskDefinition ?? "", /hello:2$/);
});

test("[DP31] [DP33] a version that runs and fails its health checks is rolled back, and no request reaches it", async () => {
  const load = startLoad(hello.url, REQUESTS_PER_SECOND);
  const startedAt = performance.now();
  const arn = await deploy({ taskDefinition: "sick" });
  const over = await finished(arn, 110_000);
  const tookMs = Math.round(performance.now() - startedAt);
  const [event] = await eventually("the event with the log", 20_000, async () => {
    const events = await told(arn);
    return events.length > 0 ? events : undefined;
  });
  const result = await load.stop();
  const failed = `${result.failures.length} of ${result.sent} requests failed`;
  console.log(`a version that is never healthy was rolled back after ${tookMs} ms; ${failed}`);
  assert.deepEqual([over.status, over.deploymentCircuitBreaker?.status], ["ROLLBACK_SUCCESSFUL", "TRIGGERED"]);
  assert.match(event ?? "", /failed: Task failed ELB health checks in \(target-group .*\n {2}I have no health page$/);
  assert.deepEqual(result.failures, []);
  await hello.stable(60);
});
