import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../../runtime/manual-clock.ts";
import type { TaskGroups } from "../cgroup/task-groups.ts";
import { ARN, bench, quiet, start, stop, until } from "../testing/engine-bench.ts";
import { fakeDaemon } from "../testing/fake-runtime.ts";
import { memoryState } from "../testing/memory-state.ts";
import { taskStatus } from "./task-record.ts";

const PATH = "/ecs/t1";

/** Groups in memory. As a machine's, they outlive the agent. */
function fakeGroups(calls: string[] = []) {
  const made = new Map<string, object>();
  const state = { failure: "", holds: true, inUse: false };
  const groups: TaskGroups = {
    pathOf: (id) => `/ecs/${id}`,
    make(path, limits) {
      if (state.failure) throw new Error(state.failure);
      made.set(path, limits);
      calls.push(`make ${path}`);
    },
    holds: () => state.holds,
    remove(path) {
      if (!state.inUse) made.delete(path);
      return !state.inUse;
    },
    removeUnknown: (known) => [...made.keys()].filter((path) => !known.has(path) && made.delete(path)),
  };
  return { made, state, taskLimits: { kind: "supported", groups } as const };
}

test("a task's group is made before its first container, which is put in it, and removed with its last", async () => {
  const clock = new ManualClock();
  const daemon = fakeDaemon(clock);
  const { made, state, taskLimits } = fakeGroups(daemon.calls);
  const { engine } = bench({ clock, daemon, taskLimits });
  await engine.accept([start([{ name: "main" }], { cpu: 0.5, memory: 64 })]);
  await quiet();
  assert.deepEqual(daemon.calls, [`make ${PATH}`, "create main", `make ${PATH}`, "start main"]);
  assert.deepEqual([...made], [[PATH, { cpu: 0.5, memoryMiB: 64 }]]);
  assert.equal(daemon.named("main").spec.cgroupParent, PATH);
  await engine.accept([stop]);
  await quiet();
  const task = engine.task(ARN)!;
  task.sent = { status: "STOPPED", fingerprint: "" };
  state.inUse = true;
  clock.advance(90_000);
  await quiet();
  assert.ok(engine.task(ARN) && made.has(PATH), "a group in use is tried again, and the task is not forgotten before");
  state.inUse = false;
  clock.advance(30_000);
  await until(clock, "it is forgotten", () => engine.task(ARN) === undefined);
  assert.equal(made.size, 0);
});

test("a task without limits of its own has no group, wherever it could have one", async () => {
  const { made, taskLimits } = fakeGroups();
  const { engine, daemon } = bench({ taskLimits });
  await engine.accept([start([{ name: "main", memory: 32 }])]);
  await quiet();
  assert.deepEqual([made.size, daemon.named("main").spec.cgroupParent], [0, undefined]);
});

test("where the machine cannot hold a task to limits, one that has them is refused, and others run", async () => {
  const { engine, daemon } = bench({ taskLimits: { kind: "unsupported", why: "the reason" } });
  await engine.accept([start([{ name: "main" }], { memory: 64 })]);
  await quiet();
  assert.equal(
    engine.task(ARN)!.containers[0]!.reason,
    "ResourceInitializationError: this agent does not support limits of a task as a whole (task-level cpu and memory) here: the reason",
  );
  assert.equal(daemon.containers.size, 0);
});

test("a group that the kernel refuses stops the task with the kernel's reason", async () => {
  const { state, taskLimits } = fakeGroups();
  state.failure = "EINVAL: write";
  const { engine, daemon } = bench({ taskLimits });
  await engine.accept([start([{ name: "main" }], { cpu: 1 })]);
  await quiet();
  const [container] = engine.task(ARN)!.containers;
  assert.equal(
    container!.reason,
    `ResourceInitializationError: the control group ${PATH} cannot be made: EINVAL: write`,
  );
  assert.deepEqual([taskStatus(engine.task(ARN)!), daemon.containers.size], ["STOPPED", 0]);
});

test("a container that runs outside its task's group is stopped and says so", async () => {
  const { state, taskLimits } = fakeGroups();
  state.holds = false;
  const { engine, daemon } = bench({ taskLimits });
  await engine.accept([start([{ name: "main" }], { cpu: 1 })]);
  await quiet();
  assert.match(engine.task(ARN)!.containers[0]!.reason!, /^ResourceInitializationError: .*outside the task's control/);
  assert.equal(daemon.named("main").state, "exited");
});

test("a new agent removes the groups of unknown tasks, and a machine started anew gets a known one's again", async () => {
  const clock = new ManualClock();
  const daemon = fakeDaemon(clock);
  const state = memoryState();
  const { made, taskLimits } = fakeGroups();
  const first = bench({ clock, daemon, state, taskLimits });
  const restartPolicy = { enabled: true, restartAttemptPeriod: 60 };
  await first.engine.accept([start([{ name: "main", restartPolicy }], { cpu: 1 })]);
  await quiet();
  first.engine.close();
  made.set("/ecs/unknown", {});
  const second = bench({ clock, daemon, state: state.afterCrash(), taskLimits });
  assert.deepEqual([...made.keys()], [PATH]);
  made.clear();
  clock.advance(60_000);
  daemon.exit(daemon.named("main"), 1);
  await until(clock, "it runs again", () => daemon.named("main").state === "running");
  assert.deepEqual([...made.keys()], [PATH]);
  second.engine.close();
});

test("an OOM kill that cgroup v1 tells of every container is told of the one that was killed", async () => {
  const { taskLimits } = fakeGroups();
  const { engine, daemon, clock } = bench({ taskLimits });
  const side = (name: string) => ({ name, essential: false });
  await engine.accept([start([{ name: "main" }, side("killed"), side("left")], { memory: 64 })]);
  await quiet();
  daemon.exit(daemon.named("killed"), 137, true);
  daemon.exit(daemon.named("left"), 0, true);
  await quiet();
  clock.advance(10);
  await engine.accept([stop]);
  await quiet();
  const reasonOf = (name: string) => engine.task(ARN)!.containers.find((it) => it.name === name)!.reason;
  assert.equal(reasonOf("killed"), "OutOfMemoryError: Container killed due to memory usage");
  assert.deepEqual([reasonOf("left"), reasonOf("main")], [undefined, undefined]);
});
