import { ACMClient, ImportCertificateCommand } from "@aws-sdk/client-acm";
import {
  CreateClusterCommand,
  CreateServiceCommand,
  DescribeServicesCommand,
  ECSClient,
  RegisterTaskDefinitionCommand,
} from "@aws-sdk/client-ecs";
import {
  CreateListenerCommand,
  CreateLoadBalancerCommand,
  CreateRuleCommand,
  CreateTargetGroupCommand,
  DescribeTargetHealthCommand,
  ElasticLoadBalancingV2Client,
  ModifyTargetGroupAttributesCommand,
} from "@aws-sdk/client-elastic-load-balancing-v2";
import { makeCertificate } from "../../src/api/acm/testing.ts";
import { eventually } from "../../test/rig/eventually.ts";
import { freePort } from "../../test/rig/free-port.ts";
import type { Caller } from "./signed-http.ts";

export interface Clients {
  readonly ecs: ECSClient;
  readonly elb: ElasticLoadBalancingV2Client;
  readonly acm: ACMClient;
}

/** A service behind a listener rule on each of the listeners. */
export interface BalancedService {
  readonly name: string;
  readonly path: string;
  readonly targetGroupArn: string;
  /** On the HTTP listener. */
  readonly ruleArn: string;
}

/** Services of web tasks behind one load balancer with an HTTP and an HTTPS listener. */
export interface BalancedServices {
  readonly services: readonly BalancedService[];
  readonly loadBalancerArn: string;
  readonly listenerArn: string;
  readonly secureListenerArn: string;
  readonly certificateArns: readonly string[];
  readonly httpUrl: string;
  readonly httpsUrl: string;
}

/** Of each service, while it is not scaled in. */
export const TASKS = 3;
const FAMILIES = ["web:1", "web:2"];
export const revisionOf = (number: number): string => FAMILIES[number % FAMILIES.length] ?? "";

export function openClients({ host, port, region, credentials }: Caller): Clients {
  const client = { endpoint: `http://${host}:${port}`, region, credentials, maxAttempts: 1 };
  return { ecs: new ECSClient(client), elb: new ElasticLoadBalancingV2Client(client), acm: new ACMClient(client) };
}

/** Makes the cluster that agents join and the task definition in two revisions. */
export async function defineWeb({ ecs }: Clients): Promise<void> {
  await ecs.send(new CreateClusterCommand({}));
  for (const value of ["1", "2"])
    await ecs.send(
      new RegisterTaskDefinitionCommand({
        family: "web",
        containerDefinitions: [
          {
            name: "web",
            image: "web",
            cpu: 16,
            memory: 16,
            portMappings: [{ containerPort: 80 }],
            environment: [{ name: "REVISION", value }],
          },
        ],
      }),
    );
}

/** Makes so many services behind a load balancer, and waits until each has all of its targets healthy. */
export async function createBalancedServices(clients: Clients, count: number): Promise<BalancedServices> {
  const { ecs, elb } = clients;
  const { LoadBalancers } = await elb.send(new CreateLoadBalancerCommand({ Name: "web", Subnets: ["subnet-1"] }));
  const loadBalancerArn = LoadBalancers?.[0]?.LoadBalancerArn ?? "";
  const certificateArns = [await importCertificate(clients), await importCertificate(clients)];
  const [port, securePort] = [await freePort(), await freePort()];
  const listenerArn = await createListener(clients, loadBalancerArn, { Protocol: "HTTP", Port: port });
  const secureListenerArn = await createListener(clients, loadBalancerArn, {
    Protocol: "HTTPS",
    Port: securePort,
    Certificates: [{ CertificateArn: certificateArns[0] }],
  });
  const groups: string[] = [];
  for (let index = 0; index < count; index += 1) groups.push(await createTargetGroup(clients, `s${index}`));
  const services: BalancedService[] = [];
  for (const [index, targetGroupArn] of groups.entries()) {
    const name = `s${index}`;
    const other = groups[(index + 1) % count] ?? "";
    const rule = { Priority: 100 + index, path: `/${name}/*`, targetGroupArn, other };
    const ruleArn = await createRule(clients, listenerArn, rule);
    await createRule(clients, secureListenerArn, rule);
    await ecs.send(
      new CreateServiceCommand({
        serviceName: name,
        taskDefinition: revisionOf(0),
        desiredCount: TASKS,
        loadBalancers: [{ targetGroupArn, containerName: "web", containerPort: 80 }],
      }),
    );
    services.push({ name, path: `/${name}`, targetGroupArn, ruleArn });
  }
  for (const service of services)
    await eventually(`${service.name} has its targets`, 60_000, async () => {
      const health = await elb.send(new DescribeTargetHealthCommand({ TargetGroupArn: service.targetGroupArn }));
      return health.TargetHealthDescriptions?.filter((t) => t.TargetHealth?.State === "healthy").length === TASKS;
    });
  const [httpUrl, httpsUrl] = [`http://127.0.0.1:${port}`, `https://127.0.0.1:${securePort}`];
  return { services, loadBalancerArn, listenerArn, secureListenerArn, certificateArns, httpUrl, httpsUrl };
}

