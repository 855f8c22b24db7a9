import { bucketBounds, type LatencySum } from "../balancer/index.ts";

/**
 * The time in milliseconds within which `percent` (above 0, to 100) of the answers came, or undefined without any. Within a bucket answers are
 * taken to be spread evenly, so it is exact to the width of a bucket: 1 ms below 16 ms, an eighth above.
 */
export function percentileMs({ buckets, count }: LatencySum, percent: number): number | undefined {
  const rank = (percent / 100) * count;
  let below = 0;
  for (const [bucket, some] of [...buckets].toSorted(([a], [b]) => a - b)) {
    if (below + some >= rank) {
      const { fromMs, toMs } = bucketBounds(bucket);
      // A whole millisecond stands for itself: HAProxy has rounded it down.
      return toMs - fromMs === 1 ? fromMs : fromMs + ((rank - below) / some) * (toMs - fromMs);
    }
    below += some;
  }
  return undefined;
}
