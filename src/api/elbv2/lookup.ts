import type {
  ListenerRecord,
  ListenerRuleRecord,
  LoadBalancerRecord,
  TargetGroupRecord,
} from "../../model/load-balancer.ts";
import type { BerthView } from "../../store/index.ts";
import { parseListenerArn, parseListenerRuleArn, parseLoadBalancerArn, parseTargetGroupArn } from "../../wire/arn.ts";
import {
  listenerNotFound,
  loadBalancerNotFound,
  ruleNotFound,
  targetGroupNotFound,
  validationError,
} from "./errors.ts";

/** The ARN that a call names a load balancer by. Throws ValidationError for what cannot be one. */
export function checkLoadBalancerArn(arn = ""): string {
  if (parseLoadBalancerArn(arn) === undefined) throw validationError(`'${arn}' is not a valid load balancer ARN`);
  return arn;
}

/** The ARN that a call names a target group by. Throws ValidationError for what cannot be one. */
export function checkTargetGroupArn(arn = ""): string {
  if (parseTargetGroupArn(arn) === undefined) throw validationError(`'${arn}' is not a valid target group ARN`);
  return arn;
}

/** The load balancer of that ARN. Throws LoadBalancerNotFound, and ValidationError for what is no such ARN. */
export function loadBalancerOf(tables: Pick<BerthView, "loadBalancers">, arn: string | undefined): LoadBalancerRecord {
  const found = tables.loadBalancers.get(checkLoadBalancerArn(arn));
  if (found === undefined) throw loadBalancerNotFound(arn ?? "");
  return found;
}

/** The target group of that ARN. Throws TargetGroupNotFound, and ValidationError for what is no such ARN. */
export function targetGroupOf(tables: Pick<BerthView, "targetGroups">, arn: string | undefined): TargetGroupRecord {
  const found = tables.targetGroups.get(checkTargetGroupArn(arn));
  if (found === undefined) throw targetGroupNotFound(arn ?? "");
  return found;
}

/** The listener of that ARN. Throws ListenerNotFound, and ValidationError for what is no such ARN. */
export function listenerOf(tables: Pick<BerthView, "listeners">, arn = ""): ListenerRecord {
  if (parseListenerArn(arn) === undefined) throw validationError(`'${arn}' is not a valid listener ARN`);
  const found = tables.listeners.get(arn);
  if (found === undefined) throw listenerNotFound(arn);
  return found;
}

/** The ARN that a call names a rule by. Throws ValidationError for what cannot be one. */
export function checkRuleArn(arn = ""): string {
  if (parseListenerRuleArn(arn) === undefined) throw validationError(`'${arn}' is not a valid listener rule ARN`);
  return arn;
}

/** A rule of that ARN: one that was made, or the default rule of a listener. Throws RuleNotFound and ValidationError. */
export function ruleOf(
  tables: Pick<BerthView, "listenerRules" | "listeners">,
  arn: string | undefined,
): { readonly rule: ListenerRuleRecord } | { readonly defaultOf: ListenerRecord } {
  const rule = tables.listenerRules.get(checkRuleArn(arn));
  if (rule !== undefined) return { rule };
  const [listener] = tables.listeners.where("defaultRule", arn ?? "");
  if (listener === undefined) throw ruleNotFound(arn ?? "");
  return { defaultOf: listener };
}

/** The load balancers whose listeners and rules forward to a target group: none while it is in no one's use. */
export function loadBalancersOf(
  tables: Pick<BerthView, "listeners" | "listenerRules">,
  targetGroupArn: string,
): string[] {
  const users = [
    ...tables.listeners.where("targetGroup", targetGroupArn),
    ...tables.listenerRules.where("targetGroup", targetGroupArn),
  ];
  return [...new Set(users.map((user) => user.loadBalancerArn))];
}
