import type { RefusedRow, RefusedRows } from "./refuse.ts";

const isOther = (value: string | undefined, ...carriedOut: string[]) =>
  value !== undefined && !carriedOut.includes(value);

const HEALTH_CHECK: readonly RefusedRow<{ readonly HealthCheckProtocol?: string }>[] = [
  {
    member: "HealthCheckProtocol",
    what: "other than HTTP, HTTPS and TCP",
    when: ({ HealthCheckProtocol: p }) => isOther(p, "HTTP", "HTTPS", "TCP"),
  },
  { member: "Matcher.GrpcCode", hint: "Use Matcher.HttpCode." },
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
    what: "other than HTTP1",
    when: ({ ProtocolVersion: v }) => isOther(v, "HTTP1"),
  },
  { member: "IpAddressType", what: "other than ipv4", when: ({ IpAddressType: t }) => isOther(t, "ipv4") },
  { member: "TargetControlPort" },
  ...HEALTH_CHECK,
];

export const MODIFY_TARGET_GROUP_REFUSED: RefusedRows<"ModifyTargetGroup"> = HEALTH_CHECK;

export const DESCRIBE_TARGET_HEALTH_REFUSED: RefusedRows<"DescribeTargetHealth"> = [
  { member: "Include", hint: "Targets are not examined for anomalies." },
];
