export { AccessFiles, type AccessFilesOptions } from "./access-log/access-files.ts";
export { createAccessLog } from "./access-log/access-log.ts";
export { controlPlaneMetrics } from "./control-plane-metrics.ts";
export { hearTraffic } from "./hear-traffic.ts";
export {
  balancerDimension,
  groupDimension,
  hasStatistic,
  isNamespace,
  METRICS,
  type MetricName,
  type MetricPoint,
  metricKind,
  type Namespace,
  type Statistic,
  unitOf,
} from "./metric.ts";
export { percentileMs } from "./percentile.ts";
export { formatMetrics, type Metric, PROMETHEUS_CONTENT_TYPE } from "./prometheus.ts";
export { Span } from "./series.ts";
export { createTelemetry, type MetricRange, type Telemetry } from "./telemetry.ts";
export { type Thing, type Traffic, targetThing } from "./traffic.ts";
export { trafficMetrics } from "./traffic-metrics.ts";
