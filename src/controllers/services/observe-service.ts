import {
  DEFAULT_DEPLOYMENT_SETTINGS,
  type DeploymentSettings,
  type Observed,
  type ObservedPlace,
} from "../../deployment/index.ts";
import type { TargetRecord } from "../../model/load-balancer.ts";
import type { ServiceDeploymentRecord } from "../../model/service-deployment.ts";
import type { TaskRecord } from "../../model/task.ts";
import type { Instant } from "../../runtime/clock.ts";
import { forwardsOf } from "../../state/index.ts";
import type { BerthView } from "../../store/index.ts";
import type { ContainerInstanceArn } from "../../wire/arn.ts";
import type { ControllerContext } from "../context.ts";
import { observeDaemonHosts } from "./observe-daemon.ts";
import { observePlaces } from "./observe-places.ts";

/** What a load balancer takes beside its health checks until a target that it reaches again counts as healthy here. */
const RECOVERY_EXTRA_MS = 5_000;

/** Since when a host is heard without a gap; undefined if it is silent now. Always heard: -Infinity. */
export type HostContact = (arn: ContainerInstanceArn) => Instant | undefined;

const ALWAYS: HostContact = () => -Infinity;

export function hostContact({ agents, clock }: Pick<ControllerContext, "agents" | "clock">): HostContact {
  if (agents === undefined) return ALWAYS;
  return (arn) => {
    const since = agents.heardSince(arn);
    return since === undefined ? undefined : clock.now() - (clock.monotonic() - since);
  };
}

/** All that a look at the service depends on, or undefined if there is no such service (any more). */
export function observeService(
  tables: BerthView,
  serviceArn: string,
  settings: DeploymentSettings = DEFAULT_DEPLOYMENT_SETTINGS,
  contact: HostContact = ALWAYS,
): Observed | undefined {
  const service = tables.services.get(serviceArn);
  if (service === undefined) return undefined;
  let places: readonly ObservedPlace[] | undefined;
  const serviceDeployments = tables.serviceDeployments.where("unfinished", serviceArn);
  return {
    service,
    tasks: tables.tasks.where("service", serviceArn).map((task) => {
      const targets = task.loadBalancers.length === 0 ? [] : tables.targets.where("task", task.arn);
      return { task, targets, ...observeHost(tables, task, targets, contact) };
    }),
    unpinned: tables.serviceRevisions.where("unpinned", serviceArn),
    serviceDeployments,
    rules: forwardsOf(tables, service.deployments),
    hookTasks: hookTasksOf(tables, serviceDeployments),
    unaccounted: tables.tasks.where("serviceUnaccounted", serviceArn),
    settings,
    places: () => {
      places ??= observePlaces(tables, service, settings, contact);
      return places;
    },
    daemonHosts:
      service.schedulingStrategy === "DAEMON" && service.status === "ACTIVE"
        ? observeDaemonHosts(tables, service)
        : undefined,
  };
}

function hookTasksOf(
  tables: Pick<BerthView, "tasks">,
  deployments: readonly ServiceDeploymentRecord[],
): ReadonlyMap<string, TaskRecord> {
  const runs = deployments.flatMap(({ shift }) => shift?.hooks ?? []);
  const tasks = runs.flatMap(({ taskArn }) => tables.tasks.get(taskArn ?? "") ?? []);
  return new Map(tasks.map((task) => [task.arn, task]));
}

function observeHost(
  tables: BerthView,
  { containerInstanceArn }: TaskRecord,
  targets: readonly TargetRecord[],
  contact: HostContact,
) {
  if (containerInstanceArn === undefined) return {};
  const since = contact(containerInstanceArn);
  const recoveries = targets.map((target) => {
    const check = tables.targetGroups.get(target.targetGroupArn)?.healthCheck;
    return check === undefined ? 0 : check.healthyThreshold * check.intervalSeconds * 1000;
  });
  const instance = tables.containerInstances.get(containerInstanceArn);
  return {
    instance: instance === undefined ? undefined : tables.containerInstances.derived.placement.occupied(instance),
    isHostSilent: since === undefined,
    targetsCountFrom: since === undefined ? undefined : since + Math.max(0, ...recoveries) + RECOVERY_EXTRA_MS,
  };
}
