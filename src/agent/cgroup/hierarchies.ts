import { readFileSync } from "node:fs";

/** A mounted control group hierarchy: one per controller on cgroup v1, a single one on v2, both kinds on a hybrid machine. */
export interface Hierarchy {
  /** Where it is mounted. A group's path is appended to this, as the engine's own runtime does it. */
  readonly root: string;
  readonly version: 1 | 2;
  /** v1: what is attached, such as ["cpu", "cpuacct"] or ["name=systemd"]. */
  readonly controllers: readonly string[];
}

/** The hierarchies that this process sees. Empty where there is no such thing as /proc. */
export function mountedHierarchies(): readonly Hierarchy[] {
  try {
    return parseHierarchies(readFileSync("/proc/self/mountinfo", "utf8"));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}

/** Finds them in the text of /proc/self/mountinfo. */
export function parseHierarchies(mountinfo: string): readonly Hierarchy[] {
  const found = new Map<string, Hierarchy>();
  for (const line of mountinfo.split("\n")) {
    const [mount, source] = line.split(" - ");
    const root = mount?.split(" ")[4];
    const [type, , options] = source?.split(" ") ?? [];
    if (root === undefined || (type !== "cgroup" && type !== "cgroup2")) continue;
    const version = type === "cgroup" ? 1 : 2;
    found.set(root, { root, version, controllers: version === 1 ? (options ?? "").split(",") : [] });
  }
  return [...found.values()];
}
