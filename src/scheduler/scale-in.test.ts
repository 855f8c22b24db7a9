import assert from "node:assert/strict";
import { test } from "node:test";
import { containerInstanceId } from "../model/container-instance.ts";
import { scaleInOrder } from "./scale-in.ts";
import { instanceWith } from "./testing.ts";

const a1 = instanceWith("a1", { zone: "a", memoryMiB: 1024 });
const a2 = instanceWith("a2", { zone: "a", memoryMiB: 512 });
const b1 = instanceWith("b1", { zone: "b", memoryMiB: 256 });
const idsOf = (tasks: readonly { readonly instance: typeof a1 }[]) => tasks.map((t) => containerInstanceId(t.instance));

test("[PL9] without a strategy the fullest zone gives first, and in it the fullest instance", () => {
  const tasks = [a1, a1, a2, b1].map((instance, createdAt) => ({ instance, createdAt }));
  assert.deepEqual(idsOf(scaleInOrder(tasks, [])), ["a1", "a2", "b1", "a1"]);
  assert.deepEqual(idsOf(scaleInOrder(tasks, [], 2)), ["a1", "a2"]);
});

test("[PL9] binpack gives up the tasks on the instance with the most left", () => {
  const tasks = [b1, a1, a2].map((instance, createdAt) => ({ instance, createdAt }));
  assert.deepEqual(idsOf(scaleInOrder(tasks, [{ type: "binpack", field: "memory" }])), ["a1", "a2", "b1"]);
});

test("[PL9] among equals the newest task goes first", () => {
  const tasks = [3, 1, 2].map((createdAt) => ({ instance: a1, createdAt }));
  assert.deepEqual(
    scaleInOrder(tasks, []).map((t) => t.createdAt),
    [3, 2, 1],
  );
});
