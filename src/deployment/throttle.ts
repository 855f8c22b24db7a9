import type { DeploymentRecord, StartThrottle } from "../model/deployment.ts";
import type { TaskRecord } from "../model/task.ts";
import type { Instant } from "../runtime/clock.ts";
import type { Health } from "./health.ts";

/** The longest wait between two attempts at a task that does not reach RUNNING. Source: ECS developer guide, service throttle logic. */
export const LONGEST_START_DELAY_MS = 27 * 60 * 1000;
/** A task that exits by itself sooner than this after RUNNING is part of a crash loop. Our choice: ECS publishes none. */
export const CRASH_LOOP_RUN_MS = 10_000;
/** So many rounds of a crash loop are replaced at once. */
export const FREE_CRASH_ROUNDS = 3;
/** The longest wait before a crashed task's replacement. Modest: the task did start, and may recover with what it depends on. */
export const LONGEST_CRASH_DELAY_MS = 10_000;
/** A crash this long after the last failure is the first again. */
export const FORGET_CRASHES_AFTER_MS = 5 * 60 * 1000;
/** From this round of failed starts on, an event tells of it. */
export const IMPAIRED_AFTER_ROUNDS = 3;

/**
 * How long the next start waits. A round is as many failures as the service has tasks, so that ten copies that fail
 * together count as one. Failed starts: 1 s after the first round, doubled with each further one, at most 27 minutes.
 * Crashes: nothing for three rounds, then 1 s, doubled up to 10 s. Rules [DP12], [DP13].
 */
export function startDelayMs(throttle: StartThrottle, desiredCount: number): number {
  const failed = roundsOf(throttle.failures, desiredCount);
  const crashed = roundsOf(throttle.crashes, desiredCount) - FREE_CRASH_ROUNDS;
  return Math.max(
    failed === 0 ? 0 : Math.min(LONGEST_START_DELAY_MS, 1000 * 2 ** Math.min(failed - 1, 20)),
    crashed <= 0 ? 0 : Math.min(LONGEST_CRASH_DELAY_MS, 1000 * 2 ** Math.min(crashed - 1, 20)),
  );
}

/** True when the starts of a deployment fail again and again. */
export function isImpaired(throttle: StartThrottle, desiredCount: number): boolean {
  return roundsOf(throttle.failures, desiredCount) >= IMPAIRED_AFTER_ROUNDS;
}

function roundsOf(count: number, desiredCount: number): number {
  return Math.ceil(count / Math.max(1, desiredCount));
}

/**
 * True for a task that is well and may be taken for one that stays. One that took its place within five minutes of the exit of another has to
 * count as healthy for that: between two crashes all tasks run, and nothing is steady. Rule [DP40].
 */
export function isSettled(
  { task, health }: { readonly task: TaskRecord; readonly health: Health },
  { throttle: { lastExitAt } }: Pick<DeploymentRecord, "throttle">,
): boolean {
  const isSuspect = lastExitAt !== undefined && (task.startedAt ?? 0) < lastExitAt + FORGET_CRASHES_AFTER_MS;
  return isSuspect ? health.state === "healthy" : health.well;
}

/** What a stopped task says about its deployment. */
export type Verdict = "failed-start" | "crashed" | "failed-health" | "ran" | "asked-for";

export function verdictOf(task: TaskRecord): Verdict {
  if (task.failureCounted === true) return "asked-for";
  if (task.stopCode === "TaskFailedToStart") return "failed-start";
  if (task.stopCode === "EssentialContainerExited") {
    if (task.startedAt === undefined) return "failed-start";
    const end = task.executionStoppedAt ?? task.stoppingAt ?? task.stoppedAt ?? task.startedAt;
    return end - task.startedAt < CRASH_LOOP_RUN_MS ? "crashed" : "ran";
  }
  if (task.stopCode === "ServiceSchedulerInitiated" && task.stoppedReason?.startsWith("Task failed ")) {
    return "failed-health";
  }
  return "asked-for";
}

/**
 * True for a task that is being stopped for its bad health: it is counted now, since its targets may drain for minutes
 * before it has stopped.
 */
export function isFailingNow(task: TaskRecord): boolean {
  const isLeaving = task.desiredStatus === "STOPPED" && task.lastStatus !== "STOPPED";
  return isLeaving && verdictOf(task) === "failed-health";
}

function isForgotten(task: TaskRecord, lastFailureAt: Instant | undefined): boolean {
  return lastFailureAt !== undefined && (task.stoppedAt ?? 0) - lastFailureAt > FORGET_CRASHES_AFTER_MS;
}

/**
 * The deployment after its newly stopped tasks have been counted, and the success of its present ones taken in:
 * `startedSince` is true if one of them reached RUNNING after the last failure, `isHealthy` if one counts as healthy.
 */
export function countFailures(
  deployment: DeploymentRecord,
  stopped: readonly TaskRecord[],
  present: { readonly lastStartedAt: Instant | undefined; readonly isHealthy: boolean },
  desiredCount: number,
): DeploymentRecord {
  let { failures, crashes, lastFailureAt, lastExitAt, nextAttemptAt } = deployment.throttle;
  let failedTasks = deployment.failedTasks;
  const inOrder = stopped.toSorted((a, b) => (a.stoppedAt ?? 0) - (b.stoppedAt ?? 0));
  for (const task of inOrder) {
    const verdict = verdictOf(task);
    if (task.startedAt !== undefined) failures = 0;
    if (verdict === "ran") crashes = 0;
    if (verdict === "ran" || verdict === "crashed") lastExitAt = task.stoppedAt ?? task.createdAt;
    if (verdict === "failed-start" || verdict === "failed-health") failedTasks++;
    if (verdict === "failed-start") failures++;
    if (verdict === "crashed") crashes = isForgotten(task, lastFailureAt) ? 1 : crashes + 1;
    if (verdict === "failed-start" || verdict === "crashed") {
      lastFailureAt = task.stoppedAt ?? task.createdAt;
      const delay = startDelayMs({ failures, crashes }, desiredCount);
      nextAttemptAt = delay === 0 ? undefined : lastFailureAt + delay;
    }
  }
  if (present.lastStartedAt !== undefined && failures > 0 && present.lastStartedAt > (lastFailureAt ?? 0)) {
    failures = 0;
    nextAttemptAt = undefined;
  }
  if (present.isHealthy) failedTasks = 0;
  const throttle: StartThrottle = {
    failures,
    crashes,
    lastFailureAt,
    ...(lastExitAt === undefined ? {} : { lastExitAt }),
    nextAttemptAt,
  };
  const isSame =
    failedTasks === deployment.failedTasks &&
    failures === deployment.throttle.failures &&
    crashes === deployment.throttle.crashes &&
    lastFailureAt === deployment.throttle.lastFailureAt &&
    lastExitAt === deployment.throttle.lastExitAt &&
    nextAttemptAt === deployment.throttle.nextAttemptAt;
  return isSame ? deployment : { ...deployment, failedTasks, throttle };
}