/** Whether a service has one deployment, completed, with all the tasks that are wanted. */
export async function isSteady({ ecs }: Clients, name: string): Promise<boolean> {
  const { services } = await ecs.send(new DescribeServicesCommand({ services: [name] }));
  const [service] = services ?? [];
  const [only, ...more] = service?.deployments ?? [];
  return more.length === 0 && only?.rolloutState === "COMPLETED" && service?.runningCount === service?.desiredCount;
}

async function importCertificate({ acm }: Clients): Promise<string> {
  const { certificate, privateKey } = makeCertificate(["web.example.com"]);
  const { CertificateArn = "" } = await acm.send(
    new ImportCertificateCommand({ Certificate: Buffer.from(certificate), PrivateKey: Buffer.from(privateKey) }),
  );
  return CertificateArn;
}

async function createListener(
  { elb }: Clients,
  LoadBalancerArn: string,
  how: {
    readonly Protocol: "HTTP" | "HTTPS";
    readonly Port: number;
    readonly Certificates?: { CertificateArn?: string }[];
  },
): Promise<string> {
  const answer = { StatusCode: "404" };
  const DefaultActions = [{ Type: "fixed-response" as const, FixedResponseConfig: answer }];
  const { Listeners } = await elb.send(new CreateListenerCommand({ LoadBalancerArn, DefaultActions, ...how }));
  return Listeners?.[0]?.ListenerArn ?? "";
}

/** Checked as often as ELB allows, and drained for as long as the longest request may take. */
async function createTargetGroup({ elb }: Clients, Name: string): Promise<string> {
  const { TargetGroups } = await elb.send(
    new CreateTargetGroupCommand({
      ...{ Name, Protocol: "HTTP", Port: 80, VpcId: "vpc-1", HealthCheckPath: "/health" },
      ...{ HealthCheckIntervalSeconds: 5, HealthCheckTimeoutSeconds: 2, HealthyThresholdCount: 2 },
    }),
  );
  const TargetGroupArn = TargetGroups?.[0]?.TargetGroupArn ?? "";
  const Attributes = [{ Key: "deregistration_delay.timeout_seconds", Value: "10" }];
  await elb.send(new ModifyTargetGroupAttributesCommand({ TargetGroupArn, Attributes }));
  return TargetGroupArn;
}

/** A rule that forwards to two groups, so that its weights can be changed live. */
async function createRule(
  { elb }: Clients,
  ListenerArn: string,
  rule: {
    readonly Priority: number;
    readonly path: string;
    readonly targetGroupArn: string;
    readonly other: string;
  },
): Promise<string> {
  const { Priority, path, targetGroupArn, other } = rule;
  const { Rules } = await elb.send(
    new CreateRuleCommand({
      ListenerArn,
      Priority,
      Conditions: [{ Field: "path-pattern", Values: [path] }],
      Actions: [forward(targetGroupArn, 100, other)],
    }),
  );
  return Rules?.[0]?.RuleArn ?? "";
}

/** The action that gives a group `weight` of a hundred requests and the rest to another. */
export function forward(targetGroupArn: string, weight: number, other: string) {
  const TargetGroups = [
    { TargetGroupArn: targetGroupArn, Weight: weight },
    { TargetGroupArn: other, Weight: 100 - weight },
  ];
  return { Type: "forward" as const, ForwardConfig: { TargetGroups } };
}
