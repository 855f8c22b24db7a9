import type { DaemonHost } from "../../deployment/index.ts";
import type { ServiceRecord } from "../../model/service.ts";
import { daemonRequirements, isDaemonTask } from "../../state/index.ts";
import type { BerthView } from "../../store/index.ts";

/** The instances of its cluster as a DAEMON service sees them. */
export function observeDaemonHosts(tables: BerthView, service: ServiceRecord): readonly DaemonHost[] {
  const isToHave = daemonRequirements(tables, service);
  return tables.containerInstances.where("cluster", service.clusterArn).map((instance) => ({
    instance,
    isEligible: isToHave(instance),
    hasOthers:
      instance.status === "DRAINING" &&
      tables.tasks.where("containerInstance", instance.arn).some((task) => !isDaemonTask(tables, task)),
  }));
}
