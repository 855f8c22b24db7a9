import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import {
  CreateServiceCommand,
  DeleteServiceCommand,
  DeregisterContainerInstanceCommand,
  DescribeServicesCommand,
  DescribeTasksCommand,
  ListTasksCommand,
  RegisterTaskDefinitionCommand,
  type Service,
  type Task,
  UpdateContainerInstancesStateCommand,
  UpdateServiceCommand,
} from "@aws-sdk/client-ecs";
import {
  DeleteListenerCommand,
  DeleteTargetGroupCommand,
  DescribeListenersCommand,
  DescribeLoadBalancersCommand,
} from "@aws-sdk/client-elastic-load-balancing-v2";
import { assertAgreement, containersByHost, describeInstances, livingTasks } from "./rig/agreement.ts";
import { type Cluster, startCluster } from "./rig/cluster.ts";
import { eventually } from "./rig/eventually.ts";
import { deployHello, type HelloService } from "./rig/hello-service.ts";

const HOSTS = 2;

let cluster: Cluster;
let hello: HelloService;

before(async () => {
  cluster = await startCluster({ hosts: HOSTS, serverArgs: ["--service-healthy-after", "2"] });
  hello = await deployHello(cluster, { tasks: 2, hosts: HOSTS });
  await define("static", { portMappings: [{ containerPort: 80, hostPort: 18_081 }] });
  await define("plain", {});
  await define("crash", { entryPoint: ["/bin/sh", "-c"], command: ["exit 1"] });
});
after(() => cluster?.close());

async function define(family: string, container: object): Promise<void> {
  const web = { name: "web", image: "hello:v1", cpu: 16, memory: 16, stopTimeout: 2, ...container };
  await cluster.ecs.send(new RegisterTaskDefinitionCommand({ family, containerDefinitions: [web] }));
}

const create = (serviceName: string, taskDefinition: string, desiredCount: number) =>
  cluster.ecs.send(new CreateServiceCommand({ serviceName, taskDefinition, desiredCount }));
const scale = (service: string, desiredCount: number) =>
  cluster.ecs.send(new UpdateServiceCommand({ service, desiredCount }));

async function describe(name: string): Promise<Service> {
  const { services } = await cluster.ecs.send(new DescribeServicesCommand({ services: [name] }));
  assert.ok(services?.[0] !== undefined, name);
  return services[0];
}

async function tasksOf(serviceName: string): Promise<Task[]> {
  const { taskArns = [] } = await cluster.ecs.send(new ListTasksCommand({ serviceName }));
  if (taskArns.length === 0) return [];
  return (await cluster.ecs.send(new DescribeTasksCommand({ tasks: taskArns }))).tasks ?? [];
}

const runs = (service: string, count: number, limitMs = 30_000) =>
  eventually(`${count} tasks of ${service} run`, limitMs, async () => {
    const tasks = await tasksOf(service);
    return tasks.length === count && tasks.every((task) => task.lastStatus === "RUNNING");
  });

const said = async (service: string, what: RegExp, limitMs = 10_000) =>
  eventually(`${service} says ${what}`, limitMs, async () =>
    (await describe(service)).events?.find((event) => what.test(event.message ?? "")),
  );

/** Deletes the service with its tasks and waits until nothing of it runs. */
async function gone(service: string): Promise<void> {
  await cluster.ecs.send(new DeleteServiceCommand({ service, force: true }));
  await eventually(`${service} is INACTIVE`, 30_000, async () => (await describe(service)).status === "INACTIVE");
}

const agreement = () =>
  eventually("records and engines agree", 15_000, async () => {
    const containers = [...(await containersByHost(cluster)).values()].flat();
    return containers.length === (await livingTasks(cluster)).length;
  }).then(() => assertAgreement(cluster));

test("a task whose host port is taken everywhere waits, says why in ECS's words, and is placed when a port is free", async () => {
  await create("first", "static", HOSTS);
  await runs("first", HOSTS);
  await create("second", "static", 1);
  const event = await said("second", /unable to place a task/);
  assert.match(
    event.message ?? "",
    /^\(service second\) was unable to place a task because no container instance met all of its requirements\. The closest matching \(container-instance [0-9a-f]{32}\) is already using a port required by your task\./,
  );
  await scale("first", 1);
  await runs("second", 1);
  await agreement();
  await gone("first");
  await gone("second");
});

test("tasks that need more memory than there is wait, and are placed when there is room", async () => {
  const [instance] = await describeInstances(cluster);
  const memory = instance?.remainingResources?.find((r) => r.name === "MEMORY")?.integerValue ?? 0;
  await define("large", { memory: Math.floor(memory * 0.7) });
  await create("large", "large", HOSTS);
  await runs("large", HOSTS);
  await create("more", "large", 1);
  const event = await said("more", /unable to place a task/);
  assert.match(event.message ?? "", /\(container-instance [0-9a-f]{32}\) has insufficient memory available\./);
  await scale("large", 1);
  await runs("more", 1);
  await agreement();
  await gone("large");
  await gone("more");
});

