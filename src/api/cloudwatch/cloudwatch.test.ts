import assert from "node:assert/strict";
import { test } from "node:test";
import type { MetricDataQuery } from "@aws-sdk/client-cloudwatch";
import { BALANCER_NAME, codes, fillWithTraffic, GROUP_NAME, sampleOf } from "../../telemetry/testing.ts";
import { isDeclaredError } from "../../wire/common-errors.ts";
import { AwsError } from "../../wire/errors.ts";
import type { CloudWatchOperations } from "../../wire/models/cloudwatch.ts";
import { arrange, refused, TEST_CALL, TEST_START, testContext } from "../ecs/testing.ts";
import { inputsOf } from "../sample-inputs.ts";
import { createCloudWatchService } from "./index.ts";

const CALL = { ...TEST_CALL, signal: new AbortController().signal };
const MINUTE = 60_000;

/** Three minutes of a load balancer's traffic: 10 requests in the first, 20 in the second, 30 in the third. */
async function rig() {
  const context = await testContext();
  await arrange(context, (tx) => fillWithTraffic(tx, { a: "healthy", b: "healthy" }));
  for (const minute of [0, 1, 2]) {
    const requests = (minute + 1) * 10;
    const latency = { sumMs: 4 * requests, buckets: { 4: requests } };
    const answers = codes({ "2xx": requests });
    const group = { requests, answers, targetAnswers: answers, latency };
    context.telemetry.take(sampleOf(TEST_START + minute * MINUTE + 1000, { requests, answers, latency }, group));
  }
  context.clock.advance(3 * MINUTE - 1);
  const service = createCloudWatchService(context);
  const call = <K extends keyof CloudWatchOperations>(operation: K, input: CloudWatchOperations[K]["input"]) =>
    service.call(operation, input, CALL) as Promise<CloudWatchOperations[K]["output"]>;
  return { call, service };
}

const TIMES = { StartTime: new Date(TEST_START), EndTime: new Date(TEST_START + 3 * MINUTE) };
const BALANCER = [{ Name: "LoadBalancer", Value: BALANCER_NAME }];
const GROUP = [{ Name: "TargetGroup", Value: GROUP_NAME }];

function query(Id: string, MetricName: string, Stat = "Sum", Dimensions = BALANCER): MetricDataQuery {
  return { Id, MetricStat: { Metric: { Namespace: "AWS/ApplicationELB", MetricName, Dimensions }, Period: 60, Stat } };
}

test("GetMetricData answers each query, the newest first unless it is asked otherwise", async () => {
  const { call } = await rig();
  const MetricDataQueries = [
    query("requests", "RequestCount"),
    { ...query("each", "RequestCountPerTarget", "Sum", GROUP), Label: "by target" },
    { ...query("hidden", "RequestCount"), ReturnData: false },
    query("p99", "TargetResponseTime", "p99"),
    query("none", "RejectedConnectionCount"),
  ];
  const { MetricDataResults, NextToken } = await call("GetMetricData", { ...TIMES, MetricDataQueries });
  assert.equal(NextToken, undefined);
  const at = (minutes: readonly number[]) => minutes.map((minute) => new Date(TEST_START + minute * MINUTE));
  const base = { Timestamps: at([2, 1, 0]), StatusCode: "Complete" };
  assert.deepEqual(MetricDataResults, [
    { Id: "requests", Label: "RequestCount", ...base, Values: [30, 20, 10] },
    { Id: "each", Label: "by target", ...base, Values: [15, 10, 5] },
    { Id: "p99", Label: "TargetResponseTime", ...base, Values: [0.004, 0.004, 0.004] },
    { Id: "none", Label: "RejectedConnectionCount", Timestamps: [], Values: [], StatusCode: "Complete" },
  ]);
  const ascending = await call("GetMetricData", { ...TIMES, MetricDataQueries, ScanBy: "TimestampAscending" });
  assert.deepEqual(ascending.MetricDataResults?.[0]?.Values, [10, 20, 30]);
});

test("GetMetricData goes on where a page ended", async () => {
  const { call } = await rig();
  const input = { ...TIMES, MetricDataQueries: [query("a", "RequestCount"), query("b", "RequestCount")] };
  const first = await call("GetMetricData", { ...input, MaxDatapoints: 4 });
  const told = ({ MetricDataResults = [] }: typeof first) => MetricDataResults.map((r) => [r.Values, r.StatusCode]);
  assert.deepEqual(told(first), [
    [[30, 20, 10], "Complete"],
    [[30], "PartialData"],
  ]);
  const second = await call("GetMetricData", { ...input, MaxDatapoints: 4, NextToken: first.NextToken });
  assert.deepEqual(told(second), [
    [[], "Complete"],
    [[20, 10], "Complete"],
  ]);
  await refused(() => call("GetMetricData", { ...input, NextToken: "x" }), "InvalidNextToken");
});

