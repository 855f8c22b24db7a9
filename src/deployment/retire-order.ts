import type { ServiceRecord } from "../model/service.ts";
import type { TaskRecord } from "../model/task.ts";
import { countByProvider, NO_PROVIDER, providerForStop, type Stoppable, scaleInOrder } from "../scheduler/index.ts";

/** A task that may be stopped, with the capacity provider that it was started by. */
type Retirable = Stoppable & { readonly task: Pick<TaskRecord, "capacityProviderName"> };

/**
 * The first `count` of the candidates in the order in which stopping them leaves the rest best placed: without a strategy of capacity
 * providers as the placement strategy has it, with one each from the provider that is to lose a task, and there as the placement strategy has
 * it. `all` are those that the proportion is of, the candidates among them. Rule [DP39].
 */
export function retireOrder<T extends Retirable>(
  {
    capacityProviderStrategy,
    placementStrategy,
  }: Pick<ServiceRecord, "capacityProviderStrategy" | "placementStrategy">,
  candidates: readonly T[],
  all: readonly T[],
  count: number,
): readonly T[] {
  if (capacityProviderStrategy === undefined) return scaleInOrder(candidates, placementStrategy, count);
  const byProvider = Map.groupBy(candidates, (m) => m.task.capacityProviderName ?? NO_PROVIDER);
  const queues = new Map([...byProvider].map(([name, some]) => [name, scaleInOrder(some, placementStrategy, count)]));
  const counts = countByProvider(all.map((m) => m.task));
  const ordered: T[] = [];
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
