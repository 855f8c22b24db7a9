import type { ContainerInstance, ContainerInstanceField, ContainerInstanceHealthStatus } from "@aws-sdk/client-ecs";
import { type ContainerInstanceRecord, remainingResources } from "../../../model/container-instance.ts";
import { toWireResources } from "../../../model/resources.ts";
import { providerOfInstance } from "../../../state/index.ts";
import type { BerthView } from "../../../store/index.ts";
import { toWireTags } from "../tags/tags.ts";

/** A container instance as the API shows it. Tags and health only if `include` asks for them. */
export function toWireContainerInstance(
  tables: Pick<BerthView, "tasks" | "clusters" | "capacityProviders" | "containerInstances">,
  instance: ContainerInstanceRecord,
  include: readonly ContainerInstanceField[] = [],
): ContainerInstance {
  const { arn, registered } = instance;
  const { used } = tables.containerInstances.derived.placement.occupied(instance);
  const ports = [...new Set([...registered.ports, ...used.ports])];
  const portsUdp = [...new Set([...registered.portsUdp, ...used.portsUdp])];
  const provider = providerOfInstance(tables, instance);
  return {
    containerInstanceArn: arn,
    ...(provider === undefined ? {} : { capacityProviderName: provider.name }),
    ec2InstanceId: instance.ec2InstanceId,
    status: instance.status,
    statusReason: instance.statusReason,
    agentConnected: instance.agentConnected,
    version: instance.version,
    versionInfo: {
      agentVersion: instance.agentVersion,
      agentHash: instance.agentHash,
      dockerVersion: instance.dockerVersion,
    },
    registeredResources: toWireResources(registered, ports, portsUdp),
    remainingResources: toWireResources(remainingResources({ registered, used }), ports, portsUdp),
    runningTasksCount: tables.tasks.count("instanceRunning", arn),
    pendingTasksCount: tables.tasks.count("instancePending", arn),
    attributes: instance.attributes.map((a) => ({ ...a })),
    registeredAt: new Date(instance.registeredAt),
    attachments: [],
    tags: include.includes("TAGS") ? toWireTags(instance.tags) : [],
    ...(include.includes("CONTAINER_INSTANCE_HEALTH") ? { healthStatus: healthOf(instance) } : {}),
  };
}

function healthOf(instance: ContainerInstanceRecord): ContainerInstanceHealthStatus {
  const status = instance.agentConnected ? "OK" : "IMPAIRED";
  const lastStatusChange = new Date(instance.connectivityChangedAt);
  return {
    overallStatus: status,
    details: [{ type: "AGENT_CONNECTIVITY", status, lastUpdated: lastStatusChange, lastStatusChange }],
  };
}