test("GetMetricStatistics answers several statistics of a metric in one list", async () => {
  const { call } = await rig();
  const input = {
    ...TIMES,
    Namespace: "AWS/ApplicationELB",
    MetricName: "TargetResponseTime",
    Dimensions: GROUP,
    Period: 180,
  };
  const { Label, Datapoints } = await call("GetMetricStatistics", {
    ...input,
    Statistics: ["Average", "SampleCount"],
    ExtendedStatistics: ["p50"],
  });
  const point = { Timestamp: new Date(TEST_START), Unit: "Seconds", Average: 0.004, SampleCount: 60 };
  assert.deepEqual([Label, Datapoints], ["TargetResponseTime", [{ ...point, ExtendedStatistics: { p50: 0.004 } }]]);
  const other = await call("GetMetricStatistics", { ...input, Statistics: ["Average"], Unit: "Count" });
  assert.deepEqual(other.Datapoints, []);
});

test("ListMetrics names what is kept, by namespace, name and dimension", async () => {
  const { call } = await rig();
  const all = await call("ListMetrics", { Namespace: "AWS/ApplicationELB" });
  assert.ok((all.Metrics?.length ?? 0) > 30);
  const named = await call("ListMetrics", {
    MetricName: "RequestCountPerTarget",
    Dimensions: [{ Name: "LoadBalancer" }],
  });
  assert.deepEqual(named.Metrics, [
    { Namespace: "AWS/ApplicationELB", MetricName: "RequestCountPerTarget", Dimensions: [...GROUP, ...BALANCER] },
  ]);
  assert.deepEqual((await call("ListMetrics", { Namespace: "AWS/NetworkELB" })).Metrics, []);
});

const STAT = query("a", "RequestCount").MetricStat;
for (const [what, code, operation, input] of [
  [
    "an expression",
    "ValidationError",
    "GetMetricData",
    { ...TIMES, MetricDataQueries: [{ Id: "a", Expression: "b*2" }] },
  ],
  [
    "an id twice",
    "ValidationError",
    "GetMetricData",
    { ...TIMES, MetricDataQueries: [query("a", "x"), query("a", "x")] },
  ],
  ["an id that is none", "ValidationError", "GetMetricData", { ...TIMES, MetricDataQueries: [query("A", "x")] }],
  ["no query", "ValidationError", "GetMetricData", { ...TIMES, MetricDataQueries: [] }],
  ["a query of nothing", "ValidationError", "GetMetricData", { ...TIMES, MetricDataQueries: [{ Id: "a" }] }],
  [
    "a page of nothing",
    "ValidationError",
    "GetMetricData",
    { ...TIMES, MetricDataQueries: [query("a", "x")], MaxDatapoints: 0 },
  ],
  [
    "a period of 45 s",
    "ValidationError",
    "GetMetricData",
    { ...TIMES, MetricDataQueries: [{ Id: "a", MetricStat: { ...STAT, Period: 45 } }] },
  ],
  [
    "an average of a count",
    "ValidationError",
    "GetMetricData",
    { ...TIMES, MetricDataQueries: [query("a", "RequestCount", "Average")] },
  ],
  [
    "a percentile above 100",
    "ValidationError",
    "GetMetricData",
    { ...TIMES, MetricDataQueries: [query("a", "TargetResponseTime", "p101")] },
  ],
  [
    "a dimension twice",
    "ValidationError",
    "GetMetricData",
    { ...TIMES, MetricDataQueries: [query("a", "RequestCount", "Sum", [...BALANCER, ...BALANCER])] },
  ],
  [
    "an end before the start",
    "ValidationError",
    "GetMetricData",
    { StartTime: TIMES.EndTime, EndTime: TIMES.StartTime, MetricDataQueries: [query("a", "x")] },
  ],
  [
    "no statistic",
    "MissingRequiredParameterException",
    "GetMetricStatistics",
    { ...TIMES, Namespace: "n", MetricName: "m", Period: 60 },
  ],
  [
    "too many points",
    "InvalidParameterCombinationException",
    "GetMetricStatistics",
    { ...TIMES, StartTime: new Date(0), Namespace: "n", MetricName: "m", Period: 60, Statistics: ["Sum"] },
  ],
  ["another account", "ValidationError", "ListMetrics", { OwningAccount: "1" }],
] as const)
  test(`${operation} refuses ${what}`, async () => {
    const { service } = await rig();
    await refused(() => service.call(operation, input, CALL), code);
  });

test("whatever an input holds, an operation answers, or refuses with what its model lists", async () => {
  const { service } = await rig();
  let tried = 0;
  for (const operation of service.model.operations.values())
    for (const input of inputsOf(operation)) {
      tried += 1;
      try {
        await service.call(operation.name, input, CALL);
      } catch (error) {
        assert.ok(error instanceof AwsError, `${operation.name}: ${(error as Error).stack}`);
        assert.ok(isDeclaredError(service.model, operation, error), `${operation.name}: ${error.code}`);
      }
    }
  assert.ok(tried >= 9, String(tried));
});
