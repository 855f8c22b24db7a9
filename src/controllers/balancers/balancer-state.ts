import { isIPv4 } from "node:net";
import type { Action, RuleCondition as WireCondition } from "@aws-sdk/client-elastic-load-balancing-v2";
import type {
  BalancerState,
  CertificateState,
  ChallengeState,
  HeaderSettings,
  ListenerAction,
  ListenerState,
  RuleCondition,
  RuleState,
  TargetGroupState,
  TlsState,
} from "../../balancer/index.ts";
import { type CertificateMaterial, type CertificateRecord, isUsable } from "../../model/certificate.ts";
import {
  ALPN_POLICIES,
  carries,
  hasAccessLog,
  isSecure,
  type ListenerRecord,
  type ListenerRuleRecord,
  type LoadBalancerRecord,
  listenerCertificates,
  registrationId,
  type TargetGroupRecord,
  type TargetRecord,
} from "../../model/load-balancer.ts";
import { sslPolicy, type TlsVersion } from "../../model/ssl-policy.ts";
import { assertNever } from "../../runtime/assert-never.ts";
import type { BerthView } from "../../store/index.ts";

/** Whether any listener or rule sends requests to the group. */
export const isInUse = (tables: BerthView, group: TargetGroupRecord): boolean =>
  tables.listeners.count("targetGroup", group.arn) + tables.listenerRules.count("targetGroup", group.arn) > 0;

/** What a private key is once it is opened. Throws if it cannot be. */
export type OpenKey = (certificate: CertificateRecord & CertificateMaterial) => string;

/**
 * The whole of what the records want of the balancer: every listener, and every target group that one forwards to. A listener
 * without a default certificate whose key can be opened is left out; `onUnusable` hears of each such certificate.
 */
export function balancerState(
  tables: BerthView,
  openKey: OpenKey,
  onUnusable: (certificate: CertificateRecord, error: unknown) => void,
): BalancerState {
  const certificates = [...tables.certificates.all()].flatMap((record): CertificateState[] => {
    if (!isUsable(record) || tables.listeners.count("certificate", record.arn) === 0) return [];
    try {
      const { arn, certificate, chain } = record;
      return [
        {
          id: arn,
          certificates: chain === undefined ? certificate : `${certificate}\n${chain}`,
          privateKey: openKey(record),
        },
      ];
    } catch (error) {
      onUnusable(record, error);
      return [];
    }
  });
  const usable = new Set(certificates.map(({ id }) => id));
  const listeners = inOrder(tables.listeners.all())
    .flatMap((l) => listenerState(tables, l))
    .flatMap((l) => showing(l, usable));
  const groups = inOrder(tables.targetGroups.all()).filter((g) => isInUse(tables, g));
  const targetGroups = groups.map((g) => groupState(tables, g));
  return { listeners, targetGroups, certificates, challenges: challengesOf(tables) };
}

/** What is answered to ACME servers; undefined where no certificate is validated over HTTP: there it never will be anything. */
function challengesOf(tables: BerthView): ChallengeState[] | undefined {
  const requests = [...tables.certificates.all()].flatMap(({ request }) =>
    request?.validation === "HTTP" ? [request] : [],
  );
  if (requests.length === 0) return undefined;
  return requests.flatMap(({ order }) => (order?.challenges ?? []).map(({ token, answer }) => ({ token, answer })));
}

/** By ARN: another order would be another configuration, and a store that was opened again has another one. */
function inOrder<T extends { readonly arn: string }>(records: Iterable<T>): T[] {
  return [...records].sort((a, b) => (a.arn < b.arn ? -1 : 1));
}

/** The listener with those of its certificates that can be used, or nothing if its default cannot. */
function showing(listener: ListenerState, usable: ReadonlySet<string>): ListenerState[] {
  const { tls } = listener;
  if (tls === undefined) return [listener];
  if (!usable.has(tls.certificateIds[0] ?? "")) return [];
  return [{ ...listener, tls: { ...tls, certificateIds: tls.certificateIds.filter((id) => usable.has(id)) } }];
}

function listenerState(tables: BerthView, listener: ListenerRecord): ListenerState[] {
  const owner = tables.loadBalancers.get(listener.loadBalancerArn);
  if (owner === undefined) return [];
  const idle =
    carries(listener.protocol) === "TCP"
      ? (listener.attributes["tcp.idle_timeout.seconds"] ?? "350")
      : (owner.attributes["idle_timeout.timeout_seconds"] ?? "60");
  return [
    {
      id: listener.arn,
      protocol: carries(listener.protocol),
      address: owner.address,
      port: listener.port,
      idleTimeoutSeconds: Number(idle),
      tls: tlsState(owner, listener),
      headers: carries(listener.protocol) === "HTTP" ? headersOf(owner, listener) : undefined,
      ...(carries(listener.protocol) === "HTTP" && hasAccessLog(owner) ? { accessLog: true } : {}),
      rules: rulesOf(tables, listener),
      defaultAction: actionState(listener.defaultActions),
    },
  ];
}

