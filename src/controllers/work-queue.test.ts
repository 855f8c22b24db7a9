import assert from "node:assert/strict";
import { test } from "node:test";
import { silentLog } from "../runtime/log.ts";
import { ManualClock } from "../runtime/manual-clock.ts";
import { type LookAnswer, startWorkQueue } from "./work-queue.ts";

function queueOf(look: (key: string) => Promise<LookAnswer>, concurrency?: number) {
  const clock = new ManualClock(1_000_000);
  return { clock, queue: startWorkQueue({ name: "test", context: { clock, log: silentLog() }, look, concurrency }) };
}

test("a burst of changes of one thing is one look, and a change during the look is one more", async () => {
  const looks: string[] = [];
  let finish = () => {};
  const { clock, queue } = queueOf(async (key) => {
    looks.push(key);
    await new Promise<void>((resolve) => {
      finish = resolve;
    });
    return {};
  });
  for (let i = 0; i < 5; i++) queue.add("a");
  await clock.pass(0);
  assert.deepEqual(looks, ["a"]);
  for (let i = 0; i < 5; i++) queue.add("a");
  await clock.pass(0);
  assert.deepEqual(looks, ["a"], "one key is never looked at twice at a time");
  finish();
  await clock.pass(0);
  assert.deepEqual(looks, ["a", "a"]);
  finish();
  await clock.pass(0);
  assert.deepEqual(looks, ["a", "a"]);
});

test("no more looks run at a time than allowed, and every key has its turn", async () => {
  let running = 0;
  let most = 0;
  const seen = new Set<string>();
  const { clock, queue } = queueOf(async (key) => {
    most = Math.max(most, ++running);
    await clock.sleep(1);
    running--;
    seen.add(key);
    return {};
  }, 3);
  for (let i = 0; i < 10; i++) queue.add(`k${i}`);
  await clock.pass(10);
  assert.equal(most, 3);
  assert.equal(seen.size, 10);
});

test("a look that fails is repeated after a growing pause until it succeeds", async () => {
  const at: number[] = [];
  const { clock, queue } = queueOf(async () => {
    at.push(clock.now());
    if (at.length < 4) throw new Error("no");
    return {};
  });
  queue.add("a");
  await clock.pass(10_000);
  assert.deepEqual(
    at.slice(1).map((t, i) => t - at[i]!),
    [50, 100, 200],
  );
});

test("a look may ask to be repeated at a time, and to be left in peace until then", async () => {
  const at: number[] = [];
  const start = new ManualClock(1_000_000).now();
  const { clock, queue } = queueOf(async () => {
    at.push(clock.now() - start);
    return at.length === 1 ? { at: clock.now() + 500 } : { restMs: 100 };
  });
  queue.add("a");
  await clock.pass(500);
  assert.deepEqual(at, [0, 500]);
  queue.add("a");
  await clock.pass(99);
  assert.deepEqual(at, [0, 500]);
  await clock.pass(1);
  assert.deepEqual(at, [0, 500, 600]);
});

test("stopping begins no further look and waits for those under way", async () => {
  const looks: string[] = [];
  const { clock, queue } = queueOf(async (key) => {
    looks.push(key);
    await clock.sleep(10);
    return { at: clock.now() };
  });
  queue.add("a");
  await clock.pass(0);
  let isStopped = false;
  void queue.stop().then(() => {
    isStopped = true;
  });
  queue.add("b");
  await clock.pass(9);
  assert.equal(isStopped, false);
  await clock.pass(100);
  assert.equal(isStopped, true);
  assert.deepEqual(looks, ["a"]);
});
