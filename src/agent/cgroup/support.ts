import { release } from "node:os";
import type { RuntimeHost } from "../container-runtime.ts";
import type { DockerEndpoint } from "../docker/endpoint.ts";
import { type Hierarchy, mountedHierarchies } from "./hierarchies.ts";
import { type TaskGroups, taskGroups } from "./task-groups.ts";

/** Whether this agent can hold a task as a whole to its `cpu` and `memory`. */
export type TaskLimitSupport =
  | { readonly kind: "supported"; readonly groups: TaskGroups }
  /** `why` reads after "not supported: ". */
  | { readonly kind: "unsupported"; readonly why: string };

/** The machine this process runs on. */
export interface ThisMachine {
  /** Of its kernel, as uname says it. */
  readonly kernel: string;
  readonly hierarchies: readonly Hierarchy[];
}

/**
 * Finds out. The agent makes the tasks' groups itself, so it must be where the engine is, with the rights of root, and the engine must take a path
 * for a container's parent, which it does with its driver `cgroupfs` alone.
 */
export function taskLimitSupport(
  engine: RuntimeHost,
  endpoint: DockerEndpoint,
  parent: string,
  machine: ThisMachine = { kernel: release(), hierarchies: mountedHierarchies() },
): TaskLimitSupport {
  const why = obstacle(engine, endpoint, machine);
  if (why !== undefined) return { kind: "unsupported", why };
  try {
    return { kind: "supported", groups: taskGroups(machine.hierarchies, engine.cgroupVersion === "2" ? 2 : 1, parent) };
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    return { kind: "unsupported", why: `control groups cannot be made below ${parent} (${detail})` };
  }
}

function obstacle(engine: RuntimeHost, endpoint: DockerEndpoint, machine: ThisMachine): string | undefined {
  if (endpoint.kind !== "socket") return "the Docker Engine is reached over TCP, so it may be on another machine";
  if (engine.operatingSystem.includes("Docker Desktop") || engine.kernel !== machine.kernel)
    return "the Docker Engine is in a virtual machine or on another machine";
  if (engine.rootless) return "the Docker Engine runs without root";
  if (engine.cgroupDriver !== "cgroupfs")
    return `the Docker Engine's cgroup driver is "${engine.cgroupDriver}", and it must be "cgroupfs" (dockerd --exec-opt native.cgroupdriver=cgroupfs)`;
  if (engine.cgroupVersion !== "1" && engine.cgroupVersion !== "2")
    return `the Docker Engine uses control groups of version "${engine.cgroupVersion}"`;
  return undefined;
}
