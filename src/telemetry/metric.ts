import { bucketBounds, type LatencySum } from "../balancer/index.ts";
import type { LoadBalancerRecord, TargetGroupRecord } from "../model/load-balancer.ts";
import { registrationId } from "../model/load-balancer.ts";
import type { BerthView } from "../store/index.ts";
import { percentileMs } from "./percentile.ts";
import { type GaugeName, RESOLUTIONS, type Series, type Span, type SumName } from "./series.ts";
import { type Traffic, targetThing } from "./traffic.ts";

export type Namespace = "AWS/ApplicationELB" | "AWS/NetworkELB";
export type Statistic = "Sum" | "Average" | "Minimum" | "Maximum" | "SampleCount" | `p${number}`;
export type Unit = "Count" | "Bytes" | "Seconds" | "None";

/** One figure of one thing, by CloudWatch's names. */
export interface MetricName {
  readonly namespace: string;
  readonly name: string;
  /**
   * `LoadBalancer` (`app/NAME/ID` or `net/NAME/ID`), `TargetGroup` (`targetgroup/NAME/ID`) or both, as in CloudWatch; and, which CloudWatch has
   * not, `Target` (`ID:PORT`) beside `TargetGroup`.
   */
  readonly dimensions: Readonly<Record<string, string>>;
}

export interface MetricPoint {
  /** When its period began, in milliseconds since the epoch. */
  readonly at: number;
  readonly value: number;
}

/** How a metric is made of what is remembered. */
type Source =
  /** Something that is counted. */
  | { readonly kind: "count"; readonly of: readonly SumName[]; readonly unit: Unit }
  /** Something that is so at a moment. */
  | { readonly kind: "gauge"; readonly of: GaugeName }
  | { readonly kind: "latency" };

interface MetricKind {
  readonly source: Source;
  /** What it is of: a load balancer, a target group (or one target of it), or both. */
  readonly things: readonly ("LoadBalancer" | "TargetGroup")[];
}

const count = (...of: SumName[]): Source => ({ kind: "count", of, unit: "Count" });
const BOTH = ["LoadBalancer", "TargetGroup"] as const;
const BALANCER = ["LoadBalancer"] as const;
const GROUP = ["TargetGroup"] as const;

const HOSTS = {
  HealthyHostCount: { source: { kind: "gauge", of: "healthy" }, things: GROUP },
  UnHealthyHostCount: { source: { kind: "gauge", of: "unhealthy" }, things: GROUP },
} as const satisfies Record<string, MetricKind>;
const PROCESSED_BYTES: MetricKind = {
  source: { kind: "count", of: ["bytesIn", "bytesOut"], unit: "Bytes" },
  things: BALANCER,
};

/** The metrics that are kept. Source: CloudWatch metrics for Application and for Network Load Balancers, ELB user guides. */
export const METRICS: Readonly<Record<Namespace, Readonly<Record<string, MetricKind>>>> = {
  "AWS/ApplicationELB": {
    RequestCount: { source: count("requests"), things: BOTH },
    RequestCountPerTarget: { source: count("requestsPerTarget"), things: GROUP },
    HTTPCode_Target_2XX_Count: { source: count("2xx"), things: BOTH },
    HTTPCode_Target_3XX_Count: { source: count("3xx"), things: BOTH },
    HTTPCode_Target_4XX_Count: { source: count("4xx"), things: BOTH },
    HTTPCode_Target_5XX_Count: { source: count("5xx"), things: BOTH },
    HTTPCode_ELB_3XX_Count: { source: count("own3xx"), things: BALANCER },
    HTTPCode_ELB_4XX_Count: { source: count("own4xx"), things: BALANCER },
    HTTPCode_ELB_5XX_Count: { source: count("own5xx"), things: BALANCER },
    TargetConnectionErrorCount: { source: count("connectionErrors"), things: BOTH },
    TargetResponseTime: { source: { kind: "latency" }, things: BOTH },
    ActiveConnectionCount: { source: { kind: "gauge", of: "active" }, things: BALANCER },
    NewConnectionCount: { source: count("connections"), things: BALANCER },
    ProcessedBytes: PROCESSED_BYTES,
    ...HOSTS,
  },
  "AWS/NetworkELB": {
    ActiveFlowCount: { source: { kind: "gauge", of: "active" }, things: BALANCER },
    NewFlowCount: { source: count("connections"), things: BALANCER },
    ProcessedBytes: PROCESSED_BYTES,
    ...HOSTS,
  },
};

const TYPES = { "AWS/ApplicationELB": "application", "AWS/NetworkELB": "network" } as const;

export const isNamespace = (name: string): name is Namespace => Object.hasOwn(METRICS, name);

export function metricKind({ namespace, name }: MetricName): MetricKind | undefined {
  return isNamespace(namespace) && Object.hasOwn(METRICS[namespace], name) ? METRICS[namespace][name] : undefined;
}

export function unitOf({ source }: MetricKind): Unit {
  if (source.kind === "latency") return "Seconds";
  return source.kind === "count" ? source.unit : "Count";
}

/** A load balancer as the dimension LoadBalancer has it, a target group as TargetGroup has it. */
export const balancerDimension = ({ arn }: Pick<LoadBalancerRecord, "arn">): string =>
  arn.slice(arn.indexOf(":loadbalancer/") + ":loadbalancer/".length);
