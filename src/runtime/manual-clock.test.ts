import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "./manual-clock.ts";

test("timers fire in the order of their times, the older first at the same time", () => {
  const clock = new ManualClock(0);
  const fired: string[] = [];
  clock.after(20, () => fired.push("c"));
  clock.after(10, () => fired.push("a"));
  clock.after(10, () => fired.push("b"));
  clock.after(5, () => fired.push("never")).cancel();
  clock.advance(15);
  assert.deepEqual([fired, clock.now()], [["a", "b"], 15]);
  clock.advance(5);
  assert.deepEqual(fired, ["a", "b", "c"]);
});

test("a repeated timer goes on until it is cancelled, also by itself", () => {
  const clock = new ManualClock(0);
  let times = 0;
  const timer = clock.every(10, () => {
    times++;
    if (times === 3) timer.cancel();
  });
  clock.advance(100);
  assert.equal(times, 3);
});

test("what a timer settles has its turn before the next timer fires", async () => {
  const clock = new ManualClock(0);
  const seen: string[] = [];
  clock.sleep(1).then(() => seen.push("slept"));
  clock.after(2, () => seen.push("timer"));
  await clock.pass(2);
  assert.deepEqual(seen, ["slept", "timer"]);
});

test("until ends with the promise, and sleep with its signal", async () => {
  const clock = new ManualClock(0);
  clock.after(1000, () => {});
  assert.equal(await clock.until(clock.sleep(5).then(() => "done")), "done");
  assert.equal(clock.now(), 5);
  const abort = new AbortController();
  const slept = assert.rejects(clock.sleep(5, abort.signal), /enough/);
  abort.abort(new Error("enough"));
  await slept;
});
