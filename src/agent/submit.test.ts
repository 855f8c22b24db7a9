import assert from "node:assert/strict";
import { test } from "node:test";
import { silentLog } from "../runtime/log.ts";
import { ManualClock } from "../runtime/manual-clock.ts";
import { seededRandom } from "../runtime/random.ts";
import { type EcsApi, EcsCallError, type TaskStateChange } from "./ecs-api.ts";
import { newTask } from "./engine/new-task.ts";
import type { TaskRecord } from "./engine/task-record.ts";
import { submitter } from "./submit.ts";

function bench(fail: (change: TaskStateChange) => EcsCallError | undefined = () => undefined) {
  const clock = new ManualClock();
  const taken: TaskStateChange[] = [];
  let open = 0;
  let most = 0;
  const api = {
    submitTaskStateChange: async (change: TaskStateChange) => {
      most = Math.max(most, ++open);
      await new Promise<void>((resolve) => setImmediate(resolve));
      open--;
      const error = fail(change);
      if (error) throw error;
      taken.push(structuredClone(change));
    },
  } as unknown as EcsApi;
  const acknowledged: string[] = [];
  const reporter = submitter({
    api,
    clock,
    random: seededRandom(1),
    log: silentLog(),
    cluster: "c",
    acknowledged: (task) => acknowledged.push(task.sent.status),
  });
  return { clock, taken, reporter, acknowledged, most: () => most };
}
function task(id = "1", containers = ["a"]): TaskRecord {
  return newTask(
    { arn: `arn:aws:ecs:r:1:task/c/${id}`, containers: containers.map((name) => ({ name, image: "i" })) } as never,
    1,
    seededRandom(1),
  );
}
function set(it: TaskRecord, status: "RUNNING" | "STOPPED", index = 0): void {
  const container = it.containers[index]!;
  container.status = status;
  container.startedAt ??= 1;
  if (status === "STOPPED") container.exitCode = 4;
  it.reachedRunning ||= it.containers.every((c) => c.startedAt !== undefined);
}
async function quiet(): Promise<void> {
  for (let turn = 0; turn < 30; turn++) await new Promise<void>((resolve) => setImmediate(resolve));
}
const said = (changes: readonly TaskStateChange[]) =>
  changes.map(
    (it) =>
      `${it.status}: ${it.containers?.map((c) => `${c.containerName} ${c.status} ${c.exitCode ?? "-"}`).join(", ")}`,
  );

test("RUNNING and STOPPED are told once each, in order, even if the task was over before the first was told", async () => {
  const { reporter, taken } = bench();
  const it = task();
  set(it, "RUNNING");
  set(it, "STOPPED");
  reporter.noticed(it);
  reporter.noticed(it);
  await quiet();
  reporter.noticed(it);
  await quiet();
  assert.deepEqual(said(taken), ["RUNNING: a RUNNING -", "STOPPED: a STOPPED 4"]);
});

test("news of one container is told within a second, with the task's own status", async () => {
  const { reporter, taken, clock } = bench();
  const it = task("1", ["a", "b"]);
  set(it, "RUNNING", 0);
  set(it, "RUNNING", 1);
  reporter.noticed(it);
  await quiet();
  set(it, "STOPPED", 1);
  reporter.noticed(it);
  await quiet();
  assert.equal(taken.length, 1);
  clock.advance(1_000);
  await quiet();
  assert.deepEqual(said(taken).slice(1), ["RUNNING: a RUNNING -, b STOPPED 4"]);
});

test("a report that is not taken is sent again until it is, and then only the latest state of it", async () => {
  let failures = 3;
  const { reporter, taken, clock } = bench(() =>
    failures-- > 0 ? new EcsCallError("ServerException", "no", true) : undefined,
  );
  const it = task();
  set(it, "RUNNING");
  reporter.noticed(it);
  for (let step = 0; step < 10; step++) {
    await quiet();
    clock.advance(1_000);
  }
  assert.deepEqual(said(taken), ["RUNNING: a RUNNING -"]);
});

test("a report about a task that the control plane has forgotten is dropped for good", async () => {
  const { reporter, taken, acknowledged } = bench(
    () => new EcsCallError("InvalidParameterException", "unknown", false),
  );
  const it = task();
  set(it, "RUNNING");
  set(it, "STOPPED");
  reporter.noticed(it);
  await quiet();
  assert.deepEqual([taken.length, acknowledged], [0, ["RUNNING", "STOPPED"]]);
});

test("at most ten reports are under way at once", async () => {
  const { reporter, taken, most } = bench();
  for (let index = 0; index < 30; index++) {
    const it = task(String(index));
    set(it, "RUNNING");
    reporter.noticed(it);
  }
  await quiet();
  assert.deepEqual([taken.length, most()], [30, 10]);
});
