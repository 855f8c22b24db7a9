import type { DeploymentRecord } from "../model/deployment.ts";
import { primaryDeployment, type ServiceRecord } from "../model/service.ts";
import { deploymentIdOf } from "../model/service-deployment.ts";
import type { TaskRecord } from "../model/task.ts";
import type { Instant } from "../runtime/clock.ts";
import { providersOfStarts } from "./capacity-providers.ts";
import { countForBreaker, nextUnplacedRound } from "./circuit-breaker.ts";
import { daemonDesiredCount, planDaemon } from "./daemon.ts";
import { mayStart, mustWait, type PinningPlan, planPinning } from "./image-pinning.ts";
import * as messages from "./messages.ts";
import type { Observed, ServiceAction } from "./observed.ts";
import { protectionEnds, protectionEvents } from "./protection.ts";
import { moveActions } from "./rebalance-service.ts";
import { type Judgement, judgeDeployment, rollbackCandidate } from "./rollback.ts";
import { isProven, MAX_STARTS_PER_LOOK, planRolling, type RollingPlan } from "./rolling.ts";
import { Roster, type Wanted, wantedTasks } from "./roster.ts";
import { advanceServiceDeployments, isRollbackRequested } from "./service-deployment.ts";
import { givenUp, hookActions, isPastReturn, lookAtShift, type ShiftLook } from "./shift.ts";
import { planShift, type ShiftPlan } from "./shift-plan.ts";
import { reconcileTaskSets } from "./task-sets.ts";
import { countFailures, isFailingNow, isImpaired, isSettled } from "./throttle.ts";
import { trafficActions } from "./traffic.ts";

/** A steady service says so again after this time. Source: observed of ECS. */
export const STEADY_REPEAT_MS = 6 * 60 * 60 * 1000;

/**
 * What to do about a service, given all that can be seen of it. Depends on nothing else: looking twice, or after having
 * missed any number of changes, does no harm. An empty answer means that all is as it should be and time changes nothing.
 */
export function reconcileService(observed: Observed, now: Instant): readonly ServiceAction[] {
  const actions: ServiceAction[] = [];
  if (observed.unaccounted.length > 0) {
    actions.push({ kind: "account", taskArns: observed.unaccounted.map((t) => t.arn) });
  }
  switch (observed.service.status) {
    case "INACTIVE":
      return actions;
    case "DRAINING":
      return [...actions, ...reconcileDeletion(observed, now)];
    case "ACTIVE":
      if (observed.service.deploymentController === "EXTERNAL") {
        const { actions: ofSets, isSteady } = reconcileTaskSets(observed, now);
        return [...actions, ...ofSets, ...steadyActions(observed.service, isSteady, now)];
      }
      return [...actions, ...reconcileActive(observed, now)];
  }
}

/** A deleted service stops all its tasks, and is INACTIVE when the last one has stopped. */
function reconcileDeletion(observed: Observed, now: Instant): readonly ServiceAction[] {
  const ended = advanceServiceDeployments(observed.serviceDeployments, observed.service, observed.service, now);
  const actions = ended.map((record): ServiceAction => ({ kind: "put-service-deployment", record }));
  if (observed.tasks.length === 0) return [...actions, { kind: "finish-deletion" }];
  const roster = new Roster(observed.service, wantedTasks(observed, now), observed.tasks);
  for (const member of roster.all) roster.stop(member);
  return [...actions, ...stopActions(roster)];
}

