import type { ContainerOverride, TaskOverride } from "@aws-sdk/client-ecs";
import type { RegisteredDefinition } from "../../../model/task-definition.ts";
import type { NeedOverrides } from "../../../scheduler/index.ts";
import { invalidParameter } from "../errors.ts";
import { MIN_CONTAINER_MEMORY_MIB, parseTaskCpu, parseTaskMemory } from "../task-definitions/registration/sizes.ts";

/** Source: ECS API reference, TaskOverride. */
const MAX_CHARACTERS = 8192;

/**
 * A call's overrides, checked against the task definition, with task sizes in units and MiB. Throws
 * InvalidParameterException for a container that is not in the definition, one that is named twice, or an amount that no
 * container can have; ClientException for a task size that is none.
 */
export function overridesOf(definition: RegisteredDefinition, given: TaskOverride | undefined): NeedOverrides {
  if (given === undefined) return {};
  if (JSON.stringify(given).length > MAX_CHARACTERS) {
    throw invalidParameter(`Overrides can have at most ${MAX_CHARACTERS} characters as JSON.`);
  }
  const names = new Set((definition.containerDefinitions ?? []).map((c) => c.name));
  const seen = new Set<string>();
  for (const override of given.containerOverrides ?? []) {
    const { name = "" } = override;
    if (!names.has(name)) {
      throw invalidParameter(`Override for container named ${name} is not a container in the TaskDefinition.`);
    }
    if (seen.has(name)) throw invalidParameter(`Container ${name} has more than one override.`);
    seen.add(name);
    checkAmounts(definition, override);
    checkEnvironment(override);
  }
  return {
    containerOverrides: given.containerOverrides,
    cpu: parseTaskCpu(given.cpu)?.toString(),
    memory: parseTaskMemory(given.memory)?.toString(),
  };
}

function checkAmounts(definition: RegisteredDefinition, override: ContainerOverride): void {
  const { name, cpu, memory, memoryReservation } = override;
  const invalid = (member: string, rule: string) =>
    invalidParameter(`Invalid '${member}' in the override for container '${name}': ${rule}`);
  if (cpu !== undefined && cpu < 0) throw invalid("cpu", "it must not be negative.");
  for (const [member, value] of Object.entries({ memory, memoryReservation })) {
    if (value !== undefined && value < MIN_CONTAINER_MEMORY_MIB) {
      throw invalid(member, `it must be at least ${MIN_CONTAINER_MEMORY_MIB} MiB.`);
    }
  }
  for (const { type, value = "" } of override.resourceRequirements ?? []) {
    if (type === "GPU" && !/^\d{1,4}$/.test(value)) throw invalid("resourceRequirements", "a GPU needs a number.");
  }
  const container = definition.containerDefinitions?.find((c) => c.name === name);
  const limit = memory ?? container?.memory;
  const reserved = memoryReservation ?? container?.memoryReservation;
  if (limit !== undefined && reserved !== undefined && reserved > limit) {
    throw invalid("memoryReservation", "it must not be greater than the container's memory.");
  }
}

function checkEnvironment({ name, environment = [] }: ContainerOverride): void {
  if (environment.some((pair) => pair.name === undefined || pair.name === "")) {
    throw invalidParameter(`An environment variable in the override for container '${name}' has no name.`);
  }
}
