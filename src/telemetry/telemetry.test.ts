import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../runtime/manual-clock.ts";
import { METRICS, type Namespace, type Statistic } from "./metric.ts";
import { formatMetrics } from "./prometheus.ts";
import { createTelemetry, type Telemetry } from "./telemetry.ts";
import { BALANCER, BALANCER_NAME, codes, GROUP, GROUP_NAME, sampleOf, storeWithTraffic } from "./testing.ts";
import { targetThing } from "./traffic.ts";
import { trafficMetrics } from "./traffic-metrics.ts";

const START = 1_000_000 * 60_000;
const ALB = { LoadBalancer: BALANCER_NAME };
const TG = { TargetGroup: GROUP_NAME };

async function rig(states: Parameters<typeof storeWithTraffic>[1] = { a: "healthy", b: "healthy", c: "unhealthy" }) {
  const clock = new ManualClock(START);
  const store = await clock.during(storeWithTraffic(clock, states));
  const telemetry = createTelemetry(store, clock);
  await clock.pass(1000);
  return { clock, store, telemetry };
}

/** The statistic of a metric over the first minute. */
function first(telemetry: Telemetry, name: string, dimensions: Record<string, string>, statistic: Statistic = "Sum") {
  const range = { statistic, periodSeconds: 60, from: START, to: START + 60_000 };
  return telemetry.metric({ namespace: "AWS/ApplicationELB", name, dimensions }, range)[0]?.value;
}

const TRAFFIC = sampleOf(
  START + 1000,
  {
    requests: 12,
    connections: 5,
    bytesIn: 1000,
    bytesOut: 2000,
    answers: codes({ "2xx": 6, "3xx": 1, "4xx": 1, "5xx": 4 }),
    latency: { sumMs: 110, buckets: { 10: 6, 63: 1 } },
    activeConnections: 3,
  },
  {
    requests: 11,
    answers: codes({ "2xx": 6, "4xx": 1, "5xx": 4 }),
    targetAnswers: codes({ "2xx": 6, "4xx": 1, "5xx": 1 }),
    ownAnswers: codes({ "5xx": 3 }),
    connectionErrors: 2,
    latency: { sumMs: 110, buckets: { 10: 6, 63: 1 } },
    active: 2,
  },
  {
    a: { requests: 7, answers: codes({ "2xx": 6, "5xx": 1 }), active: 2 },
    b: { requests: 1, answers: codes({ "4xx": 1 }) },
  },
);

test("each metric is what the traffic was, by load balancer, target group and target", async () => {
  const { clock, telemetry } = await rig();
  telemetry.take(TRAFFIC);
  await clock.pass(6000);
  for (const [name, dimensions, expected] of [
    ["RequestCount", ALB, 11],
    ["RequestCount", TG, 11],
    ["RequestCount", { ...ALB, ...TG }, 11],
    ["RequestCount", { ...TG, Target: "a:80" }, 7],
    ["RequestCountPerTarget", TG, 5.5],
    ["HTTPCode_Target_2XX_Count", ALB, 6],
    ["HTTPCode_Target_4XX_Count", { ...TG, Target: "b:80" }, 1],
    ["HTTPCode_Target_5XX_Count", TG, 1],
    ["HTTPCode_ELB_3XX_Count", ALB, 1],
    ["HTTPCode_ELB_4XX_Count", ALB, 0],
    ["HTTPCode_ELB_5XX_Count", ALB, 3],
    ["TargetConnectionErrorCount", ALB, 2],
    ["NewConnectionCount", ALB, 5],
    ["ProcessedBytes", ALB, 3000],
    ["ActiveConnectionCount", ALB, 3],
    ["HealthyHostCount", { ...ALB, ...TG }, 2],
    ["UnHealthyHostCount", TG, 1],
    // What there is not.
    ["HTTPCode_ELB_5XX_Count", TG, undefined],
    ["RequestCountPerTarget", ALB, undefined],
    ["RequestCount", {}, undefined],
    ["RequestCount", { ...ALB, AvailabilityZone: "a" }, undefined],
    ["RequestCount", { LoadBalancer: "app/other/0123456789abcdef" }, undefined],
    ["RequestCount", { ...TG, Target: "c:81" }, undefined],
    ["Nothing", ALB, undefined],
    ["toString", ALB, undefined],
  ] as const)
    assert.equal(first(telemetry, name, dimensions), expected, `${name} ${JSON.stringify(dimensions)}`);
  assert.equal(first(telemetry, "TargetResponseTime", TG, "p50"), 0.01);
  assert.equal(first(telemetry, "TargetResponseTime", ALB, "Average"), 110 / 7 / 1000);
  assert.equal(first(telemetry, "TargetResponseTime", ALB, "SampleCount"), 7);
  const p99 = first(telemetry, "TargetResponseTime", ALB, "p99") ?? 0;
  assert.ok(p99 > 0.96 && p99 <= 1.024, `${p99}`);
  assert.equal(first(telemetry, "RequestCount", ALB, "Average"), undefined);
});

