import type { CapacityProviderStrategyItem } from "@aws-sdk/client-ecs";
import type { ClusterRecord } from "../../../model/cluster.ts";
import type { ServiceRecord } from "../../../model/service.ts";
import { placingStrategy, strategyOf } from "../capacity-providers/strategy-input.ts";
import { invalidParameter } from "../errors.ts";
import { isExternal } from "./external.ts";

type Steered = Pick<ServiceRecord, "schedulingStrategy" | "deploymentController" | "availabilityZoneRebalancing">;
type Strategic = Pick<ServiceRecord, "capacityProviderStrategy" | "availabilityZoneRebalancing">;

/**
 * By which capacity providers a new service's tasks are placed, and whether they are moved: not between several providers, unless
 * that was asked for, which is refused. Throws InvalidParameterException. Rule [PL16].
 */
export function strategyOfNew(
  cluster: ClusterRecord,
  input: {
    readonly launchType?: string;
    readonly capacityProviderStrategy?: readonly CapacityProviderStrategyItem[];
    readonly availabilityZoneRebalancing?: string;
  },
  wish: Steered,
): Strategic {
  checkMayHaveStrategy(wish, input.capacityProviderStrategy);
  const byLaunchType = wish.schedulingStrategy === "DAEMON" || isExternal(wish);
  const capacityProviderStrategy = byLaunchType ? undefined : placingStrategy(cluster, input);
  if (capacityProviderStrategy === undefined) return {};
  if (capacityProviderStrategy.length === 1) return { capacityProviderStrategy };
  if (input.availabilityZoneRebalancing === "ENABLED") throw severalProviders();
  return { capacityProviderStrategy, availabilityZoneRebalancing: "DISABLED" };
}

/**
 * The service with the strategy that an update gives, if it does; an empty one makes it fall back to its launch type. Running tasks stay
 * where they are. Throws InvalidParameterException.
 */
export function withUpdatedStrategy(
  service: ServiceRecord,
  cluster: ClusterRecord,
  { capacityProviderStrategy: given }: { readonly capacityProviderStrategy?: readonly CapacityProviderStrategyItem[] },
): ServiceRecord {
  checkMayHaveStrategy(service, given);
  const strategy =
    given === undefined ? service.capacityProviderStrategy : strategyOf(given, cluster.capacityProviders ?? []);
  if (strategy !== undefined && strategy.length > 1 && service.availabilityZoneRebalancing === "ENABLED") {
    throw severalProviders();
  }
  return given === undefined
    ? service
    : { ...service, capacityProviderStrategy: given.length === 0 ? undefined : strategy };
}

function checkMayHaveStrategy(service: Steered, given: readonly CapacityProviderStrategyItem[] = []): void {
  if (given.length === 0) return;
  if (service.schedulingStrategy === "DAEMON") {
    throw invalidParameter(
      "Specifying a capacity provider strategy is not supported when you create a service using the DAEMON scheduling strategy.",
    );
  }
  if (isExternal(service)) {
    throw invalidParameter(
      "capacityProviderStrategy cannot be given to a service with an EXTERNAL deployment controller.",
    );
  }
}

function severalProviders() {
  return invalidParameter(
    "Availability Zone rebalancing does not support a capacity provider strategy of several capacity providers. Set availabilityZoneRebalancing to DISABLED and try again.",
  );
}
