import type { Attribute, ContainerDefinition, ContainerOverride, TaskOverride } from "@aws-sdk/client-ecs";
import type { Resources } from "../model/resources.ts";
import type { RegisteredDefinition } from "../model/task-definition.ts";

/** What a task takes of its instance. Which GPUs it is given is decided when it is placed; until then they are a number. */
export interface Need extends Omit<Resources, "gpus"> {
  readonly gpuCount?: number;
}

/** The parts of a task definition that say what a task takes of its instance. */
export type NeedSource = Pick<RegisteredDefinition, "cpu" | "memory" | "networkMode" | "containerDefinitions">;

/** The parts of RunTask's overrides that change what a task takes. */
export type NeedOverrides = Pick<TaskOverride, "cpu" | "memory"> & {
  readonly containerOverrides?: readonly ContainerOverride[];
};

/**
 * What a task of this definition takes of its instance: CPU is the task's, else the sum over the containers; memory is
 * the task's, else the sum of each container's reservation or, without one, its limit. Ports are the static host ports;
 * in host mode every container port. GPUs are the sum over the containers. Source: ECS developer guide, task placement; rule [PL1].
 */
export function needOf(definition: NeedSource, overrides: NeedOverrides = {}): Need {
  const containers = definition.containerDefinitions ?? [];
  const byName = new Map((overrides.containerOverrides ?? []).map((o) => [o.name, o]));
  const taskCpu = overrides.cpu ?? definition.cpu;
  const taskMemory = overrides.memory ?? definition.memory;
  const gpuCount = sum(containers, (c) => gpuCountOf(c, byName.get(c.name)));
  return {
    cpu: taskCpu === undefined ? sum(containers, (c) => byName.get(c.name)?.cpu ?? c.cpu ?? 0) : Number(taskCpu),
    memoryMiB:
      taskMemory === undefined ? sum(containers, (c) => containerMemoryMiB(c, byName.get(c.name))) : Number(taskMemory),
    ports: hostPorts(definition, "tcp"),
    portsUdp: hostPorts(definition, "udp"),
    ...(gpuCount === 0 ? {} : { gpuCount }),
  };
}

/** How many GPUs a container needs; an override's requirements take the place of the definition's. */
export function gpuCountOf(container: ContainerDefinition, override: ContainerOverride | undefined): number {
  const requirements = override?.resourceRequirements ?? container.resourceRequirements ?? [];
  return Number(requirements.find((one) => one.type === "GPU")?.value ?? 0);
}

function containerMemoryMiB(container: ContainerDefinition, override: ContainerOverride | undefined): number {
  return override?.memoryReservation ?? container.memoryReservation ?? override?.memory ?? container.memory ?? 0;
}

function hostPorts(definition: NeedSource, protocol: "tcp" | "udp"): readonly number[] {
  if (definition.networkMode === "awsvpc" || definition.networkMode === "none") return [];
  const ports = new Set<number>();
  for (const container of definition.containerDefinitions ?? []) {
    for (const mapping of container.portMappings ?? []) {
      // Any protocol but udp is treated as tcp.
      if ((mapping.protocol === "udp" ? "udp" : "tcp") !== protocol) continue;
      const port = definition.networkMode === "host" ? mapping.hostPort || mapping.containerPort : mapping.hostPort;
      if (port !== undefined && port !== 0) ports.add(port);
    }
  }
  return [...ports];
}

function sum<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((total, item) => total + of(item), 0);
}

/**
 * What an instance must have to run a task of this definition: its `requiresAttributes`, and the processor that its
 * runtimePlatform asks for.
 */
export function requiredAttributesOf(
  definition: Pick<RegisteredDefinition, "requiresAttributes" | "runtimePlatform">,
): readonly Attribute[] {
  const architecture = definition.runtimePlatform?.cpuArchitecture;
  return [
    ...(definition.requiresAttributes ?? []),
    ...(architecture === undefined ? [] : [{ name: "ecs.cpu-architecture", value: architecture.toLowerCase() }]),
  ];
}