test("every metric of both namespaces is answered without data as without", async () => {
  const { telemetry } = await rig();
  for (const namespace of Object.keys(METRICS) as Namespace[])
    for (const name of Object.keys(METRICS[namespace])) {
      const range = { statistic: "Sum", periodSeconds: 60, from: START, to: START + 60_000 } as const;
      assert.deepEqual(telemetry.metric({ namespace, name, dimensions: TG }, range), [], name);
    }
});

test("while no target is healthy, the unhealthy ones share the requests", async () => {
  const { telemetry } = await rig({ a: "unhealthy", b: "unhealthy", c: "initial" });
  telemetry.take(TRAFFIC);
  assert.equal(first(telemetry, "RequestCountPerTarget", TG), 5.5);
});

test("periods have a point each, the newest being under way", async () => {
  const { clock, telemetry } = await rig();
  for (const second of [1, 61, 62, 130]) telemetry.take({ ...TRAFFIC, at: START + second * 1000 });
  await clock.pass(130_000);
  const metric = { namespace: "AWS/ApplicationELB", name: "RequestCount", dimensions: ALB };
  const range = { statistic: "Sum", periodSeconds: 60, from: START + 1, to: START + 600_000 } as const;
  assert.deepEqual(telemetry.metric(metric, range), [
    { at: START, value: 11 },
    { at: START + 60_000, value: 22 },
    { at: START + 120_000, value: 11 },
  ]);
});

test("what two load balancers carry adds up, and one that falls silent has nothing under way", async () => {
  const { clock, telemetry } = await rig();
  telemetry.take(TRAFFIC, "one");
  telemetry.take(TRAFFIC, "two");
  assert.equal(first(telemetry, "RequestCount", ALB), 22);
  assert.equal(telemetry.traffic.active("load-balancer", BALANCER), 6);
  await clock.pass(4000);
  telemetry.take(sampleOf(START + 4000, { activeConnections: 1 }), "two");
  assert.equal(telemetry.traffic.active("load-balancer", BALANCER), 4);
  await clock.pass(4000);
  assert.equal(telemetry.traffic.active("load-balancer", BALANCER), 1);
});

test("an answer that is over in the group before it is in the listener is nobody's own", async () => {
  const { telemetry } = await rig();
  const group = { answers: codes({ "2xx": 1 }), targetAnswers: codes({ "2xx": 1 }) };
  telemetry.take(sampleOf(START, {}, group));
  telemetry.take(sampleOf(START + 1000, { answers: codes({ "2xx": 1 }) }));
  const { sums } = telemetry.traffic.series("load-balancer", BALANCER)?.total ?? {};
  assert.deepEqual([sums?.["2xx"], sums?.own2xx], [1, 0]);
});

test("a target that is deregistered is forgotten, and its group remembers what it did", async () => {
  const { clock, store, telemetry } = await rig();
  telemetry.take(TRAFFIC);
  const id = targetThing(GROUP, "a:80@1");
  assert.equal(telemetry.traffic.series("target", id)?.total.sums.requests, 7);
  await clock.during(store.transact("gone", (tx) => tx.targets.delete(`${GROUP}|a|80`)));
  await clock.pass(6000);
  assert.equal(telemetry.traffic.series("target", id), undefined);
  assert.equal(telemetry.traffic.series("target-group", GROUP)?.total.sums.requests, 11);
});

test("Prometheus is told counters and times by name", async () => {
  const { store, telemetry } = await rig();
  telemetry.take(TRAFFIC);
  const text = formatMetrics(trafficMetrics(telemetry.traffic, store.view));
  const group = 'load_balancer="web",target_group="hello"';
  for (const line of [
    'berth_load_balancer_connections_total{load_balancer="web"} 5',
    'berth_load_balancer_responses_total{load_balancer="web",by="load_balancer",code="3xx"} 1',
    'berth_load_balancer_active_connections{load_balancer="web"} 3',
    `berth_target_group_requests_total{${group}} 11`,
    `berth_target_group_responses_total{${group},by="target",code="2xx"} 6`,
    `berth_target_group_targets{${group},health="healthy"} 2`,
    `berth_target_group_response_seconds_bucket{${group},le="0.008"} 0`,
    `berth_target_group_response_seconds_bucket{${group},le="0.016"} 6`,
    `berth_target_group_response_seconds_bucket{${group},le="1.024"} 7`,
    `berth_target_group_response_seconds_bucket{${group},le="+Inf"} 7`,
    `berth_target_group_response_seconds_sum{${group}} 0.11`,
    `berth_target_requests_total{${group},target="a:80"} 7`,
    `berth_target_active{${group},target="a:80"} 2`,
    "berth_traffic_left_out_total 0",
  ])
    assert.ok(text.includes(`${line}\n`), `${line} is not in\n${text}`);
});
