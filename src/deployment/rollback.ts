import { type DeploymentRecord, NO_THROTTLE } from "../model/deployment.ts";
import { primaryDeployment, type ServiceRecord } from "../model/service.ts";
import type { Instant } from "../runtime/clock.ts";
import { isTripped } from "./circuit-breaker.ts";
import * as messages from "./messages.ts";
import type { ShiftLook } from "./shift.ts";

/** What was decided about the deployment in progress. */
export interface Judgement {
  /** With the deployments after it; the same object if the deployment goes on. */
  readonly service: ServiceRecord;
  /** For the service's history, without its name. */
  readonly events: readonly string[];
  /** True if the service is again what its PRIMARY deployment says. */
  readonly isRollback: boolean;
}

/** What else than its circuit breaker may end the deployment in progress, and where its traffic would go back to. */
export interface Charge {
  readonly isRollbackRequested: boolean;
  /** For a deployment that shifts traffic: the one that has the traffic, and why the shift is to be given up. */
  readonly shift?: Pick<ShiftLook, "live" | "fault" | "state">;
}

/**
 * Fails the PRIMARY deployment when its circuit breaker trips, its rollback was asked for or its shift is given up, and makes
 * the last completed deployment the PRIMARY again if it is to be rolled back. Rules [DP32], [DP33], [TS9].
 */
export function judgeDeployment(service: ServiceRecord, charge: Charge, now: Instant): Judgement {
  const primary = primaryDeployment(service);
  const isRequested = charge.isRollbackRequested && primary.rolloutState === "IN_PROGRESS";
  const fault = charge.shift?.fault;
  const why = isRequested
    ? "request"
    : fault !== undefined
      ? { fault }
      : isTripped(service, primary)
        ? "breaker"
        : undefined;
  if (why === undefined) return { service, events: [], isRollback: false };
  const words = wordsOf(why);
  const failed: DeploymentRecord = {
    ...primary,
    rolloutState: "FAILED",
    rolloutStateReason: words.failed,
    unplacedSince: undefined,
    updatedAt: now,
  };
  const event = words.event(primary.id);
  const isToGoBack = isRequested || charge.shift !== undefined || service.circuitBreaker?.rollback === true;
  const candidate = !isToGoBack
    ? undefined
    : charge.shift === undefined
      ? rollbackCandidate(service)
      : charge.shift.live;
  if (candidate === undefined) {
    // With nothing to give its traffic to, it keeps it.
    const serving = (charge.shift?.state.production ?? 0) > 0 ? { ...failed, tookOverAt: now } : failed;
    const deployments = service.deployments.map((d) => (d === primary ? serving : d));
    return { service: { ...service, deployments }, events: [event], isRollback: false };
  }
  const again: DeploymentRecord = {
    ...candidate,
    status: "PRIMARY",
    desiredCount: service.desiredCount,
    rolloutState: "IN_PROGRESS",
    rolloutStateReason: words.rollback(candidate.id),
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

function wordsOf(why: "request" | "breaker" | { readonly fault: string }) {
  if (why === "request") {
    return {
      failed: messages.STOPPED_ON_REQUEST,
      event: messages.deploymentStopped,
      rollback: messages.requestedRollbackReason,
    };
  }
  if (why === "breaker") {
    return {
      failed: messages.BREAKER_TRIPPED,
      event: messages.deploymentFailed,
      rollback: messages.breakerRollbackReason,
    };
  }
  return {
    failed: messages.givenUpReason(why.fault),
    event: (id: string) => messages.deploymentGivenUp(id, why.fault),
    rollback: messages.givenUpRollbackReason,
  };
}

/**
 * The last deployment before the PRIMARY that was completed, or that had taken over all traffic when it was superseded. One
 * that is being rolled back to is none until it is COMPLETED again.
 */
export function rollbackCandidate({ deployments }: ServiceRecord): DeploymentRecord | undefined {
  return deployments.find(
    (d) =>
      d.status !== "PRIMARY" && (d.rolloutState === "COMPLETED" || (d.completedAt === undefined && hasTakenOver(d))),
  );
}

const hasTakenOver = (d: DeploymentRecord) => d.tookOverAt !== undefined && d.rolloutState === "IN_PROGRESS";
