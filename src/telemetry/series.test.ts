import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Series } from "./series.ts";

const MINUTE = 60_000;

test("what is added is found in every span that its second, or its minute, begins in", () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ at: fc.integer({ min: 0, max: 400_000 }), requests: fc.nat(3) })),
      fc.integer({ min: 0, max: 400 }),
      fc.integer({ min: 0, max: 60 }),
      (events, second, length) => {
        const base = 1_000_000 * MINUTE;
        const now = base + 400_000;
        const series = new Series();
        for (const { at, requests } of events.toSorted((a, b) => a.at - b.at)) series.add(base + at, { requests });
        const sumOf = (from: number, to: number) =>
          events.reduce((sum, { at, requests }) => sum + (base + at >= from && base + at < to ? requests : 0), 0);
        const from = base + second * 1000;
        const to = from + length * 1000;
        const isFine = from > now - 179_000;
        if (isFine) assert.equal(series.between(from, to, now).sums.requests, sumOf(from, to));
        const minute = base + Math.floor(second / 60) * MINUTE;
        assert.equal(
          series.between(minute, minute + 2 * MINUTE, now + 200_000).sums.requests,
          sumOf(minute, minute + 2 * MINUTE),
        );
        assert.equal(series.total.sums.requests, sumOf(0, Number.POSITIVE_INFINITY));
      },
    ),
  );
});

test("of three hours the oldest is forgotten, and what comes too late counts in the total only", () => {
  const series = new Series();
  const now = 1_000_000 * MINUTE;
  const ago = (minutes: number) => now - minutes * MINUTE;
  series.add(ago(181), { requests: 1 });
  series.add(ago(180), { requests: 2 });
  series.add(now, { requests: 4 });
  series.add(ago(181), { requests: 8 });
  assert.equal(series.between(ago(300), now + 1, now).sums.requests, 6);
  assert.equal(series.total.sums.requests, 15);
});

test("a span that ends far in the future has all that has happened in it", () => {
  const series = new Series();
  const now = 1_000_000 * MINUTE + 40_000;
  series.add(now - 10_000, { requests: 3 });
  for (const minutes of [5, 1440]) {
    const from = now - 40_000;
    assert.equal(series.between(from, from + minutes * MINUTE, now).sums.requests, 3);
    assert.equal(series.between(from - 10 * MINUTE, from + minutes * MINUTE, now).sums.requests, 3);
  }
});

test("of what is so now the sum, the most and the least are kept", () => {
  const series = new Series();
  const now = 1_000_000 * MINUTE;
  for (const [at, healthy] of [
    [now - 120_000, 3],
    [now - 60_000, 1],
    [now - 59_000, 2],
  ] as const)
    series.look(at, { active: 0, healthy, unhealthy: 0 });
  const { looks, seen, most, least } = series.between(now - 150_000, now, now);
  assert.deepEqual([looks, seen.healthy, most.healthy, least.healthy], [3, 6, 3, 1]);
});
