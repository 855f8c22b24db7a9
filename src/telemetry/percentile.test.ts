import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { LatencySum } from "../balancer/index.ts";
import { percentileMs } from "./percentile.ts";

test("a percentile is that of the times themselves, to the width of a bucket", () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.nat(20), fc.nat(5000)), { minLength: 1, maxLength: 50 }),
      fc.constantFrom(1, 50, 90, 99, 99.9, 100),
      (times, percent) => {
        const latency = new LatencySum();
        for (const ms of times) latency.add(ms, 1);
        const exact = times.toSorted((a, b) => a - b)[Math.ceil((percent / 100) * times.length) - 1] ?? 0;
        const told = percentileMs(latency, percent) ?? Number.NaN;
        assert.ok(Math.abs(told - exact) <= Math.max(0, exact < 16 ? 0 : exact / 8 + 1), `${told} for ${exact}`);
      },
    ),
  );
});

test("of no answers there is no percentile", () => assert.equal(percentileMs(new LatencySum(), 50), undefined));
