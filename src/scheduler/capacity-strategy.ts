import type { CapacityProviderShare } from "../model/capacity-provider.ts";

/** Tasks by capacity provider; those that run on none are under NO_PROVIDER. */
export type TasksByProvider = ReadonlyMap<string, number>;

/** Where tasks without a capacity provider are counted: it is no provider's name. */
export const NO_PROVIDER = "";

/**
 * The provider on which one more task is to run: the one with a base as long as it has fewer tasks than that, then the one that
 * its tasks beyond the base leave furthest behind its weight; among equals the first in the strategy. Undefined for a strategy
 * without an item. Rule [PL17]. Example: weights 1 and 4 give B B B A B, or four on B for each one on A.
 */
export function providerForStart(
  strategy: readonly CapacityProviderShare[],
  tasks: TasksByProvider,
): string | undefined {
  const lacking = strategy.find((share) => countOf(share, tasks) < share.base);
  if (lacking !== undefined) return lacking.capacityProvider;
  let best: CapacityProviderShare | undefined;
  for (const share of weighted(strategy)) {
    if (
      best === undefined ||
      (beyondBase(share, tasks) + 1) * best.weight < (beyondBase(best, tasks) + 1) * share.weight
    )
      best = share;
  }
  return best?.capacityProvider;
}

/**
 * The provider that is to lose the next task, of those in `among`: first what the strategy does not name, then the one that is furthest
 * above its weight beyond its base, and one that is at its base only when none is above; among equals the last in the strategy. So
 * scaling in takes back what scaling out gave. Undefined if `among` is empty. Rule [PL18].
 */
export function providerForStop(
  strategy: readonly CapacityProviderShare[],
  tasks: TasksByProvider,
  among: ReadonlySet<string>,
): string | undefined {
  const named = new Set(strategy.map((share) => share.capacityProvider));
  const foreign = [...among].filter((name) => !named.has(name)).sort();
  if (foreign[0] !== undefined) return foreign[0];
  let best: CapacityProviderShare | undefined;
  for (const share of strategy) {
    if (!among.has(share.capacityProvider)) continue;
    if (best === undefined || isRatherStopped(share, best, tasks)) best = share;
  }
  return best?.capacityProvider;
}

/** True if `a`, later in the strategy, is to lose a task rather than `b`. */
function isRatherStopped(a: CapacityProviderShare, b: CapacityProviderShare, tasks: TasksByProvider): boolean {
  const [ofA, ofB] = [beyondBase(a, tasks), beyondBase(b, tasks)];
  if (ofA <= 0 || ofB <= 0) return ofA > 0 || ofB <= 0;
  // What has no weight has no part beyond its base: a weight of 0 is infinitely far above.
  return ofA * b.weight >= ofB * a.weight;
}

/** Those that take tasks beyond the base; one alone does so whatever its weight is. */
function weighted(strategy: readonly CapacityProviderShare[]): readonly CapacityProviderShare[] {
  const [only, ...others] = strategy;
  if (only !== undefined && others.length === 0) return [{ ...only, weight: Math.max(1, only.weight) }];
  return strategy.filter((share) => share.weight > 0);
}

function countOf({ capacityProvider }: CapacityProviderShare, tasks: TasksByProvider): number {
  return tasks.get(capacityProvider) ?? 0;
}

function beyondBase(share: CapacityProviderShare, tasks: TasksByProvider): number {
  return countOf(share, tasks) - share.base;
}

/** How many of the tasks each provider has. */
export function countByProvider(tasks: Iterable<{ readonly capacityProviderName?: string }>): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { capacityProviderName: name = NO_PROVIDER } of tasks) counts.set(name, (counts.get(name) ?? 0) + 1);
  return counts;
}

/** The providers of `count` tasks that are started one after the other; fewer if the strategy names none. */
export function providersForStarts(
  strategy: readonly CapacityProviderShare[],
  tasks: TasksByProvider,
  count: number,
): readonly string[] {
  const counts = new Map(tasks);
  const providers: string[] = [];
  for (let i = 0; i < count; i++) {
    const name = providerForStart(strategy, counts);
    if (name === undefined) return providers;
    counts.set(name, (counts.get(name) ?? 0) + 1);
    providers.push(name);
  }
  return providers;
}
