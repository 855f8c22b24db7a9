import type { Dimension, Metric } from "@aws-sdk/client-cloudwatch";
import { balancerDimension, groupDimension, METRICS, type Namespace } from "../../telemetry/index.ts";
import { paginate } from "../../wire/pagination.ts";
import type { ApiContext } from "../context.ts";
import { notCarriedOut } from "./errors.ts";
import type { Operation } from "./operation.ts";

/** Source: CloudWatch API reference, ListMetrics. */
const PAGE = 500;

/** The metrics of load balancers and target groups that something is remembered of. */
export const listMetrics: Operation<"ListMetrics"> = (context, input) => {
  const { Namespace: namespace, MetricName, Dimensions = [], NextToken } = input;
  if (input.IncludeLinkedAccounts === true) throw notCarriedOut("IncludeLinkedAccounts");
  if (input.OwningAccount !== undefined) throw notCarriedOut("OwningAccount");
  const items = kept(context).filter(
    (metric) =>
      (namespace === undefined || metric.Namespace === namespace) &&
      (MetricName === undefined || metric.MetricName === MetricName) &&
      Dimensions.every(({ Name, Value }) =>
        metric.Dimensions?.some((own) => own.Name === Name && (Value === undefined || own.Value === Value)),
      ),
  );
  const { page, nextToken } = paginate({
    items: items.toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1)),
    key: keyOf,
    nextToken: NextToken,
    filters: { namespace, MetricName, Dimensions },
    limits: { default: PAGE, max: PAGE },
    secret: context.pageSecret,
    errorCode: "InvalidParameterValueException",
  });
  return { Metrics: page, NextToken: nextToken };
};

const keyOf = ({ Namespace: namespace, MetricName, Dimensions = [] }: Metric) =>
  [namespace, MetricName, ...Dimensions.map(({ Name, Value }) => `${Name}=${Value}`)].join(" ");

function kept({ store: { view }, telemetry: { traffic } }: ApiContext): Metric[] {
  const balancers = [...view.loadBalancers.all()].filter(({ arn }) => traffic.series("load-balancer", arn));
  const ofBalancers = balancers.flatMap((balancer) =>
    metricsOf(balancer.type, "LoadBalancer", [{ Name: "LoadBalancer", Value: balancerDimension(balancer) }]),
  );
  const ofGroups = [...view.targetGroups.all()].flatMap((group) => {
    const owner = balancers.find(({ arn }) => arn === traffic.ownerOf(group.arn));
    if (owner === undefined || traffic.series("target-group", group.arn) === undefined) return [];
    const dimension = { Name: "TargetGroup", Value: groupDimension(group) };
    return [
      ...metricsOf(owner.type, "TargetGroup", [dimension]),
      ...metricsOf(owner.type, "TargetGroup", [dimension, { Name: "LoadBalancer", Value: balancerDimension(owner) }]),
    ];
  });
  return [...ofBalancers, ...ofGroups];
}

function metricsOf(
  type: "application" | "network",
  thing: "LoadBalancer" | "TargetGroup",
  dimensions: Dimension[],
): Metric[] {
  const namespace: Namespace = type === "application" ? "AWS/ApplicationELB" : "AWS/NetworkELB";
  return Object.entries(METRICS[namespace])
    .filter(([, { things }]) => things.includes(thing))
    .map(([MetricName]) => ({ Namespace: namespace, MetricName, Dimensions: dimensions }));
}
