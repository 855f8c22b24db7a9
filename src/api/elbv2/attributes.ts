import type {
  ListenerAttribute,
  LoadBalancerAttribute,
  TargetGroupAttribute,
} from "@aws-sdk/client-elastic-load-balancing-v2";
import {
  carries,
  type ListenerRecord,
  type LoadBalancerRecord,
  type TargetGroupRecord,
} from "../../model/load-balancer.ts";
import {
  APPLICATION_RULES,
  type AttributeRules,
  type GivenAttribute,
  HTTP_GROUP_RULES,
  HTTP_LISTENER_RULES,
  NETWORK_RULES,
  refusedAttributes,
  TCP_GROUP_RULES,
  TCP_LISTENER_RULES,
} from "./attribute-rules.ts";
import { validationError } from "./errors.ts";
import { listenerOf, loadBalancerOf, targetGroupOf } from "./lookup.ts";
import type { Operation } from "./operation.ts";
import { type RefusedRow, type RefusedRows, refuseMembers } from "./refuse.ts";

/** Rules, and the rows that refuse by them. */
interface Attributes {
  readonly rules: AttributeRules;
  readonly refused: readonly RefusedRow<{ readonly Attributes?: readonly GivenAttribute[] }>[];
}

const attributes = (rules: AttributeRules, of: string): Attributes => ({
  rules,
  refused: refusedAttributes(rules, of),
});

const APPLICATION = attributes(APPLICATION_RULES, "application load balancers");
const NETWORK = attributes(NETWORK_RULES, "network load balancers");
const HTTP_GROUP = attributes(HTTP_GROUP_RULES, "HTTP target groups");
const TCP_GROUP = attributes(TCP_GROUP_RULES, "TCP target groups");
const HTTP_LISTENER = attributes(HTTP_LISTENER_RULES, "HTTP listeners");
const TCP_LISTENER = attributes(TCP_LISTENER_RULES, "TCP listeners");

export const MODIFY_LOAD_BALANCER_ATTRIBUTES_REFUSED: RefusedRows<"ModifyLoadBalancerAttributes"> = [
  ...APPLICATION.refused,
  ...NETWORK.refused,
];
export const MODIFY_TARGET_GROUP_ATTRIBUTES_REFUSED: RefusedRows<"ModifyTargetGroupAttributes"> = [
  ...HTTP_GROUP.refused,
  ...TCP_GROUP.refused,
];
export const MODIFY_LISTENER_ATTRIBUTES_REFUSED: RefusedRows<"ModifyListenerAttributes"> = [
  ...HTTP_LISTENER.refused,
  ...TCP_LISTENER.refused,
];

/** Every attribute with its value: those set, else their defaults. */
function allAttributes({ rules }: Attributes, set: Readonly<Record<string, string>>): { Key: string; Value: string }[] {
  return Object.entries(rules).map(([Key, rule]) => ({ Key, Value: set[Key] ?? rule.default }));
}

/** Takes changes over what is set. Throws ValidationError for an unknown key, a bad value, or one not carried out. */
function changeAttributes(
  { rules, refused }: Attributes,
  set: Readonly<Record<string, string>>,
  changes: readonly GivenAttribute[],
): Record<string, string> {
  refuseMembers(refused, { Attributes: changes });
  const next = { ...set };
  for (const { Key: key = "", Value: value = "" } of changes) {
    const rule = rules[key];
    if (rule === undefined) throw validationError(`Attribute key '${key}' is not recognized`);
    if (rule.carriedOut !== undefined && !rule.carriedOut(value)) {
      throw validationError(`Attribute value '${value}' is not valid for attribute '${key}'`);
    }
    next[key] = value;
  }
  checkTogether((key) => next[key] ?? rules[key]?.default);
  return next;
}

/** Throws ValidationError for attributes that do not go together. */
function checkTogether(value: (key: string) => string | undefined): void {
  const algorithm = value("load_balancing.algorithm.type");
  if (algorithm !== undefined && algorithm !== "round_robin" && value("slow_start.duration_seconds") !== "0")
    throw validationError(`Slow start cannot be enabled with the load balancing algorithm '${algorithm}'`);
  const byApplication = value("stickiness.enabled") === "true" && value("stickiness.type") === "app_cookie";
  if (byApplication && value("stickiness.app_cookie.cookie_name") === "")
    throw validationError("A cookie name must be specified for stickiness of type 'app_cookie'");
  if (value("access_logs.s3.enabled") === "true" && value("access_logs.s3.bucket") === "")
    throw validationError("access_logs.s3.bucket must be specified to enable access logs");
}

const ofLoadBalancer = (l: LoadBalancerRecord) => (l.type === "application" ? APPLICATION : NETWORK);
const ofGroup = (g: TargetGroupRecord) => (carries(g.protocol) === "HTTP" ? HTTP_GROUP : TCP_GROUP);
const ofListener = (l: ListenerRecord) => (carries(l.protocol) === "HTTP" ? HTTP_LISTENER : TCP_LISTENER);

export const describeLoadBalancerAttributes: Operation<"DescribeLoadBalancerAttributes"> = ({ store }, input) => {
  const found = loadBalancerOf(store.view, input.LoadBalancerArn);
  return { Attributes: allAttributes(ofLoadBalancer(found), found.attributes) as LoadBalancerAttribute[] };
};

export const modifyLoadBalancerAttributes: Operation<"ModifyLoadBalancerAttributes"> = async ({ store }, input) => {
  const changed = await store.transact("ModifyLoadBalancerAttributes", (tx) => {
    const found = loadBalancerOf(tx, input.LoadBalancerArn);
    const attributes = changeAttributes(ofLoadBalancer(found), found.attributes, input.Attributes ?? []);
    return tx.loadBalancers.put({ ...found, attributes });
  });
  return { Attributes: allAttributes(ofLoadBalancer(changed), changed.attributes) };
};

export const describeTargetGroupAttributes: Operation<"DescribeTargetGroupAttributes"> = ({ store }, input) => {
  const found = targetGroupOf(store.view, input.TargetGroupArn);
  return { Attributes: allAttributes(ofGroup(found), found.attributes) as TargetGroupAttribute[] };
};

export const modifyTargetGroupAttributes: Operation<"ModifyTargetGroupAttributes"> = async ({ store }, input) => {
  const changed = await store.transact("ModifyTargetGroupAttributes", (tx) => {
    const found = targetGroupOf(tx, input.TargetGroupArn);
    const attributes = changeAttributes(ofGroup(found), found.attributes, input.Attributes ?? []);
    return tx.targetGroups.put({ ...found, attributes });
  });
  return { Attributes: allAttributes(ofGroup(changed), changed.attributes) };
};

export const describeListenerAttributes: Operation<"DescribeListenerAttributes"> = ({ store }, input) => {
  const found = listenerOf(store.view, input.ListenerArn);
  return { Attributes: allAttributes(ofListener(found), found.attributes) as ListenerAttribute[] };
};

export const modifyListenerAttributes: Operation<"ModifyListenerAttributes"> = async ({ store }, input) => {
  const changed = await store.transact("ModifyListenerAttributes", (tx) => {
    const found = listenerOf(tx, input.ListenerArn);
    const attributes = changeAttributes(ofListener(found), found.attributes, input.Attributes ?? []);
    return tx.listeners.put({ ...found, attributes });
  });
  return { Attributes: allAttributes(ofListener(changed), changed.attributes) };
};
