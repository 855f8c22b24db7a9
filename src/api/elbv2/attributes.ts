import type {
  ListenerAttribute,
  LoadBalancerAttribute,
  TargetGroupAttribute,
} from "@aws-sdk/client-elastic-load-balancing-v2";
import type { LoadBalancerRecord, TargetGroupRecord } from "../../model/load-balancer.ts";
import { notCarriedOut, validationError } from "./errors.ts";
import { listenerOf, loadBalancerOf, targetGroupOf } from "./lookup.ts";
import type { Operation } from "./operation.ts";

/** What one attribute may be set to: its default, and the values that are carried out beside it. */
interface AttributeRule {
  readonly default: string;
  readonly carriedOut?: (value: string) => boolean;
}

type AttributeRules = Readonly<Record<string, AttributeRule>>;

const isBoolean = (value: string) => value === "true" || value === "false";
const isWhole = (low: number, high: number) => (value: string) =>
  /^\d+$/.test(value) && Number(value) >= low && Number(value) <= high;

/** Source: ELBv2 API reference, LoadBalancerAttribute. */
const APPLICATION_RULES: AttributeRules = {
  "deletion_protection.enabled": { default: "false", carriedOut: isBoolean },
  "idle_timeout.timeout_seconds": { default: "60", carriedOut: isWhole(1, 4000) },
  "access_logs.s3.enabled": { default: "false" },
  "access_logs.s3.bucket": { default: "" },
  "access_logs.s3.prefix": { default: "" },
  "connection_logs.s3.enabled": { default: "false" },
  "connection_logs.s3.bucket": { default: "" },
  "connection_logs.s3.prefix": { default: "" },
  "client_keep_alive.seconds": { default: "3600" },
  "load_balancing.cross_zone.enabled": { default: "true" },
  "routing.http.desync_mitigation_mode": { default: "defensive" },
  "routing.http.drop_invalid_header_fields.enabled": { default: "false" },
  "routing.http.preserve_host_header.enabled": { default: "false" },
  "routing.http.x_amzn_tls_version_and_cipher_suite.enabled": { default: "false" },
  "routing.http.xff_client_port.enabled": { default: "false" },
  "routing.http.xff_header_processing.mode": { default: "append" },
  "routing.http2.enabled": { default: "true" },
  "waf.fail_open.enabled": { default: "false" },
  "zonal_shift.config.enabled": { default: "false" },
};

const NETWORK_RULES: AttributeRules = {
  "deletion_protection.enabled": { default: "false", carriedOut: isBoolean },
  "access_logs.s3.enabled": { default: "false" },
  "access_logs.s3.bucket": { default: "" },
  "access_logs.s3.prefix": { default: "" },
  "load_balancing.cross_zone.enabled": { default: "false" },
  "dns_record.client_routing_policy": { default: "any_availability_zone" },
  "zonal_shift.config.enabled": { default: "false" },
};

/** Source: ELBv2 API reference, TargetGroupAttribute. */
const HTTP_GROUP_RULES: AttributeRules = {
  "deregistration_delay.timeout_seconds": { default: "300", carriedOut: isWhole(0, 3600) },
  "load_balancing.algorithm.type": {
    default: "round_robin",
    carriedOut: (v) => v === "round_robin" || v === "least_outstanding_requests",
  },
  "load_balancing.algorithm.anomaly_mitigation": { default: "off" },
  "load_balancing.cross_zone.enabled": { default: "use_load_balancer_configuration" },
  "slow_start.duration_seconds": { default: "0" },
  "stickiness.enabled": { default: "false" },
  "stickiness.type": { default: "lb_cookie" },
  "stickiness.lb_cookie.duration_seconds": { default: "86400" },
  "stickiness.app_cookie.cookie_name": { default: "" },
  "stickiness.app_cookie.duration_seconds": { default: "86400" },
  "target_group_health.dns_failover.minimum_healthy_targets.count": { default: "1" },
  "target_group_health.dns_failover.minimum_healthy_targets.percentage": { default: "off" },
  "target_group_health.unhealthy_state_routing.minimum_healthy_targets.count": { default: "1" },
  "target_group_health.unhealthy_state_routing.minimum_healthy_targets.percentage": { default: "off" },
};

const TCP_GROUP_RULES: AttributeRules = {
  "deregistration_delay.timeout_seconds": { default: "300", carriedOut: isWhole(0, 3600) },
  "deregistration_delay.connection_termination.enabled": { default: "false" },
  "load_balancing.cross_zone.enabled": { default: "use_load_balancer_configuration" },
  "preserve_client_ip.enabled": { default: "false" },
  "proxy_protocol_v2.enabled": { default: "false" },
  "stickiness.enabled": { default: "false" },
  "stickiness.type": { default: "source_ip" },
  "target_health_state.unhealthy.connection_termination.enabled": { default: "true" },
};

