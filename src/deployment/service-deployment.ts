import type { DeploymentRecord } from "../model/deployment.ts";
import { NO_CIRCUIT_BREAKER, primaryDeployment, type ServiceRecord } from "../model/service.ts";
import {
  type BreakerReport,
  deploymentIdOf,
  moveServiceDeployment,
  revisionArnOf,
  type ServiceDeploymentRecord,
} from "../model/service-deployment.ts";
import { assertNever } from "../runtime/assert-never.ts";
import type { Instant } from "../runtime/clock.ts";
import { breakerThreshold } from "./circuit-breaker.ts";
import { failedHookTask } from "./hooks.ts";
import * as messages from "./messages.ts";

/**
 * The service deployments whose records say something else after this look. `unfinished` are all of the service that
 * are not over; `judged` is the service with the deployments that were looked at, none dropped, and `after` with what
 * became of them. Rule [DP35].
 */
export function advanceServiceDeployments(
  unfinished: readonly ServiceDeploymentRecord[],
  judged: ServiceRecord,
  after: ServiceRecord,
  now: Instant,
): readonly ServiceDeploymentRecord[] {
  return unfinished.flatMap((record) => {
    const target = judged.deployments.find((d) => d.id === deploymentIdOf(record.targetRevisionArn));
    const next = withFailedTask(advance(withBreaker(record, judged, target), after, now), target, now);
    return next === record ? [] : [next];
  });
}

/** True if a call has asked for the roll-back of what is now the PRIMARY deployment. */
export function isRollbackRequested(unfinished: readonly ServiceDeploymentRecord[], service: ServiceRecord): boolean {
  const primary = revisionArnOf(service.arn, primaryDeployment(service).id);
  return unfinished.some((d) => d.status === "ROLLBACK_REQUESTED" && d.targetRevisionArn === primary);
}

/** What the circuit breaker says of a deployment that has just begun, or that goes on. */
export function breakerReport(service: ServiceRecord, deployment?: DeploymentRecord): BreakerReport {
  const settings = service.circuitBreaker ?? NO_CIRCUIT_BREAKER;
  return {
    status: settings.enable ? "MONITORING" : "DISABLED",
    failureCount: deployment?.breaker?.failures ?? 0,
    threshold: breakerThreshold(settings, service.desiredCount),
  };
}

/** The record with the count of this look, while the deployment is monitored. */
function withBreaker(
  record: ServiceDeploymentRecord,
  judged: ServiceRecord,
  target: DeploymentRecord | undefined,
): ServiceDeploymentRecord {
  const isWatched = record.status === "PENDING" || record.status === "IN_PROGRESS";
  if (!isWatched || target === undefined) return record;
  const breaker = breakerReport(judged, target);
  const { status, failureCount, threshold } = record.breaker;
  const isSame = status === breaker.status && failureCount === breaker.failureCount && threshold === breaker.threshold;
  return isSame ? record : { ...record, breaker };
}

/** The record with the task to tell of, once the circuit breaker has tripped or the task of a hook has failed. */
function withFailedTask(
  record: ServiceDeploymentRecord,
  target: DeploymentRecord | undefined,
  now: Instant,
): ServiceDeploymentRecord {
  const ofHook = record.shift?.fault === undefined ? undefined : failedHookTask(record.shift);
  const taskArn = ofHook ?? (record.breaker.status === "TRIGGERED" ? target?.breaker?.lastFailedTask : undefined);
  if (record.failedTask !== undefined || taskArn === undefined) return record;
  return { ...record, failedTask: { taskArn, since: now, isTold: false } };
}

function advance(record: ServiceDeploymentRecord, service: ServiceRecord, now: Instant): ServiceDeploymentRecord {
  switch (record.status) {
    case "PENDING":
      return advance(moveServiceDeployment(record, "IN_PROGRESS", now), service, now);
    case "IN_PROGRESS":
    case "ROLLBACK_REQUESTED":
      return advanceForward(record, service, now);
    case "STOP_REQUESTED":
      return moveServiceDeployment(record, "STOPPED", now);
    case "ROLLBACK_IN_PROGRESS": {
      const { rolloutState } = primaryDeployment(service);
      if (rolloutState === "COMPLETED") return moveServiceDeployment(record, "ROLLBACK_SUCCESSFUL", now);
      if (rolloutState !== "FAILED") return record;
      return moveServiceDeployment(record, "ROLLBACK_FAILED", now, { statusReason: messages.ROLLBACK_FAILED });
    }
    case "SUCCESSFUL":
    case "STOPPED":
    case "ROLLBACK_SUCCESSFUL":
    case "ROLLBACK_FAILED":
      return record;
    default:
      return assertNever(record.status, "status of a service deployment");
  }
}

/** As long as it has not been rolled back: its deployment is the PRIMARY, or just was. */
function advanceForward(
  record: ServiceDeploymentRecord,
  service: ServiceRecord,
  now: Instant,
): ServiceDeploymentRecord {
  const primary = primaryDeployment(service);
  const isRequested = record.status === "ROLLBACK_REQUESTED";
  const isBreaker = !isRequested && record.shift?.fault === undefined;
  const tripped = isBreaker ? ({ ...record.breaker, status: "TRIGGERED" } as const) : ended(record.breaker);
  if (primary.id !== deploymentIdOf(record.targetRevisionArn)) {
    const fault = record.shift?.fault;
    const why = fault === undefined ? messages.ROLLED_BACK_BY_BREAKER : messages.rolledBackBecause(fault);
    const reason = isRequested ? messages.ROLLED_BACK_ON_REQUEST : why;
    return moveServiceDeployment(record, "ROLLBACK_IN_PROGRESS", now, {
      statusReason: reason,
      breaker: tripped,
      rollback: { reason, startedAt: now, revisionArn: revisionArnOf(service.arn, primary.id) },
    });
  }
  if (primary.rolloutState === "COMPLETED") {
    return moveServiceDeployment(record, "SUCCESSFUL", now, { breaker: ended(record.breaker) });
  }
  if (primary.rolloutState !== "FAILED") return record;
  if (isRequested) {
    return moveServiceDeployment(record, "STOPPED", now, { statusReason: messages.NO_CANDIDATE, breaker: tripped });
  }
  if (service.circuitBreaker?.rollback !== true && record.shift === undefined) {
    const statusReason = messages.STOPPED_BY_BREAKER;
    return moveServiceDeployment(record, "STOPPED", now, { statusReason, breaker: tripped });
  }
  const rolling = moveServiceDeployment(record, "ROLLBACK_IN_PROGRESS", now, { breaker: tripped });
  return moveServiceDeployment(rolling, "ROLLBACK_FAILED", now, { statusReason: messages.NO_CANDIDATE });
}

function ended(breaker: BreakerReport): BreakerReport {
  return breaker.status === "MONITORING" ? { ...breaker, status: "MONITORING_COMPLETE" } : breaker;
}
