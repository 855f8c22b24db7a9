import type {
  Action,
  Matcher,
  RuleCondition,
  TargetHealthReasonEnum,
  TargetHealthStateEnum,
} from "@aws-sdk/client-elastic-load-balancing-v2";
import type { Instant } from "../runtime/clock.ts";
import type {
  CertificateArn,
  ListenerArn,
  ListenerRuleArn,
  LoadBalancerArn,
  TargetGroupArn,
  TaskArn,
} from "../wire/arn.ts";
import type { Tags } from "./tags.ts";

export type ListenerProtocol = "HTTP" | "HTTPS" | "TCP" | "TLS";
export type ProtocolVersion = "HTTP1" | "HTTP2" | "GRPC";
export type TargetGroupProtocol = "HTTP" | "HTTPS" | "TCP" | "TLS";

/** What each ALPN policy of a TLS listener offers, in order of preference. Source: ELBv2 API reference, CreateListener. */
export const ALPN_POLICIES = {
  None: [],
  HTTP1Only: ["http/1.1"],
  HTTP2Only: ["h2"],
  HTTP2Optional: ["http/1.1", "h2"],
  HTTP2Preferred: ["h2", "http/1.1"],
} as const;
export type AlpnPolicy = keyof typeof ALPN_POLICIES;

/** What a listener or group carries: requests or connections. */
export const carries = (protocol: ListenerProtocol): "HTTP" | "TCP" =>
  protocol === "HTTP" || protocol === "HTTPS" ? "HTTP" : "TCP";

/** Whether it is spoken over TLS. */
export const isSecure = (protocol: ListenerProtocol): boolean => protocol === "HTTPS" || protocol === "TLS";

/** The certificates that a listener shows, the default first. */
export const listenerCertificates = (listener: ListenerRecord): readonly CertificateArn[] =>
  listener.certificateArn === undefined ? [] : [listener.certificateArn, ...(listener.extraCertificateArns ?? [])];

/** A load balancer: what listeners belong to. */
export interface LoadBalancerRecord {
  readonly arn: LoadBalancerArn;
  readonly name: string;
  readonly type: "application" | "network";
  readonly scheme: "internet-facing" | "internal";
  readonly ipAddressType: "ipv4";
  readonly subnets: readonly string[];
  readonly securityGroups: readonly string[];
  /** Where clients reach it: the address that its listeners bind. */
  readonly address: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly tags: Tags;
  readonly createdAt: Instant;
}

/** How a target group finds out whether a target is well. Source: ELBv2 API reference, CreateTargetGroup. */
export interface HealthCheckSettings {
  readonly enabled: boolean;
  readonly protocol: "HTTP" | "HTTPS" | "TCP";
  /** `traffic-port` or a number as a string. */
  readonly port: string;
  readonly path?: string;
  /** 5..300. */
  readonly intervalSeconds: number;
  /** 2..120. */
  readonly timeoutSeconds: number;
  /** 2..10. */
  readonly healthyThreshold: number;
  /** 2..10. */
  readonly unhealthyThreshold: number;
  readonly matcher?: Matcher;
}

/** A target group: targets that share a health check. */
export interface TargetGroupRecord {
  readonly arn: TargetGroupArn;
  readonly name: string;
  readonly protocol: TargetGroupProtocol;
  /** Absent for TCP and TLS. */
  readonly protocolVersion?: ProtocolVersion;
  readonly port: number;
  readonly vpcId?: string;
  readonly targetType: "instance" | "ip";
  readonly healthCheck: HealthCheckSettings;
  readonly attributes: Readonly<Record<string, string>>;
  readonly tags: Tags;
  readonly createdAt: Instant;
}

/** A listener: a port of a load balancer and what it does with what arrives there. */
export interface ListenerRecord {
  readonly arn: ListenerArn;
  readonly loadBalancerArn: LoadBalancerArn;
  readonly protocol: ListenerProtocol;
  readonly port: number;
  /** HTTPS and TLS: the certificate shown to clients that name no server, or one that no other is for. */
  readonly certificateArn?: CertificateArn;
  /** HTTPS and TLS: further certificates, for the servers that they name. Absent: none. */
  readonly extraCertificateArns?: readonly CertificateArn[];
  /** HTTPS and TLS: the name of one of SSL_POLICIES. */
  readonly sslPolicy?: string;
  /** TLS: one of ALPN_POLICIES; absent: None. */
  readonly alpnPolicy?: AlpnPolicy;
  readonly defaultActions: readonly Action[];
  readonly defaultRuleArn: ListenerRuleArn;
  readonly attributes: Readonly<Record<string, string>>;
  readonly tags: Tags;
  readonly createdAt: Instant;
}

/** A rule of an application load balancer's listener. A listener's default rule is its `defaultActions`. */
export interface ListenerRuleRecord {
  readonly arn: ListenerRuleArn;
  readonly listenerArn: ListenerArn;
  readonly loadBalancerArn: LoadBalancerArn;
  /** 1..50000, unique in its listener; the lowest whose conditions are fulfilled decides. */
  readonly priority: number;
  readonly conditions: readonly RuleCondition[];
  readonly actions: readonly Action[];
  readonly tags: Tags;
  readonly createdAt: Instant;
}

/** The target groups that actions forward to, each once. */
export function actionTargetGroups(actions: readonly Action[]): string[] {
  const groups = actions.flatMap((action) => [
    action.TargetGroupArn,
    ...(action.ForwardConfig?.TargetGroups ?? []).map((group) => group.TargetGroupArn),
  ]);
  return [...new Set(groups.filter((arn) => arn !== undefined))];
}

/** One target of a target group. */
export interface TargetRecord {
  readonly targetGroupArn: TargetGroupArn;
  /** An instance id (`i-…`) or an IP address, as the group's target type asks. */
  readonly id: string;
  readonly port: number;
  /** The task that a service registered here; undefined for one that RegisterTargets was called for. */
  readonly taskArn?: TaskArn;
  readonly state: TargetHealthStateEnum;
  readonly reason?: TargetHealthReasonEnum;
  readonly description?: string;
  readonly registeredAt: Instant;
  /** Set when it was deregistered: it takes no new request, and is removed when drained or when the delay is over. */
  readonly drainingSince?: Instant;
}

/** The key of a target: a group, an id and a port make it one. */
export function targetKey(target: {
  readonly targetGroupArn: string;
  readonly id: string;
  readonly port: number;
}): string {
  return `${target.targetGroupArn}|${target.id}|${target.port}`;
}

/** Default deregistration delay in seconds. Source: ELBv2 target group attributes. */
export const DEFAULT_DEREGISTRATION_DELAY_SECONDS = 300;

/** How long a deregistered target of this group may finish its requests, in milliseconds (0..3,600,000). */
export function deregistrationDelayMs(group: TargetGroupRecord): number {
  const value = group.attributes["deregistration_delay.timeout_seconds"];
  return (value === undefined ? DEFAULT_DEREGISTRATION_DELAY_SECONDS : Number(value)) * 1000;
}

/** One id for each time a target is registered: the same address registered again is a new target to whoever carries its traffic. */
export function registrationId(target: TargetRecord): string {
  return `${target.id}:${target.port}@${target.registeredAt}`;
}

/** Whether each request to an application load balancer is logged. */
export const hasAccessLog = ({ attributes }: LoadBalancerRecord): boolean =>
  attributes["access_logs.s3.enabled"] === "true";
