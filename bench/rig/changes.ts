import {
  DescribeContainerInstancesCommand,
  ListContainerInstancesCommand,
  UpdateContainerInstancesStateCommand,
  UpdateServiceCommand,
} from "@aws-sdk/client-ecs";
import {
  AddListenerCertificatesCommand,
  CreateRuleCommand,
  DeleteRuleCommand,
  ModifyListenerCommand,
  ModifyLoadBalancerAttributesCommand,
  ModifyRuleCommand,
  ModifyTargetGroupAttributesCommand,
  ModifyTargetGroupCommand,
  RemoveListenerCertificatesCommand,
} from "@aws-sdk/client-elastic-load-balancing-v2";
import { eventually } from "../../test/rig/eventually.ts";
import {
  type BalancedService,
  type BalancedServices,
  type Clients,
  forward,
  isSteady,
  revisionOf,
  TASKS,
} from "./balanced-services.ts";

/** One kind of change, made through the API; it resolves when it has been carried out. */
export interface Change {
  readonly kind: string;
  make(): Promise<void>;
}

/** How long a change may take until the run is given up. */
const LIMIT_MS = 60_000;

/** What is done with a service, over and over: it is updated often, and scaled in and out now and then. */
export function* serviceChanges(clients: Clients, { name }: BalancedService): Generator<Change> {
  const { ecs } = clients;
  const update = async (wanted: { readonly taskDefinition?: string; readonly desiredCount?: number }) => {
    await ecs.send(new UpdateServiceCommand({ service: name, ...wanted }));
    await eventually(`${name} is steady`, LIMIT_MS, () => isSteady(clients, name));
  };
  for (let revision = 1; ; revision += 1) {
    yield { kind: "rolling update", make: () => update({ taskDefinition: revisionOf(revision) }) };
    if (revision % 3 !== 0) continue;
    const scalesIn = revision % 2 === 1;
    yield {
      kind: scalesIn ? "scale-in" : "scale-out",
      make: () => update({ desiredCount: scalesIn ? TASKS - 1 : TASKS }),
    };
  }
}

/** One host after the other is drained of its tasks and taken into use again. */
export function* hostChanges({ ecs }: Clients, hosts: readonly string[]): Generator<Change> {
  const set = (host: string, status: "ACTIVE" | "DRAINING") =>
    ecs.send(new UpdateContainerInstancesStateCommand({ containerInstances: [host], status }));
  for (let turn = 0; ; turn += 1) {
    const host = hosts[turn % hosts.length] ?? "";
    yield {
      kind: "drain of a host",
      make: async () => {
        await set(host, "DRAINING");
        await eventually(`${host} is empty`, LIMIT_MS, async () => {
          const { containerInstances } = await ecs.send(
            new DescribeContainerInstancesCommand({ containerInstances: [host] }),
          );
          const [found] = containerInstances ?? [];
          return found?.runningTasksCount === 0 && found.pendingTasksCount === 0;
        });
        await set(host, "ACTIVE");
      },
    };
  }
}

export async function hostArns({ ecs }: Clients): Promise<string[]> {
  return (await ecs.send(new ListContainerInstancesCommand({}))).containerInstanceArns ?? [];
}

/** What the changes of a load balancer are made with. */
interface Balancing {
  readonly clients: Clients;
  readonly balanced: BalancedServices;
  /** How often HAProxy has been reloaded. */
  readonly reloads: () => Promise<number>;
}

/** A change that HAProxy is reloaded for. */
function byReload({ reloads }: Balancing, kind: string, call: () => Promise<unknown>): Change {
  return {
    kind,
    make: async () => {
      const before = await reloads();
      await call();
      await eventually(`a reload after: ${kind}`, LIMIT_MS, async () => (await reloads()) > before);
    },
  };
}

/** What is done with the load balancer, over and over, each time with the next service. */
export function* balancerChanges(of: Balancing): Generator<Change> {
  for (let turn = 0; ; turn += 1) {
    const rule = maintenanceRule(of, turn);
    yield rule.added;
    yield* ruleChanges(of, turn);
    yield* certificateChanges(of, turn);
    yield* groupChanges(of, turn);
    yield rule.removed;
  }
}