/** The headers of answers that a listener's attributes set, by the name that the attributes have for them. */
const ANSWER_HEADERS = {
  strict_transport_security: "Strict-Transport-Security",
  access_control_allow_origin: "Access-Control-Allow-Origin",
  access_control_allow_methods: "Access-Control-Allow-Methods",
  access_control_allow_headers: "Access-Control-Allow-Headers",
  access_control_allow_credentials: "Access-Control-Allow-Credentials",
  access_control_expose_headers: "Access-Control-Expose-Headers",
  access_control_max_age: "Access-Control-Max-Age",
  content_security_policy: "Content-Security-Policy",
  x_content_type_options: "X-Content-Type-Options",
  x_frame_options: "X-Frame-Options",
} as const;

function headersOf(owner: LoadBalancerRecord, listener: ListenerRecord): HeaderSettings {
  const isOn = (name: string) => owner.attributes[`routing.http.${name}.enabled`] === "true";
  const mode = owner.attributes["routing.http.xff_header_processing.mode"];
  const answer = (name: string) => listener.attributes[`routing.http.response.${name}.header_value`] ?? "";
  return {
    forwardedFor: mode === "preserve" || mode === "remove" ? mode : "append",
    forwardedPort: isOn("xff_client_port"),
    dropInvalid: isOn("drop_invalid_header_fields"),
    tlsFacts: isOn("x_amzn_tls_version_and_cipher_suite"),
    answers: Object.fromEntries(Object.entries(ANSWER_HEADERS).map(([name, header]) => [header, answer(name)])),
    hideServer: listener.attributes["routing.http.response.server.enabled"] === "false",
  };
}

function tlsState(owner: LoadBalancerRecord, listener: ListenerRecord): TlsState | undefined {
  const policy = sslPolicy(listener.sslPolicy ?? "");
  if (!isSecure(listener.protocol) || policy === undefined) return undefined;
  const { alpnPolicy = "None" } = listener;
  const http2 = owner.attributes["routing.http2.enabled"] !== "false";
  const version = (name: TlsVersion) => (name === "TLSv1" ? "TLSv1.0" : name);
  const { protocols, ciphers } = policy;
  const own = ciphers.filter((cipher) => cipher.startsWith("TLS_"));
  const older = ciphers.filter((cipher) => !cipher.startsWith("TLS_"));
  return {
    certificateIds: listenerCertificates(listener),
    policy: {
      minVersion: version(protocols[0] ?? "TLSv1.2"),
      maxVersion: version(protocols.at(-1) ?? "TLSv1.3"),
      // Below TLS 1.2, handshakes are signed with SHA-1, which OpenSSL's usual level of security refuses.
      ciphers: [...older, ...(protocols.includes("TLSv1") ? ["@SECLEVEL=0"] : [])].join(":"),
      cipherSuites: own.join(":"),
    },
    alpn: listener.protocol === "HTTPS" ? (http2 ? ["h2", "http/1.1"] : ["http/1.1"]) : ALPN_POLICIES[alpnPolicy],
  };
}

/** A listener's rules in the order in which they are looked at. */
function rulesOf(tables: BerthView, listener: ListenerRecord): RuleState[] {
  return tables.listenerRules
    .where("listener", listener.arn)
    .toSorted((a, b) => a.priority - b.priority)
    .map(ruleState);
}

const ruleState = ({ arn, conditions, actions }: ListenerRuleRecord): RuleState => ({
  id: arn,
  conditions: conditions.map(conditionState),
  action: actionState(actions),
});

/** The API has checked an action's parts and filled in those that were left out. */
function actionState([action]: readonly Action[]): ListenerAction {
  const { RedirectConfig: redirect, FixedResponseConfig: fixed, ForwardConfig: forward } = action ?? {};
  if (redirect !== undefined) {
    const { Protocol = "", Host = "", Port = "", Path = "", Query = "" } = redirect;
    const statusCode = redirect.StatusCode === "HTTP_301" ? 301 : 302;
    return { type: "redirect", statusCode, protocol: Protocol, host: Host, port: Port, path: Path, query: Query };
  }
  if (fixed !== undefined) {
    const { StatusCode, ContentType: contentType, MessageBody: body } = fixed;
    return { type: "fixed-response", statusCode: Number(StatusCode), contentType, body };
  }
  const stickiness = forward?.TargetGroupStickinessConfig;
  return {
    type: "forward",
    targetGroups: (forward?.TargetGroups ?? []).map((g) => ({
      targetGroupId: g.TargetGroupArn ?? "",
      weight: g.Weight ?? 1,
    })),
    ...(stickiness?.Enabled === true ? { stickinessSeconds: stickiness.DurationSeconds } : {}),
  };
}

