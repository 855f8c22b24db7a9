import type { Service } from "@aws-sdk/client-ecs";
import type { Clock } from "../../runtime/clock.ts";
import type { AwsClient } from "../../wire/client.ts";
import { allServices, allTasks } from "../listing.ts";

/** The example service that `berth start` deploys. */
export const EXAMPLE = {
  cluster: "default",
  name: "hello",
  /** Not "hello": in an engine that stays, that name may be taken. */
  image: "berth-hello",
  /** The versions whose images are built, the first of which is deployed. */
  versions: ["v1", "v2"],
  tasks: 3,
} as const;

/** The images of the example's versions. */
export function exampleImages(): readonly string[] {
  return EXAMPLE.versions.map((version) => `${EXAMPLE.image}:${version}`);
}

/** How long the example may take to be in service. A loaded machine needs seconds; more than this means that it will not be. */
const READY_LIMIT_MS = 120_000;
const POLL_MS = 200;
/** How long the certificate for localhost may take; it needs some milliseconds. */
const CERTIFICATE_LIMIT_MS = 20_000;
const CERTIFICATE_POLL_MS = 20;

/** Registers the example's task definitions and puts its service behind a load balancer, on `port`, through the public API. */
export async function deployExample(client: AwsClient, port: number): Promise<ExampleFront> {
  for (const version of EXAMPLE.versions) await client.ecs("RegisterTaskDefinition", taskDefinition(version));
  const balancer = await client.elbv2("CreateLoadBalancer", { Name: EXAMPLE.name, Type: "application" });
  const group = await client.elbv2("CreateTargetGroup", {
    Name: EXAMPLE.name,
    Protocol: "HTTP",
    Port: 80,
    HealthCheckPath: "/health",
    HealthCheckIntervalSeconds: 5,
    HealthCheckTimeoutSeconds: 2,
    HealthyThresholdCount: 2,
  });
  const targetGroupArn = group.TargetGroups?.[0]?.TargetGroupArn ?? "";
  await client.elbv2("ModifyTargetGroupAttributes", {
    TargetGroupArn: targetGroupArn,
    Attributes: [{ Key: "deregistration_delay.timeout_seconds", Value: "10" }],
  });
  const loadBalancerArn = balancer.LoadBalancers?.[0]?.LoadBalancerArn ?? "";
  await client.elbv2("CreateListener", {
    LoadBalancerArn: loadBalancerArn,
    Protocol: "HTTP",
    Port: port,
    DefaultActions: [{ Type: "forward", TargetGroupArn: targetGroupArn }],
  });
  await client.ecs("CreateService", {
    cluster: EXAMPLE.cluster,
    serviceName: EXAMPLE.name,
    taskDefinition: `${EXAMPLE.name}:1`,
    desiredCount: EXAMPLE.tasks,
    launchType: "EC2",
    loadBalancers: [{ targetGroupArn, containerName: "web", containerPort: 80 }],
  });
  return { loadBalancerArn, targetGroupArn };
}

/** What stands in front of the example. */
interface ExampleFront {
  readonly loadBalancerArn: string;
  readonly targetGroupArn: string;
}

/** Serves the example over HTTPS too, on `port`, with a certificate for localhost from the server's own authority. */
export async function serveExampleSecurely(
  client: AwsClient,
  clock: Clock,
  { loadBalancerArn, targetGroupArn }: ExampleFront,
  port: number,
  signal: AbortSignal,
): Promise<void> {
  const deadline = clock.monotonic() + CERTIFICATE_LIMIT_MS;
  const wish = { DomainName: "localhost", KeyAlgorithm: "EC_prime256v1" } as const;
  const { CertificateArn = "" } = await client.acm("RequestCertificate", wish);
  for (;;) {
    const { Certificate: detail } = await client.acm("DescribeCertificate", { CertificateArn });
    if (detail?.Status === "ISSUED") break;
    if (clock.monotonic() > deadline)
      throw new Error(`there is no certificate for localhost: ${detail?.FailureReason ?? detail?.Status}`);
    await clock.sleep(CERTIFICATE_POLL_MS, signal);
  }
  await client.elbv2("CreateListener", {
    LoadBalancerArn: loadBalancerArn,
    Protocol: "HTTPS",
    Port: port,
    Certificates: [{ CertificateArn }],
    DefaultActions: [{ Type: "forward", TargetGroupArn: targetGroupArn }],
  });
}

function taskDefinition(version: string) {
  return {
    family: EXAMPLE.name,
    networkMode: "bridge" as const,
    containerDefinitions: [
      {
        name: "web",
        image: `${EXAMPLE.image}:${version}`,
        cpu: 64,
        memory: 64,
        essential: true,
        portMappings: [{ containerPort: 80, hostPort: 0, protocol: "tcp" as const }],
        stopTimeout: 10,
      },
    ],
  };
}

/**
 * Waits until every task of the example takes requests, telling each service event as it comes. Throws with the newest
 * event when that takes longer than two minutes, and with the signal's reason when it is aborted.
 */
export async function waitForExample(
  client: AwsClient,
  clock: Clock,
  tell: (event: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const deadline = clock.monotonic() + READY_LIMIT_MS;
  const told = new Set<string>();
  const groups = await client.elbv2("DescribeTargetGroups", { Names: [EXAMPLE.name] });
  const TargetGroupArn = groups.TargetGroups?.[0]?.TargetGroupArn ?? "";
  for (;;) {
    const described = await client.ecs("DescribeServices", { cluster: EXAMPLE.cluster, services: [EXAMPLE.name] });
    const [service] = described.services ?? [];
    for (const event of newEvents(service, told)) tell(event);
    const health = await client.elbv2("DescribeTargetHealth", { TargetGroupArn });
    const healthy = (health.TargetHealthDescriptions ?? []).filter((t) => t.TargetHealth?.State === "healthy").length;
    if (healthy >= EXAMPLE.tasks && service?.runningCount === EXAMPLE.tasks) return;
    if (clock.monotonic() > deadline) {
      throw new Error(
        `the example service is not up after two minutes; its last event: ${service?.events?.[0]?.message ?? "none"}`,
      );
    }
    await clock.sleep(POLL_MS, signal);
  }
}

function newEvents(service: Service | undefined, told: Set<string>): string[] {
  const fresh = (service?.events ?? []).filter((e) => !told.has(e.id ?? "")).toReversed();
  for (const event of fresh) told.add(event.id ?? "");
  return fresh.map((e) => e.message ?? "");
}

/**
 * Deletes every service of the cluster and stops its tasks in order, those that a person started too; used where the engine stays
 * when Berth leaves. Answers after `limitMs` at the latest, whether or not all have stopped.
 */
export async function stopAllTasks(client: AwsClient, clock: Clock, limitMs: number): Promise<void> {
  const { cluster } = EXAMPLE;
  const deadline = clock.monotonic() + limitMs;
  for (const service of await allServices(client, cluster))
    await client.ecs("DeleteService", { cluster, service: service.serviceName ?? "", force: true });
  for (const task of await allTasks(client, cluster, { desiredStatus: "RUNNING" }))
    await client.ecs("StopTask", { cluster, task: task.taskArn ?? "", reason: "berth start is ending" });
  while (clock.monotonic() < deadline) {
    const tasks = [
      ...(await allTasks(client, cluster, { desiredStatus: "RUNNING" })),
      ...(await allTasks(client, cluster, { desiredStatus: "STOPPED" })),
    ];
    if (tasks.every((task) => task.lastStatus === "STOPPED")) return;
    await clock.sleep(POLL_MS);
  }
}
