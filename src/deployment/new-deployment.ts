import { type DeploymentRecord, NO_THROTTLE } from "../model/deployment.ts";
import type { ServiceRecord } from "../model/service.ts";
import type { Instant } from "../runtime/clock.ts";
import { inProgressReason } from "./messages.ts";

/** What a new deployment takes over from its service as it is to be. */
export type DeploymentWish = Pick<
  ServiceRecord,
  "taskDefinitionArn" | "loadBalancers" | "desiredCount" | "schedulingStrategy" | "placementConstraints"
> &
  Pick<DeploymentRecord, "usesAlternate">;

/** A PRIMARY deployment that has just begun. `id` is `ecs-svc/<19 digits>`. */
export function newDeployment(id: string, wish: DeploymentWish, now: Instant): DeploymentRecord {
  return {
    id,
    status: "PRIMARY",
    taskDefinitionArn: wish.taskDefinitionArn,
    loadBalancers: wish.loadBalancers,
    ...(wish.usesAlternate === true ? { usesAlternate: true } : {}),
    desiredCount: wish.desiredCount,
    ...(wish.schedulingStrategy === "DAEMON" ? { placementConstraints: wish.placementConstraints } : {}),
    rolloutState: "IN_PROGRESS",
    rolloutStateReason: inProgressReason(id),
    failedTasks: 0,
    throttle: NO_THROTTLE,
    createdAt: now,
    updatedAt: now,
  };
}

/** The service's deployments with a new PRIMARY before them; the one that was PRIMARY is ACTIVE and will be replaced. */
export function supersede(
  deployments: readonly DeploymentRecord[],
  next: DeploymentRecord,
  now: Instant,
): readonly DeploymentRecord[] {
  return [
    next,
    ...deployments.map((d) => (d.status === "PRIMARY" ? { ...d, status: "ACTIVE" as const, updatedAt: now } : d)),
  ];
}
