import type { Matcher } from "@aws-sdk/client-elastic-load-balancing-v2";
import type { RefusedRow, RefusedRows } from "./refuse.ts";

const isOther = (value: string | undefined, ...carriedOut: string[]) =>
  value !== undefined && !carriedOut.includes(value);

const HEALTH_CHECK: readonly RefusedRow<{ readonly HealthCheckProtocol?: string; readonly Matcher?: Matcher }>[] = [
  {
    member: "HealthCheckProtocol",
    what: "other than HTTP, HTTPS and TCP",
    when: ({ HealthCheckProtocol: p }) => isOther(p, "HTTP", "HTTPS", "TCP"),
  },
  {
    member: "Matcher.GrpcCode",
    what: "with 0",
    when: ({ Matcher: matcher }) => /(^|,)0+(,|-|$)/.test(matcher?.GrpcCode ?? ""),
    hint: "HAProxy's checks see the status of an answer without a message only: let the check call a method that is not there (12).",
  },
];

export const CREATE_TARGET_GROUP_REFUSED: RefusedRows<"CreateTargetGroup"> = [
  {
    member: "TargetType",
    what: "other than instance and ip",
    when: ({ TargetType: t }) => isOther(t, "instance", "ip"),
    hint: "Use 'instance' or 'ip'.",
  },
  {
    member: "Protocol",
    what: "other than HTTP, HTTPS, TCP and TLS",
    when: ({ Protocol: p }) => isOther(p, "HTTP", "HTTPS", "TCP", "TLS"),
  },
  {
    member: "ProtocolVersion",
    what: "other than HTTP1, HTTP2 and GRPC",
    when: ({ ProtocolVersion: v }) => isOther(v, "HTTP1", "HTTP2", "GRPC"),
  },
  { member: "IpAddressType", what: "other than ipv4", when: ({ IpAddressType: t }) => isOther(t, "ipv4") },
  { member: "TargetControlPort" },
  ...HEALTH_CHECK,
];

export const MODIFY_TARGET_GROUP_REFUSED: RefusedRows<"ModifyTargetGroup"> = HEALTH_CHECK;

export const DESCRIBE_TARGET_HEALTH_REFUSED: RefusedRows<"DescribeTargetHealth"> = [
  { member: "Include", hint: "Targets are not examined for anomalies." },
];
