import type { DeploymentRecord } from "../model/deployment.ts";
import type { ServiceRecord } from "../model/service.ts";
import { countByProvider, providersForStarts } from "../scheduler/index.ts";
import type { Roster } from "./roster.ts";

type Strategic = Pick<ServiceRecord, "capacityProviderStrategy">;

/**
 * The capacity providers of tasks that a deployment starts, for a service with a strategy: so that the deployment's tasks that stay are in its
 * proportion. Of earlier deployments nothing counts, since their tasks go. Rule [DP39].
 */
export function providersOfStarts(
  { capacityProviderStrategy }: Strategic,
  roster: Roster,
  deployment: DeploymentRecord,
  count: number,
): { readonly capacityProviders?: readonly string[] } {
  if (capacityProviderStrategy === undefined) return {};
  const staying = roster.all.filter((m) => m.deployment?.id === deployment.id && !m.isBad).map((m) => m.task);
  return { capacityProviders: providersForStarts(capacityProviderStrategy, countByProvider(staying), count) };
}

/**
 * True if no task would come to another capacity provider by being moved: a service of one provider, or none, has all its tasks there. One whose
 * strategy was changed has them there after its next deployment.
 */
export function isPlacedAsAsked({ capacityProviderStrategy = [] }: Strategic, roster: Roster): boolean {
  return roster.primary.every((m) => m.task.capacityProviderName === capacityProviderStrategy[0]?.capacityProvider);
}
