import { type DeploymentRecord, NO_THROTTLE, primaryDeployment, type ServiceRecord } from "../model/service.ts";
import type { Instant } from "../runtime/clock.ts";
import { isTripped } from "./circuit-breaker.ts";
import * as messages from "./messages.ts";

/** What was decided about the deployment in progress. */
export interface Judgement {
  /** With the deployments after it; the same object if the deployment goes on. */
  readonly service: ServiceRecord;
  /** For the service's history, without its name. */
  readonly events: readonly string[];
  /** True if the service is again what its PRIMARY deployment says. */
  readonly isRollback: boolean;
}

/**
 * Fails the PRIMARY deployment when its circuit breaker trips or its rollback was asked for, and makes the last completed
 * deployment the PRIMARY again if it is to be rolled back. Rules [DP32], [DP33].
 */
export function judgeDeployment(service: ServiceRecord, isRollbackRequested: boolean, now: Instant): Judgement {
  const primary = primaryDeployment(service);
  const isRequested = isRollbackRequested && primary.rolloutState === "IN_PROGRESS";
  if (!isRequested && !isTripped(service, primary)) return { service, events: [], isRollback: false };
  const failed: DeploymentRecord = {
    ...primary,
    rolloutState: "FAILED",
    rolloutStateReason: isRequested ? messages.STOPPED_ON_REQUEST : messages.BREAKER_TRIPPED,
    unplacedSince: undefined,
    updatedAt: now,
  };
  const event = isRequested ? messages.deploymentStopped(primary.id) : messages.deploymentFailed(primary.id);
  const candidate = isRequested || service.circuitBreaker?.rollback === true ? rollbackCandidate(service) : undefined;
  if (candidate === undefined) {
    const deployments = service.deployments.map((d) => (d === primary ? failed : d));
    return { service: { ...service, deployments }, events: [event], isRollback: false };
  }
  const again: DeploymentRecord = {
    ...candidate,
    status: "PRIMARY",
    desiredCount: service.desiredCount,
    rolloutState: "IN_PROGRESS",
    rolloutStateReason: isRequested
      ? messages.requestedRollbackReason(candidate.id)
      : messages.breakerRollbackReason(candidate.id),
    failedTasks: 0,
    throttle: NO_THROTTLE,
    breaker: undefined,
    unplacedSince: undefined,
    updatedAt: now,
  };
  const others = service.deployments.filter((d) => d !== primary && d !== candidate);
  const deployments = [again, { ...failed, status: "ACTIVE" as const }, ...others];
  return { service: { ...service, deployments }, events: [event, messages.rollingBack(again.id)], isRollback: true };
}

/** The last completed deployment before the PRIMARY. One that is being rolled back to is none until it is COMPLETED again. */
export function rollbackCandidate({ deployments }: ServiceRecord): DeploymentRecord | undefined {
  return deployments.find((d) => d.status !== "PRIMARY" && d.rolloutState === "COMPLETED");
}
