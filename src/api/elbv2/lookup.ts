import type { ListenerRecord, LoadBalancerRecord, TargetGroupRecord } from "../../model/load-balancer.ts";
import type { BerthView } from "../../store/index.ts";
import { listenerTargetGroups } from "../../store/index.ts";
import { listenerNotFound, loadBalancerNotFound, targetGroupNotFound } from "./errors.ts";

/** The load balancer of that ARN. Throws LoadBalancerNotFound. */
export function loadBalancerOf(tables: Pick<BerthView, "loadBalancers">, arn: string): LoadBalancerRecord {
  const found = tables.loadBalancers.get(arn);
  if (found === undefined) throw loadBalancerNotFound(arn);
  return found;
}

/** The target group of that ARN. Throws TargetGroupNotFound. */
export function targetGroupOf(tables: Pick<BerthView, "targetGroups">, arn: string): TargetGroupRecord {
  const found = tables.targetGroups.get(arn);
  if (found === undefined) throw targetGroupNotFound(arn);
  return found;
}

/** The listener of that ARN. Throws ListenerNotFound. */
export function listenerOf(tables: Pick<BerthView, "listeners">, arn: string): ListenerRecord {
  const found = tables.listeners.get(arn);
  if (found === undefined) throw listenerNotFound(arn);
  return found;
}

/** The load balancers whose listeners forward to a target group: none while it is in no one's use. */
export function loadBalancersOf(tables: Pick<BerthView, "listeners">, targetGroupArn: string): string[] {
  const listeners = tables.listeners.where("targetGroup", targetGroupArn);
  return [
    ...new Set(listeners.filter((l) => listenerTargetGroups(l).includes(targetGroupArn)).map((l) => l.loadBalancerArn)),
  ];
}
