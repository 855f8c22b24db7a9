import type { Dimension } from "@aws-sdk/client-cloudwatch";
import { hasStatistic, type MetricName, metricKind, type Statistic } from "../../telemetry/index.ts";
import { validationError } from "./errors.ts";

const SIMPLE: readonly string[] = ["Average", "Maximum", "Minimum", "SampleCount", "Sum"];

/** A metric as an input names it. Throws ValidationError for a dimension that is given twice. */
export function metricName(
  namespace: string | undefined,
  name: string | undefined,
  dimensions: readonly Dimension[] = [],
): MetricName {
  const named: Record<string, string> = Object.create(null);
  for (const { Name = "", Value = "" } of dimensions) {
    if (named[Name] !== undefined)
      throw validationError(`The dimension ${Name.slice(0, 255)} is given more than once.`);
    named[Name] = Value;
  }
  return { namespace: namespace ?? "", name: name ?? "", dimensions: named };
}

/** A statistic by its name, `p0.0` to `p100` included. Throws ValidationError for one that there is not, or not of this metric. */
export function statisticOf(metric: MetricName, text: string): Statistic {
  const percent = /^p(\d{1,3}(?:\.\d{1,10})?)$/.exec(text)?.[1];
  if (!SIMPLE.includes(text) && !(percent !== undefined && Number(percent) > 0 && Number(percent) <= 100))
    throw validationError(
      `Berth knows the statistics ${SIMPLE.join(", ")} and percentiles such as p99, not ${JSON.stringify(text.slice(0, 100))}.`,
    );
  const kind = metricKind(metric);
  if (kind !== undefined && !hasStatistic(kind, text as Statistic))
    throw validationError(
      kind.source.kind === "count"
        ? `Of ${metric.name} Berth has the statistic Sum only.`
        : `Of ${metric.name} Berth has no percentiles.`,
    );
  return text as Statistic;
}

/** Seconds. Throws ValidationError for a period that CloudWatch has not. Source: CloudWatch API reference, MetricStat. */
export function checkPeriod(seconds: number): number {
  const isOne = [1, 5, 10, 20, 30].includes(seconds) || (seconds >= 60 && seconds % 60 === 0 && seconds <= 86_400);
  if (!isOne) throw validationError("The period must be 1, 5, 10, 20, 30 or a multiple of 60 seconds, up to 86400.");
  return seconds;
}

/** From when until when, in milliseconds. Throws ValidationError if that is no time at all. */
export function rangeOf(
  start: Date | undefined,
  end: Date | undefined,
): { readonly from: number; readonly to: number } {
  const [from, to] = [start?.getTime() ?? 0, end?.getTime() ?? 0];
  if (from >= to) throw validationError("The parameter StartTime must be less than the parameter EndTime.");
  return { from, to };
}
