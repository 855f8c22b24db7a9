import type { Cluster, ClusterField, KeyValuePair } from "@aws-sdk/client-ecs";
import type { ClusterRecord } from "../../../model/cluster.ts";
import type { BerthView } from "../../../store/index.ts";
import { toWireTags } from "../tags/tags.ts";

type CountedTables = Pick<BerthView, "services" | "tasks" | "containerInstances">;

/** A cluster as the API shows it. What `include` does not name is left empty. */
export function toWireCluster(
  tables: CountedTables,
  cluster: ClusterRecord,
  include: readonly ClusterField[] = [],
): Cluster {
  const { arn } = cluster;
  return {
    clusterArn: arn,
    clusterName: cluster.name,
    status: cluster.status,
    registeredContainerInstancesCount: tables.containerInstances.count("cluster", arn),
    runningTasksCount: tables.tasks.count("clusterStatus", `${arn}|RUNNING`),
    pendingTasksCount: tables.tasks.count("clusterStatus", `${arn}|PENDING`),
    activeServicesCount: tables.services.where("cluster", arn).filter((s) => s.status === "ACTIVE").length,
    statistics: include.includes("STATISTICS") ? statistics(tables, cluster) : [],
    tags: include.includes("TAGS") ? toWireTags(cluster.tags) : [],
    settings: include.includes("SETTINGS") ? [...cluster.settings] : [],
    capacityProviders: [...(cluster.capacityProviders ?? [])],
    defaultCapacityProviderStrategy: (cluster.defaultCapacityProviderStrategy ?? []).map((s) => ({ ...s })),
    // Nothing is attached for a provider: it is associated at once.
    ...(include.includes("ATTACHMENTS") ? { attachments: [], attachmentsStatus: "UPDATE_COMPLETE" } : {}),
  };
}

const LAUNCH_TYPES = { EC2: "EC2", FARGATE: "Fargate", EXTERNAL: "External" } as const;

function statistics(tables: CountedTables, { arn }: ClusterRecord): KeyValuePair[] {
  const tasks = (status: string, launchType: string) =>
    tables.tasks.where("clusterStatus", `${arn}|${status}`).filter((t) => t.launchType === launchType).length;
  const services = (status: string, launchType: string) =>
    tables.services.where("cluster", arn).filter((s) => s.status === status && s.launchType === launchType).length;
  return Object.entries(LAUNCH_TYPES)
    .flatMap(([type, name]): [string, number][] => [
      [`running${name}TasksCount`, tasks("RUNNING", type)],
      [`pending${name}TasksCount`, tasks("PENDING", type)],
      [`active${name}ServiceCount`, services("ACTIVE", type)],
      [`draining${name}ServiceCount`, services("DRAINING", type)],
    ])
    .map(([name, value]) => ({ name, value: String(value) }));
}
