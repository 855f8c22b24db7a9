import type { ContainerDefinition } from "@aws-sdk/client-ecs";
import { clientError } from "../../errors.ts";
import { type DefinitionInput, nameOfContainer } from "./definition-input.ts";

/** Throws ClientException if containers need each other (dependsOn, links, volumesFrom) in a way that can not be had. */
export function checkOrder(input: DefinitionInput): void {
  const byName = new Map(input.containerDefinitions.map((c) => [nameOfContainer(c), c]));
  for (const container of input.containerDefinitions) {
    checkDependencies(container, byName);
    checkLinks(input, container, byName);
    for (const { sourceContainer } of container.volumesFrom ?? []) {
      if (sourceContainer === undefined || !byName.has(sourceContainer)) {
        throw clientError(`Unknown volumesFrom container '${sourceContainer ?? ""}'.`);
      }
    }
  }
  const containers = input.containerDefinitions;
  refuseCycle(containers, linkedNames, "Container links should not have a cycle");
  refuseCycle(
    containers,
    (c) => (c.volumesFrom ?? []).map((v) => v.sourceContainer ?? ""),
    "Container volumesFrom should not have a cycle",
  );
  // A container starts after all that it needs, however it needs them: a cycle over all three never starts either.
  const needs = (c: ContainerDefinition) => [
    ...(c.dependsOn ?? []).map((d) => d.containerName ?? ""),
    ...linkedNames(c),
    ...(c.volumesFrom ?? []).map((v) => v.sourceContainer ?? ""),
  ];
  refuseCycle(containers, needs, "Container dependencies should not have a cycle");
}

function checkDependencies(container: ContainerDefinition, byName: ReadonlyMap<string, ContainerDefinition>): void {
  for (const { containerName = "", condition } of container.dependsOn ?? []) {
    const other = byName.get(containerName);
    if (other === undefined)
      throw clientError(`Cannot depend on container '${containerName}' because it does not exist`);
    if ((condition === "COMPLETE" || condition === "SUCCESS") && (other.essential ?? true)) {
      throw clientError("A dependency container with SUCCESS or COMPLETE condition cannot be an essential container");
    }
    if (condition === "HEALTHY" && other.healthCheck === undefined) {
      throw clientError(
        `Container '${nameOfContainer(container)}' depends on container '${containerName}' to be HEALTHY, which has no healthCheck.`,
      );
    }
  }
}

/** A link is `name` or `name:alias`. */
function linkedNames(container: ContainerDefinition): string[] {
  return (container.links ?? []).map((link) => link.split(":", 1)[0] ?? "");
}

function checkLinks(
  input: DefinitionInput,
  container: ContainerDefinition,
  byName: ReadonlyMap<string, ContainerDefinition>,
): void {
  const links = linkedNames(container);
  if (links.length === 0) return;
  const mode = input.networkMode ?? "bridge";
  if (mode !== "bridge") throw clientError(`Links are not supported when networkMode=${mode}.`);
  const unknown = links.find((name) => !byName.has(name));
  if (unknown !== undefined) throw clientError(`Unknown link container '${unknown}'.`);
}

function refuseCycle(
  containers: readonly ContainerDefinition[],
  needs: (container: ContainerDefinition) => readonly string[],
  problem: string,
): void {
  // Take out again and again those that need nothing that is left; what stays is on a cycle or behind one.
  const left = new Map(containers.map((c) => [nameOfContainer(c), needs(c)]));
  for (let removed = true; removed; ) {
    removed = false;
    for (const [name, needed] of left) {
      if (needed.some((n) => left.has(n))) continue;
      left.delete(name);
      removed = true;
    }
  }
  if (left.size > 0) throw clientError(problem);
}
