import type { ClusterSetting } from "@aws-sdk/client-ecs";
import { type ClusterRecord, DEFAULT_CLUSTER } from "../../../model/cluster.ts";
import type { BerthView } from "../../../store/index.ts";
import { clusterArn } from "../../../wire/arn.ts";
import type { EcsOperations } from "../../../wire/models/ecs.ts";
import { clusterProviders } from "../capacity-providers/cluster-providers.ts";
import { clientError, EcsError, invalidParameter } from "../errors.ts";
import type { Operation } from "../operation.ts";
import { page } from "../page.ts";
import { refuseMembers } from "../refuse.ts";
import { checkClusterName, clusterArnOf, findCluster, resolveCluster } from "../resolve.ts";
import { fromWireTags } from "../tags/tags.ts";
import { CLUSTER_UPDATE_REFUSED, CREATE_CLUSTER_REFUSED, UPDATE_CLUSTER_SETTINGS_REFUSED } from "./refusals.ts";
import { toWireCluster } from "./wire.ts";

/** Source: ECS quotas. */
const MAX_CLUSTERS = 10_000;
/** Source: ECS API reference, DescribeClusters. */
const MAX_DESCRIBED = 100;
const LIST_PAGE = { default: 100, max: 100 } as const;
/** What the one setting of clusters, containerInsights, may be. */
const INSIGHTS: readonly string[] = ["enhanced", "enabled", "disabled"];
const DEFAULT_SETTINGS: readonly ClusterSetting[] = [{ name: "containerInsights", value: "disabled" }];

/** Makes a cluster; one that is there already is answered as it is, and a deleted one is made ACTIVE again. */
export const createCluster: Operation<"CreateCluster"> = async ({ store, clock, scope }, input) => {
  refuseMembers(CREATE_CLUSTER_REFUSED, input);
  const name = input.clusterName === undefined || input.clusterName === "" ? DEFAULT_CLUSTER : input.clusterName;
  checkClusterName(name);
  const tags = fromWireTags(input.tags);
  const settings = withSettings(DEFAULT_SETTINGS, input.settings);
  const createdAt = clock.now();
  const arn = clusterArn(scope, { clusterName: name });
  const cluster = await store.transact("CreateCluster", (tx) => {
    const before = tx.clusters.get(arn);
    if (before?.status === "ACTIVE") return before;
    if ([...tx.clusters.all()].filter((c) => c.status === "ACTIVE").length >= MAX_CLUSTERS) {
      throw clientError(`The limit of ${MAX_CLUSTERS} clusters has been reached.`);
    }
    const providers = clusterProviders(tx, input);
    const record: ClusterRecord = { arn, name, status: "ACTIVE", settings, ...providers, tags, createdAt };
    tx.clusters.put(record);
    return record;
  });
  return { cluster: toWireCluster(store.view, cluster, ["SETTINGS", "TAGS"]) };
};

/** Makes a cluster INACTIVE. Throws while it has services, tasks or container instances. */
export const deleteCluster: Operation<"DeleteCluster"> = async ({ store, scope }, input) => {
  const deleted = await store.transact("DeleteCluster", (tx) => {
    const cluster = resolveCluster(tx, scope, input.cluster);
    checkEmpty(tx, cluster);
    const record: ClusterRecord = {
      ...cluster,
      status: "INACTIVE",
      capacityProviders: [],
      defaultCapacityProviderStrategy: [],
    };
    tx.clusters.put(record);
    return record;
  });
  return { cluster: toWireCluster(store.view, deleted, ["SETTINGS", "TAGS"]) };
};