const LISTENER_RULES: AttributeRules = {
  "tcp.idle_timeout.seconds": { default: "350", carriedOut: isWhole(60, 6000) },
};

type GivenAttribute = { readonly Key?: string; readonly Value?: string };

/** Every attribute with its value: those set, else their defaults. */
function allAttributes(rules: AttributeRules, set: Readonly<Record<string, string>>): { Key: string; Value: string }[] {
  return Object.entries(rules).map(([Key, rule]) => ({ Key, Value: set[Key] ?? rule.default }));
}

/** Takes changes over what is set. Throws ValidationError for an unknown key, a bad value, or one not carried out. */
function changeAttributes(
  rules: AttributeRules,
  set: Readonly<Record<string, string>>,
  changes: readonly GivenAttribute[],
): Record<string, string> {
  const next = { ...set };
  for (const { Key: key = "", Value: value = "" } of changes) {
    const rule = rules[key];
    if (rule === undefined) throw validationError(`Attribute key '${key}' is not recognized`);
    if (rule.carriedOut !== undefined && !rule.carriedOut(value)) {
      throw validationError(`Attribute value '${value}' is not valid for attribute '${key}'`);
    }
    if (rule.carriedOut === undefined && value !== rule.default) {
      throw notCarriedOut(`attribute '${key}' with value '${value}'`, `Its value here is '${rule.default}'.`);
    }
    next[key] = value;
  }
  return next;
}

const rulesOfLoadBalancer = (l: LoadBalancerRecord) => (l.type === "application" ? APPLICATION_RULES : NETWORK_RULES);
const rulesOfGroup = (g: TargetGroupRecord) => (g.protocol === "HTTP" ? HTTP_GROUP_RULES : TCP_GROUP_RULES);

export const describeLoadBalancerAttributes: Operation<"DescribeLoadBalancerAttributes"> = ({ store }, input) => {
  const found = loadBalancerOf(store.view, input.LoadBalancerArn ?? "");
  return { Attributes: allAttributes(rulesOfLoadBalancer(found), found.attributes) as LoadBalancerAttribute[] };
};

export const modifyLoadBalancerAttributes: Operation<"ModifyLoadBalancerAttributes"> = async ({ store }, input) => {
  const changed = await store.transact("ModifyLoadBalancerAttributes", (tx) => {
    const found = loadBalancerOf(tx, input.LoadBalancerArn ?? "");
    const attributes = changeAttributes(rulesOfLoadBalancer(found), found.attributes, input.Attributes ?? []);
    return tx.loadBalancers.put({ ...found, attributes });
  });
  return { Attributes: allAttributes(rulesOfLoadBalancer(changed), changed.attributes) };
};

export const describeTargetGroupAttributes: Operation<"DescribeTargetGroupAttributes"> = ({ store }, input) => {
  const found = targetGroupOf(store.view, input.TargetGroupArn ?? "");
  return { Attributes: allAttributes(rulesOfGroup(found), found.attributes) as TargetGroupAttribute[] };
};

export const modifyTargetGroupAttributes: Operation<"ModifyTargetGroupAttributes"> = async ({ store }, input) => {
  const changed = await store.transact("ModifyTargetGroupAttributes", (tx) => {
    const found = targetGroupOf(tx, input.TargetGroupArn ?? "");
    const attributes = changeAttributes(rulesOfGroup(found), found.attributes, input.Attributes ?? []);
    return tx.targetGroups.put({ ...found, attributes });
  });
  return { Attributes: allAttributes(rulesOfGroup(changed), changed.attributes) };
};

export const describeListenerAttributes: Operation<"DescribeListenerAttributes"> = ({ store }, input) => {
  const found = listenerOf(store.view, input.ListenerArn ?? "");
  return { Attributes: listenerAttributes(found.protocol, found.attributes) };
};

export const modifyListenerAttributes: Operation<"ModifyListenerAttributes"> = async ({ store }, input) => {
  const changed = await store.transact("ModifyListenerAttributes", (tx) => {
    const found = listenerOf(tx, input.ListenerArn ?? "");
    const rules = found.protocol === "TCP" ? LISTENER_RULES : {};
    return tx.listeners.put({
      ...found,
      attributes: changeAttributes(rules, found.attributes, input.Attributes ?? []),
    });
  });
  return { Attributes: listenerAttributes(changed.protocol, changed.attributes) };
};

function listenerAttributes(protocol: "HTTP" | "TCP", set: Readonly<Record<string, string>>): ListenerAttribute[] {
  return protocol === "TCP" ? allAttributes(LISTENER_RULES, set) : [];
}
