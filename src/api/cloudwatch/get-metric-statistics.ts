import type { Datapoint } from "@aws-sdk/client-cloudwatch";
import { metricKind, unitOf } from "../../telemetry/index.ts";
import { AwsError } from "../../wire/errors.ts";
import { validationError } from "./errors.ts";
import { checkPeriod, metricName, rangeOf, statisticOf } from "./metric-input.ts";
import type { Operation } from "./operation.ts";

/** Source: CloudWatch API reference, GetMetricStatistics. */
const MAX_DATAPOINTS = 1440;
const MAX_STATISTICS = 5;
const MAX_PERCENTILES = 10;

/** What one metric was, the oldest first. */
export const getMetricStatistics: Operation<"GetMetricStatistics"> = ({ telemetry }, input) => {
  const { Statistics = [], ExtendedStatistics = [], Unit, MetricName } = input;
  if (Statistics.length + ExtendedStatistics.length === 0)
    throw new AwsError(
      "MissingRequiredParameterException",
      "At least one of the parameters Statistics and ExtendedStatistics must be specified.",
    );
  if (Statistics.length > MAX_STATISTICS || ExtendedStatistics.length > MAX_PERCENTILES)
    throw validationError(
      `At most ${MAX_STATISTICS} Statistics and ${MAX_PERCENTILES} ExtendedStatistics can be named.`,
    );
  const metric = metricName(input.Namespace, MetricName, input.Dimensions);
  const range = rangeOf(input.StartTime, input.EndTime);
  const periodSeconds = checkPeriod(input.Period ?? 0);
  const asked = Math.ceil((range.to - range.from) / (periodSeconds * 1000));
  if (asked > MAX_DATAPOINTS)
    throw new AwsError(
      "InvalidParameterCombinationException",
      `You have requested up to ${asked} datapoints, which exceeds the limit of ${MAX_DATAPOINTS}. You may reduce the datapoints requested by increasing Period, or decreasing the time range.`,
    );
  const points = new Map<number, Datapoint>();
  const kind = metricKind(metric);
  for (const name of [...Statistics, ...ExtendedStatistics]) {
    const statistic = statisticOf(metric, name);
    if (kind === undefined || (Unit !== undefined && Unit !== unitOf(kind))) continue;
    for (const { at, value } of telemetry.metric(metric, { statistic, periodSeconds, ...range })) {
      const point = points.getOrInsertComputed(at, () => ({ Timestamp: new Date(at), Unit: unitOf(kind) }));
      if (name.startsWith("p")) point.ExtendedStatistics = { ...point.ExtendedStatistics, [name]: value };
      else Object.assign(point, { [name]: value });
    }
  }
  return { Label: MetricName, Datapoints: [...points].toSorted(([a], [b]) => a - b).map(([, point]) => point) };
};
