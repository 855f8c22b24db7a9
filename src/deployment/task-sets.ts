import type { ServiceRecord } from "../model/service.ts";
import { computedDesiredCount, type TaskSetRecord } from "../model/task-set.ts";
import type { Instant } from "../runtime/clock.ts";
import { scalingReason } from "./messages.ts";
import type { Observed, ServiceAction } from "./observed.ts";
import { protectionEnds, protectionEvents } from "./protection.ts";
import { planRolling } from "./rolling.ts";
import { Roster, wantedTasks } from "./roster.ts";
import { countFailures, isSettled } from "./throttle.ts";

/** What a look made of one task set. */
interface SetLook {
  /** Undefined when it is over. */
  readonly set: TaskSetRecord | undefined;
  readonly actions: readonly ServiceAction[];
  readonly times: readonly Instant[];
}

/**
 * What to do about a service whose deployments are steered from outside: each task set has the tasks that its scale gives it, kept as
 * a service's own are, and none of another set's is touched for it. Rules [DP26], [DP27].
 */
export function reconcileTaskSets(
  observed: Observed,
  now: Instant,
): { readonly actions: readonly ServiceAction[]; readonly isSteady: boolean } {
  const { service, tasks } = observed;
  const before = service.taskSets ?? [];
  const looks = before.map((set) => lookAtSet(observed, set, now));
  const known = new Set(before.map((set) => set.deployment.id));
  const actions: ServiceAction[] = looks.flatMap((look) => look.actions);
  for (const { task } of tasks) {
    if (task.desiredStatus === "STOPPED" || known.has(task.deploymentId ?? "")) continue;
    actions.push({ kind: "stop-task", taskArn: task.arn, reason: scalingReason(task.deploymentId ?? "") });
  }
  const after = looks.flatMap((look) => (look.set === undefined ? [] : [look.set]));
  const isSame = after.length === before.length && after.every((set, i) => set === before[i]);
  if (!isSame) actions.push({ kind: "put-task-sets", taskSets: after });
  const at = looks.flatMap((look) => look.times).reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
  if (Number.isFinite(at)) actions.push({ kind: "look-again", at });
  return { actions, isSteady: after.length > 0 && after.every((set) => set.stabilityStatus === "STEADY_STATE") };
}

function lookAtSet(observed: Observed, set: TaskSetRecord, now: Instant): SetLook {
  const { id } = set.deployment;
  const mine = observed.tasks.filter(({ task }) => task.deploymentId === id);
  if (set.status === "DRAINING" && mine.length === 0) return { set: undefined, actions: [], times: [] };
  const desiredCount = computedDesiredCount(observed.service.desiredCount, set);
  const asService: ServiceRecord = { ...observed.service, desiredCount, availabilityZoneRebalancing: "DISABLED" };
  const seen: Observed = { ...observed, service: { ...asService, deployments: [set.deployment] }, tasks: mine };
  const wanted = wantedTasks(seen, now);
  const starts = wanted.flatMap((w) => (w.task.startedAt === undefined ? [] : [w.task.startedAt]));
  const deployment = countFailures(
    set.deployment,
    observed.unaccounted.filter((t) => t.deploymentId === id),
    {
      lastStartedAt: starts.length === 0 ? undefined : Math.max(...starts),
      isHealthy: wanted.some((w) => w.health.state === "healthy"),
    },
    desiredCount,
  );
  const service = { ...asService, deployments: [deployment] };
  const roster = new Roster(service, wanted, mine);
  const plan = planRolling(service, deployment, roster, now);
  const isStable =
    plan.starts.length === 0 &&
    mine.length === desiredCount &&
    roster.primary.length === desiredCount &&
    roster.primary.every((m) => isSettled(m, deployment) && !m.isBad);
  const actions: ServiceAction[] = wanted.flatMap(({ health }) =>
    health.event === undefined ? [] : [{ kind: "event", message: health.event, once: true }],
  );
  for (const { member, reason } of roster.stops) actions.push({ kind: "stop-task", taskArn: member.task.arn, reason });
  for (const { deployment: _, ...start } of plan.starts)
    actions.push({ kind: "start-tasks", deploymentId: id, ...start });
  actions.push(...protectionEvents(roster));
  const times = roster.all.flatMap((m) => (m.health.changesAt === undefined ? [] : [m.health.changesAt]));
  const { nextAttemptAt } = deployment.throttle;
  if (nextAttemptAt !== undefined && nextAttemptAt > now) times.push(nextAttemptAt);
  const started = plan.starts.reduce((sum, start) => sum + start.count, 0);
  if (plan.missing > 0 && started > 0 && roster.room > started) times.push(now);
  times.push(...protectionEnds(roster));
  return { set: afterLook(set, { ...deployment, desiredCount }, isStable, now), actions, times };
}

/** The set with what this look found; the same object if that is nothing new. */
function afterLook(
  set: TaskSetRecord,
  deployment: TaskSetRecord["deployment"],
  isStable: boolean,
  now: Instant,
): TaskSetRecord {
  const stabilityStatus = isStable ? "STEADY_STATE" : "STABILIZING";
  const { throttle, failedTasks, desiredCount } = set.deployment;
  const isSameDeployment =
    deployment.throttle === throttle &&
    deployment.failedTasks === failedTasks &&
    deployment.desiredCount === desiredCount;
  if (isSameDeployment && stabilityStatus === set.stabilityStatus) return set;
  return {
    ...set,
    deployment: isSameDeployment ? set.deployment : deployment,
    stabilityStatus,
    stabilityStatusAt: stabilityStatus === set.stabilityStatus ? set.stabilityStatusAt : now,
  };
}
