/**
 * Response times as a histogram of fixed buckets, so that histograms of several load balancers, or of several seconds, add up.
 * Times are whole milliseconds, as HAProxy counts them. Below 16 ms each has a bucket of its own; above, each doubling has eight,
 * so a bucket is at most 1/8 of its lower bound wide. The last one ends past two hours, and takes all that is longer.
 */
export interface Latency {
  /** The sum of all times, in milliseconds. */
  readonly sumMs: number;
  /** Bucket number to how many answers; buckets without any are left out. Fractions do not occur. */
  readonly buckets: Readonly<Record<number, number>>;
}

const EXACT = 16;
const PER_DOUBLING = 8;
const LONGEST_MS = 2 ** 23 - 1;

/** The bucket of a time. 17 ms: 16 (16 and 17 ms); 1000 ms: 63 (960 to 1023 ms). */
export function bucketOf(ms: number): number {
  const whole = Math.min(Math.max(0, Math.floor(ms)), LONGEST_MS);
  if (whole < EXACT) return whole;
  const exponent = 31 - Math.clz32(whole);
  return EXACT + (exponent - 4) * PER_DOUBLING + ((whole >> (exponent - 3)) & (PER_DOUBLING - 1));
}

/** The times of a bucket: from `fromMs` up to, but not including, `toMs`. */
export function bucketBounds(bucket: number): { readonly fromMs: number; readonly toMs: number } {
  if (bucket < EXACT) return { fromMs: bucket, toMs: bucket + 1 };
  const doubling = Math.floor((bucket - EXACT) / PER_DOUBLING);
  const widthMs = 2 ** (doubling + 1);
  const fromMs = (PER_DOUBLING + ((bucket - EXACT) % PER_DOUBLING)) * widthMs;
  return { fromMs, toMs: fromMs + widthMs };
}

/** A histogram that is added to. */
export class LatencySum {
  sumMs = 0;
  readonly buckets = new Map<number, number>();

  /** `count` answers that each took `ms`. */
  add(ms: number, count: number): void {
    this.sumMs += ms * count;
    this.#put(bucketOf(ms), count);
  }

  addAll({ sumMs, buckets }: Latency): void {
    this.sumMs += sumMs;
    for (const [bucket, count] of Object.entries(buckets)) this.#put(Number(bucket), count);
  }

  get count(): number {
    let count = 0;
    for (const some of this.buckets.values()) count += some;
    return count;
  }

  toJSON(): Latency {
    return { sumMs: this.sumMs, buckets: Object.fromEntries(this.buckets) };
  }

  #put(bucket: number, count: number): void {
    this.buckets.set(bucket, (this.buckets.get(bucket) ?? 0) + count);
  }
}
