import type { BerthOperations } from "../../wire/models/berth.ts";
import { listBalancers, removeBalancer } from "./balancers.ts";
import { describeTraffic } from "./describe-traffic.ts";
import { explainResource } from "./explain-resource.ts";
import type { Operation } from "./operation.ts";
import { planInstanceRemoval } from "./plan-instance-removal.ts";
import { planServiceRebalance } from "./plan-service-rebalance.ts";
import { planServiceUpdate } from "./plan-service-update.ts";

/** Every operation of Berth's own API. The compiler wants one for each in the model. */
export const berthOperations: { readonly [K in keyof BerthOperations]: Operation<K> } = {
  DescribeTraffic: describeTraffic,
  ExplainResource: explainResource,
  PlanServiceUpdate: planServiceUpdate,
  PlanInstanceRemoval: planInstanceRemoval,
  PlanServiceRebalance: planServiceRebalance,
  ListBalancers: listBalancers,
  RemoveBalancer: removeBalancer,
};
