import type { ManagedScaling } from "@aws-sdk/client-ecs";
import type { Instant } from "../runtime/clock.ts";
import type { CapacityProviderArn } from "../wire/arn.ts";
import { attributeValue, type ContainerInstanceRecord } from "./container-instance.ts";
import type { Tags } from "./tags.ts";

/** The attribute by which a host says to which group it belongs: what a capacity provider is made of. */
export const HOST_GROUP_ATTRIBUTE = "berth.host-group";

/** A capacity provider: a group of hosts that tasks are placed on by a strategy. Deleted ones are forgotten. */
export interface CapacityProviderRecord {
  readonly arn: CapacityProviderArn;
  readonly name: string;
  /** As it was given: an Auto Scaling group's ARN, or the bare name. */
  readonly autoScalingGroupArn: string;
  /** The name in it: hosts with this value of HOST_GROUP_ATTRIBUTE belong to the provider. No two providers have the same. */
  readonly hostGroup: string;
  /** As it was given; its status is DISABLED always. */
  readonly managedScaling?: ManagedScaling;
  readonly isUpdated: boolean;
  readonly tags: Tags;
  readonly createdAt: Instant;
}

/** One provider's part in a strategy. Source: ECS API reference, CapacityProviderStrategyItem. */
export interface CapacityProviderShare {
  readonly capacityProvider: string;
  /** 0 to 1,000: its part of the tasks beyond the base. */
  readonly weight: number;
  /** 0 to 100,000: so many tasks at least run on it. One provider of a strategy has a base at most. */
  readonly base: number;
}

/** True if the host belongs to the provider. */
export function isInHostGroup(
  instance: Pick<ContainerInstanceRecord, "attributes">,
  { hostGroup }: Pick<CapacityProviderRecord, "hostGroup">,
): boolean {
  return attributeValue(instance, HOST_GROUP_ATTRIBUTE) === hostGroup;
}
