import type { AvailabilityZoneRebalancing } from "@aws-sdk/client-ecs";
import type { ServiceRecord } from "../../../model/service.ts";
import { spreadFields } from "../../../scheduler/index.ts";
import { invalidParameter } from "../errors.ts";

type Wish = Pick<
  ServiceRecord,
  "schedulingStrategy" | "placementConstraints" | "placementStrategy" | "maximumPercent" | "availabilityZoneRebalancing"
>;

/**
 * The setting of a service as it is to be: what is given, else what was before. A new service's is ENABLED where its tasks can be
 * moved. Throws InvalidParameterException for ENABLED where they cannot. Source: ECS API reference, CreateService.
 */
export function rebalancingOf(
  given: AvailabilityZoneRebalancing | undefined,
  wish: Omit<Wish, "availabilityZoneRebalancing">,
  before: { readonly availabilityZoneRebalancing?: AvailabilityZoneRebalancing } | undefined,
): AvailabilityZoneRebalancing | undefined {
  const obstacle = obstacleOf(wish);
  if (given === "ENABLED" && obstacle !== undefined) {
    throw invalidParameter(`Availability Zone rebalancing does not support ${obstacle}.`);
  }
  if (given !== undefined) return given;
  if (before !== undefined) return before.availabilityZoneRebalancing;
  return obstacle === undefined ? "ENABLED" : "DISABLED";
}

/** Why a service's tasks cannot be moved, or undefined if they can. Source: ECS developer guide, service rebalancing. */
export function obstacleOf(wish: Omit<Wish, "availabilityZoneRebalancing">): string | undefined {
  if (wish.schedulingStrategy === "DAEMON") return "the daemon scheduling strategy";
  if (wish.maximumPercent <= 100) return "a maximumPercent of 100";
  if (spreadFields(wish.placementStrategy).length === 0) return "a placement strategy that does not begin with spread";
  const isOfZone = wish.placementConstraints.some((c) => c.expression?.includes("ecs.availability-zone") === true);
  return isOfZone ? "a placement constraint on attribute:ecs.availability-zone" : undefined;
}
