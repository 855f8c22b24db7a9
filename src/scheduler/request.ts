import type { Attribute, PlacementConstraint, PlacementStrategy } from "@aws-sdk/client-ecs";
import type { ContainerInstanceRecord } from "../model/container-instance.ts";
import type { Resources } from "../model/resources.ts";
import type { ContainerInstanceArn } from "../wire/arn.ts";

/** What is to be placed, and what the choice depends on. */
export interface PlacementRequest {
  readonly need: Resources;
  /** The task definition's `requiresAttributes`: an instance must have each, with that value if one is given. */
  readonly requiredAttributes: readonly Attribute[];
  /** Of the task definition and of the service or call together. */
  readonly constraints: readonly PlacementConstraint[];
  /** In order of weight; with none, the defaults below. */
  readonly strategy: readonly PlacementStrategy[];
  /** Tasks of the same service (or, for standalone tasks, the same group) that are to run, by instance. */
  readonly peers: ReadonlyMap<ContainerInstanceArn, number>;
  /** The group that the tasks will have: memberOf expressions see it where earlier tasks of the call were placed. */
  readonly group: string;
  /** What is on an instance; asked only by memberOf expressions that speak of tasks. */
  readonly tasksOn: (instance: ContainerInstanceArn) => TasksOnInstance;
}

/** What a memberOf expression may ask of an instance's tasks. */
export interface TasksOnInstance {
  /** True if a task of the group is to run there. */
  has(group: string): boolean;
  /** The groups of the tasks that are to run there, each once. */
  groups(): Iterable<string>;
  /** As DescribeContainerInstances shows it: tasks that are RUNNING and to go on. */
  readonly runningTasksCount: number;
}

/** A service without a strategy: even over the zones, then over the instances. Source: ECS developer guide. */
export const DEFAULT_SERVICE_STRATEGY: readonly PlacementStrategy[] = [
  { type: "spread", field: "attribute:ecs.availability-zone" },
  { type: "spread", field: "instanceId" },
];

/** RunTask without a strategy: even over the instances. ECS does not say what it does; chance would serve nobody. */
export const DEFAULT_TASK_STRATEGY: readonly PlacementStrategy[] = [{ type: "spread", field: "instanceId" }];

/** Why an instance cannot take a task, in ECS's codes. */
export type RefusalReason =
  | "AGENT"
  | "RESOURCE:CPU"
  | "RESOURCE:MEMORY"
  | "RESOURCE:PORTS"
  | "ATTRIBUTE"
  | "MemberOf placement constraint unsatisfied."
  | "DistinctInstance placement constraint unsatisfied.";

export interface Refusal {
  readonly arn: ContainerInstanceArn;
  readonly reason: RefusalReason;
}

/**
 * The answer for one task. `refusals` has one entry for each ACTIVE instance and is empty when there is none;
 * `closest` is the one that failed last in the order of the checks.
 */
export type Placement =
  | { readonly kind: "placed"; readonly instance: ContainerInstanceRecord }
  | { readonly kind: "refused"; readonly refusals: readonly Refusal[]; readonly closest?: Refusal };
