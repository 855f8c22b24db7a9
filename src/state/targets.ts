import { type TargetRecord, targetKey } from "../model/load-balancer.ts";
import type { Instant } from "../runtime/clock.ts";
import type { BerthTransaction } from "../store/index.ts";

/** Registers a target; one that is registered already stays as it is, one that is leaving comes back as new. */
export function registerTarget(
  tx: BerthTransaction,
  target: Pick<TargetRecord, "targetGroupArn" | "id" | "port" | "taskArn">,
  now: Instant,
): TargetRecord {
  const existing = tx.targets.get(targetKey(target));
  if (existing !== undefined && existing.drainingSince === undefined && existing.taskArn === target.taskArn)
    return existing;
  return tx.targets.put({
    ...target,
    state: "initial",
    reason: "Elb.RegistrationInProgress",
    description: "Target registration is in progress",
    registeredAt: now,
  });
}

/** Takes a target out of rotation: it finishes what it has, and is removed when drained or after the group's delay. */
export function deregisterTarget(tx: BerthTransaction, target: TargetRecord, now: Instant): TargetRecord {
  if (target.drainingSince !== undefined) return target;
  return tx.targets.put({
    ...target,
    state: "draining",
    reason: "Target.DeregistrationInProgress",
    description: "Target deregistration is in progress",
    drainingSince: now,
  });
}

/** What was seen of a target's health. Changes nothing for one that is leaving or is as it was. */
export function applyTargetHealth(
  tx: BerthTransaction,
  target: TargetRecord,
  health: Pick<TargetRecord, "state" | "reason" | "description">,
): TargetRecord {
  if (target.drainingSince !== undefined) return target;
  if (target.state === health.state && target.reason === health.reason && target.description === health.description)
    return target;
  return tx.targets.put({ ...target, state: health.state, reason: health.reason, description: health.description });
}

/** Forgets a target. */
export function removeTarget(tx: BerthTransaction, target: TargetRecord): void {
  tx.targets.delete(targetKey(target));
}
