import type { ClusterSetting } from "@aws-sdk/client-ecs";
import type { Instant } from "../runtime/clock.ts";
import type { ClusterArn } from "../wire/arn.ts";
import type { CapacityProviderShare } from "./capacity-provider.ts";
import type { Tags } from "./tags.ts";

/** The cluster that every operation means when it names none. */
export const DEFAULT_CLUSTER = "default";

/** A cluster: the room in which tasks, services and container instances live. */
export interface ClusterRecord {
  readonly arn: ClusterArn;
  readonly name: string;
  /** INACTIVE once deleted; CreateCluster makes it ACTIVE again. */
  readonly status: "ACTIVE" | "INACTIVE";
  readonly settings: readonly ClusterSetting[];
  /** The names of the capacity providers that its strategies may use; absent: none. */
  readonly capacityProviders?: readonly string[];
  /** What tasks and services are placed by that ask for neither a launch type nor a strategy; absent or empty: launch type EC2. */
  readonly defaultCapacityProviderStrategy?: readonly CapacityProviderShare[];
  readonly tags: Tags;
  readonly createdAt: Instant;
}
