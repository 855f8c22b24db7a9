import type { DeploymentRecord, ServiceRecord } from "../model/service.ts";
import { countByProvider, NO_PROVIDER, providerForStop, providersForStarts, scaleInOrder } from "../scheduler/index.ts";
import type { Member, Roster } from "./roster.ts";

type Strategic = Pick<ServiceRecord, "capacityProviderStrategy" | "placementStrategy">;

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
 * The first `count` of the candidates in the order in which stopping them leaves the rest best placed: without a strategy of capacity
 * providers as the placement strategy has it, with one each from the provider that is to lose a task, and there as the placement strategy has
 * it. `all` are those that the proportion is of, the candidates among them. Rule [DP39].
 */
export function retireOrder(
  { capacityProviderStrategy, placementStrategy }: Strategic,
  candidates: readonly Member[],
  all: readonly Member[],
  count: number,
): readonly Member[] {
  if (capacityProviderStrategy === undefined) return scaleInOrder(candidates, placementStrategy, count);
  const byProvider = Map.groupBy(candidates, (m) => m.task.capacityProviderName ?? NO_PROVIDER);
  const queues = new Map([...byProvider].map(([name, some]) => [name, scaleInOrder(some, placementStrategy, count)]));
  const counts = countByProvider(all.map((m) => m.task));
  const ordered: Member[] = [];
  while (ordered.length < count) {
    const among = new Set([...queues].filter(([, queue]) => queue.length > 0).map(([name]) => name));
    const name = providerForStop(capacityProviderStrategy, counts, among);
    const next = name === undefined ? undefined : queues.get(name)?.shift();
    if (name === undefined || next === undefined) return ordered;
    counts.set(name, (counts.get(name) ?? 0) - 1);
    ordered.push(next);
  }
  return ordered;
}

/**
 * True if no task would come to another capacity provider by being moved: a service of one provider, or none, has all its tasks there. One whose
 * strategy was changed has them there after its next deployment.
 */
export function isPlacedAsAsked({ capacityProviderStrategy = [] }: Strategic, roster: Roster): boolean {
  return roster.primary.every((m) => m.task.capacityProviderName === capacityProviderStrategy[0]?.capacityProvider);
}
