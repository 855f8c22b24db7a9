import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Clock } from "../../runtime/clock.ts";
import { groupsBelow, isGoneGroup, tryRemoveGroup } from "../../runtime/control-groups.ts";
import { HostError } from "./host-error.ts";

/** A mounted control group hierarchy: one per controller on cgroup v1, a single one on v2, both kinds on a hybrid machine. */
export interface Hierarchy {
  readonly root: string;
  readonly version: 1 | 2;
  /** v1: what is attached, such as ["cpu", "cpuacct"] or ["name=systemd"]. */
  readonly controllers: readonly string[];
}

/** The host's own processes (supervisor, engine, agent) live in this group, beside the groups of its containers. */
const SYSTEM_GROUP = "system";
/** How long to wait for the kernel to let go of an emptied group. */
const REMOVAL_LIMIT_MS = 3_000;

/** The engine's --cgroup-parent. */
export function cgroupOf(name: string): string {
  return `/berth/${name}`;
}

/** Finds the hierarchies in the text of /proc/self/mountinfo. */
export function parseHierarchies(mountinfo: string): readonly Hierarchy[] {
  const found = new Map<string, Hierarchy>();
  for (const line of mountinfo.split("\n")) {
    const [mount, source] = line.split(" - ");
    const root = mount?.split(" ")[4];
    const [type, , options] = source?.split(" ") ?? [];
    if (root === undefined || (type !== "cgroup" && type !== "cgroup2")) continue;
    const controllers = (options ?? "")
      .split(",")
      .filter((option) => !["rw", "ro", "xattr", "noprefix"].includes(option));
    found.set(root, { root, version: type === "cgroup" ? 1 : 2, controllers: type === "cgroup" ? controllers : [] });
  }
  return [...found.values()];
}

function hierarchies(): readonly Hierarchy[] {
  return parseHierarchies(readFileSync("/proc/self/mountinfo", "utf8"));
}

/** Makes the host's groups. Answers the `cgroup.procs` files to which its first process writes itself. */
export function makeCgroups(name: string): readonly string[] {
  const all = hierarchies();
  if (all.length === 0)
    throw new HostError(
      "no control groups are mounted, so no engine can run. Mount them at /sys/fs/cgroup (systemd does, or cgroupfs-mount).",
    );
  const files: string[] = [];
  for (const hierarchy of all) {
    // A v1 cpuset group takes no process before its CPUs are set; the engine does that for its containers.
    if (hierarchy.controllers.includes("cpuset")) continue;
    const group = join(hierarchy.root, cgroupOf(name), SYSTEM_GROUP);
    mkdirSync(group, { recursive: true });
    if (hierarchy.version === 2) passOnControllers(hierarchy.root, name);
    files.push(join(group, "cgroup.procs"));
  }
  return files;
}

/** v2: a group's children get only the controllers that each ancestor passes on. */
function passOnControllers(root: string, name: string): void {
  const names = readFileSync(join(root, "cgroup.controllers"), "utf8").split(" ").filter(Boolean);
  const wish = names.map((controller) => `+${controller.trim()}`).join(" ");
  if (wish === "") return;
  if (existsSync(join(root, "cgroup.type"))) emptyGroup(root);
  for (const group of [root, join(root, "berth"), join(root, cgroupOf(name))])
    writeFileSync(join(group, "cgroup.subtree_control"), wish);
}

/**
 * Inside a container the root is no real root (it has a `cgroup.type`): it may pass nothing on while processes are in it.
 * They move to a group beside, as Docker-in-Docker does.
 */
function emptyGroup(root: string): void {
  const inside = processesIn(join(root, "cgroup.procs"));
  if (inside.length === 0) return;
  mkdirSync(join(root, "init"), { recursive: true });
  for (const pid of inside) writeIfAlive(join(root, "init", "cgroup.procs"), pid);
}

function writeIfAlive(file: string, pid: number): void {
  try {
    writeFileSync(file, `${pid}`);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

/** The ids of all processes in the host's groups, those of its containers included. */
export function cgroupProcesses(name: string): ReadonlySet<number> {
  const pids = new Set<number>();
  for (const { root } of hierarchies())
    for (const group of groupsBelow(join(root, cgroupOf(name))))
      for (const pid of processesIn(join(group, "cgroup.procs"))) pids.add(pid);
  return pids;
}

/** Removes the host's groups and, after the last host, their parent. The host has no process left. */
export async function removeCgroups(name: string, clock: Clock): Promise<void> {
  const deadline = clock.monotonic() + REMOVAL_LIMIT_MS;
  for (const { root } of hierarchies()) {
    const groups = groupsBelow(join(root, cgroupOf(name))).toReversed();
    for (const group of groups)
      while (!tryRemoveGroup(group)) {
        if (clock.monotonic() > deadline) throw new HostError(`cannot remove the control group ${group}: it is in use`);
        await clock.sleep(20);
      }
    tryRemoveGroup(join(root, "berth"));
  }
}

function processesIn(file: string): readonly number[] {
  try {
    // Processes of another pid namespace show as 0.
    return readFileSync(file, "utf8")
      .split("\n")
      .map(Number)
      .filter((pid) => pid > 0);
  } catch (error) {
    if (isGoneGroup(error)) return [];
    throw error;
  }
}
