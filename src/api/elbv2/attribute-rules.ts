import type { RefusedMember } from "../refused-member.ts";

/** What one attribute may be set to: its default, and the values that are carried out beside it. */
export interface AttributeRule {
  readonly default: string;
  readonly carriedOut?: (value: string) => boolean;
}

export type AttributeRules = Readonly<Record<string, AttributeRule>>;

const isBoolean = (value: string) => value === "true" || value === "false";
const isWhole = (low: number, high: number) => (value: string) =>
  /^\d+$/.test(value) && Number(value) >= low && Number(value) <= high;

const isOneOf =
  (...values: string[]) =>
  (value: string) =>
    values.includes(value);
/** At most 1 KiB of printable ASCII. */
const isHeaderValue = (value: string) => /^[\x20-\x7e]{0,1024}$/.test(value);
/** Those that a load balancer sets itself cannot be an application's. */
const isCookieName = (value: string) =>
  value === "" || (/^[A-Za-z0-9!#$%&*+.^_|~-]{1,256}$/.test(value) && !/^AWSALB(APP|TG)?/i.test(value));

/** Source: Amazon S3 user guide, bucket naming rules. */
const isBucket = (value: string) =>
  value === "" || (/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(value) && !value.includes(".."));
/** What keys of S3 may safely have, and what a directory may be called; ELB has it without AWSLogs, which follows. */
const isPrefix = (value: string) =>
  value === "" ||
  (value.length <= 512 &&
    !value.includes("AWSLogs") &&
    value.split("/").every((part) => /^[A-Za-z0-9!_.*'()-]{1,255}$/.test(part) && !/^\.+$/.test(part)));

/** Source: ELBv2 API reference, LoadBalancerAttribute. */
export const APPLICATION_RULES: AttributeRules = {
  "deletion_protection.enabled": { default: "false", carriedOut: isBoolean },
  "idle_timeout.timeout_seconds": { default: "60", carriedOut: isWhole(1, 4000) },
  // They become directories of the server's: DIR/access-logs/BUCKET/PREFIX.
  "access_logs.s3.enabled": { default: "false", carriedOut: isBoolean },
  "access_logs.s3.bucket": { default: "", carriedOut: isBucket },
  "access_logs.s3.prefix": { default: "", carriedOut: isPrefix },
  "connection_logs.s3.enabled": { default: "false" },
  "connection_logs.s3.bucket": { default: "" },
  "connection_logs.s3.prefix": { default: "" },
  "health_check_logs.s3.enabled": { default: "false" },
  "health_check_logs.s3.bucket": { default: "" },
  "health_check_logs.s3.prefix": { default: "" },
  "ipv6.deny_all_igw_traffic": { default: "false" },
  "client_keep_alive.seconds": { default: "3600" },
  "load_balancing.cross_zone.enabled": { default: "true" },
  "routing.http.desync_mitigation_mode": { default: "defensive" },
  "routing.http.drop_invalid_header_fields.enabled": { default: "false", carriedOut: isBoolean },
  // A request keeps its Host header either way.
  "routing.http.preserve_host_header.enabled": { default: "false", carriedOut: isBoolean },
  "routing.http.x_amzn_tls_version_and_cipher_suite.enabled": { default: "false", carriedOut: isBoolean },
  "routing.http.xff_client_port.enabled": { default: "false", carriedOut: isBoolean },
  "routing.http.xff_header_processing.mode": { default: "append", carriedOut: isOneOf("append", "preserve", "remove") },
  "routing.http2.enabled": { default: "true", carriedOut: isBoolean },
  "waf.fail_open.enabled": { default: "false" },
  "zonal_shift.config.enabled": { default: "false" },
};

export const NETWORK_RULES: AttributeRules = {
  "deletion_protection.enabled": { default: "false", carriedOut: isBoolean },
  "access_logs.s3.enabled": { default: "false" },
  "access_logs.s3.bucket": { default: "" },
  "access_logs.s3.prefix": { default: "" },
  "load_balancing.cross_zone.enabled": { default: "false" },
  "ipv6.deny_all_igw_traffic": { default: "false" },
  "secondary_ips.auto_assigned.per_subnet": { default: "0" },
  "dns_record.client_routing_policy": { default: "any_availability_zone" },
  "zonal_shift.config.enabled": { default: "false" },
};

/** Source: ELBv2 API reference, TargetGroupAttribute. */
export const HTTP_GROUP_RULES: AttributeRules = {
  "deregistration_delay.timeout_seconds": { default: "300", carriedOut: isWhole(0, 3600) },
  "load_balancing.algorithm.type": {
    default: "round_robin",
    carriedOut: isOneOf("round_robin", "least_outstanding_requests", "weighted_random"),
  },
  "load_balancing.algorithm.anomaly_mitigation": { default: "off" },
  "load_balancing.cross_zone.enabled": { default: "use_load_balancer_configuration" },
  "slow_start.duration_seconds": { default: "0", carriedOut: (v) => v === "0" || isWhole(30, 900)(v) },
  "stickiness.enabled": { default: "false", carriedOut: isBoolean },
  "stickiness.type": { default: "lb_cookie", carriedOut: isOneOf("lb_cookie", "app_cookie") },
  "stickiness.lb_cookie.duration_seconds": { default: "86400", carriedOut: isWhole(1, 604_800) },
  "stickiness.app_cookie.cookie_name": { default: "", carriedOut: isCookieName },
  "stickiness.app_cookie.duration_seconds": { default: "86400", carriedOut: isWhole(1, 604_800) },
  "target_group_health.dns_failover.minimum_healthy_targets.count": { default: "1" },
  "target_group_health.dns_failover.minimum_healthy_targets.percentage": { default: "off" },
  "target_group_health.unhealthy_state_routing.minimum_healthy_targets.count": { default: "1" },
  "target_group_health.unhealthy_state_routing.minimum_healthy_targets.percentage": { default: "off" },
};

export const TCP_GROUP_RULES: AttributeRules = {
  "deregistration_delay.timeout_seconds": { default: "300", carriedOut: isWhole(0, 3600) },
  // What is left when the delay is over ends either way.
  "deregistration_delay.connection_termination.enabled": { default: "false", carriedOut: isBoolean },
  "load_balancing.cross_zone.enabled": { default: "use_load_balancer_configuration" },
  "preserve_client_ip.enabled": { default: "false" },
  "proxy_protocol_v2.enabled": { default: "false", carriedOut: isBoolean },
  "stickiness.enabled": { default: "false", carriedOut: isBoolean },
  "stickiness.type": { default: "source_ip" },
  "target_group_health.dns_failover.minimum_healthy_targets.count": { default: "1" },
  "target_group_health.dns_failover.minimum_healthy_targets.percentage": { default: "off" },
  "target_group_health.unhealthy_state_routing.minimum_healthy_targets.count": { default: "1" },
  "target_group_health.unhealthy_state_routing.minimum_healthy_targets.percentage": { default: "off" },
  "target_health_state.unhealthy.connection_termination.enabled": { default: "true" },
  "target_health_state.unhealthy.draining_interval_seconds": { default: "0" },
};

/** Source: ELBv2 API reference, ListenerAttribute. */
export const TCP_LISTENER_RULES: AttributeRules = {
  "tcp.idle_timeout.seconds": { default: "350", carriedOut: isWhole(60, 6000) },
};

/** The headers that an HTTP listener adds to answers, all absent unless set. */
export const RESPONSE_HEADERS = [
  "strict_transport_security",
  "access_control_allow_origin",
  "access_control_allow_methods",
  "access_control_allow_headers",
  "access_control_allow_credentials",
  "access_control_expose_headers",
  "access_control_max_age",
  "content_security_policy",
  "x_content_type_options",
  "x_frame_options",
] as const;

export const HTTP_LISTENER_RULES: AttributeRules = {
  "routing.http.response.server.enabled": { default: "true", carriedOut: isBoolean },
  ...Object.fromEntries(
    RESPONSE_HEADERS.map((name) => [
      `routing.http.response.${name}.header_value`,
      { default: "", carriedOut: isHeaderValue },
    ]),
  ),
};

export interface GivenAttribute {
  readonly Key?: string;
  readonly Value?: string;
}

interface Changes {
  readonly Attributes?: readonly GivenAttribute[];
}

/** What cannot be set otherwise than it is, as rows that refuse and document; `of` is what the rules are for. */
export function refusedAttributes(rules: AttributeRules, of: string): readonly RefusedMember<Changes>[] {
  return Object.entries(rules)
    .filter(([, rule]) => rule.carriedOut === undefined)
    .map(([key, rule]) => ({
      member: "Attributes[].Value",
      what: `other than '${rule.default}' for ${key} of ${of}`,
      when: ({ Attributes = [] }) => Attributes.some((a) => a.Key === key && (a.Value ?? "") !== rule.default),
    }));
}
