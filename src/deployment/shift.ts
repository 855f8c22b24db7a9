import type { DeploymentRecord } from "../model/deployment.ts";
import { primaryDeployment, type ServiceRecord } from "../model/service.ts";
import { deploymentIdOf, revisionArnOf, type ServiceDeploymentRecord } from "../model/service-deployment.ts";
import type { LifecycleStage, ShiftState } from "../model/traffic-shift.ts";
import type { Instant } from "../runtime/clock.ts";
import { abandonedHookTasks, isOpen, lookAtHooks, withHooksClosed } from "./hooks.ts";
import { DEPLOYMENT_LIMIT_MS, nextStage, STAGE_LIMIT_MS } from "./lifecycle.ts";
import { liveOf } from "./live.ts";
import * as messages from "./messages.ts";
import type { Observed, ServiceAction } from "./observed.ts";
import { isProven } from "./rolling.ts";
import type { Wanted } from "./roster.ts";
import { missingRules, type RuleWeights, type SetTraffic, trafficActions } from "./traffic.ts";

/** A deployment that shifts traffic, at one look. */
export interface ShiftLook {
  readonly record: ServiceDeploymentRecord;
  /** What it is from now on, unless it is given up. */
  readonly state: ShiftState;
  /** The revision that has the traffic so far. */
  readonly live: DeploymentRecord | undefined;
  /** Why it is to be given up. */
  readonly fault?: string;
  readonly events: readonly string[];
  /** When time alone changes the answer. */
  readonly times: readonly Instant[];
}

/**
 * The shift of traffic that is under way to the PRIMARY deployment, and what becomes of it by this look; undefined if there
 * is none. Rules [TS1] to [TS8], [TS20] to [TS24].
 */
export function lookAtShift(
  observed: Observed,
  service: ServiceRecord,
  wanted: readonly Wanted[],
  now: Instant,
): ShiftLook | undefined {
  const primary = primaryDeployment(service);
  const record = shiftUnderWay(observed.serviceDeployments, primary);
  const settings = record?.settings.shift;
  if (record === undefined || settings === undefined || primary.rolloutState !== "IN_PROGRESS") return undefined;
  const others = service.deployments.filter((d) => d !== primary);
  const live = liveOf(others);
  const before = record.shift ?? firstState(observed, { primary, live }, now);
  const hooks = lookAtHooks(before, settings, primary.id, observed.hookTasks ?? new Map(), now);
  const missing = missingRules(primary, observed.rules ?? new Map());
  const events = [...hooks.events, ...missing.map(messages.ruleMissing)];
  const fault = hooks.fault ?? faultOf(record, before, { primary, live, wanted, service }, now);
  const stay = { record, state: hooks.state, live, events, times: [] };
  if (fault !== undefined) return { ...stay, fault };
  if (!hooks.isDone) return { ...stay, times: hooks.expiresAt === undefined ? [] : [hooks.expiresAt] };
  const sight = {
    isReconciled: isReconciled(observed, { primary, live }),
    isReady: isWhole(service, primary, wanted) && missing.length === 0,
    isGradual: live !== undefined && isProven(live),
  };
  const resolvedAt = Math.max(before.since, ...hooks.state.hooks.map((run) => run.endedAt ?? 0));
  const answer = nextStage(hooks.state, settings, sight, { resolvedAt, now });
  if (answer.kind === "wait") {
    const isOver = answer.isFault && now >= answer.until;
    const times = Number.isFinite(answer.until) && !isOver ? [answer.until] : [];
    return isOver ? { ...stay, fault: messages.stageTooLong(before.stage, STAGE_LIMIT_MS) } : { ...stay, times };
  }
  return { ...stay, state: answer.state, events: [...events, ...told(before, answer.state, primary)], times: [now] };
}

/** The service deployment that shifts traffic to the deployment, and is neither over nor being rolled back yet. */
export function shiftUnderWay(
  serviceDeployments: readonly ServiceDeploymentRecord[],
  { id }: Pick<DeploymentRecord, "id">,
): ServiceDeploymentRecord | undefined {
  return serviceDeployments.find(
    ({ status, settings, targetRevisionArn }) =>
      settings.shift !== undefined &&
      (status === "PENDING" || status === "IN_PROGRESS" || status === "ROLLBACK_REQUESTED") &&
      deploymentIdOf(targetRevisionArn) === id,
  );
}

interface Sides {
  readonly primary: DeploymentRecord;
  readonly live: DeploymentRecord | undefined;
}