function reconcileActive(observed: Observed, now: Instant): readonly ServiceAction[] {
  const wanted = wantedTasks(observed, now);
  const isDaemon = observed.service.schedulingStrategy === "DAEMON";
  const desiredCount = isDaemon ? daemonDesiredCount(observed) : observed.service.desiredCount;
  const counted = { ...observed.service, desiredCount, deployments: countedDeployments(observed, wanted, now) };
  const shift = lookAtShift(observed, counted, wanted, now);
  const judgement = judge(observed, counted, shift, now);
  const { service } = judgement;
  const primary = primaryDeployment(service);
  const pinnings = planPinnings(observed);
  const more = pinnings.find((p) => deploymentIdOf(p.revision.arn) === primary.id)?.more;
  const goesOn = shift !== undefined && judgement.service === counted ? shift : undefined;
  const { plan, roster } = planTasks(observed, { service, wanted, shift: goesOn, more }, now);
  // A deployment that is rolled back to is in progress for a look at least, for whoever watches.
  const isDone = !judgement.isRollback && isComplete(service, plan, roster) && !isShiftOpen(observed, goesOn);
  const deployments = rollOn(service, roster, { plan, isDone, shift: goesOn }, now);
  const after = { ...service, deployments };
  const isSteady = isDone && deployments.length === 1 && roster.primary.every((m) => !m.isBad);

  const actions: ServiceAction[] = pinningActions(observed, pinnings);
  const failing = failingNow(observed).map((task) => task.arn);
  if (failing.length > 0) actions.push({ kind: "count-failing", taskArns: failing });
  for (const message of judgement.events) actions.push({ kind: "event", message, once: false });
  if (desiredCount !== observed.service.desiredCount) actions.push({ kind: "set-desired-count", count: desiredCount });
  if (judgement.isRollback) {
    const { taskDefinitionArn, loadBalancers } = primary;
    actions.push({ kind: "return-to", taskDefinitionArn, loadBalancers });
  }
  // Before the starts, which note in a deployment that it found no place.
  if (!isSameList(deployments, observed.service.deployments)) actions.push({ kind: "put-deployments", deployments });
  actions.push(...serviceDeploymentActions(observed, { shift, goesOn, judged: service, after }, now));
  if (isImpaired(primary.throttle, service.desiredCount) && plan.missing > 0 && primary.rolloutState !== "FAILED") {
    actions.push({ kind: "event", message: messages.IMPAIRED, once: true });
  }
  for (const { health } of wanted) {
    if (health.event !== undefined) actions.push({ kind: "event", message: health.event, once: true });
  }
  actions.push(...stopActions(roster));
  for (const { deployment, ...start } of plan.starts) {
    const byProvider = providersOfStarts(service, roster, deployment, start.count);
    actions.push({ kind: "start-tasks", deploymentId: deployment.id, ...start, ...byProvider });
  }
  actions.push(...protectionEvents(roster));
  if (isStuck(plan, roster, primary, now)) actions.push({ kind: "event", message: messages.STUCK, once: true });
  if (isDone && primary.rolloutState !== "COMPLETED") {
    actions.push({ kind: "event", message: messages.deploymentCompleted(primary.id), once: false });
  }
  actions.push(...moveActions({ observed, service, roster, plan, isSteady }, now));
  actions.push(...steadyActions(service, isSteady, now));
  actions.push(...lookAgain({ service, roster, plan, isSteady, shift: goesOn }, now));
  return actions;
}

/** What ends the deployment in progress. One that has taken over all traffic is not given up any more. */
function judge(observed: Observed, service: ServiceRecord, shift: ShiftLook | undefined, now: Instant): Judgement {
  if (isPastReturn(shift?.state.stage)) return { service, events: [], isRollback: false };
  const isRequested = isRollbackRequested(observed.serviceDeployments, service);
  return judgeDeployment(service, { isRollbackRequested: isRequested, shift }, now);
}

/** Both revisions are there side by side, as they are until CLEAN_UP. */
const isShifting = (shift: ShiftLook | undefined) => shift !== undefined && !isPastReturn(shift.state.stage);

/** It is over when the earlier revision's tasks have stopped: their target group is free for the next one then. Rule [TS10]. */
function isShiftOpen({ tasks, service }: Observed, shift: ShiftLook | undefined): boolean {
  const { id } = primaryDeployment(service);
  return isShifting(shift) || (shift !== undefined && tasks.some(({ task }) => task.deploymentId !== id));
}

function planTasks(
  observed: Observed,
  of: {
    readonly service: ServiceRecord;
    readonly wanted: readonly Wanted[];
    readonly shift: ShiftLook | undefined;
    /** How many tasks of the PRIMARY may be started at most. */
    readonly more: number | undefined;
  },
  now: Instant,
): ShiftPlan {
  const { service, wanted, shift, more } = of;
  if (shift !== undefined && isShifting(shift)) {
    const { live, state } = shift;
    return planShift(service, { stage: state.stage, live, more }, { wanted, tasks: observed.tasks }, now);
  }
  const roster = new Roster(service, wanted, observed.tasks);
  if (service.schedulingStrategy === "DAEMON") return { plan: planDaemon(observed, service, roster, now), roster };
  const primary = primaryDeployment(service);
  const plan = planRolling(service, primary, roster, now, more);
  if (shift === undefined) return { plan, roster };
  // The earlier revision has no traffic any more: what it loses in CLEAN_UP is no loss.
  return { plan: { ...plan, starts: plan.starts.filter((s) => s.deployment === primary) }, roster };
}

/**
 * What becomes of the service deployments and, in the same transaction, of the traffic: each change of a share is written with
 * the stage that it belongs to.
 */
