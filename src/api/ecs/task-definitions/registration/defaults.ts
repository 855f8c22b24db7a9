import type { ContainerDefinition, PortMapping } from "@aws-sdk/client-ecs";
import type { RegisteredDefinition } from "../../../../model/task-definition.ts";
import { compatibilitiesOf } from "./compatibilities.ts";
import type { DefinitionInput } from "./definition-input.ts";
import { requiredAttributes } from "./required-attributes.ts";

/** Source: ECS API reference, HealthCheck. */
const HEALTH_CHECK = { interval: 30, timeout: 5, retries: 3 } as const;

/** A valid definition as it is kept and answered: what was given, with ECS's defaults filled in. */
export function withDefaults(input: DefinitionInput): RegisteredDefinition {
  const { tags: _tags, cpu, memoryMiB, requiresCompatibilities, ...given } = input;
  return {
    ...given,
    containerDefinitions: input.containerDefinitions.map((c) => containerWithDefaults(input, c)),
    volumes: input.volumes ?? [],
    placementConstraints: input.placementConstraints ?? [],
    requiresAttributes: requiredAttributes(input),
    compatibilities: compatibilitiesOf(input),
    ...(requiresCompatibilities?.length ? { requiresCompatibilities } : {}),
    ...(cpu === undefined ? {} : { cpu: String(cpu) }),
    ...(memoryMiB === undefined ? {} : { memory: String(memoryMiB) }),
  };
}

function containerWithDefaults(input: DefinitionInput, container: ContainerDefinition): ContainerDefinition {
  return {
    ...container,
    cpu: container.cpu ?? 0,
    essential: container.essential ?? true,
    portMappings: (container.portMappings ?? []).map((mapping) => mappingWithDefaults(input, mapping)),
    environment: container.environment ?? [],
    mountPoints: container.mountPoints ?? [],
    volumesFrom: container.volumesFrom ?? [],
    systemControls: container.systemControls ?? [],
    ...(container.healthCheck === undefined ? {} : { healthCheck: { ...HEALTH_CHECK, ...container.healthCheck } }),
  };
}

/** In awsvpc and host mode the container's port is the host's; in bridge mode 0 means that the host chooses. */
function mappingWithDefaults(input: DefinitionInput, mapping: PortMapping): PortMapping {
  const protocol = mapping.protocol ?? "tcp";
  if (mapping.containerPortRange !== undefined) return { ...mapping, protocol };
  const shared = input.networkMode === "awsvpc" || input.networkMode === "host";
  return { ...mapping, hostPort: shared ? mapping.containerPort : (mapping.hostPort ?? 0), protocol };
}