export const groupDimension = ({ arn }: Pick<TargetGroupRecord, "arn">): string => arn.slice(arn.lastIndexOf(":") + 1);

/** The series that a metric is taken from; undefined if there is none, because nothing is so called or nothing happened to it. */
export function seriesOf(traffic: Traffic, view: BerthView, metric: MetricName): Series | undefined {
  const kind = metricKind(metric);
  const { LoadBalancer, TargetGroup, Target, ...others } = metric.dimensions;
  if (kind === undefined || !isNamespace(metric.namespace) || Object.keys(others).length > 0) return undefined;
  const balancer =
    LoadBalancer === undefined
      ? undefined
      : [...view.loadBalancers.all()].find((record) => balancerDimension(record) === LoadBalancer);
  if (LoadBalancer !== undefined && balancer?.type !== TYPES[metric.namespace]) return undefined;
  if (TargetGroup === undefined) {
    if (balancer === undefined || Target !== undefined || !kind.things.includes("LoadBalancer")) return undefined;
    return traffic.series("load-balancer", balancer.arn);
  }
  const group = [...view.targetGroups.all()].find((record) => groupDimension(record) === TargetGroup);
  if (group === undefined || !kind.things.includes("TargetGroup")) return undefined;
  const owner = traffic.ownerOf(group.arn);
  if (view.loadBalancers.get(owner ?? "")?.type !== TYPES[metric.namespace]) return undefined;
  if (balancer !== undefined && balancer.arn !== owner) return undefined;
  if (Target === undefined) return traffic.series("target-group", group.arn);
  const target = view.targets.where("targetGroup", group.arn).find((t) => `${t.id}:${t.port}` === Target);
  return target && traffic.series("target", targetThing(group.arn, registrationId(target)));
}

const isPercentile = (statistic: Statistic): statistic is `p${number}` => /^p\d/.test(statistic);

/**
 * One statistic of a metric over one span of time; undefined without data, and for statistics that say nothing of such a metric.
 * What is counted is a zero, not nothing, while its thing was looked at.
 */
export function statisticOf(source: Source, span: Span, statistic: Statistic, spanMs: number): number | undefined {
  switch (source.kind) {
    case "count": {
      const sum = source.of.reduce((total, name) => total + span.sums[name], 0);
      if (sum === 0 && span.looks === 0) return undefined;
      return statistic === "Sum" ? sum : undefined;
    }
    case "gauge":
      return gaugeStatistic(source.of, span, statistic, spanMs);
    case "latency":
      return latencyStatistic(span.latency, statistic);
  }
}

/** Which statistics there are of a metric. */
export function hasStatistic({ source }: MetricKind, statistic: Statistic): boolean {
  if (source.kind === "count") return statistic === "Sum";
  return source.kind === "latency" || !isPercentile(statistic);
}

/** As in CloudWatch, where a figure is published once a minute, a sum is that of one value for each minute. */
function gaugeStatistic(name: GaugeName, span: Span, statistic: Statistic, spanMs: number): number | undefined {
  if (span.looks === 0) return undefined;
  const average = span.seen[name] / span.looks;
  const minutes = Math.max(1, Math.round(spanMs / 60_000));
  if (statistic === "Average") return average;
  if (statistic === "Minimum") return span.least[name];
  if (statistic === "Maximum") return span.most[name];
  if (statistic === "Sum") return average * minutes;
  return statistic === "SampleCount" ? minutes : undefined;
}

/** In seconds. */
function latencyStatistic(latency: LatencySum, statistic: Statistic): number | undefined {
  const { count, sumMs, buckets } = latency;
  if (count === 0) return undefined;
  if (statistic === "SampleCount") return count;
  if (statistic === "Sum") return sumMs / 1000;
  if (statistic === "Average") return sumMs / count / 1000;
  if (statistic === "Minimum") return bucketBounds(Math.min(...buckets.keys())).fromMs / 1000;
  if (statistic === "Maximum") return (percentileMs(latency, 100) ?? 0) / 1000;
  if (!isPercentile(statistic)) return undefined;
  const ms = percentileMs(latency, Number(statistic.slice(1)));
  return ms === undefined ? undefined : ms / 1000;
}

/**
 * A statistic for each period that begins from `from` on and before `to`; periods are counted from the epoch. Periods without data have no
 * point. Seconds are known for three minutes: periods that are no whole minutes have no points before that.
 */
export function pointsOf(
  series: Series,
  kind: MetricKind,
  statistic: Statistic,
  {
    periodMs,
    from,
    to,
    now,
  }: { readonly periodMs: number; readonly from: number; readonly to: number; readonly now: number },
): MetricPoint[] {
  const points: MetricPoint[] = [];
  const [fine, rough] = RESOLUTIONS;
  const { stepMs, steps } = periodMs % rough.stepMs === 0 ? rough : fine;
  const oldest = now - stepMs * (steps - 1);
  const end = Math.min(to, now + 1);
  for (let number = Math.floor(Math.max(from, oldest) / periodMs); number * periodMs < end; number += 1) {
    const at = number * periodMs;
    const value = statisticOf(kind.source, series.between(at, at + periodMs, now), statistic, periodMs);
    if (value !== undefined) points.push({ at, value });
  }
  return points;
}
