import type { ContainerDefinition, Volume } from "@aws-sdk/client-ecs";
import type { EcsOperations } from "../../../../wire/models/ecs.ts";

/** What RegisterTaskDefinition was called with, and its sizes as numbers. */
export interface DefinitionInput extends Omit<EcsOperations["RegisterTaskDefinition"]["input"], "cpu" | "memory"> {
  readonly containerDefinitions: ContainerDefinition[];
  readonly volumes?: Volume[];
  /** CPU units. */
  readonly cpu: number | undefined;
  readonly memoryMiB: number | undefined;
}

/** A container's name for a message; validation has refused containers without one. */
export function nameOfContainer(container: ContainerDefinition): string {
  return container.name ?? "";
}
