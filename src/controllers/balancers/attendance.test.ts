import assert from "node:assert/strict";
import { test } from "node:test";
import { Attendance } from "./attendance.ts";

const SETTINGS = { graceMs: 10_000, startGraceMs: 30_000 };
const well = () => false;
/** Names of those that count; one that is heard only in brackets. */
const counting = (attendance: Attendance, now: number, isFailing: (name: string) => boolean = well) =>
  attendance.counting(now, isFailing).map(({ name, isWaitedFor }) => (isWaitedFor ? name : `(${name})`));
const isB = (name: string) => name === "b";

test("[BC1] a balancer counts while it is connected and for the grace after", () => {
  const attendance = new Attendance(SETTINGS);
  assert.deepEqual(counting(attendance, 0), []);
  attendance.joined("b");
  attendance.joined("a");
  assert.deepEqual(counting(attendance, 100_000), ["a", "b"]);
  attendance.left("b", 100_000);
  assert.deepEqual(counting(attendance, 109_999), ["a", "b"]);
  assert.deepEqual(counting(attendance, 110_000), ["a"]);
  attendance.joined("b");
  assert.deepEqual(counting(attendance, 110_000), ["a", "b"]);
});

test("[BC1] a session that is opened anew within the grace changes nothing", () => {
  const attendance = new Attendance(SETTINGS);
  attendance.joined("a");
  attendance.left("a", 5_000);
  attendance.joined("a");
  assert.deepEqual(counting(attendance, 50_000), ["a"]);
});

test("[BC2] one that fails is waited for during the grace, then only heard, and waited for again when it is well", () => {
  const attendance = new Attendance(SETTINGS);
  attendance.joined("a");
  attendance.joined("b");
  assert.deepEqual(counting(attendance, 1_000, isB), ["a", "b"]);
  assert.deepEqual(counting(attendance, 10_999, isB), ["a", "b"]);
  assert.deepEqual(counting(attendance, 11_000, isB), ["a", "(b)"]);
  attendance.left("b", 12_000);
  assert.deepEqual(counting(attendance, 12_000), ["a"], "it began to count by leaving");
  attendance.joined("b");
  assert.deepEqual(counting(attendance, 12_000), ["a", "b"]);
  assert.deepEqual(counting(attendance, 13_000, isB), ["a", "b"]);
  assert.deepEqual(counting(attendance, 22_000), ["a", "b"], "a failure that is over was counted on");
});

test("[BC3] one that was connected before the start is waited for that long", () => {
  const attendance = new Attendance(SETTINGS);
  attendance.expect("a", 0);
  attendance.expect("b", 0);
  assert.deepEqual(counting(attendance, 29_999), ["a", "b"]);
  attendance.joined("b");
  assert.deepEqual(counting(attendance, 30_000), ["b"]);
});

test("[BC4] one that is removed counts no more", () => {
  const attendance = new Attendance(SETTINGS);
  attendance.expect("a", 0);
  attendance.joined("b");
  attendance.left("b", 0);
  attendance.removed("a");
  attendance.removed("b");
  assert.deepEqual(counting(attendance, 1), []);
});
