import type { Kind } from "./behaviour.ts";
import type { Chance } from "./chance.ts";
import type { ServiceName } from "./control-plane.ts";

/** A family of task definitions: what all its revisions share. */
export interface Family {
  readonly name: string;
  /** Of the container `main`; undefined if it has none. */
  readonly containerPort?: number;
  readonly hasFixedPort: boolean;
  /** RegisterTaskDefinition's input for a revision whose container behaves like this. */
  definition(kind: Kind, chance: Chance): object;
}

interface Shape {
  readonly containerPort?: number;
  readonly hostPort?: number;
  readonly isChecked?: boolean;
  readonly inHostMode?: boolean;
}

function family(name: string, { containerPort, hostPort = 0, isChecked, inHostMode }: Shape): Family {
  return {
    name,
    containerPort,
    hasFixedPort: hostPort !== 0 || inHostMode === true,
    definition: (kind, chance) => ({
      family: name,
      ...(inHostMode ? { networkMode: "host" } : {}),
      containerDefinitions: [
        {
          name: "main",
          image: `app/${kind}:${chance.int(1, 99)}`,
          // Few, coarse sizes: exact fits and ties are to be common.
          cpu: chance.pick([128, 256, 512]),
          memory: chance.pick([128, 256, 512]),
          essential: true,
          ...(containerPort === undefined
            ? {}
            : { portMappings: [{ containerPort, hostPort: inHostMode ? containerPort : hostPort }] }),
          ...(isChecked ? { healthCheck: { command: ["CMD", "true"] } } : {}),
          ...(chance.is(0.3) ? { stopTimeout: chance.pick([2, 10, 60]) } : {}),
        },
      ],
    }),
  };
}

export const FAMILIES: readonly Family[] = [
  family("plain", {}),
  family("web", { containerPort: 80 }),
  family("checked", { isChecked: true }),
  family("web-checked", { containerPort: 8080, isChecked: true }),
  family("fixed", { containerPort: 80, hostPort: 8081 }),
  family("host-mode", { containerPort: 9090, inHostMode: true }),
];

export function targetGroupName(id: string): string {
  return `tg-${id}`;
}

/** How many services can have a pair of target groups to shift traffic between. */
export const PAIRS = 3;

/** The two target groups of a pair; the first has the listener that goes with them. */
export function pairNames(pair: number): readonly [string, string] {
  return [`pair-${pair}-a`, `pair-${pair}-b`];
}

/** Makes clusters, load balancer, target groups, listeners and a first revision of each family. */
export async function setUp(
  call: (service: ServiceName, operation: string, input: object) => Promise<unknown>,
  clusters: readonly string[],
  chance: Chance,
): Promise<void> {
  for (const clusterName of clusters) await call("ecs", "CreateCluster", { clusterName });
  const made = (await call("elbv2", "CreateLoadBalancer", {
    Name: "front",
    Type: "application",
    Subnets: ["subnet-1", "subnet-2"],
  })) as {
    LoadBalancers: { LoadBalancerArn: string }[];
  };
  const LoadBalancerArn = made.LoadBalancers[0]?.LoadBalancerArn;
  const makeGroup = async (Name: string, TargetType: string): Promise<string | undefined> => {
    const group = (await call("elbv2", "CreateTargetGroup", {
      Name,
      Protocol: "HTTP",
      Port: 80,
      VpcId: "vpc-1",
      TargetType,
      HealthCheckIntervalSeconds: 5,
      HealthCheckTimeoutSeconds: 2,
      HealthyThresholdCount: 2,
      UnhealthyThresholdCount: 2,
    })) as { TargetGroups: { TargetGroupArn: string }[] };
    const TargetGroupArn = group.TargetGroups[0]?.TargetGroupArn;
    await call("elbv2", "ModifyTargetGroupAttributes", {
      TargetGroupArn,
      Attributes: [{ Key: "deregistration_delay.timeout_seconds", Value: String(chance.pick([5, 20, 60])) }],
    });
    return TargetGroupArn;
  };
  const listen = (Port: number, TargetGroupArn: string | undefined) =>
    call("elbv2", "CreateListener", {
      LoadBalancerArn,
      Protocol: "HTTP",
      Port,
      DefaultActions: [{ Type: "forward", TargetGroupArn }],
    });
  for (const [i, TargetType] of ["instance", "ip", "instance"].entries()) {
    await listen(8000 + i, await makeGroup(targetGroupName(`${i + 1}`), TargetType));
  }
  for (let pair = 1; pair <= PAIRS; pair++) {
    const [first, second] = pairNames(pair);
    await listen(8100 + pair, await makeGroup(first, "instance"));
    await makeGroup(second, "instance");
  }
  for (const one of FAMILIES) {
    await call("ecs", "RegisterTaskDefinition", one.definition("steady", chance));
    await call("ecs", "RegisterTaskDefinition", one.definition("quick", chance));
  }
}
