import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { bucketBounds, bucketOf, LatencySum } from "./latency.ts";

test("every time lies in its bucket, and a bucket is narrow", () => {
  fc.assert(
    fc.property(fc.oneof(fc.nat(40), fc.nat(2 ** 23 - 1)), (ms) => {
      const { fromMs, toMs } = bucketBounds(bucketOf(ms));
      assert.ok(fromMs <= ms && ms < toMs);
      assert.ok(toMs - fromMs <= Math.max(1, fromMs / 8));
    }),
  );
});

test("buckets follow one another without a gap", () => {
  for (let bucket = 0; bucket < bucketOf(2 ** 23 - 1); bucket += 1)
    assert.equal(bucketBounds(bucket).toMs, bucketBounds(bucket + 1).fromMs);
});

test("what is longer than all buckets, and what is no time, has a bucket", () => {
  assert.equal(bucketOf(1e12), bucketOf(2 ** 23 - 1));
  assert.equal(bucketOf(-1), 0);
  assert.deepEqual([bucketOf(17), bucketOf(1000)], [16, 63]);
});

test("histograms add up, and survive JSON", () => {
  const sum = new LatencySum();
  sum.add(3, 2);
  sum.add(1000, 1);
  const other = new LatencySum();
  other.addAll(JSON.parse(JSON.stringify(sum)));
  other.addAll(sum.toJSON());
  assert.deepEqual(other.toJSON(), { sumMs: 2012, buckets: { 3: 4, 63: 2 } });
  assert.equal(other.count, 6);
});
