import type { DeploymentRecord } from "../model/deployment.ts";
import type { ServiceRecord } from "../model/service.ts";
import type { Instant } from "../runtime/clock.ts";
import type { ContainerInstanceArn } from "../wire/arn.ts";
import { carryMoveOn, type MoveProgress } from "./moving.ts";
import type { Member, Roster } from "./roster.ts";

/** Tasks to start in one deployment. */
export interface Start {
  readonly deployment: DeploymentRecord;
  readonly count: number;
  readonly replacesUnhealthy: number;
  /** The instances, one for each task; without it each finds its own place. */
  readonly on?: readonly ContainerInstanceArn[];
}

/** What a look at a rolling service decided, beside the roster's stops. */
export interface RollingPlan {
  readonly starts: readonly Start[];
  /** How many tasks the PRIMARY still lacks after these starts. */
  readonly missing: number;
  /** What has become of a task that is being moved. */
  readonly move?: MoveProgress;
}

/** The most tasks that one look starts; more follow at the next, so that no transaction grows without limit. */
export const MAX_STARTS_PER_LOOK = 200;

/**
 * Decides what to stop (in the roster) and what to start, for the rolling strategy; of the PRIMARY no more than
 * `mostStarts`. Each step sees what the steps before it left. Rules [DP5] to [DP11].
 */
export function planRolling(
  service: ServiceRecord,
  primary: DeploymentRecord,
  roster: Roster,
  now: Instant,
  mostStarts: number = MAX_STARTS_PER_LOOK,
): RollingPlan {
  const { desiredCount } = service;
  for (const m of roster.all) {
    if (m.health.state !== "starting" || m.isProtected) continue;
    if (isDraining(m) || isAbandoned(m, primary)) roster.stop(m);
  }
  const move = carryMoveOn(service, roster);
  const surplus = move.awaited === undefined ? 0 : 1;
  roster.retire(good(roster.primary), good(roster.primary).length - desiredCount - surplus);
  retireReplacedOld(roster, desiredCount);
  const bad = roster.primary.filter((m) => m.isBad);
  roster.retire(bad, healthyGood(roster.primary) + bad.length - desiredCount);
  const wants = canStart(primary, now) ? desiredCount - good(roster.primary).length : 0;
  makeRoom(roster, wants);
  const limits = { now, mostStarts: Math.min(mostStarts, MAX_STARTS_PER_LOOK) };
  return { ...planStarts(service, primary, roster, limits), move };
}

/** Each healthy task of the PRIMARY lets one old task go; those that were never part of a completed deployment go first. */
function retireReplacedOld(roster: Roster, desiredCount: number): void {
  const keep = Math.max(0, desiredCount - healthyGood(roster.primary));
  for (const isWell of [false, true]) {
    for (const hasCompleted of [false, true]) {
      const these = roster.old.filter(
        (m) => (m.health.state === "healthy") === isWell && isProven(m.deployment) === hasCompleted,
      );
      roster.retire(these, roster.old.length - keep);
    }
  }
}

/** Stops what the floor lets go, when the ceiling leaves too little room for the tasks that the PRIMARY wants. */
function makeRoom(roster: Roster, wants: number): void {
  const short = () => wants - Math.max(0, roster.roomToCome);
  if (wants <= 0 || short() <= 0) return;
  roster.retire(roster.old, short(), (m) => m.health.state === "unhealthy" || roster.healthyCount >= roster.floor);
  if (short() <= 0) return;
  roster.retire(
    roster.primary.filter((m) => m.isBad && m.health.state === "healthy"),
    short(),
  );
  // Unhealthy ones make room one at a time, and only while no replacement is on its way.
  const isUnderWay = roster.primary.some((m) => !m.isBad && m.health.state !== "healthy");
  if (roster.roomToCome <= 0 && !isUnderWay) {
    roster.retire(
      roster.primary.filter((m) => m.health.state === "unhealthy"),
      1,
    );
  }
}

