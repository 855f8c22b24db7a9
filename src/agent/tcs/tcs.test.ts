import assert from "node:assert/strict";
import { test } from "node:test";
import type { StatsSample } from "../container-runtime.ts";
import { signedFrame } from "./frame.ts";
import { statisticSet, usageBetween } from "./metrics.ts";

const sample = (at: number, cpuNanos: number, rxBytes = 0): StatsSample => ({
  at,
  cpuNanos,
  memoryBytes: 3 * 1024 * 1024,
  network: { rxBytes, rxDropped: 0, rxErrors: 0, rxPackets: 0, txBytes: 0, txDropped: 0, txErrors: 0, txPackets: 0 },
  readBytes: 0,
  writeBytes: 0,
});

test("one of two processors fully used for four seconds is 50 percent", () => {
  const point = usageBetween(sample(0, 0), sample(4_000, 4e9, 8_000), 2);
  assert.deepEqual([point?.cpuPercent, point?.memoryMiB, point?.rxBytesPerSecond], [50, 3, 2_000]);
});

test("two readings of different lives of a container say nothing", () => {
  assert.equal(usageBetween(sample(0, 5e9), sample(4_000, 1e9), 2), undefined);
  assert.equal(usageBetween(sample(4_000, 0), sample(4_000, 1e9), 2), undefined);
});

test("a statistic set has the least, the greatest, the count and the sum", () => {
  assert.deepEqual(statisticSet([3, 1, 2]), { min: 1, max: 3, sampleCount: 3, sum: 6 });
});

test("a telemetry frame is header lines, an empty line and the JSON", () => {
  const frame = signedFrame(
    "T",
    { a: 1 },
    {
      url: new URL("ws://h:1/ws?cluster=c"),
      credentials: { accessKeyId: "A", secretAccessKey: "s", sessionToken: "t" },
      region: "r",
      now: 0,
    },
  );
  const [head = "", body] = frame.split("\r\n\r\n");
  assert.equal(body, '{"type":"T","message":{"a":1}}');
  assert.deepEqual(
    head
      .split("\r\n")
      .map((line) => line.split(":")[0])
      .sort(),
    ["Authorization", "Host", "X-Amz-Date", "X-Amz-Security-Token"],
  );
});
