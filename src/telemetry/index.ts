export { controlPlaneMetrics } from "./control-plane-metrics.ts";
export { formatMetrics, type Metric, PROMETHEUS_CONTENT_TYPE } from "./prometheus.ts";
