import type { Attribute, PlacementConstraint, PlacementStrategy } from "@aws-sdk/client-ecs";
import type { CapacityProviderRecord } from "../model/capacity-provider.ts";
import type { OccupiedInstance } from "../model/container-instance.ts";
import type { ContainerInstanceArn } from "../wire/arn.ts";
import type { Need } from "./need.ts";

/** What is to be placed, and what the choice depends on. */
export interface PlacementRequest {
  readonly need: Need;
  /** The task definition's `requiresAttributes`: an instance must have each, with that value if one is given. */
  readonly requiredAttributes: readonly Attribute[];
  /** Of the task definition and of the service or call together. Expressions must have been found right when they were given. */
  readonly constraints: readonly PlacementConstraint[];
  /** In order of weight; with none, chance alone decides. */
  readonly strategy: readonly PlacementStrategy[];
  /** The group that the tasks will have, `service:<name>` for a service's. Its tasks that are to run are the peers that spread and
   *  distinctInstance count. */
  readonly group: string;
  /** Only the hosts of this group are candidates. */
  readonly capacityProvider?: Pick<CapacityProviderRecord, "name" | "hostGroup">;
  /** What is on an instance; asked by memberOf expressions that speak of tasks, and by explanations. */
  readonly tasksOn: (instance: ContainerInstanceArn) => TasksOnInstance;
}

/** What may be asked of an instance's tasks. */
export interface TasksOnInstance {
  /** True if a task of the group is to run there. */
  has(group: string): boolean;
  /** The groups of the tasks that are to run there, each once. */
  groups(): Iterable<string>;
  /** As DescribeContainerInstances shows it: tasks that are RUNNING and to go on. */
  readonly runningTasksCount: number;
  /** The ARN of the task that holds the host port there. */
  portHolder(protocol: "tcp" | "udp", port: number): string | undefined;
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
  | "RESOURCE:GPU"
  | "ATTRIBUTE"
  | "MemberOf placement constraint unsatisfied."
  | "DistinctInstance placement constraint unsatisfied.";

export interface Refusal {
  readonly arn: ContainerInstanceArn;
  readonly reason: RefusalReason;
}

/** The answer for one task. `closest` is the instance that failed last in the order of the checks; undefined if there is no candidate.
 *  `capacityProvider` is the name of the one that was asked for. */
export type Placement =
  | { readonly kind: "placed"; readonly instance: OccupiedInstance }
  | { readonly kind: "refused"; readonly closest?: Refusal; readonly capacityProvider?: string };