function planStarts(
  service: ServiceRecord,
  primary: DeploymentRecord,
  roster: Roster,
  { now, mostStarts }: { readonly now: Instant; readonly mostStarts: number },
): RollingPlan {
  const starts: Start[] = [];
  let room = Math.max(0, roster.room);
  const order = (deployment: DeploymentRecord, wanted: number, unhealthy: number) => {
    const count = Math.min(wanted, room, deployment === primary ? mostStarts : MAX_STARTS_PER_LOOK);
    if (count <= 0) return;
    room -= count;
    starts.push({ deployment, count, replacesUnhealthy: Math.min(unhealthy, count) });
  };
  const repair = repairOf(service, roster, now);
  const urgent = Math.min(repair.count, roster.floor - prospects(roster));
  if (repair.deployment !== undefined) order(repair.deployment, urgent, 0);
  const lacking = service.desiredCount - good(roster.primary).length;
  const unhealthy = [...roster.primary, ...roster.stops.map((s) => s.member)].filter(
    (m) => m.deployment === primary && m.health.state === "unhealthy",
  ).length;
  if (canStart(primary, now)) order(primary, lacking, unhealthy);
  if (repair.deployment !== undefined) order(repair.deployment, repair.count - Math.max(0, urgent), 0);
  const started = starts.reduce((n, s) => n + (s.deployment === primary ? s.count : 0), 0);
  return { starts, missing: Math.max(0, lacking - started) };
}

/**
 * Which earlier deployment may get tasks back that it lost: the newest that was once completed, up to what it is still
 * to have and to what the PRIMARY does not carry yet. A deployment that never worked is not repaired.
 */
function repairOf(
  service: ServiceRecord,
  roster: Roster,
  now: Instant,
): { readonly deployment: DeploymentRecord | undefined; readonly count: number } {
  const deployment = service.deployments.find((d) => d.status === "ACTIVE" && isProven(d));
  if (deployment === undefined || !canStart(deployment, now)) return { deployment: undefined, count: 0 };
  const stopped = roster.stops.filter((s) => s.member.deployment === deployment && !s.member.isBad).length;
  const mine = good(roster.old.filter((m) => m.deployment === deployment)).length;
  const carried = healthyGood(roster.primary) + good(roster.old).length;
  const count = Math.min(deployment.desiredCount - stopped - mine, service.desiredCount - carried);
  return { deployment, count: Math.max(0, count) };
}

/** Tasks that are healthy, or of earlier deployments and on their way to it. */
function prospects(roster: Roster): number {
  const coming = roster.old.filter((m) => !m.isBad && m.health.state !== "healthy").length;
  return roster.all.filter((m) => m.health.state === "healthy" && !m.isBad).length + coming;
}

/** False while failures hold the deployment's starts back, or for good once it is FAILED. */
export function canStart(deployment: DeploymentRecord, now: Instant): boolean {
  if (deployment.rolloutState === "FAILED") return false;
  return deployment.throttle.nextAttemptAt === undefined || deployment.throttle.nextAttemptAt <= now;
}

/** True for a deployment that has once been completed, or has taken over all traffic: its tasks are known to work. */
export function isProven(deployment: DeploymentRecord | undefined): boolean {
  if (deployment?.rolloutState === "COMPLETED") return true;
  return deployment?.completedAt !== undefined || deployment?.tookOverAt !== undefined;
}

const isDraining = (m: Member) => m.instance?.status === "DRAINING";
/** Of a deployment that never worked and is given up or being replaced. */
export const isAbandoned = (m: Member, primary: DeploymentRecord) =>
  m.deployment === primary ? primary.rolloutState === "FAILED" : !isProven(m.deployment);
const good = (members: readonly Member[]) => members.filter((m) => !m.isBad);
const healthyGood = (members: readonly Member[]) => good(members).filter((m) => m.health.state === "healthy").length;
