import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { type Hierarchy, parseHierarchies } from "./hierarchies.ts";
import { taskGroups } from "./task-groups.ts";

const dir = mkdtempSync(join(tmpdir(), "berth-groups-"));
after(() => rmSync(dir, { recursive: true }));
let machines = 0;

/** Directories in place of a machine's hierarchies. `parent` has the files that a kernel would put in it. */
function machine(parent: string) {
  const root = join(dir, String(++machines));
  const at = (name: string) => join(root, name);
  const v1 = (name: string, controllers: string[]): Hierarchy => ({ root: at(name), version: 1, controllers });
  const hierarchies: Hierarchy[] = [
    v1("cpu,cpuacct", ["rw", "cpu", "cpuacct"]),
    v1("memory", ["rw", "memory"]),
    v1("pids", ["rw", "pids"]),
    { root: at("unified"), version: 2, controllers: [] },
  ];
  for (const it of hierarchies) mkdirSync(join(it.root, parent), { recursive: true });
  const files = {
    "cpu,cpuacct": ["cpu.cfs_quota_us"],
    memory: ["memory.limit_in_bytes"],
    unified: ["memory.max", "cpu.max"],
  };
  for (const [name, names] of Object.entries(files))
    for (const file of names) writeFileSync(join(at(name), parent, file), "");
  const read = (path: string) => readFileSync(at(path), "utf8");
  return { hierarchies, at, read };
}

test("with cgroup v1 a task's limits are in its group of the memory and of the cpu controller", () => {
  const { hierarchies, read, at } = machine("/berth/a/ecs");
  const groups = taskGroups(hierarchies, 1, "/berth/a/ecs");
  const path = groups.pathOf("0123");
  assert.equal(path, "/berth/a/ecs/0123");
  groups.make(path, { cpu: 0.25, memoryMiB: 32 });
  groups.make(path, { cpu: 0.25, memoryMiB: 32 });
  assert.equal(read(`memory${path}/memory.limit_in_bytes`), "33554432");
  assert.equal(read(`cpu,cpuacct${path}/cpu.cfs_period_us`), "100000");
  assert.equal(read(`cpu,cpuacct${path}/cpu.cfs_quota_us`), "25000");
  assert.ok(!existsSync(at(`unified${path}`)));
});

test("with cgroup v2 they are in one group, and every group above it passes its controllers on", () => {
  const { hierarchies, read, at } = machine("/berth/a/ecs");
  const groups = taskGroups(hierarchies, 2, "/berth/a/ecs");
  const path = groups.pathOf("0123");
  groups.make(path, { cpu: 1.5, memoryMiB: 64 });
  assert.equal(read(`unified${path}/memory.max`), "67108864");
  assert.equal(read(`unified${path}/cpu.max`), "150000 100000");
  for (const above of ["", "/berth", "/berth/a", "/berth/a/ecs"])
    assert.equal(read(`unified${above}/cgroup.subtree_control`), "+cpu +memory");
  assert.ok(!existsSync(at(`unified${path}/cgroup.subtree_control`)), "the engine does that for its containers");
  assert.ok(!existsSync(at(`memory${path}`)));
});

test("a limit that is not asked for is not set, and the least quota is what the kernel takes", () => {
  const { hierarchies, read, at } = machine("/ecs");
  const groups = taskGroups(hierarchies, 1, "/ecs");
  groups.make("/ecs/m", { memoryMiB: 8 });
  assert.ok(!existsSync(at("cpu,cpuacct/ecs/m")));
  groups.make("/ecs/c", { cpu: 0.001 });
  assert.equal(read("cpu,cpuacct/ecs/c/cpu.cfs_quota_us"), "1000");
  assert.deepEqual(readdirSync(at("memory/ecs/c")), [], "there, so that one place tells which containers are within");
});

test("on an older kernel a group is told to count what is used below it", () => {
  const { hierarchies, read, at } = machine("/ecs");
  const groups = taskGroups(hierarchies, 1, "/ecs");
  mkdirSync(at("memory/ecs/m"));
  writeFileSync(at("memory/ecs/m/memory.use_hierarchy"), "0\n");
  groups.make("/ecs/m", { memoryMiB: 8 });
  assert.equal(read("memory/ecs/m/memory.use_hierarchy"), "1");
});

test("a group is removed in every hierarchy with what containers left in it, but not while something lives there", () => {
  const { hierarchies, at } = machine("/ecs");
  const groups = taskGroups(hierarchies, 1, "/ecs");
  for (const name of ["memory", "pids", "unified"]) mkdirSync(at(`${name}/ecs/t/container`), { recursive: true });
  assert.ok(groups.holds("/ecs/t", "container") && !groups.holds("/ecs/t", "other"));
  writeFileSync(at("pids/ecs/t/container/alive"), ""); // A directory that cannot be removed, as a group with a process.
  assert.equal(groups.remove("/ecs/t"), false);
  rmSync(at("pids/ecs/t/container/alive"));
  assert.equal(groups.remove("/ecs/t"), true);
  assert.equal(groups.remove("/ecs/t"), true, "of an absent one too");
  for (const name of ["memory", "pids", "unified"]) assert.deepEqual(existsSync(at(`${name}/ecs/t`)), false);
});

test("of the groups below the parent only those of unknown tasks are removed", () => {
  const { hierarchies, at } = machine("/ecs");
  const groups = taskGroups(hierarchies, 1, "/ecs");
  const [known, unknown] = ["a".repeat(32), "b".repeat(32)];
  for (const name of [known, unknown, "not-a-task"]) mkdirSync(at(`pids/ecs/${name}`));
  assert.deepEqual(groups.removeUnknown(new Set([`/ecs/${known}`])), [`/ecs/${unknown}`]);
  assert.deepEqual(readdirSync(at("pids/ecs")).sort(), [known, "not-a-task"]);
});

test("a machine whose kernel has no such limits, and an id that is no name, are refused", () => {
  const { hierarchies, at } = machine("/ecs");
  rmSync(at("cpu,cpuacct/ecs/cpu.cfs_quota_us"));
  assert.throws(() => taskGroups(hierarchies, 1, "/ecs"), /no cpu.cfs_quota_us/);
  assert.throws(() => taskGroups(hierarchies.slice(2), 1, "/ecs"), /memory controller of cgroup v1 is not mounted/);
  assert.throws(() => taskGroups(hierarchies.slice(0, 3), 2, "/ecs"), /cgroup v2 is not mounted/);
  assert.throws(() => taskGroups(hierarchies, 2, "/ecs").pathOf(".."), /cannot name a control group/);
});

test("hierarchies are found in mountinfo", () => {
  const v1 = "34 33 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid shared:9 - cgroup cgroup rw,cpu,cpuacct";
  const v2 = "36 33 0:31 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw,nsdelegate";
  const other = "22 1 0:20 / /proc rw - proc proc rw";
  assert.deepEqual(parseHierarchies([v1, other, v2, ""].join("\n")), [
    { root: "/sys/fs/cgroup/cpu,cpuacct", version: 1, controllers: ["rw", "cpu", "cpuacct"] },
    { root: "/sys/fs/cgroup/unified", version: 2, controllers: [] },
  ]);
});
