import type { CloudWatchOperations } from "../../wire/models/cloudwatch.ts";
import { getMetricData } from "./get-metric-data.ts";
import { getMetricStatistics } from "./get-metric-statistics.ts";
import { listMetrics } from "./list-metrics.ts";
import type { Operation } from "./operation.ts";

/** Every CloudWatch operation in the model. The compiler wants one for each. */
export const cloudWatchOperations: { readonly [K in keyof CloudWatchOperations]: Operation<K> } = {
  GetMetricData: getMetricData,
  GetMetricStatistics: getMetricStatistics,
  ListMetrics: listMetrics,
};
