import { type BreakerCount, type DeploymentRecord, NOTHING_COUNTED } from "../model/deployment.ts";
import type { CircuitBreakerSettings, ServiceRecord } from "../model/service.ts";
import type { TaskRecord } from "../model/task.ts";
import type { Instant } from "../runtime/clock.ts";
import { verdictOf } from "./throttle.ts";

/** Source: ECS API reference, ThresholdConfiguration. */
const DEFAULT_THRESHOLD = { type: "BOUNDED_PERCENT", value: 50 } as const;
const LOWEST_BOUNDED = 3;
const HIGHEST_BOUNDED = 200;

/** A task that finds no place is one failure more each time this has passed: ECS's scheduler looks about every 10 s (observed). */
export const UNPLACED_ROUND_MS = 10_000;

/**
 * How many failures fail a deployment: with the default, half of desiredCount rounded up, at least 3 and at most 200.
 * desiredCount 1..6 gives 3, 7 gives 4, 25 gives 13, 400 and more give 200. Never 0. Rule [DP30].
 */
export function breakerThreshold(settings: CircuitBreakerSettings, desiredCount: number): number {
  const { type, value } = settings.thresholdConfiguration ?? DEFAULT_THRESHOLD;
  if (type === "COUNT") return Math.max(1, value);
  const share = Math.ceil((desiredCount * value) / 100);
  if (type === "UNBOUNDED_PERCENT") return Math.max(1, share);
  return Math.min(HIGHEST_BOUNDED, Math.max(LOWEST_BOUNDED, share));
}

/** How a deployment's tasks are at this look. */
export interface Present {
  /** When the first of its tasks that are to run reached RUNNING. */
  readonly firstStartedAt: Instant | undefined;
  /** How many count as healthy. */
  readonly healthy: number;
  /** True while tasks of the service are being stopped: what they hold may be the place that is missing. */
  readonly isLeaving: boolean;
}

/**
 * The PRIMARY deployment after its newly stopped tasks, its want of places and its healthy tasks have been counted; the
 * same object if that changes nothing. Only a deployment in progress is counted, and only with the breaker on. Rule [DP31].
 */
export function countForBreaker(
  deployment: DeploymentRecord,
  stopped: readonly TaskRecord[],
  present: Present,
  settings: CircuitBreakerSettings | undefined,
  now: Instant,
): DeploymentRecord {
  if (settings?.enable !== true || deployment.rolloutState !== "IN_PROGRESS") return deployment;
  const before = deployment.breaker ?? NOTHING_COUNTED;
  const firstStartedAt = [present.firstStartedAt, ...stopped.map((t) => t.startedAt)].reduce(
    (a, b) => (a === undefined || (b !== undefined && b < a) ? b : a),
    undefined,
  );
  let { failures, lastFailedTask } = before;
  const endOf = (task: TaskRecord) => task.stoppedAt ?? task.stoppingAt ?? 0;
  for (const task of stopped.toSorted((a, b) => endOf(a) - endOf(b))) {
    const hasRun = before.hasRun || (firstStartedAt !== undefined && firstStartedAt <= endOf(task));
    if (!isFailure(task, hasRun, before.hasBeenHealthy)) continue;
    failures++;
    lastFailedTask = task.arn;
  }
  const hasRun = before.hasRun || firstStartedAt !== undefined;
  const unplaced = hasRun ? NOT_DUE : unplacedRound(deployment, before, present, now);
  failures += unplaced.failures;
  if (present.healthy > before.healthy && settings.resetOnHealthyTask !== false) {
    failures = 0;
    lastFailedTask = undefined;
  }
  const breaker: BreakerCount = {
    failures,
    hasRun,
    hasBeenHealthy: before.hasBeenHealthy || present.healthy > 0,
    healthy: present.healthy,
    unplacedCountedAt: unplaced.at ?? before.unplacedCountedAt,
    lastFailedTask,
  };
  return isSameCount(breaker, before) ? deployment : { ...deployment, breaker };
}

/**
 * Stage 1, before a task has reached RUNNING: every task that stops without it. Stage 2: tasks that failed a health check.
 * And until one has been healthy: those that exited by themselves, which ECS's documents leave out and ECS counts (observed).
 */
function isFailure(task: TaskRecord, hasRun: boolean, hasBeenHealthy: boolean): boolean {
  switch (verdictOf(task)) {
    case "failed-start":
      // One that has an exit code did start, whatever was reported of it.
      return !hasRun || (!hasBeenHealthy && task.containers.some((c) => c.exitCode !== undefined));
    case "crashed":
    case "ran":
      return !hasBeenHealthy;
    case "failed-health":
      return true;
    case "asked-for":
      return false;
  }
}

const NOT_DUE = { failures: 0, at: undefined } as const;

/** Counts, or forgives while room is being made, that a task has found no place for a round. */
function unplacedRound(
  { unplacedSince }: DeploymentRecord,
  before: BreakerCount,
  { isLeaving }: Present,
  now: Instant,
): { readonly failures: number; readonly at: Instant | undefined } {
  if (unplacedSince === undefined) return NOT_DUE;
  if (now < Math.max(unplacedSince, before.unplacedCountedAt ?? 0) + UNPLACED_ROUND_MS) return NOT_DUE;
  return { failures: isLeaving ? 0 : 1, at: now };
}

/** When time alone brings the next failure; undefined if it does not. */
export function nextUnplacedRound(service: ServiceRecord, deployment: DeploymentRecord): Instant | undefined {
  const { unplacedSince, breaker, rolloutState } = deployment;
  if (service.circuitBreaker?.enable !== true || rolloutState !== "IN_PROGRESS") return undefined;
  if (unplacedSince === undefined || breaker?.hasRun === true) return undefined;
  return Math.max(unplacedSince, breaker?.unplacedCountedAt ?? 0) + UNPLACED_ROUND_MS;
}

/** True when the deployment's failures have reached the threshold, at the service's desiredCount of now. */
export function isTripped(service: ServiceRecord, deployment: DeploymentRecord): boolean {
  const { circuitBreaker, desiredCount } = service;
  if (circuitBreaker?.enable !== true || deployment.rolloutState !== "IN_PROGRESS") return false;
  return (deployment.breaker?.failures ?? 0) >= breakerThreshold(circuitBreaker, desiredCount);
}

function isSameCount(a: BreakerCount, b: BreakerCount): boolean {
  return (
    a.failures === b.failures &&
    a.hasRun === b.hasRun &&
    a.hasBeenHealthy === b.hasBeenHealthy &&
    a.healthy === b.healthy &&
    a.unplacedCountedAt === b.unplacedCountedAt &&
    a.lastFailedTask === b.lastFailedTask
  );
}
