import { type CapacityProviderRecord, isInHostGroup } from "../model/capacity-provider.ts";
import type { ContainerInstanceRecord } from "../model/container-instance.ts";
import type { BerthView } from "../store/index.ts";

/** The capacity provider of that name; undefined if there is none. */
export function findProvider(
  tables: Pick<BerthView, "capacityProviders">,
  name: string,
): CapacityProviderRecord | undefined {
  return tables.capacityProviders.where("name", name)[0];
}

/** The capacity provider that a strategy names. Throws if there is none: what is in use cannot be deleted. */
export function providerNamed(tables: Pick<BerthView, "capacityProviders">, name: string): CapacityProviderRecord {
  const found = findProvider(tables, name);
  if (found === undefined) throw new Error(`there is no capacity provider ${name}, though a strategy names it`);
  return found;
}

/** The capacity provider of its cluster that an instance belongs to; undefined for one that belongs to none. */
export function providerOfInstance(
  tables: Pick<BerthView, "clusters" | "capacityProviders">,
  instance: Pick<ContainerInstanceRecord, "clusterArn" | "attributes">,
): CapacityProviderRecord | undefined {
  const names = tables.clusters.get(instance.clusterArn)?.capacityProviders ?? [];
  for (const name of names) {
    const provider = findProvider(tables, name);
    if (provider !== undefined && isInHostGroup(instance, provider)) return provider;
  }
  return undefined;
}
