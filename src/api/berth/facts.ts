import { hostContact, observeService, REHEARSAL_SETTINGS } from "../../controllers/index.ts";
import { assessHealth, type Observed } from "../../deployment/index.ts";
import type { ServiceFacts, TaskFacts } from "../../explain/index.ts";
import type { TargetGroupRecord } from "../../model/load-balancer.ts";
import type { ServiceRecord } from "../../model/service.ts";
import type { TaskRecord } from "../../model/task.ts";
import type { TaskDefinitionRecord } from "../../model/task-definition.ts";
import type { Instant } from "../../runtime/clock.ts";
import { fleetBehindDaemons, placementOfService } from "../../state/index.ts";
import type { BerthView } from "../../store/index.ts";
import type { ApiContext } from "../context.ts";

/** All that is recorded of a service and what it depends on, for an explanation. */
export function serviceFactsOf(context: ApiContext, service: ServiceRecord): ServiceFacts {
  const { settings } = context.services;
  const observed = observeService(context.store.view, service.arn, settings, contactOf(context));
  if (observed === undefined) throw new Error(`${service.arn} vanished while it was looked at`);
  return { ...factsOf(context.store.view, observed), heldHosts: context.services.heldHosts() };
}

/** As `serviceFactsOf`, in a rehearsal that has come to its end: every task that runs is taken for healthy. */
export function rehearsedFactsOf(tables: BerthView, service: ServiceRecord): ServiceFacts {
  const observed = observeService(tables, service.arn, REHEARSAL_SETTINGS);
  if (observed === undefined) throw new Error(`${service.arn} vanished while it was looked at`);
  return { ...factsOf(tables, observed), isRehearsed: true };
}

function factsOf(tables: BerthView, observed: Observed): ServiceFacts {
  const { service } = observed;
  return {
    observed,
    instances: instancesOf(tables, service),
    definitions: definitionsOf(tables, observed),
    targetGroups: groupsOf(
      tables,
      observed.tasks.map(({ task }) => task),
    ),
    requestFor: (definition, deployment, capacityProvider) =>
      placementOfService(tables, service, definition, deployment, capacityProvider),
    lastFailures: lastFailuresOf(tables.tasks.where("serviceStopped", service.arn)),
    heldHosts: new Set(),
  };
}

/** All that is recorded of a task. */
export function taskFactsOf(context: ApiContext, task: TaskRecord, now: Instant): TaskFacts {
  const { view } = context.store;
  const { settings } = context.services;
  const service = task.serviceArn === undefined ? undefined : view.services.get(task.serviceArn);
  const observed = service === undefined ? undefined : observeService(view, service.arn, settings, contactOf(context));
  const seen = observed?.tasks.find((one) => one.task.arn === task.arn);
  const grace = service?.healthCheckGracePeriodSeconds ?? 0;
  return {
    task,
    definition: view.taskDefinitions.get(task.taskDefinitionArn),
    instance:
      task.containerInstanceArn === undefined ? undefined : view.containerInstances.get(task.containerInstanceArn),
    isHostSilent: seen?.isHostSilent,
    targets: view.targets.where("task", task.arn),
    targetGroups: groupsOf(view, [task]),
    service,
    health: seen === undefined ? undefined : assessHealth(seen, grace, settings, now),
  };
}

/** Tasks of other services find less room where DAEMON services have still to take theirs. */
function instancesOf(tables: BerthView, { schedulingStrategy, clusterArn }: ServiceRecord) {
  const isDaemon = schedulingStrategy === "DAEMON";
  const fleet = isDaemon
    ? tables.containerInstances.derived.placement.fleet(clusterArn)
    : fleetBehindDaemons(tables, clusterArn);
  return fleet.instances();
}

function contactOf({ services: { agents }, clock }: ApiContext) {
  return hostContact({ agents, clock });
}

function definitionsOf(tables: BerthView, { service, tasks }: Observed): ReadonlyMap<string, TaskDefinitionRecord> {
  const arns = new Set([...service.deployments, ...tasks.map(({ task }) => task)].map((one) => one.taskDefinitionArn));
  return new Map([...arns].flatMap((arn) => entry(arn, tables.taskDefinitions.get(arn))));
}

function groupsOf(tables: BerthView, tasks: readonly TaskRecord[]): ReadonlyMap<string, TargetGroupRecord> {
  const arns = new Set(tasks.flatMap((task) => task.loadBalancers.map((lb) => lb.targetGroupArn)));
  return new Map([...arns].flatMap((arn) => entry(arn, tables.targetGroups.get(arn))));
}

function entry<T>(key: string, value: T | undefined): readonly (readonly [string, T])[] {
  return value === undefined ? [] : [[key, value]];
}

/** The newest failed task of each deployment. */
function lastFailuresOf(stopped: readonly TaskRecord[]): ReadonlyMap<string, TaskRecord> {
  const last = new Map<string, TaskRecord>();
  for (const task of stopped) {
    if (task.deploymentId === undefined || !hasFailed(task)) continue;
    const before = last.get(task.deploymentId);
    if (before === undefined || (task.stoppedAt ?? 0) >= (before.stoppedAt ?? 0)) last.set(task.deploymentId, task);
  }
  return last;
}

function hasFailed({ stopCode, stoppedReason }: TaskRecord): boolean {
  if (stopCode === "ServiceSchedulerInitiated") return stoppedReason?.startsWith("Task failed ") === true;
  return stopCode === "TaskFailedToStart" || stopCode === "EssentialContainerExited";
}
