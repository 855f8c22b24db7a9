import {
  CreateClusterCommand,
  CreateServiceCommand,
  DescribeServicesCommand,
  DescribeTasksCommand,
  ListTasksCommand,
  RegisterTaskDefinitionCommand,
  type Service,
  type Task,
  waitUntilServicesStable,
} from "@aws-sdk/client-ecs";
import {
  CreateListenerCommand,
  CreateLoadBalancerCommand,
  CreateTargetGroupCommand,
  DescribeTargetHealthCommand,
  ModifyTargetGroupAttributesCommand,
} from "@aws-sdk/client-elastic-load-balancing-v2";
import type { Cluster } from "./cluster.ts";
import { eventually } from "./eventually.ts";
import { freePort } from "./free-port.ts";
import { hostsJoined } from "./joined.ts";

/** The example service behind a load balancer, with its two versions registered as hello:1 and hello:2. */
export interface HelloService {
  readonly url: string;
  readonly targetGroupArn: string;
  describe(): Promise<Service>;
  tasks(): Promise<Task[]>;
  healthyTargets(): Promise<number>;
  /** Waits with the SDK's own waiter, then until as many targets are healthy as tasks are wanted. */
  stable(limitSeconds: number): Promise<void>;
}

/** Creates cluster, task definitions, load balancer and service, and waits until the service is stable. */
export async function deployHello(
  cluster: Cluster,
  options: { readonly tasks: number; readonly hosts: number },
): Promise<HelloService> {
  const { ecs, elb } = cluster;
  const port = await freePort();
  await ecs.send(new CreateClusterCommand({}));
  for (const version of ["v1", "v2"]) await ecs.send(new RegisterTaskDefinitionCommand(taskDefinition(version)));
  const { LoadBalancers } = await elb.send(new CreateLoadBalancerCommand({ Name: "hello", Subnets: ["subnet-1"] }));
  const targetGroupArn = await createTargetGroup(cluster, "hello");
  await elb.send(
    new CreateListenerCommand({
      LoadBalancerArn: LoadBalancers?.[0]?.LoadBalancerArn,
      Protocol: "HTTP",
      Port: port,
      DefaultActions: [{ Type: "forward", TargetGroupArn: targetGroupArn }],
    }),
  );
  await hostsJoined(cluster, options.hosts);
  await ecs.send(
    new CreateServiceCommand({
      serviceName: "hello",
      taskDefinition: "hello:1",
      desiredCount: options.tasks,
      loadBalancers: [{ targetGroupArn, containerName: "web", containerPort: 80 }],
    }),
  );
  const service = helloService(cluster, `http://127.0.0.1:${port}`, targetGroupArn);
  await service.stable(60);
  return service;
}

/** A target group for the example's tasks: checked often, drained within ten seconds. */
export async function createTargetGroup({ elb }: Cluster, name: string): Promise<string> {
  const { TargetGroups } = await elb.send(
    new CreateTargetGroupCommand({
      Name: name,
      Protocol: "HTTP",
      Port: 80,
      VpcId: "vpc-1",
      HealthCheckPath: "/health",
      HealthCheckIntervalSeconds: 5,
      HealthCheckTimeoutSeconds: 2,
      HealthyThresholdCount: 2,
    }),
  );
  const targetGroupArn = TargetGroups?.[0]?.TargetGroupArn ?? "";
  await elb.send(
    new ModifyTargetGroupAttributesCommand({
      TargetGroupArn: targetGroupArn,
      Attributes: [{ Key: "deregistration_delay.timeout_seconds", Value: "10" }],
    }),
  );
  return targetGroupArn;
}

function helloService({ ecs, elb }: Cluster, url: string, targetGroupArn: string): HelloService {
  const service: HelloService = {
    url,
    targetGroupArn,
    describe: async () => {
      const { services } = await ecs.send(new DescribeServicesCommand({ services: ["hello"] }));
      const [found] = services ?? [];
      if (found === undefined) throw new Error("the service is not there");
      return found;
    },
    tasks: async () => {
      const { taskArns = [] } = await ecs.send(new ListTasksCommand({ serviceName: "hello" }));
      if (taskArns.length === 0) return [];
      const { tasks } = await ecs.send(new DescribeTasksCommand({ tasks: taskArns }));
      return tasks ?? [];
    },
    healthyTargets: async () => {
      const health = await elb.send(new DescribeTargetHealthCommand({ TargetGroupArn: targetGroupArn }));
      return (health.TargetHealthDescriptions ?? []).filter((t) => t.TargetHealth?.State === "healthy").length;
    },
    stable: async (limitSeconds) => {
      const wait = { client: ecs, maxWaitTime: limitSeconds, minDelay: 1, maxDelay: 1 };
      await waitUntilServicesStable(wait, { services: ["hello"] }).catch(async () => {
        throw new Error(`the service is not stable after ${limitSeconds} s: ${await story(service)}`);
      });
      await eventually("every target is healthy", 20_000, async () => {
        const { desiredCount } = await service.describe();
        return (await service.healthyTargets()) === desiredCount;
      });
    },
  };
  return service;
}

/** What the service says of itself, for a test that waited in vain. */
async function story(service: HelloService): Promise<string> {
  const { runningCount, pendingCount, desiredCount, deployments, events } = await service.describe();
  const rollouts = deployments?.map((d) => `${d.status} ${d.rolloutState} ${d.runningCount}/${d.desiredCount}`);
  const tasks = (await service.tasks()).map((t) => `${t.taskArn?.slice(-4)} ${t.lastStatus}`);
  const said = events?.slice(0, 15).map((e) => `${e.createdAt?.toISOString()} ${e.message}`);
  return JSON.stringify({ runningCount, pendingCount, desiredCount, rollouts, tasks, said }, null, 1);
}

function taskDefinition(version: string) {
  return {
    family: "hello",
    containerDefinitions: [
      {
        name: "web",
        image: `hello:${version}`,
        cpu: 32,
        memory: 32,
        essential: true,
        portMappings: [{ containerPort: 80 }],
        stopTimeout: 10,
      },
    ],
  };
}
