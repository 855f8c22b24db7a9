import type { CapacityProvider, CapacityProviderField } from "@aws-sdk/client-ecs";
import type { CapacityProviderRecord } from "../../../model/capacity-provider.ts";
import { toWireTags } from "../tags/tags.ts";

/** A capacity provider as the API shows it. Tags only if `include` asks for them. */
export function toWireCapacityProvider(
  provider: CapacityProviderRecord,
  include: readonly CapacityProviderField[] = [],
): CapacityProvider {
  return {
    capacityProviderArn: provider.arn,
    name: provider.name,
    status: "ACTIVE",
    type: "EC2_AUTOSCALING",
    autoScalingGroupProvider: {
      autoScalingGroupArn: provider.autoScalingGroupArn,
      managedScaling: { status: "DISABLED", ...provider.managedScaling },
      managedTerminationProtection: "DISABLED",
      managedDraining: "DISABLED",
    },
    updateStatus: provider.isUpdated ? "UPDATE_COMPLETE" : "CREATE_COMPLETE",
    tags: include.includes("TAGS") ? toWireTags(provider.tags) : [],
  };
}