function serviceDeploymentActions(
  observed: Observed,
  of: {
    readonly shift: ShiftLook | undefined;
    /** The shift, unless it is given up by this look. */
    readonly goesOn: ShiftLook | undefined;
    readonly judged: ServiceRecord;
    readonly after: ServiceRecord;
  },
  now: Instant,
): readonly ServiceAction[] {
  const { shift, goesOn, judged, after } = of;
  const state = shift === undefined || goesOn !== undefined ? shift?.state : givenUp(shift, now);
  const known = observed.serviceDeployments.map((record) =>
    record === shift?.record && state !== record.shift ? { ...record, shift: state, updatedAt: now } : record,
  );
  const advanced = new Map(advanceServiceDeployments(known, judged, after, now).map((record) => [record.arn, record]));
  const actions: ServiceAction[] = [];
  for (const [i, record] of known.entries()) {
    const next = advanced.get(record.arn) ?? record;
    if (next !== observed.serviceDeployments[i]) actions.push({ kind: "put-service-deployment", record: next });
    actions.push(...hookActions(observed, next));
  }
  const target = judged.deployments.find((d) => d.id === (shift && deploymentIdOf(shift.record.targetRevisionArn)));
  if (state !== undefined && target !== undefined) {
    actions.push(...trafficActions(target, state, observed.rules ?? new Map()));
  }
  for (const message of goesOn?.events ?? []) actions.push({ kind: "event", message, once: true });
  return actions;
}

/** What to do about the images of each revision that is not done with them. Rule [DP38]. */
function planPinnings({
  unpinned,
  tasks,
  unaccounted,
}: Observed): readonly (PinningPlan & { readonly more: number })[] {
  return unpinned.map((revision) => {
    const isMine = (task: TaskRecord) => task.deploymentId === deploymentIdOf(revision.arn);
    const live = tasks.map((t) => t.task).filter(isMine);
    const plan = planPinning(revision, live, unaccounted.filter(isMine));
    return { ...plan, more: mayStart(plan.revision, live) };
  });
}

function pinningActions(observed: Observed, pinnings: readonly PinningPlan[]): ServiceAction[] {
  return pinnings.flatMap(({ revision, release }, i) => {
    const actions: ServiceAction[] = [];
    if (revision !== observed.unpinned[i]) actions.push({ kind: "put-revision", record: revision });
    if (release.length > 0) {
      const taskArns = release.map((t) => t.arn);
      const tellsImages = mustWait(revision);
      actions.push({ kind: "release-tasks", taskArns, images: revision.containerImages, tellsImages });
    }
    return actions;
  });
}

function stopActions(roster: Roster): readonly ServiceAction[] {
  return roster.stops.map(({ member, reason, isTold }) => ({
    kind: "stop-task",
    taskArn: member.task.arn,
    reason,
    ...(isTold === true ? { isTold } : {}),
  }));
}

/** Those that are being stopped for bad health and have not been counted. */
const failingNow = ({ tasks }: Observed) => tasks.map((t) => t.task).filter(isFailingNow);

/** The deployments with the newly stopped tasks counted. Unchanged ones are the same objects. */
function countedDeployments(observed: Observed, wanted: readonly Wanted[], now: Instant): DeploymentRecord[] {
  const { service, unaccounted } = observed;
  const failing = failingNow(observed);
  const isLeaving = observed.tasks.some(({ task }) => task.desiredStatus === "STOPPED");
  return service.deployments.map((deployment) => {
    const mine = wanted.filter((w) => w.task.deploymentId === deployment.id);
    const starts = mine.flatMap((w) => (w.task.startedAt === undefined ? [] : [w.task.startedAt]));
    const stopped = [...unaccounted, ...failing].filter((t) => t.deploymentId === deployment.id);
    const healthy = mine.filter((w) => w.health.state === "healthy").length;
    const lastStartedAt = starts.reduce<Instant | undefined>((a, b) => (a === undefined || b > a ? b : a), undefined);
    const counted = countFailures(deployment, stopped, { lastStartedAt, isHealthy: healthy > 0 }, service.desiredCount);
    if (deployment.status !== "PRIMARY") return counted;
    const firstStartedAt = starts.reduce<Instant | undefined>((a, b) => (a === undefined || b < a ? b : a), undefined);
    return countForBreaker(counted, stopped, { firstStartedAt, healthy, isLeaving }, service.circuitBreaker, now);
  });
}

/** The PRIMARY has all its tasks, all well, and no task of an earlier deployment is wanted any more. Rule [DP14]. */
function isComplete(service: ServiceRecord, plan: RollingPlan, roster: Roster): boolean {
  const { primary, old } = roster;
  const deployment = primaryDeployment(service);
  if (deployment.rolloutState === "FAILED") return false;
  // One that is still to take another's place does not count.
  const settled = primary.filter((m) => m !== plan.move?.awaited);
  const isWhole = settled.length === service.desiredCount && settled.every((m) => isSettled(m, deployment) && !m.isBad);
  return isWhole && old.length === 0 && plan.starts.length === 0 && plan.missing === 0 && roster.held.size === 0;
}

