import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { TaskRecord } from "../model/task.ts";
import { seededRandom } from "../runtime/random.ts";
import { newTask } from "../state/index.ts";
import { Outbox, owedOrder } from "./outbox.ts";
import { CLUSTER, DEFINITION, INSTANCE } from "./testing.ts";

const order = { clusterArn: CLUSTER, definition: DEFINITION, instance: INSTANCE, group: "g", tags: {} };
const pending = newTask(order, { now: 0, random: seededRandom(1) });

describe("what an agent is owed of a task", () => {
  const delivered = { start: true, stop: true };
  const stopping = { desiredStatus: "STOPPED", lastStatus: "STOPPING" } as const;
  const cases: readonly (readonly [string, Partial<TaskRecord>, "start" | "stop" | undefined])[] = [
    ["that is to start", {}, "start"],
    ["whose start it acknowledged", { delivered: { start: true, stop: false } }, undefined],
    ["that it reported as running", { lastStatus: "RUNNING" }, undefined],
    ["that is to stop", stopping, "stop"],
    ["that is to stop and never started", { desiredStatus: "STOPPED", lastStatus: "PENDING" }, "stop"],
    ["whose stop it acknowledged", { ...stopping, delivered }, undefined],
    ["that is still being drained", { desiredStatus: "STOPPED", lastStatus: "DEACTIVATING" }, undefined],
    ["that waits for what its images are", { awaitsImages: true }, undefined],
    ["that has stopped", { desiredStatus: "STOPPED", lastStatus: "STOPPED" }, undefined],
  ];
  for (const [title, given, expected] of cases) {
    test(`${title}: ${expected ?? "nothing"}`, () => assert.equal(owedOrder({ ...pending, ...given }), expected));
  }
});

describe("an outbox", () => {
  const takeAll = (outbox: Outbox, task: TaskRecord) => outbox.take(() => task, 10).map((t) => t.order);
  const deliver = (outbox: Outbox, id: string, order: "start" | "stop") =>
    outbox.sent(id, [{ taskArn: pending.arn, order }]);

  test("says nothing twice on one connection, however often the task changes before the acknowledgement", () => {
    const outbox = new Outbox();
    outbox.notice(pending);
    outbox.notice(pending);
    assert.deepEqual(takeAll(outbox, pending), ["start"]);
    deliver(outbox, "m", "start");
    const tagged = { ...pending, tags: { a: "b" } };
    outbox.notice(tagged);
    assert.deepEqual(takeAll(outbox, tagged), []);
    assert.deepEqual(outbox.acknowledge("m"), [{ taskArn: pending.arn, order: "start" }]);
    assert.equal(outbox.acknowledge("m"), undefined);
    outbox.notice(tagged);
    assert.deepEqual(takeAll(outbox, tagged), [], "the record may show the delivery later");
  });

  test("says a stop after a start that is not acknowledged yet", () => {
    const outbox = new Outbox();
    outbox.notice(pending);
    takeAll(outbox, pending);
    deliver(outbox, "m", "start");
    const stopping: TaskRecord = { ...pending, desiredStatus: "STOPPED", lastStatus: "STOPPING" };
    outbox.notice(stopping);
    assert.deepEqual(takeAll(outbox, stopping), ["stop"]);
  });

  test("says its stop once, too, and a task that was delivered is said to stop when it is to", () => {
    const outbox = new Outbox();
    outbox.notice(pending);
    takeAll(outbox, pending);
    deliver(outbox, "m", "start");
    outbox.notice({ ...pending, lastStatus: "RUNNING" });
    const stopping: TaskRecord = { ...pending, desiredStatus: "STOPPED", lastStatus: "STOPPING" };
    outbox.notice(stopping);
    assert.deepEqual(takeAll(outbox, stopping), ["stop"]);
    deliver(outbox, "n", "stop");
    outbox.notice({ ...stopping, tags: { a: "b" } });
    assert.deepEqual(takeAll(outbox, stopping), []);
  });

  test("passes over what is no longer owed when its turn comes", () => {
    const outbox = new Outbox();
    outbox.notice(pending);
    assert.deepEqual(
      outbox.take(() => undefined, 10),
      [],
    );
    outbox.notice(pending);
    assert.deepEqual(takeAll(outbox, { ...pending, lastStatus: "RUNNING" }), []);
  });

  test("takes no more than asked for and keeps the rest in order", () => {
    const outbox = new Outbox();
    const random = seededRandom(2);
    const tasks = new Map(Array.from({ length: 5 }, () => newTask(order, { now: 0, random })).map((t) => [t.arn, t]));
    for (const task of tasks.values()) outbox.notice(task);
    const taken = [2, 10].flatMap((limit) => outbox.take((arn) => tasks.get(arn), limit).map((t) => t.task.arn));
    assert.deepEqual(taken, [...tasks.keys()]);
  });
});