/** The API has checked that a condition has what its field asks for. */
function conditionState(given: WireCondition): RuleCondition {
  const field = given.Field as RuleCondition["field"];
  switch (field) {
    case "host-header":
      return { field, values: given.HostHeaderConfig?.Values ?? [] };
    case "path-pattern":
      return { field, values: given.PathPatternConfig?.Values ?? [] };
    case "http-header": {
      const { HttpHeaderName: name = "", Values: values = [] } = given.HttpHeaderConfig ?? {};
      return { field, name, values };
    }
    case "http-request-method":
      return { field, values: given.HttpRequestMethodConfig?.Values ?? [] };
    case "query-string": {
      const values = given.QueryStringConfig?.Values ?? [];
      return { field, values: values.map(({ Key: key, Value: value = "" }) => ({ key, value })) };
    }
    case "source-ip":
      return { field, values: given.SourceIpConfig?.Values ?? [] };
    default:
      return assertNever(field, "condition field");
  }
}

const VERSIONS = { HTTP1: undefined, HTTP2: "http2", GRPC: "grpc" } as const;

function algorithmOf({ attributes }: TargetGroupRecord): TargetGroupState["algorithm"] {
  const type = attributes["load_balancing.algorithm.type"];
  return type === "least_outstanding_requests" || type === "weighted_random" ? type : "round_robin";
}

function slowStartOf({ attributes }: TargetGroupRecord): number | undefined {
  const seconds = Number(attributes["slow_start.duration_seconds"] ?? 0);
  return seconds === 0 ? undefined : seconds;
}

function stickinessOf({ protocol, attributes }: TargetGroupRecord): TargetGroupState["stickiness"] {
  if (attributes["stickiness.enabled"] !== "true") return undefined;
  if (carries(protocol) === "TCP") return { type: "source_ip" };
  const durationSeconds = (type: string) => Number(attributes[`stickiness.${type}.duration_seconds`] ?? 86_400);
  if (attributes["stickiness.type"] !== "app_cookie")
    return { type: "lb_cookie", durationSeconds: durationSeconds("lb_cookie") };
  const cookieName = attributes["stickiness.app_cookie.cookie_name"] ?? "";
  return { type: "app_cookie", cookieName, durationSeconds: durationSeconds("app_cookie") };
}

function groupState(tables: BerthView, group: TargetGroupRecord): BalancerState["targetGroups"][number] {
  const { healthCheck: check } = group;
  return {
    id: group.arn,
    protocol: carries(group.protocol),
    tls: isSecure(group.protocol),
    version: VERSIONS[group.protocolVersion ?? "HTTP1"],
    algorithm: algorithmOf(group),
    slowStartSeconds: slowStartOf(group),
    stickiness: stickinessOf(group),
    proxyProtocol: group.attributes["proxy_protocol_v2.enabled"] === "true",
    healthCheck: {
      enabled: check.enabled,
      protocol: check.protocol === "TCP" ? "TCP" : "HTTP",
      // A bare connection is opened and closed: there is nothing to encrypt.
      tls: check.protocol === "HTTPS",
      port: check.port === "traffic-port" ? "traffic-port" : Number(check.port),
      path: check.path ?? "/",
      intervalSeconds: check.intervalSeconds,
      timeoutSeconds: check.timeoutSeconds,
      healthyThreshold: check.healthyThreshold,
      unhealthyThreshold: check.unhealthyThreshold,
      matcher: check.matcher?.GrpcCode ?? check.matcher?.HttpCode ?? "200",
    },
    targets: tables.targets.where("targetGroup", group.arn).flatMap((t) => {
      const address = addressOf(tables, t);
      return address === undefined
        ? []
        : [{ id: registrationId(t), address, port: t.port, draining: t.drainingSince !== undefined }];
    }),
  };
}

/** An `ip` target is its own address; an instance's is where its agent said the host is. */
function addressOf(tables: BerthView, target: TargetRecord): string | undefined {
  if (isIPv4(target.id)) return target.id;
  return tables.containerInstances.where("ec2InstanceId", target.id)[0]?.address;
}
