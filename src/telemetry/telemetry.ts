import type { TrafficSample } from "../balancer/index.ts";
import type { Clock } from "../runtime/clock.ts";
import type { BerthStore } from "../store/index.ts";
import {
  hasStatistic,
  type MetricName,
  type MetricPoint,
  metricKind,
  pointsOf,
  type Statistic,
  seriesOf,
} from "./metric.ts";
import { Traffic } from "./traffic.ts";

/** Which points of a metric are asked for. */
export interface MetricRange {
  readonly statistic: Statistic;
  /** 1 or more. Below 60 only the last three minutes are known. */
  readonly periodSeconds: number;
  /** From then on and before then, in milliseconds since the epoch. */
  readonly from: number;
  readonly to: number;
}

/** What is remembered of the load balancers' traffic. It lives in memory: a control plane that starts remembers nothing. */
export interface Telemetry {
  readonly traffic: Traffic;
  /** Takes a sample of the load balancer called `source`. */
  take(sample: TrafficSample, source?: string): void;
  /**
   * A metric's values, the oldest first, by CloudWatch's names and meanings. Empty where nothing is known: of metrics that are not kept, of things that are
   * not there, and of periods in which nothing was to be counted.
   */
  metric(metric: MetricName, range: MetricRange): readonly MetricPoint[];
  stop(): void;
}

export function createTelemetry(store: BerthStore, clock: Clock): Telemetry {
  const traffic = new Traffic(store, clock);
  return {
    traffic,
    take: (sample, source) => traffic.take(sample, source),
    metric: (metric, { statistic, periodSeconds, from, to }) => {
      const kind = metricKind(metric);
      const series = seriesOf(traffic, store.view, metric);
      if (kind === undefined || series === undefined || !hasStatistic(kind, statistic)) return [];
      return pointsOf(series, kind, statistic, { periodMs: periodSeconds * 1000, from, to, now: clock.now() });
    },
    stop: () => traffic.stop(),
  };
}
