import type { CapacityProviderStrategyItem } from "@aws-sdk/client-ecs";
import type { CapacityProviderShare } from "../../../model/capacity-provider.ts";
import type { ClusterRecord } from "../../../model/cluster.ts";
import type { RefusedMember } from "../../refused-member.ts";
import { invalidParameter } from "../errors.ts";

/** How many providers a cluster and a strategy can have. Source: ECS quotas. */
export const MAX_PROVIDERS = 20;
/** Source: ECS API reference, CapacityProviderStrategyItem. */
const MAX_WEIGHT = 1000;
const MAX_BASE = 100_000;

export const PROVIDER_HINT = "Make a capacity provider of your own hosts with CreateCapacityProvider.";

/** True for the providers that AWS has of its own. */
export function isOfAws(name: string): boolean {
  return name === "FARGATE" || name === "FARGATE_SPOT";
}

/** What every operation with a strategy refuses of it. */
export const NO_FARGATE_IN_STRATEGY: RefusedMember<{
  readonly capacityProviderStrategy?: readonly CapacityProviderStrategyItem[];
}> = {
  member: "capacityProviderStrategy[].capacityProvider",
  what: "FARGATE and FARGATE_SPOT",
  when: ({ capacityProviderStrategy: s = [] }) => s.some((one) => isOfAws(one.capacityProvider ?? "")),
  hint: PROVIDER_HINT,
};

/**
 * A strategy as records keep it. Throws InvalidParameterException for one that nothing can be placed by, or that names a provider
 * which is none of these. Source: ECS API reference, CapacityProviderStrategyItem.
 */
export function strategyOf(
  given: readonly CapacityProviderStrategyItem[],
  associated: readonly string[],
): readonly CapacityProviderShare[] {
  const problem = (what: string) =>
    invalidParameter(`The specified capacity provider strategy cannot contain ${what}.`);
  if (given.length > MAX_PROVIDERS) throw problem(`more than ${MAX_PROVIDERS} capacity providers`);
  const strategy = given.map(({ capacityProvider = "", weight = 0, base = 0 }) => {
    if (weight < 0 || weight > MAX_WEIGHT) throw invalidParameter(`weight must be between 0 and ${MAX_WEIGHT}.`);
    if (base < 0 || base > MAX_BASE) throw invalidParameter(`base must be between 0 and ${MAX_BASE}.`);
    return { capacityProvider, weight, base };
  });
  const names = strategy.map((one) => one.capacityProvider);
  if (new Set(names).size < names.length) throw problem("a capacity provider more than once");
  if (strategy.filter((one) => one.base > 0).length > 1) {
    throw problem("more than one capacity provider with a base");
  }
  if (strategy.length > 1 && strategy.every((one) => one.weight === 0)) {
    throw problem("only capacity providers with a weight of 0: one of several must have a weight greater than 0");
  }
  if (names.some((name) => !associated.includes(name))) {
    throw invalidParameter(
      "The specified capacity provider strategy cannot contain a capacity provider that is not associated with the cluster. Associate the capacity provider with the cluster and try again.",
    );
  }
  return strategy;
}

/**
 * By which capacity providers a call asks to place tasks: by what it gives, else by its cluster's default strategy; undefined for
 * placing by launch type. Throws InvalidParameterException for a launch type beside a strategy.
 */
export function placingStrategy(
  cluster: ClusterRecord,
  { launchType, capacityProviderStrategy = [] }: StrategyInput,
): readonly CapacityProviderShare[] | undefined {
  if (capacityProviderStrategy.length > 0) {
    if (launchType !== undefined) {
      throw invalidParameter("Specify either Launch Type or Capacity Provider Strategy, but not both.");
    }
    return strategyOf(capacityProviderStrategy, cluster.capacityProviders ?? []);
  }
  const { defaultCapacityProviderStrategy: usual = [] } = cluster;
  return launchType === undefined && usual.length > 0 ? usual : undefined;
}

interface StrategyInput {
  readonly launchType?: string;
  readonly capacityProviderStrategy?: readonly CapacityProviderStrategyItem[];
}
