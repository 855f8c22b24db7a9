import type { TaskDefinition } from "@aws-sdk/client-ecs";
import type { Instant } from "../runtime/clock.ts";
import type { TaskDefinitionArn } from "../wire/arn.ts";
import type { Tags } from "./tags.ts";

export type TaskDefinitionStatus = "ACTIVE" | "INACTIVE" | "DELETE_IN_PROGRESS";

/** The parts of a task definition that never change after it is registered, as the API shows them, without its dates. */
export type RegisteredDefinition = Omit<
  TaskDefinition,
  "taskDefinitionArn" | "revision" | "status" | "registeredAt" | "deregisteredAt" | "deleteRequestedAt" | "registeredBy"
> & { readonly family: string };

/** One revision of a task definition family. */
export interface TaskDefinitionRecord {
  readonly arn: TaskDefinitionArn;
  readonly family: string;
  readonly revision: number;
  readonly status: TaskDefinitionStatus;
  readonly definition: RegisteredDefinition;
  readonly registeredAt: Instant;
  readonly registeredBy: string;
  readonly deregisteredAt?: Instant;
  readonly deleteRequestedAt?: Instant;
  readonly tags: Tags;
}

/** The last revision number given in a family: numbers are never used again, even after a deletion. */
export interface TaskDefinitionFamilyRecord {
  readonly family: string;
  readonly lastRevision: number;
}
