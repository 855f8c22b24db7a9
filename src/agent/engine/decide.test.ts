import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { seededRandom } from "../../runtime/random.ts";
import { readPayloadTask } from "../payload/task-payload.ts";
import { decide, type TaskAction } from "./decide.ts";
import { newTask } from "./new-task.ts";
import { type ContainerRecord, payloadOf, type TaskRecord, taskStatus } from "./task-record.ts";

const NAMES = ["a", "b", "c", "d"];

/** A container may only depend on those before it, so there is no circle. */
const genTask = fc
  .tuple(
    ...NAMES.map((_, index) =>
      fc.record({
        essential: fc.boolean(),
        dependsOn: fc.uniqueArray(
          fc.record({
            containerName: fc.constantFrom(...NAMES.slice(0, Math.max(1, index))),
            condition: fc.constantFrom("START", "COMPLETE", "SUCCESS"),
          }),
          { maxLength: index, selector: (it) => it.containerName },
        ),
      }),
    ),
  )
  .map((containers) => {
    const entry = readPayloadTask({
      arn: "arn:aws:ecs:r:1:task/c/1",
      desiredStatus: "RUNNING",
      containers: containers.map((it, index) => ({ name: NAMES[index], image: "i", ...it })),
    });
    assert.equal(entry.kind, "start");
    return { ...newTask(entry.task, 1, seededRandom(1)), admitted: true };
  });

/** What an engine would do, in no time. */
function carryOut(task: TaskRecord, action: TaskAction): void {
  if (action.kind === "stop-task") task.desiredStatus = "STOPPED";
  if (!("container" in action)) return;
  const container = named(task, action.container);
  switch (action.kind) {
    case "pull":
      container.status = "PULLED";
      return;
    case "create":
      container.status = "CREATED";
      container.runtimeId = "id";
      return;
    case "start":
      assertMayStart(task, container);
      container.status = "RUNNING";
      container.startedAt = 1;
      return;
    case "stop":
      assertMayStop(task, container);
      exit(container, 143);
      return;
    case "give-up":
      assert.notEqual(container.status, "RUNNING", "what runs must be stopped, not forgotten");
      container.status = "STOPPED";
      container.exitCode = action.exitCode;
  }
}

function named(task: TaskRecord, name: string): ContainerRecord {
  return task.containers.find((it) => it.name === name)!;
}
function exit(container: ContainerRecord, exitCode: number): void {
  container.status = "STOPPED";
  container.exitCode = exitCode;
}

/** The oracle: the conditions in words, without the code under test. */
function assertMayStart(task: TaskRecord, container: ContainerRecord): void {
  assert.equal(task.desiredStatus, "RUNNING", "nothing starts in a task that is to stop");
  assert.equal(container.startedAt, undefined, "nothing starts twice");
  for (const { containerName, condition } of payloadOf(task, container).dependsOn ?? []) {
    const on = named(task, containerName);
    assert.ok(on.startedAt !== undefined, `${container.name} started before ${on.name}`);
    if (condition === "COMPLETE") assert.equal(on.status, "STOPPED");
    if (condition === "SUCCESS") assert.deepEqual([on.status, on.exitCode], ["STOPPED", 0]);
  }
}
function assertMayStop(task: TaskRecord, container: ContainerRecord): void {
  assert.equal(task.desiredStatus, "STOPPED", "nothing is stopped in a task that is to run");
  for (const other of task.containers)
    if (payloadOf(task, other).dependsOn?.some((it) => it.containerName === container.name))
      assert.equal(other.status, "STOPPED", `${container.name} stopped before ${other.name}, which depends on it`);
}

test("in every order of events, containers start after what they depend on, stop before it, and a stopped task ends", () => {
  const seen = { ran: 0, gaveUp: 0 };
  const genEvent = fc.record({
    pick: fc.nat(20),
    exits: fc.nat(5).map((n) => n === 0),
    exitCode: fc.constantFrom(0, 1),
  });
  fc.assert(
    fc.property(genTask, fc.array(genEvent, { minLength: 20, maxLength: 60 }), (task, events) => {
      for (const { pick, exits, exitCode } of events) {
        const running = task.containers.filter((it) => it.status === "RUNNING");
        const actions = decide(task, 0).filter((it) => it.kind !== "look-again");
        if (exits && running.length > 0) exit(running[pick % running.length]!, exitCode);
        else if (actions.length > 0) carryOut(task, actions[pick % actions.length]!);
        if (actions.some((it) => it.kind === "give-up")) seen.gaveUp++;
        if (taskStatus(task) === "RUNNING") seen.ran++;
      }
      task.desiredStatus = "STOPPED";
      for (let step = 0; step < 10 && taskStatus(task) !== "STOPPED"; step++) {
        const [action] = decide(task, 0);
        assert.ok(action, "a task that is to stop is stuck");
        carryOut(task, action);
      }
      assert.equal(taskStatus(task), "STOPPED");
      assert.deepEqual(decide(task, 0), []);
    }),
    { numRuns: 400 },
  );
  assert.ok(seen.ran > 0 && seen.gaveUp > 0, "the test never tried one side");
});

test("a task whose containers wait only for each other's exits always has something to do or something running", () => {
  fc.assert(
    fc.property(genTask, fc.array(fc.constantFrom(0, 1), { maxLength: 8 }), (task, exitCodes) => {
      for (let step = 0; step < 60 && taskStatus(task) !== "STOPPED"; step++) {
        const actions = decide(task, 0);
        const running = task.containers.filter((it) => it.status === "RUNNING");
        assert.ok(actions.length > 0 || running.length > 0, "stuck");
        if (actions.length > 0) carryOut(task, actions[0]!);
        else exit(running[0]!, exitCodes[step % Math.max(1, exitCodes.length)] ?? 0);
      }
      assert.equal(taskStatus(task), "STOPPED");
    }),
    { numRuns: 300 },
  );
});
