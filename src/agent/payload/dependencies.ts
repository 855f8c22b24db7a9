import type { ContainerPayload, TaskPayload } from "./task-payload.ts";

/** What must hold of another container before this one may go on. CREATED is what volumesFrom needs. */
export type DependencyCondition = "CREATED" | "START" | "COMPLETE" | "SUCCESS" | "HEALTHY";

export interface Dependency {
  readonly on: string;
  readonly condition: DependencyCondition;
}

/** Everything a container waits for: dependsOn, links (START) and volumesFrom (CREATED); agent protocol, 6.2. */
export function dependenciesOf(container: ContainerPayload): Dependency[] {
  return [
    ...(container.dependsOn ?? []).map((it) => ({ on: it.containerName, condition: it.condition })),
    ...(container.links ?? []).map((link) => ({ on: linkedContainer(link), condition: "START" as const })),
    ...(container.volumesFrom ?? []).map((it) => ({ on: it.sourceContainer, condition: "CREATED" as const })),
  ];
}

/** A link is "name:alias" or just "name". */
export function linkedContainer(link: string): string {
  return link.split(":")[0] ?? link;
}

/** A reason "TaskDependencyError: …" for a dependency on an absent container or in a circle; undefined if all is well. */
export function dependencyProblem(task: TaskPayload): string | undefined {
  const byName = new Map(task.containers.map((container) => [container.name, container]));
  if (byName.size < task.containers.length) return "TaskDependencyError: two containers have the same name";
  for (const container of task.containers)
    for (const { on } of dependenciesOf(container))
      if (!byName.has(on))
        return `TaskDependencyError: container "${container.name}" depends on "${on}", which is not in the task`;

  const done = new Set<string>();
  const path = new Set<string>();
  /** The name at which a circle closes, if one is reachable from here. */
  function circle(name: string): string | undefined {
    if (path.has(name)) return name;
    if (done.has(name)) return undefined;
    path.add(name);
    for (const { on } of dependenciesOf(byName.get(name)!)) {
      const found = circle(on);
      if (found) return found;
    }
    path.delete(name);
    done.add(name);
    return undefined;
  }
  for (const name of byName.keys()) {
    const found = circle(name);
    if (found) return `TaskDependencyError: the dependencies of container "${found}" form a circle`;
  }
  return undefined;
}