function maintenanceRule(of: Balancing, turn: number): { readonly added: Change; readonly removed: Change } {
  const { elb } = of.clients;
  let RuleArn = "";
  const added = byReload(of, "rule added", async () => {
    const { Rules } = await elb.send(
      new CreateRuleCommand({
        ListenerArn: of.balanced.listenerArn,
        Priority: 1,
        Conditions: [{ Field: "path-pattern", Values: [`/maintenance-${turn}`] }],
        Actions: [{ Type: "fixed-response", FixedResponseConfig: { StatusCode: "200" } }],
      }),
    );
    RuleArn = Rules?.[0]?.RuleArn ?? "";
  });
  return { added, removed: byReload(of, "rule removed", () => elb.send(new DeleteRuleCommand({ RuleArn }))) };
}

function serviceAt({ balanced: { services } }: Balancing, turn: number): BalancedService {
  const service = services[turn % services.length];
  if (service === undefined) throw new Error("there is no service");
  return service;
}

function* ruleChanges(of: Balancing, turn: number): Generator<Change> {
  const { elb } = of.clients;
  const [one, other] = [serviceAt(of, turn), serviceAt(of, turn + 1)];
  const Conditions = [{ Field: "path-pattern", Values: [`${one.path}/*`, `/also-${turn}`] }];
  yield byReload(of, "rule changed", () => elb.send(new ModifyRuleCommand({ RuleArn: one.ruleArn, Conditions })));
  const weight = [50, 0, 100][turn % 3] ?? 100;
  const Actions = [forward(one.targetGroupArn, weight, other.targetGroupArn)];
  yield {
    kind: "target groups' weights changed",
    make: async () => void (await elb.send(new ModifyRuleCommand({ RuleArn: one.ruleArn, Actions }))),
  };
}

function* certificateChanges(of: Balancing, turn: number): Generator<Change> {
  const { elb } = of.clients;
  const { secureListenerArn: ListenerArn, certificateArns } = of.balanced;
  const [first, second] = turn % 2 === 1 ? certificateArns : certificateArns.toReversed();
  yield byReload(of, "certificate changed", () =>
    elb.send(new ModifyListenerCommand({ ListenerArn, Certificates: [{ CertificateArn: first }] })),
  );
  yield {
    kind: "further certificate added and removed",
    make: async () => {
      const further = { ListenerArn, Certificates: [{ CertificateArn: second }] };
      await elb.send(new AddListenerCertificatesCommand(further));
      await elb.send(new RemoveListenerCertificatesCommand(further));
    },
  };
}

function* groupChanges(of: Balancing, turn: number): Generator<Change> {
  const { elb } = of.clients;
  const { services, loadBalancerArn: LoadBalancerArn } = of.balanced;
  const { targetGroupArn: TargetGroupArn } = serviceAt(of, turn);
  const again = Math.floor(turn / services.length) % 2 === 1;
  const algorithm = again ? "round_robin" : "least_outstanding_requests";
  const attributes = (Key: string, Value: string) => [{ Key, Value }];
  yield byReload(of, "target group attributes changed", () =>
    elb.send(
      new ModifyTargetGroupAttributesCommand({
        TargetGroupArn,
        Attributes: attributes("load_balancing.algorithm.type", algorithm),
      }),
    ),
  );
  yield byReload(of, "health check changed", () =>
    elb.send(new ModifyTargetGroupCommand({ TargetGroupArn, UnhealthyThresholdCount: again ? 2 : 3 })),
  );
  yield byReload(of, "idle timeout changed", () =>
    elb.send(
      new ModifyLoadBalancerAttributesCommand({
        LoadBalancerArn,
        Attributes: attributes("idle_timeout.timeout_seconds", turn % 2 === 1 ? "60" : "61"),
      }),
    ),
  );
}
