import {
  carries,
  type HealthCheckSettings,
  type ProtocolVersion,
  type TargetGroupProtocol,
} from "../../model/load-balancer.ts";
import { validationError } from "./errors.ts";

/** The members of CreateTargetGroup and ModifyTargetGroup that say how targets are checked. */
export interface GivenHealthCheck {
  readonly HealthCheckEnabled?: boolean;
  readonly HealthCheckProtocol?: string;
  readonly HealthCheckPort?: string;
  readonly HealthCheckPath?: string;
  readonly HealthCheckIntervalSeconds?: number;
  readonly HealthCheckTimeoutSeconds?: number;
  readonly HealthyThresholdCount?: number;
  readonly UnhealthyThresholdCount?: number;
  readonly Matcher?: { readonly HttpCode?: string; readonly GrpcCode?: string };
}

/**
 * A group's health check: what is given over what it was, over ELBv2's defaults for the group's protocol. Throws
 * ValidationError for what is out of range. Source: ELBv2 API reference, CreateTargetGroup.
 */
export function healthCheckFrom(
  group: { readonly protocol: TargetGroupProtocol; readonly protocolVersion?: ProtocolVersion },
  before: HealthCheckSettings | undefined,
  given: GivenHealthCheck,
): HealthCheckSettings {
  if (given.HealthCheckEnabled === false) {
    throw validationError("Health check enabled must be true for target groups with target type 'instance' or 'ip'");
  }
  const protocol = protocolOf(
    group.protocol,
    given.HealthCheckProtocol ?? before?.protocol ?? defaultProtocol(group.protocol),
  );
  const timeoutDefault = protocol === "TCP" ? 10 : carries(group.protocol) === "HTTP" ? 5 : 6;
  const interval = inRange(
    "HealthCheckIntervalSeconds",
    given.HealthCheckIntervalSeconds ?? before?.intervalSeconds ?? 30,
    5,
    300,
  );
  const timeout = inRange(
    "HealthCheckTimeoutSeconds",
    given.HealthCheckTimeoutSeconds ?? before?.timeoutSeconds ?? timeoutDefault,
    2,
    120,
  );
  if (timeout >= interval) {
    // A check that outlasts its interval would overlap the next one; ELBv2 refuses it with the same words.
    throw validationError(`Health check timeout '${timeout}' must be smaller than the interval '${interval}'`);
  }
  return {
    enabled: true,
    protocol,
    port: portOf(given.HealthCheckPort ?? before?.port ?? "traffic-port"),
    ...httpParts(group, protocol, before, given),
    intervalSeconds: interval,
    timeoutSeconds: timeout,
    healthyThreshold: inRange(
      "HealthyThresholdCount",
      given.HealthyThresholdCount ?? before?.healthyThreshold ?? 5,
      2,
      10,
    ),
    unhealthyThreshold: inRange(
      "UnhealthyThresholdCount",
      given.UnhealthyThresholdCount ?? before?.unhealthyThreshold ?? 2,
      2,
      10,
    ),
  };
}

/** TLS groups are checked by a bare connection, as TCP groups are. */
const defaultProtocol = (group: TargetGroupProtocol) => (group === "TLS" ? "TCP" : group);

function protocolOf(group: TargetGroupProtocol, protocol: string): HealthCheckSettings["protocol"] {
  if (carries(group) === "HTTP" && protocol === "TCP") {
    throw validationError(`Health check protocol 'TCP' is not supported for target groups with protocol '${group}'`);
  }
  return protocol === "TCP" ? "TCP" : protocol === "HTTPS" ? "HTTPS" : "HTTP";
}

function httpParts(
  group: { readonly protocol: TargetGroupProtocol; readonly protocolVersion?: ProtocolVersion },
  protocol: HealthCheckSettings["protocol"],
  before: HealthCheckSettings | undefined,
  given: GivenHealthCheck,
): Pick<HealthCheckSettings, "path" | "matcher"> {
  if (protocol === "TCP") {
    if (given.HealthCheckPath !== undefined)
      throw validationError("HealthCheckPath cannot be specified for health check protocol 'TCP'");
    if (given.Matcher !== undefined)
      throw validationError("Matcher cannot be specified for health check protocol 'TCP'");
    return {};
  }
  const grpc = group.protocolVersion === "GRPC";
  const path = given.HealthCheckPath ?? before?.path ?? (grpc ? "/AWS.ALB/healthcheck" : "/");
  if (!/^\/[\x21-\x7e]{0,1023}$/.test(path)) {
    throw validationError(`Health check path '${path}' must begin with '/' and have at most 1024 printable characters`);
  }
  if (grpc) {
    if (given.Matcher?.HttpCode !== undefined)
      throw validationError("Matcher.HttpCode cannot be specified for target groups with protocol version 'GRPC'");
    const codes = given.Matcher?.GrpcCode ?? before?.matcher?.GrpcCode ?? "12";
    checkCodes(codes, "GRPC", 0, 99);
    return { path, matcher: { GrpcCode: codes } };
  }
  if (given.Matcher?.GrpcCode !== undefined)
    throw validationError("Matcher.GrpcCode can be specified for target groups with protocol version 'GRPC' only");
  const codes =
    given.Matcher?.HttpCode ?? before?.matcher?.HttpCode ?? (carries(group.protocol) === "HTTP" ? "200" : "200-399");
  checkCodes(codes, "HTTP", 200, 499);
  return { path, matcher: { HttpCode: codes } };
}

/** Codes as ELBv2 takes them: `200`, `200,202` or `200-299`, each from `lowest` to `highest`. */
function checkCodes(codes: string, kind: "HTTP" | "GRPC", lowest: number, highest: number): void {
  for (const part of codes.split(",")) {
    const [, low, high] = /^(\d{1,3})(?:-(\d{1,3}))?$/.exec(part) ?? [];
    const from = Number(low);
    const to = Number(high ?? low);
    if (!(from >= lowest && to <= highest && from <= to)) {
      throw validationError(`Health check matcher ${kind} code '${codes}' must be within '${lowest}-${highest}'`);
    }
  }
}

function portOf(port: string): string {
  if (port === "traffic-port") return port;
  if (/^\d{1,5}$/.test(port) && Number(port) >= 1 && Number(port) <= 65535) return String(Number(port));
  throw validationError(`Health check port '${port}' must be 'traffic-port' or from 1 to 65535`);
}

function inRange(member: string, value: number, low: number, high: number): number {
  if (value < low || value > high) throw validationError(`${member} '${value}' must be from ${low} to ${high}`);
  return value;
}
