import type { MetricDataQuery, MetricDataResult } from "@aws-sdk/client-cloudwatch";
import { type MetricPoint, metricKind, unitOf } from "../../telemetry/index.ts";
import { paginate } from "../../wire/pagination.ts";
import type { ApiContext } from "../context.ts";
import { notCarriedOut, validationError } from "./errors.ts";
import { checkPeriod, metricName, rangeOf, statisticOf } from "./metric-input.ts";
import type { Operation } from "./operation.ts";

/** Source: CloudWatch API reference, GetMetricData. */
const MAX_QUERIES = 500;
const MAX_DATAPOINTS = 100_800;

/** A point and where it stands in the whole answer. */
interface PlacedPoint extends MetricPoint {
  readonly query: number;
  readonly key: string;
}

/** What metrics were, many in one call. Metrics that are not kept have no points, as in CloudWatch. */
export const getMetricData: Operation<"GetMetricData"> = (context, input) => {
  const { MetricDataQueries = [], ScanBy = "TimestampDescending", MaxDatapoints, NextToken, LabelOptions } = input;
  if (LabelOptions !== undefined) throw notCarriedOut("LabelOptions");
  if (MetricDataQueries.length < 1 || MetricDataQueries.length > MAX_QUERIES)
    throw validationError(`MetricDataQueries must have 1 to ${MAX_QUERIES} queries.`);
  const range = rangeOf(input.StartTime, input.EndTime);
  const ids = new Set<string>();
  for (const { Id = "" } of MetricDataQueries) {
    if (!/^[a-z][a-zA-Z0-9_]{0,254}$/.test(Id))
      throw validationError(
        `The id ${JSON.stringify(Id.slice(0, 255))} must begin with a small letter and have letters, digits and _ only.`,
      );
    if (ids.has(Id)) throw validationError(`The id ${Id} is given more than once.`);
    ids.add(Id);
  }
  const pointsOf = MetricDataQueries.map((query) => pointsOfQuery(context, query, range));
  const queries = MetricDataQueries.filter(({ ReturnData }) => ReturnData !== false);
  const items = MetricDataQueries.flatMap((query, index) => {
    if (!queries.includes(query)) return [];
    const points = pointsOf[index] ?? [];
    return placed(ScanBy === "TimestampAscending" ? points : points.toReversed(), queries.indexOf(query));
  });
  const { page, nextToken } = paginate({
    items,
    key: ({ key }) => key,
    maxResults: MaxDatapoints,
    nextToken: NextToken,
    filters: { MetricDataQueries, ScanBy, range },
    limits: { default: MAX_DATAPOINTS, max: MAX_DATAPOINTS },
    secret: context.pageSecret,
    errorCode: NextToken === undefined ? "ValidationError" : "InvalidNextToken",
  });
  return {
    MetricDataResults: resultsOf(queries, page, items, nextToken !== undefined),
    NextToken: nextToken,
    Messages: [],
  };
};

function pointsOfQuery(
  { telemetry }: ApiContext,
  { Id, MetricStat, Expression, AccountId, Label, Period }: MetricDataQuery,
  range: { readonly from: number; readonly to: number },
): readonly MetricPoint[] {
  if (Expression !== undefined) throw notCarriedOut("Expression");
  if (AccountId !== undefined) throw notCarriedOut("AccountId");
  if (Label?.includes("${")) throw notCarriedOut("dynamic labels");
  if (MetricStat === undefined) throw validationError(`The query ${Id} has no MetricStat.`);
  if (Period !== undefined)
    throw validationError(`The query ${Id} has a Period beside MetricStat: it belongs into MetricStat.`);
  const { Metric, Stat = "", Unit } = MetricStat;
  const metric = metricName(Metric?.Namespace, Metric?.MetricName, Metric?.Dimensions);
  const statistic = statisticOf(metric, Stat);
  const periodSeconds = checkPeriod(MetricStat.Period ?? 0);
  const kind = metricKind(metric);
  if (kind === undefined || (Unit !== undefined && Unit !== unitOf(kind))) return [];
  return telemetry.metric(metric, { statistic, periodSeconds, ...range });
}

/** In the order of queries, then of their points. */
const placed = (points: readonly MetricPoint[], query: number): PlacedPoint[] =>
  points.map((point, index) => {
    const key = `${String(query).padStart(4, "0")}.${String(index).padStart(7, "0")}`;
    return { ...point, query, key };
  });

/** One result for each query: on a page that is not the last, those whose points are not all told yet are partial. */
function resultsOf(
  queries: readonly MetricDataQuery[],
  page: readonly PlacedPoint[],
  all: readonly PlacedPoint[],
  isCut: boolean,
): MetricDataResult[] {
  const lastTold = page.at(-1)?.key ?? "";
  const unfinished = new Set(isCut ? all.filter(({ key }) => key > lastTold).map(({ query }) => query) : []);
  const told = Map.groupBy(page, ({ query }) => query);
  return queries.map(({ Id, Label, MetricStat }, index): MetricDataResult => {
    const points = told.get(index) ?? [];
    return {
      Id,
      Label: Label ?? MetricStat?.Metric?.MetricName,
      Timestamps: points.map(({ at }) => new Date(at)),
      Values: points.map(({ value }) => value),
      StatusCode: unfinished.has(index) ? "PartialData" : "Complete",
    };
  });
}
