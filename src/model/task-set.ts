import type { StabilityStatus } from "@aws-sdk/client-ecs";
import type { Instant } from "../runtime/clock.ts";
import type { TaskSetArn } from "../wire/arn.ts";
import type { DeploymentRecord } from "./deployment.ts";
import type { Tags } from "./tags.ts";

/** Source: ECS quotas. */
export const MAX_TASK_SETS = 5;

/** Tasks of one revision in a service whose deployments are steered from outside. */
export interface TaskSetRecord {
  readonly arn: TaskSetArn;
  /** PRIMARY by UpdateServicePrimaryTaskSet; DRAINING when it is deleted and tasks are left. It is dropped with the last of them. */
  readonly status: "PRIMARY" | "ACTIVE" | "DRAINING";
  readonly externalId?: string;
  /** Percent of the service's desiredCount, 0..100, that the set is to have. */
  readonly scalePercent: number;
  /** What its tasks are started and counted by, as a deployment's are; its id is theirs (`startedBy`). */
  readonly deployment: DeploymentRecord;
  readonly stabilityStatus: StabilityStatus;
  readonly stabilityStatusAt: Instant;
  readonly tags: Tags;
  readonly clientToken?: string;
  readonly createdAt: Instant;
  readonly updatedAt: Instant;
}

/** How many tasks the set is to have: its share of the service's, rounded up. Source: ECS API reference, TaskSet. */
export function computedDesiredCount(serviceDesiredCount: number, set: Pick<TaskSetRecord, "status" | "scalePercent">) {
  return set.status === "DRAINING" ? 0 : Math.ceil((serviceDesiredCount * set.scalePercent) / 100);
}

/** The set that DescribeServices shows the service as. */
export function primaryTaskSet(sets: readonly TaskSetRecord[] | undefined): TaskSetRecord | undefined {
  return sets?.find((set) => set.status === "PRIMARY");
}
