import type { CapacityProviderStrategyItem } from "@aws-sdk/client-ecs";
import type { ClusterRecord } from "../../../model/cluster.ts";
import { findProvider } from "../../../state/index.ts";
import type { BerthTransaction, BerthView } from "../../../store/index.ts";
import { toWireCluster } from "../clusters/wire.ts";
import { EcsError, invalidParameter } from "../errors.ts";
import type { Operation } from "../operation.ts";
import { refuseMembers } from "../refuse.ts";
import { resolveCluster } from "../resolve.ts";
import { CLUSTER_PROVIDERS_REFUSED } from "./refusals.ts";
import { MAX_PROVIDERS, strategyOf } from "./strategy-input.ts";

/** Gives a cluster the capacity providers and the default strategy that it is to have, in place of those that it has. */
export const putClusterCapacityProviders: Operation<"PutClusterCapacityProviders"> = async (
  { store, scope },
  input,
) => {
  refuseMembers(CLUSTER_PROVIDERS_REFUSED, input);
  const after = await store.transact("PutClusterCapacityProviders", (tx) => {
    const before = resolveCluster(tx, scope, input.cluster);
    const providers = clusterProviders(tx, input);
    const removed = (before.capacityProviders ?? []).filter((name) => !providers.capacityProviders.includes(name));
    if (removed.length > 0) checkUnused(tx, before, new Set(removed));
    return tx.clusters.put({ ...before, ...providers });
  });
  return { cluster: toWireCluster(store.view, after, ["SETTINGS", "TAGS", "ATTACHMENTS"]) };
};

/** The providers and the default strategy of a cluster. Throws InvalidParameterException for a provider that is not there. */
export function clusterProviders(
  tables: Pick<BerthView, "capacityProviders">,
  given: {
    readonly capacityProviders?: readonly string[];
    readonly defaultCapacityProviderStrategy?: readonly CapacityProviderStrategyItem[];
  },
): Required<Pick<ClusterRecord, "capacityProviders" | "defaultCapacityProviderStrategy">> {
  const { capacityProviders = [], defaultCapacityProviderStrategy = [] } = given;
  if (capacityProviders.length > MAX_PROVIDERS) {
    throw invalidParameter(`A cluster cannot have more than ${MAX_PROVIDERS} capacity providers.`);
  }
  if (new Set(capacityProviders).size < capacityProviders.length) {
    throw invalidParameter("A capacity provider is given more than once.");
  }
  const missing = capacityProviders.find((name) => findProvider(tables, name) === undefined);
  if (missing !== undefined) {
    throw invalidParameter(
      `The specified capacity provider '${missing}' was not found. Create it with CreateCapacityProvider and try again.`,
    );
  }
  return {
    capacityProviders: [...capacityProviders],
    defaultCapacityProviderStrategy: strategyOf(defaultCapacityProviderStrategy, capacityProviders),
  };
}

/** Throws ResourceInUseException if a service's strategy names one of these, or a task that is to run was placed by one. */
function checkUnused(tx: BerthTransaction, { arn }: ClusterRecord, names: ReadonlySet<string>): void {
  const isOfService = tx.services
    .where("cluster", arn)
    .filter((s) => s.status !== "INACTIVE")
    .some((s) => s.capacityProviderStrategy?.some((one) => names.has(one.capacityProvider)) === true);
  const isOfTask = () =>
    tx.tasks.where("clusterDesired", `${arn}|RUNNING`).some((t) => names.has(t.capacityProviderName ?? ""));
  if (isOfService || isOfTask()) {
    throw new EcsError("ResourceInUseException", "The specified capacity provider is in use and cannot be removed.");
  }
}
