import { DescribeContainerInstancesCommand, ListContainerInstancesCommand } from "@aws-sdk/client-ecs";
import type { Cluster } from "./cluster.ts";
import { eventually } from "./eventually.ts";

/** Waits until that many hosts have joined the cluster `default` with their agents connected. */
export async function hostsJoined(cluster: Cluster, count: number): Promise<void> {
  await eventually(`${count} hosts have joined`, 20_000, async () => (await connectedHosts(cluster)) >= count);
}

/** How many container instances have their agent connected. 0 while the cluster has not been made. */
export async function connectedHosts({ ecs }: Cluster): Promise<number> {
  const listed = await ecs.send(new ListContainerInstancesCommand({})).catch((error: Error) => {
    if (error.name === "ClusterNotFoundException") return undefined;
    throw error;
  });
  const containerInstanceArns = listed?.containerInstanceArns ?? [];
  if (containerInstanceArns.length === 0) return 0;
  const described = await ecs.send(
    new DescribeContainerInstancesCommand({ containerInstances: containerInstanceArns }),
  );
  return (described.containerInstances ?? []).filter((i) => i.agentConnected).length;
}