/** RECONCILE_SERVICE is only for a service of which more than one revision runs. */
function firstState(observed: Observed, sides: Sides, now: Instant): ShiftState {
  const stage = isReconciled(observed, sides) ? "PRE_SCALE_UP" : "RECONCILE_SERVICE";
  const source = sides.live && revisionArnOf(observed.service.arn, sides.live.id);
  return { stage, since: now, source, step: 0, production: 0, test: 0, hooks: [], hooksBegun: 0 };
}

/** No task of any further revision is to run, and none is left in a target group. */
function isReconciled({ tasks }: Observed, { primary, live }: Sides): boolean {
  return tasks
    .filter(({ task }) => task.deploymentId !== primary.id && task.deploymentId !== live?.id)
    .every(({ task, targets }) => task.desiredStatus === "STOPPED" && targets.length === 0);
}

/** The deployment has its full count, all healthy. */
function isWhole(service: ServiceRecord, deployment: DeploymentRecord, wanted: readonly Wanted[]): boolean {
  const good = wanted.filter((w) => w.task.deploymentId === deployment.id && !w.isBad);
  return good.length === service.desiredCount && good.every((w) => w.health.state === "healthy");
}

/** Why a deployment is given up whose hooks and breaker do not say so. Rules [TS8], [TS11]. */
function faultOf(
  record: ServiceDeploymentRecord,
  state: ShiftState,
  { primary, live, wanted, service }: Sides & { readonly wanted: readonly Wanted[]; readonly service: ServiceRecord },
  now: Instant,
): string | undefined {
  if (state.stage === "CLEAN_UP") return undefined;
  if (now >= (record.startedAt ?? now) + DEPLOYMENT_LIMIT_MS) return messages.deploymentTooLong(DEPLOYMENT_LIMIT_MS);
  const healthyOf = (d: DeploymentRecord | undefined) =>
    wanted.filter((w) => w.task.deploymentId === d?.id && w.health.state === "healthy").length;
  const isDead = state.production > 0 && service.desiredCount > 0 && healthyOf(primary) === 0;
  return isDead && healthyOf(live) > 0 ? messages.NO_HEALTHY_TASK : undefined;
}

function told(before: ShiftState, after: ShiftState, { id }: DeploymentRecord): readonly string[] {
  return [
    ...(after.test === before.test ? [] : [messages.shifted(after.test, "test", id)]),
    ...(after.production === before.production ? [] : [messages.shifted(after.production, "production", id)]),
  ];
}

/** True from the stage on in which the earlier revision goes: there is no way back. */
export const isPastReturn = (stage: LifecycleStage | undefined) => stage === "CLEAN_UP";

/**
 * The state of a shift that was given up: the new revision has no traffic any more if there is another to have it, and no hook is
 * waited for. Rule [TS9].
 */
export function givenUp({ state, fault, live }: Pick<ShiftLook, "state" | "fault" | "live">, now: Instant): ShiftState {
  const closed = { ...withHooksClosed(state, now), ...(fault === undefined ? {} : { fault }) };
  return live === undefined ? closed : { ...closed, production: 0, test: 0 };
}

/** Starts what hooks are to run, and stops what they need not run any more. Rules [TS22], [TS23]. */
export function hookActions(observed: Observed, record: ServiceDeploymentRecord): readonly ServiceAction[] {
  const { shift, settings } = record;
  if (shift === undefined) return [];
  const starts = shift.hooks.flatMap((run): ServiceAction[] => {
    const target = settings.shift?.hooks[run.hook]?.taskDefinitionArn;
    if (!isOpen(run) || run.taskArn !== undefined || target === undefined) return [];
    return [{ kind: "run-hook", serviceDeploymentArn: record.arn, hookId: run.id }];
  });
  const stops = abandonedHookTasks(shift, observed.hookTasks ?? new Map()).map(
    (task): ServiceAction => ({ kind: "stop-task", taskArn: task.arn, reason: messages.HOOK_ABANDONED }),
  );
  return [...starts, ...stops];
}

/**
 * Sends the traffic back to where it was before a deployment that is superseded in the middle of its shift. `service` has the
 * deployment that follows as its PRIMARY. Rule [TS12].
 */
export function returnTraffic(
  service: ServiceRecord,
  { shift, targetRevisionArn }: ServiceDeploymentRecord,
  rules: ReadonlyMap<string, RuleWeights>,
): readonly SetTraffic[] {
  const target = service.deployments.find((d) => d.id === deploymentIdOf(targetRevisionArn));
  if (shift === undefined || target === undefined) return [];
  const live = liveOf(service.deployments.filter((d) => d.status !== "PRIMARY"));
  const percent = target === live ? 100 : 0;
  return trafficActions(target, { production: percent, test: percent }, rules);
}