function checkEmpty(
  tables: Pick<BerthView, "services" | "tasks" | "containerInstances">,
  { arn }: ClusterRecord,
): void {
  const contains = (code: "Services" | "Tasks" | "ContainerInstances", what: string) =>
    new EcsError(`ClusterContains${code}Exception`, `The Cluster cannot be deleted while ${what}.`);
  if (tables.services.where("cluster", arn).some((s) => s.status !== "INACTIVE")) {
    throw contains("Services", "Services are active");
  }
  if (liveTasks(tables, arn) > 0) {
    throw contains("Tasks", "Tasks are active");
  }
  if (tables.containerInstances.count("cluster", arn) > 0) {
    throw contains("ContainerInstances", "Container Instances are active or draining");
  }
}

/** How many tasks of the cluster are not STOPPED. */
function liveTasks({ tasks }: Pick<BerthView, "tasks">, arn: string): number {
  const all = tasks.count("clusterDesired", `${arn}|RUNNING`) + tasks.count("clusterDesired", `${arn}|STOPPED`);
  return all - tasks.count("clusterStatus", `${arn}|STOPPED`);
}

export const describeClusters: Operation<"DescribeClusters"> = ({ store, scope }, input) => {
  const asked = input.clusters === undefined || input.clusters.length === 0 ? [DEFAULT_CLUSTER] : input.clusters;
  if (asked.length > MAX_DESCRIBED) {
    throw invalidParameter(`Clusters cannot have more than ${MAX_DESCRIBED} elements.`);
  }
  const answer: EcsOperations["DescribeClusters"]["output"] = { clusters: [], failures: [] };
  for (const nameOrArn of new Set(asked)) {
    const found = findCluster(store.view, scope, nameOrArn);
    if (found === undefined) answer.failures?.push({ arn: clusterArnOf(scope, nameOrArn), reason: "MISSING" });
    else answer.clusters?.push(toWireCluster(store.view, found, input.include ?? []));
  }
  return answer;
};

export const listClusters: Operation<"ListClusters"> = (context, input) => {
  const active = [...context.store.view.clusters.all()].filter((c) => c.status === "ACTIVE");
  const { items, nextToken } = page(context, active, (c) => c.arn, input, LIST_PAGE);
  return { clusterArns: items.map((c) => c.arn), nextToken };
};

export const updateCluster: Operation<"UpdateCluster"> = async ({ store, scope }, input) => {
  refuseMembers(CLUSTER_UPDATE_REFUSED, input);
  const cluster = await store.transact("UpdateCluster", (tx) => {
    const before = resolveCluster(tx, scope, input.cluster);
    const after = { ...before, settings: withSettings(before.settings, input.settings) };
    tx.clusters.put(after);
    return after;
  });
  return { cluster: toWireCluster(store.view, cluster, ["SETTINGS", "TAGS"]) };
};

export const updateClusterSettings: Operation<"UpdateClusterSettings"> = async ({ store, scope }, input) => {
  refuseMembers(UPDATE_CLUSTER_SETTINGS_REFUSED, input);
  if (input.settings.length === 0) throw invalidParameter("Cluster settings cannot be empty.");
  const cluster = await store.transact("UpdateClusterSettings", (tx) => {
    const before = resolveCluster(tx, scope, input.cluster);
    const after = { ...before, settings: withSettings(before.settings, input.settings) };
    tx.clusters.put(after);
    return after;
  });
  return { cluster: toWireCluster(store.view, cluster, ["SETTINGS", "TAGS"]) };
};

/** Throws InvalidParameterException for a setting without name or value, or given twice. */
function withSettings(
  before: readonly ClusterSetting[],
  given: readonly ClusterSetting[] = [],
): readonly ClusterSetting[] {
  const after = new Map(before.map((s) => [s.name, s]));
  const seen = new Set<string>();
  for (const { name, value } of given) {
    if (name === undefined || value === undefined) throw invalidParameter("Cluster settings need a name and a value.");
    if (!INSIGHTS.includes(value)) throw invalidParameter(`Setting value should be one of [${INSIGHTS.join(",")}]`);
    if (seen.has(name)) throw invalidParameter(`Cluster setting ${name} is given more than once.`);
    seen.add(name);
    after.set(name, { name, value });
  }
  return [...after.values()];
}