test("an instance that is set to DRAINING gives its tasks away, and takes new ones when it is ACTIVE again", async () => {
  await create("plain", "plain", 4);
  await runs("plain", 4);
  const [instance] = await describeInstances(cluster);
  const containerInstances = [instance?.containerInstanceArn ?? ""];
  await cluster.ecs.send(new UpdateContainerInstancesStateCommand({ containerInstances, status: "DRAINING" }));
  await eventually("the instance is empty", 60_000, async () =>
    (await livingTasks(cluster)).every((task) => task.containerInstanceArn !== containerInstances[0]),
  );
  assert.equal((await tasksOf("plain")).length, 4);
  await cluster.ecs.send(new UpdateContainerInstancesStateCommand({ containerInstances, status: "ACTIVE" }));
  await scale("plain", 8);
  await runs("plain", 8);
  assert.ok((await tasksOf("plain")).some((task) => task.containerInstanceArn === containerInstances[0]));
  await agreement();
});

test("a container instance that is deregistered by force leaves nothing behind, and its tasks run elsewhere", async () => {
  const [instance] = await describeInstances(cluster);
  const containerInstance = instance?.containerInstanceArn;
  const refused = cluster.ecs.send(new DeregisterContainerInstanceCommand({ containerInstance }));
  await assert.rejects(refused, { name: "InvalidParameterException" });
  await cluster.ecs.send(new DeregisterContainerInstanceCommand({ containerInstance, force: true }));
  await eventually("eight tasks run elsewhere", 30_000, async () => {
    const running = (await tasksOf("plain")).filter((task) => task.lastStatus === "RUNNING");
    return running.length === 8 && running.every((task) => task.containerInstanceArn !== containerInstance);
  });
  const left = (await describeInstances(cluster)).map((i) => i.containerInstanceArn);
  assert.ok(!left.includes(containerInstance));
  await agreement();
  await gone("plain");
});

test("a service that is deleted in the middle of a deployment leaves no task", async () => {
  await create("passing", "plain", 4);
  await runs("passing", 4);
  await cluster.ecs.send(new UpdateServiceCommand({ service: "passing", forceNewDeployment: true }));
  await sleep(700);
  await gone("passing");
  await sleep(1000);
  assert.deepEqual(await tasksOf("passing"), []);
  await agreement();
});

test("a target group that a listener needs is kept, and one that only a service needs is missed in clear words", async () => {
  const targetGroup = { TargetGroupArn: hello.targetGroupArn };
  const inUse = cluster.elb.send(new DeleteTargetGroupCommand(targetGroup));
  await assert.rejects(inUse, { name: "ResourceInUseException" });
  const { LoadBalancers } = await cluster.elb.send(new DescribeLoadBalancersCommand({}));
  const of = { LoadBalancerArn: LoadBalancers?.[0]?.LoadBalancerArn };
  const { Listeners } = await cluster.elb.send(new DescribeListenersCommand(of));
  await cluster.elb.send(new DeleteListenerCommand({ ListenerArn: Listeners?.[0]?.ListenerArn }));
  await cluster.elb.send(new DeleteTargetGroupCommand(targetGroup));
  await said("hello", /^\(service hello\) failed to register targets in \(target-group .*\) with \(error /);
  await scale("hello", 3);
  await runs("hello", 3);
  await gone("hello");
});

test("a task that crashes at once is started again more and more slowly, and costs the control plane little", async () => {
  await create("crash", "crash", 2);
  await sleep(5_000);
  const cpuBefore = cpuSeconds(cluster.serverPid());
  await sleep(10_000);
  const share = (cpuSeconds(cluster.serverPid()) - cpuBefore) / 10;
  const { events = [] } = await describe("crash");
  const { taskArns = [] } = await cluster.ecs.send(
    new ListTasksCommand({ serviceName: "crash", desiredStatus: "STOPPED" }),
  );
  console.log(
    `crash loop: ${taskArns.length} tasks in 15 s, ${events.length} events, CPU ${(share * 100).toFixed(1)} %`,
  );
  assert.ok(taskArns.length <= 30, `${taskArns.length} tasks`);
  assert.ok(events.length <= 100);
  assert.ok(share < 0.2, `${share} of a processor`);
  await gone("crash");
  await agreement();
});

/** Processor time that a process has used. */
function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  return (Number(fields[11]) + Number(fields[12])) / 100;
}
