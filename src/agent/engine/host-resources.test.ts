import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { seededRandom } from "../../runtime/random.ts";
import { readPayloadTask } from "../payload/task-payload.ts";
import { admissible, needOf } from "./host-resources.ts";
import { newTask } from "./new-task.ts";
import type { TaskRecord } from "./task-record.ts";

function record(index: number, task: { cpu: number; memory: number; port?: number }): TaskRecord {
  const entry = readPayloadTask({
    arn: `arn:aws:ecs:r:1:task/c/${index}`,
    desiredStatus: "RUNNING",
    containers: [
      {
        name: "a",
        image: "i",
        cpu: task.cpu,
        memory: task.memory,
        portMappings: task.port ? [{ containerPort: 80, hostPort: task.port }] : [],
      },
    ],
  });
  assert.equal(entry.kind, "start");
  return newTask(entry.task, index, seededRandom(1));
}

test("admission keeps the order, never overcommits, and stops at the first task that does not fit", () => {
  // Few, coarse sizes: exact fits and ties must be common.
  const size = fc.record({
    cpu: fc.integer({ min: 0, max: 4 }).map((n) => n * 256),
    memory: fc.integer({ min: 1, max: 4 }).map((n) => n * 256),
    port: fc.constantFrom(undefined, undefined, 80, 81),
  });
  const seen = { all: 0, some: 0 };
  fc.assert(
    fc.property(fc.array(size, { maxLength: 6 }), (sizes) => {
      const host = { cpu: 1024, memoryMiB: 1024, ports: new Set(["22/tcp"]) };
      const tasks = sizes.map((it, index) => record(index, it));
      const admitted = admissible(tasks.toReversed(), host);
      assert.deepEqual(admitted, tasks.slice(0, admitted.length), "a prefix of the queue");
      const fits = (count: number) => {
        const chosen = sizes.slice(0, count);
        const ports = chosen.map((it) => it.port).filter((it) => it !== undefined);
        return (
          chosen.reduce((sum, it) => sum + it.cpu, 0) <= 1024 &&
          chosen.reduce((sum, it) => sum + it.memory, 0) <= 1024 &&
          new Set(ports).size === ports.length
        );
      };
      assert.ok(fits(admitted.length));
      if (admitted.length < tasks.length) assert.ok(!fits(admitted.length + 1), "the next one would have fit");
      seen[admitted.length === tasks.length ? "all" : "some"]++;
    }),
  );
  assert.ok(seen.all > 0 && seen.some > 0);
});

test("a task needs its own size, else its containers' reservations, else their limits", () => {
  const need = (more: object, container: object) => {
    const entry = readPayloadTask({
      arn: "arn:aws:ecs:r:1:task/c/1",
      desiredStatus: "RUNNING",
      ...more,
      containers: [{ name: "a", image: "i", cpu: 100, memory: 200, ...container }],
    });
    assert.equal(entry.kind, "start");
    const { cpu, memoryMiB } = needOf(entry.task);
    return { cpu, memoryMiB };
  };
  assert.deepEqual(need({}, {}), { cpu: 100, memoryMiB: 200 });
  assert.deepEqual(need({ cpu: 0.5, memory: 512 }, {}), { cpu: 512, memoryMiB: 512 });
  assert.deepEqual(need({}, { dockerConfig: { hostConfig: '{"MemoryReservation":67108864}' } }), {
    cpu: 100,
    memoryMiB: 64,
  });
  assert.deepEqual(need({ launchType: "FARGATE", cpu: 4, memory: 9000 }, {}), { cpu: 0, memoryMiB: 0 });
});
