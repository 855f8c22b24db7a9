import type { HookRun } from "../model/traffic-shift.ts";

/** Service events as ECS words them, each without the leading `(service <name>) `. Source: ECS service event messages. */

export const STEADY = "has reached a steady state.";

export const STUCK =
  "was unable to stop or start tasks during a deployment because of the service deployment configuration. " +
  "Update the minimumHealthyPercent or maximumPercent value and try again.";

export const IMPAIRED =
  "is unable to consistently start tasks successfully. For more information, see the Troubleshooting section of the " +
  "Amazon ECS Developer Guide.";

export const deploymentCompleted = (id: string) => `(deployment ${id}) deployment completed.`;

export const deploymentFailed = (id: string) => `(deployment ${id}) deployment failed: tasks failed to start.`;

export const deploymentStopped = (id: string) => `(deployment ${id}) deployment stopped: its rollback was requested.`;

export const rollingBack = (id: string) => `rolling back to deployment ${id}.`;

/** Ids at the end of each task's ARN, in the order given. */
export function startedTasks(taskIds: readonly string[], replacesUnhealthy: number): string {
  const replaced =
    replacesUnhealthy === 0 ? "" : ` Amazon ECS replaced ${replacesUnhealthy} tasks due to an unhealthy status.`;
  return `has started ${taskIds.length} tasks: ${listOf(taskIds)}.${replaced}`;
}

export const stoppedRunningTasks = (taskIds: readonly string[]) =>
  `has stopped ${taskIds.length} running tasks: ${listOf(taskIds)}.`;

export const stoppedPendingTasks = (count: number) => `stopped ${count} pending tasks.`;

/** Tasks of a deployment stay that are not wanted any more. Source: observed of ECS. */
export const heldByProtection = (deploymentId: string, count: number) =>
  `was unable to reach steady state because (taskSet ${deploymentId}) was unable to scale in due to ` +
  `(reason ${count} tasks under protection)`;

/** A stopped task's reason when the service no longer wants it. Source: ECS developer guide, stopped task errors. */
export const scalingReason = (deploymentId: string) => `Scaling activity initiated by (deployment ${deploymentId})`;

/** `rolloutStateReason` of a deployment. */
export const inProgressReason = (id: string) => `ECS deployment ${id} in progress.`;
export const completedReason = (id: string) => `ECS deployment ${id} completed.`;
export const BREAKER_TRIPPED = "ECS deployment circuit breaker: tasks failed to start.";
export const breakerRollbackReason = (id: string) =>
  `ECS deployment circuit breaker: rolling back to deploymentId ${id}.`;
export const STOPPED_ON_REQUEST = "ECS deployment stopped: its rollback was requested.";
export const requestedRollbackReason = (id: string) =>
  `ECS deployment rollback requested: rolling back to deploymentId ${id}.`;

/** `statusReason` of a service deployment. Source: observed of ECS; the last three are our words. */
export const ROLLED_BACK_BY_BREAKER =
  "Service deployment rolled back because the circuit breaker threshold was exceeded.";
export const NO_CANDIDATE = "No rollback candidate was found to run the rollback.";
export const ROLLED_BACK_ON_REQUEST = "Service deployment rolled back because its rollback was requested.";
export const STOPPED_BY_BREAKER = "Service deployment stopped because the circuit breaker threshold was exceeded.";
export const ROLLBACK_FAILED = "The rollback failed because the circuit breaker threshold was exceeded.";

/** Of deployments that shift traffic. Our words. */
export const NO_HEALTHY_TASK = "none of its tasks was healthy while it had traffic";
export const stageTooLong = (stage: string, limitMs: number) =>
  `it was in stage ${stage} for longer than ${limitMs / 3_600_000} hours`;
export const deploymentTooLong = (limitMs: number) => `it took longer than ${limitMs / 86_400_000} days`;
export const shifted = (percent: number, what: "production" | "test", id: string) =>
  `(deployment ${id}) has ${percent} percent of ${what} traffic.`;
export const hookBegun = (id: string, run: HookRun, targetType: string) =>
  targetType === "PAUSE"
    ? `(deployment ${id}) is paused at ${run.stage}: continue or roll back with hook ${run.id}.`
    : `(deployment ${id}) waits at ${run.stage} for the task of hook ${run.id}.`;
export const ruleMissing = (arn: string) =>
  `was unable to shift traffic: there is no listener rule ${arn} that forwards to target groups.`;
export const HOOK_ABANDONED = "The deployment does not wait for this lifecycle hook any more";
export const deploymentGivenUp = (id: string, why: string) => `(deployment ${id}) deployment failed: ${why}.`;
export const givenUpReason = (why: string) => `ECS deployment failed: ${why}.`;
export const givenUpRollbackReason = (id: string) => `ECS deployment failed: rolling back to deploymentId ${id}.`;
export const rolledBackBecause = (why: string) => `Service deployment rolled back because ${why}.`;

function listOf(taskIds: readonly string[]): string {
  return taskIds.map((id) => `(task ${id})`).join(" ");
}