/** The deployments after this look: counts moved, finished ones dropped, the PRIMARY completed. */
function rollOn(
  service: ServiceRecord,
  roster: Roster,
  {
    plan,
    isDone,
    shift,
  }: { readonly plan: RollingPlan; readonly isDone: boolean; readonly shift: ShiftLook | undefined },
  now: Instant,
): readonly DeploymentRecord[] {
  const old = roster.old;
  const kept = isShifting(shift) ? shift?.live : undefined;
  const candidate = rollbackCandidate(service);
  const tookOver = isPastReturn(shift?.state.stage);
  return service.deployments.flatMap((d) => {
    if (d.status === "PRIMARY") {
      const isNewlyDone = isDone && d.rolloutState === "IN_PROGRESS";
      // What is no longer lacking needs no place any more. A replacement of a task that still runs is lacking, too.
      const isLacking = plan.missing > 0 || plan.starts.some((start) => start.deployment.id === d.id);
      const unplacedSince = isLacking ? d.unplacedSince : undefined;
      const tookOverAt = d.tookOverAt ?? (tookOver ? now : undefined);
      const isSame =
        d.desiredCount === service.desiredCount && d.unplacedSince === unplacedSince && d.tookOverAt === tookOverAt;
      if (!isNewlyDone && isSame) return [d];
      const moved = { ...d, desiredCount: service.desiredCount, unplacedSince, tookOverAt, updatedAt: now };
      if (!isNewlyDone) return [moved];
      return [
        {
          ...moved,
          rolloutState: "COMPLETED" as const,
          rolloutStateReason: messages.completedReason(d.id),
          failedTasks: 0,
          completedAt: d.completedAt ?? now,
        },
      ];
    }
    const left = old.filter((m) => m.deployment === d).length;
    const stopped = roster.stops.filter((s) => s.member.deployment === d && !s.member.isBad).length;
    if (d === kept && isProven(d)) return [withDesiredCount(d, service.desiredCount, now)];
    const desiredCount = isProven(d) ? Math.max(0, Math.min(d.desiredCount - stopped, service.desiredCount)) : left;
    if (left === 0 && (isDone || (desiredCount === 0 && d !== candidate))) return [];
    return [withDesiredCount(d, desiredCount, now)];
  });
}

const withDesiredCount = (d: DeploymentRecord, desiredCount: number, now: Instant): DeploymentRecord =>
  desiredCount === d.desiredCount ? d : { ...d, desiredCount, updatedAt: now };

/** Tasks are missing, nothing may be started or stopped, and nothing is under way that would change it. Rule [DP15]. */
function isStuck(plan: RollingPlan, roster: Roster, primary: DeploymentRecord, now: Instant): boolean {
  if (primary.rolloutState === "FAILED") return false;
  if (plan.missing === 0 || plan.starts.length > 0 || roster.stops.length > 0 || roster.isLeaving) return false;
  if (roster.held.size > 0) return false;
  if (roster.room > 0 || (primary.throttle.nextAttemptAt ?? 0) > now) return false;
  return roster.all.every((m) => m.health.state === "healthy");
}

function steadyActions(service: ServiceRecord, isSteady: boolean, now: Instant): readonly ServiceAction[] {
  if (!isSteady) return service.steadyAt === undefined ? [] : [{ kind: "set-steady", at: undefined }];
  if (service.steadyAt !== undefined && now - service.steadyAt < STEADY_REPEAT_MS) return [];
  return [
    { kind: "event", message: messages.STEADY, once: false },
    { kind: "set-steady", at: now },
  ];
}

function lookAgain(
  of: {
    readonly service: ServiceRecord;
    readonly roster: Roster;
    readonly plan: RollingPlan;
    readonly isSteady: boolean;
    readonly shift: ShiftLook | undefined;
  },
  now: Instant,
): readonly ServiceAction[] {
  const { service, roster, plan, isSteady, shift } = of;
  const times = roster.all.flatMap((m) => (m.health.changesAt === undefined ? [] : [m.health.changesAt]));
  times.push(...(shift?.times ?? []));
  const primary = primaryDeployment(service);
  const unplaced = nextUnplacedRound(service, primary);
  if (unplaced !== undefined) times.push(unplaced);
  for (const { throttle } of service.deployments) {
    if (throttle.nextAttemptAt !== undefined && throttle.nextAttemptAt > now) times.push(throttle.nextAttemptAt);
  }
  times.push(...protectionEnds(roster));
  if (isSteady)
    times.push(
      (service.steadyAt !== undefined && now - service.steadyAt < STEADY_REPEAT_MS ? service.steadyAt : now) +
        STEADY_REPEAT_MS,
    );
  if (plan.missing > 0 && plan.starts.some((s) => s.count >= MAX_STARTS_PER_LOOK)) times.push(now);
  const at = times.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
  return Number.isFinite(at) ? [{ kind: "look-again", at }] : [];
}

function isSameList(a: readonly DeploymentRecord[], b: readonly DeploymentRecord[]): boolean {
  return a.length === b.length && a.every((d, i) => d === b[i]);
}
