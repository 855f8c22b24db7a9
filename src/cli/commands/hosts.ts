import type { ContainerInstance, Resource } from "@aws-sdk/client-ecs";
import type { Command } from "commander";
import { type ApiOptions, clientFor, withApiOptions } from "../api-command.ts";
import { allContainerInstances, hostName } from "../listing.ts";
import { printRows, shortName } from "../output.ts";

/** `berth hosts`: the container instances of a cluster. */
export function hostsCommand(program: Command): void {
  withApiOptions(program.command("hosts").description("list the cluster's hosts (container instances)")).action(
    async (options: ApiOptions) => {
      const instances = await allContainerInstances(clientFor(options), options.cluster);
      const byName = instances.toSorted((a, b) => hostName(a).localeCompare(hostName(b), "en", { numeric: true }));
      printRows(options.output, byName, [
        { heading: "HOST", of: hostName },
        { heading: "CONTAINER INSTANCE", of: (i) => shortName(i.containerInstanceArn) },
        { heading: "STATUS", of: (i) => i.status ?? "-" },
        { heading: "AGENT", of: (i) => (i.agentConnected ? "connected" : "disconnected") },
        { heading: "RUNNING", of: (i) => String(i.runningTasksCount ?? 0) },
        { heading: "PENDING", of: (i) => String(i.pendingTasksCount ?? 0) },
        { heading: "CPU FREE", of: (i) => share(i, "CPU") },
        { heading: "MEMORY FREE", of: (i) => share(i, "MEMORY") },
        { heading: "ZONE", of: (i) => i.attributes?.find((a) => a.name === "ecs.availability-zone")?.value ?? "-" },
      ]);
    },
  );
}

function share(instance: ContainerInstance, name: string): string {
  const amount = (resources: Resource[] | undefined) => resources?.find((r) => r.name === name)?.integerValue ?? 0;
  return `${amount(instance.remainingResources)}/${amount(instance.registeredResources)}`;
}
