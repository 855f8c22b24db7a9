import { bucketBounds, CODE_CLASSES, type LatencySum } from "../balancer/index.ts";
import { registrationId } from "../model/load-balancer.ts";
import type { BerthView } from "../store/index.ts";
import type { HistogramSample, Metric } from "./prometheus.ts";
import type { Series, Span, SumName } from "./series.ts";
import { type Thing, type Traffic, targetThing } from "./traffic.ts";

type Labels = Readonly<Record<string, string>>;

/** A thing with traffic, as it is labelled. */
interface Labelled {
  readonly thing: Thing;
  readonly id: string;
  readonly labels: Labels;
  readonly series: Series;
}

/** Bounds in seconds, each the end of a bucket that response times are counted in: 1 ms to 65.5 s, each twice the one before. */
const BOUNDS = Array.from({ length: 17 }, (_, power) => 2 ** power / 1000);

/** What load balancers carried since the control plane started, by the names of load balancers and target groups. What is gone is told no more. */
export function trafficMetrics(traffic: Traffic, view: BerthView): Metric[] {
  const balancers = [...view.loadBalancers.all()].flatMap(({ arn, name }) =>
    labelled(traffic, "load-balancer", arn, { load_balancer: name }),
  );
  const groups = [...view.targetGroups.all()].flatMap(({ arn, name }) => {
    const owner = view.loadBalancers.get(traffic.ownerOf(arn) ?? "");
    return labelled(traffic, "target-group", arn, { load_balancer: owner?.name ?? "", target_group: name });
  });
  const targets = groups.flatMap(({ id, labels }) =>
    view.targets.where("targetGroup", id).flatMap((target) =>
      labelled(traffic, "target", targetThing(id, registrationId(target)), {
        ...labels,
        target: `${target.id}:${target.port}`,
      }),
    ),
  );
  return [
    ...countersOf("berth_load_balancer", "a load balancer", balancers),
    gauge("berth_load_balancer_active_connections", "Connections of clients now.", traffic, balancers),
    ...countersOf("berth_target_group", "a target group", groups),
    gauge(
      "berth_target_group_active",
      "Requests, or connections of a network load balancer, under way now.",
      traffic,
      groups,
    ),
    targetCounts(traffic, groups),
    {
      name: "berth_target_group_response_seconds",
      help: "From a request to the headers of a target's answer; of a fraction of the answers at high rates.",
      type: "histogram",
      samples: groups.map(({ labels, series }) => histogramOf(labels, series.total.latency)),
    },
    ...countersOf("berth_target", "a target", targets),
    gauge(
      "berth_target_active",
      "Requests, or connections of a network load balancer, under way now.",
      traffic,
      targets,
    ),
    {
      name: "berth_traffic_left_out_total",
      help: "Figures that were not kept because there were too many targets with traffic.",
      type: "counter",
      samples: [{ value: traffic.leftOut }],
    },
  ];
}

function labelled(traffic: Traffic, thing: Thing, id: string, labels: Labels): Labelled[] {
  const series = traffic.series(thing, id);
  return series === undefined ? [] : [{ thing, id, labels, series }];
}

function countersOf(prefix: string, of: string, things: readonly Labelled[]): Metric[] {
  const counter = (name: string, help: string, value: (span: Span) => number): Metric => ({
    name: `${prefix}_${name}_total`,
    help,
    type: "counter",
    samples: things.map(({ labels, series }) => ({ labels, value: value(series.total) })),
  });
  return [
    counter("requests", `HTTP requests to ${of}.`, ({ sums }) => sums.requests),
    counter("connections", `New connections to ${of}.`, ({ sums }) => sums.connections),
    counter("received_bytes", `Bytes from clients by way of ${of}.`, ({ sums }) => sums.bytesIn),
    counter("sent_bytes", `Bytes to clients by way of ${of}.`, ({ sums }) => sums.bytesOut),
    counter("connection_errors", "Attempts to connect to targets that failed.", ({ sums }) => sums.connectionErrors),
    responsesOf(`${prefix}_responses_total`, things),
  ];
}

/** Answers by class of status, and by who made them. */
function responsesOf(name: string, things: readonly Labelled[]): Metric {
  const sample = ({ labels, series }: Labelled, by: string, code: string, sum: SumName) => ({
    labels: { ...labels, by, code },
    value: series.total.sums[sum],
  });
  return {
    name,
    help: "HTTP answers by class of status and by who made them: target or load_balancer.",
    type: "counter",
    samples: things.flatMap((thing) =>
      CODE_CLASSES.flatMap((code) => [
        sample(thing, "target", code, code),
        ...(thing.thing === "target" ? [] : [sample(thing, "load_balancer", code, `own${code}`)]),
      ]),
    ),
  };
}

function gauge(name: string, help: string, traffic: Traffic, things: readonly Labelled[]): Metric {
  return {
    name,
    help,
    type: "gauge",
    samples: things.map(({ thing, id, labels }) => ({ labels, value: traffic.active(thing, id) })),
  };
}

function targetCounts(traffic: Traffic, groups: readonly Labelled[]): Metric {
  return {
    name: "berth_target_group_targets",
    help: "Targets by health; those that are new or leave are neither.",
    type: "gauge",
    samples: groups.flatMap(({ id, labels }) => {
      const { healthy, unhealthy } = traffic.hosts(id);
      return [
        { labels: { ...labels, health: "healthy" }, value: healthy },
        { labels: { ...labels, health: "unhealthy" }, value: unhealthy },
      ];
    }),
  };
}

function histogramOf(labels: Labels, latency: LatencySum): HistogramSample {
  const buckets = BOUNDS.map((le) => {
    let count = 0;
    for (const [bucket, some] of latency.buckets) if (bucketBounds(bucket).toMs <= le * 1000) count += some;
    return { le, count };
  });
  return { labels, sum: latency.sumMs / 1000, count: latency.count, buckets };
}
