import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { groupsBelow, tryRemoveGroup } from "../../runtime/control-groups.ts";
import type { Hierarchy } from "./hierarchies.ts";

const BYTES_PER_MIB = 1024 * 1024;
/** Length of the window over which a processor limit is measured, in microseconds; ECS's default (agent protocol, 6.6). */
const CPU_PERIOD_US = 100_000;
/** The kernel takes no less. */
const MIN_CPU_QUOTA_US = 1_000;
/** A task's id as ECS makes it. Only groups so named are ever taken for a task's. */
const TASK_ID = /^[0-9a-f]{32}$/;

/** What all containers of a task may have together. */
export interface TaskLimits {
  /** Processors (0.5 = half of one). Absent or 0: no limit. */
  readonly cpu?: number;
  /** Absent or 0: no limit. */
  readonly memoryMiB?: number;
}

/** The control groups that hold tasks, as wholes, to their limits. A group's path is as the engine is told it: "/ecs/<task id>". */
export interface TaskGroups {
  /** Where a task's group belongs. */
  pathOf(taskId: string): string;
  /** Makes the group with its limits, or sets them anew if it is there. Throws an Error that says what the kernel refused. */
  make(path: string, limits: TaskLimits): void;
  /** Whether a running container is within the group. */
  holds(path: string, containerId: string): boolean;
  /** Removes the group with all that containers left in it. False: a process still lives there, and it stays. */
  remove(path: string): boolean;
  /** Removes the tasks' groups that are not among these and in which no process lives. Answers their paths. */
  removeUnknown(known: ReadonlySet<string>): readonly string[];
}

/**
 * Task groups below `parent` ("/ecs"), which belongs to this agent alone. `version` is the one the engine uses; it makes the container's
 * groups below ours in every hierarchy, so ours is removed from every one. Throws an Error that says what is missing.
 */
export function taskGroups(hierarchies: readonly Hierarchy[], version: 1 | 2, parent: string): TaskGroups {
  const kernel = version === 1 ? limitsV1(hierarchies, parent) : limitsV2(hierarchies, parent);
  kernel.prepare();
  const groups: TaskGroups = {
    pathOf: (taskId) => {
      if (!/^[A-Za-z0-9_-]{1,255}$/.test(taskId)) throw new Error(`"${taskId}" cannot name a control group`);
      return `${parent}/${taskId}`;
    },
    make: (path, limits) => kernel.make(path, limits),
    holds: (path, containerId) => existsSync(join(kernel.memoryRoot, path, containerId)),
    remove: (path) => hierarchies.map(({ root }) => removeGroup(join(root, path))).every(Boolean),
    removeUnknown(known) {
      const found = new Set(
        hierarchies.flatMap(({ root }) => childrenOf(join(root, parent))).filter((name) => TASK_ID.test(name)),
      );
      const unknown = [...found].map((id) => `${parent}/${id}`).filter((path) => !known.has(path));
      return unknown.filter((path) => groups.remove(path));
    },
  };
  return groups;
}

/** How the two versions of the kernel's interface set limits. */
interface KernelLimits {
  readonly memoryRoot: string;
  /** Makes the parent and checks that groups below it can be limited. */
  prepare(): void;
  make(path: string, limits: TaskLimits): void;
}

function limitsV1(hierarchies: readonly Hierarchy[], parent: string): KernelLimits {
  const rootOf = (controller: string) => {
    const found = hierarchies.find((it) => it.version === 1 && it.controllers.includes(controller));
    if (!found) throw new Error(`the ${controller} controller of cgroup v1 is not mounted`);
    return found.root;
  };
  const memoryRoot = rootOf("memory");
  const cpuRoot = rootOf("cpu");
  return {
    memoryRoot,
    prepare() {
      mustHave(makeGroup(memoryRoot, parent), "memory.limit_in_bytes");
      mustHave(makeGroup(cpuRoot, parent), "cpu.cfs_quota_us");
    },
    make(path, { cpu, memoryMiB }) {
      const memory = makeGroup(memoryRoot, path);
      // Without it, as on older kernels, a group's limit would not count what is used below it.
      const hierarchy = join(memory, "memory.use_hierarchy");
      if (existsSync(hierarchy) && readFileSync(hierarchy, "utf8").trim() !== "1") writeFileSync(hierarchy, "1");
      if (memoryMiB) writeFileSync(join(memory, "memory.limit_in_bytes"), `${memoryMiB * BYTES_PER_MIB}`);
      if (!cpu) return;
      const processor = makeGroup(cpuRoot, path);
      writeFileSync(join(processor, "cpu.cfs_period_us"), `${CPU_PERIOD_US}`);
      writeFileSync(join(processor, "cpu.cfs_quota_us"), `${quotaOf(cpu)}`);
    },
  };
}

function limitsV2(hierarchies: readonly Hierarchy[], parent: string): KernelLimits {
  const root = hierarchies.find((it) => it.version === 2)?.root;
  if (root === undefined) throw new Error("cgroup v2 is not mounted");
  /** A group's children get only the controllers that each ancestor passes on, so this goes from the root down. */
  const prepare = () => {
    const group = makeGroup(root, parent);
    const names = parent.split("/").filter(Boolean);
    for (let depth = 0; depth <= names.length; depth++)
      writeFileSync(join(root, ...names.slice(0, depth), "cgroup.subtree_control"), "+cpu +memory");
    mustHave(group, "memory.max");
    mustHave(group, "cpu.max");
  };
  return {
    memoryRoot: root,
    prepare,
    make(path, { cpu, memoryMiB }) {
      if (!existsSync(join(root, parent))) prepare();
      const group = makeGroup(root, path);
      if (memoryMiB) writeFileSync(join(group, "memory.max"), `${memoryMiB * BYTES_PER_MIB}`);
      if (cpu) writeFileSync(join(group, "cpu.max"), `${quotaOf(cpu)} ${CPU_PERIOD_US}`);
    },
  };
}

/** Each in turn: Node's own recursion never ends in a file system that answers ENOENT for what it does not let one make. */
function makeGroup(root: string, path: string): string {
  let group = root;
  for (const name of path.split("/").filter(Boolean)) {
    group = join(group, name);
    try {
      mkdirSync(group);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
  }
  return group;
}

function mustHave(group: string, file: string): void {
  if (!existsSync(join(group, file))) throw new Error(`this machine's kernel has no ${file} in ${group}`);
}

/** In microseconds of processor time per period. */
function quotaOf(cpu: number): number {
  return Math.max(MIN_CPU_QUOTA_US, Math.round(cpu * CPU_PERIOD_US));
}

/** Removes the group and all below it, deepest first; false while something is in one of them. */
function removeGroup(group: string): boolean {
  return groupsBelow(group).toReversed().every(tryRemoveGroup);
}

function childrenOf(group: string): readonly string[] {
  try {
    return readdirSync(group, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENODEV") return [];
    throw error;
  }
}
