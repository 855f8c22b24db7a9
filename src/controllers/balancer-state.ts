import { isIPv4 } from "node:net";
import type { Action, RuleCondition as WireCondition } from "@aws-sdk/client-elastic-load-balancing-v2";
import type {
  BalancerState,
  CertificateState,
  ListenerAction,
  ListenerState,
  RuleCondition,
  RuleState,
  TlsState,
} from "../balancer/index.ts";
import type { CertificateRecord } from "../model/certificate.ts";
import {
  ALPN_POLICIES,
  carries,
  isSecure,
  type ListenerRecord,
  type ListenerRuleRecord,
  listenerCertificates,
  type TargetGroupRecord,
  type TargetRecord,
} from "../model/load-balancer.ts";
import { sslPolicy, type TlsVersion } from "../model/ssl-policy.ts";
import { assertNever } from "../runtime/assert-never.ts";
import type { BerthView } from "../store/index.ts";

/** Whether any listener or rule sends requests to the group. */
export const isInUse = (tables: BerthView, group: TargetGroupRecord): boolean =>
  tables.listeners.count("targetGroup", group.arn) + tables.listenerRules.count("targetGroup", group.arn) > 0;

/** One id for each time a target is registered: the same address registered again is a new target to the balancer. */
export function registrationId(target: TargetRecord): string {
  return `${target.id}:${target.port}@${target.registeredAt}`;
}

/** What a private key is once it is opened. Throws if it cannot be. */
export type OpenKey = (certificate: CertificateRecord) => string;

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
    if (tables.listeners.count("certificate", record.arn) === 0) return [];
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
  const listeners = [...tables.listeners.all()]
    .flatMap((l) => listenerState(tables, l))
    .flatMap((l) => showing(l, usable));
  const groups = [...tables.targetGroups.all()].filter((g) => isInUse(tables, g));
  return { listeners, targetGroups: groups.map((g) => groupState(tables, g)), certificates };
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
      tls: tlsState(listener),
      rules: rulesOf(tables, listener),
      defaultAction: actionState(listener.defaultActions),
    },
  ];
}

function tlsState(listener: ListenerRecord): TlsState | undefined {
  const policy = sslPolicy(listener.sslPolicy ?? "");
  if (!isSecure(listener.protocol) || policy === undefined) return undefined;
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
    alpn: listener.protocol === "HTTPS" ? ["h2", "http/1.1"] : ALPN_POLICIES[listener.alpnPolicy ?? "None"],
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

function groupState(tables: BerthView, group: TargetGroupRecord): BalancerState["targetGroups"][number] {
  const { healthCheck: check } = group;
  return {
    id: group.arn,
    protocol: carries(group.protocol),
    tls: isSecure(group.protocol),
    algorithm:
      group.attributes["load_balancing.algorithm.type"] === "least_outstanding_requests"
        ? "least_outstanding_requests"
        : "round_robin",
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
      matcher: check.matcher?.HttpCode ?? "200",
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
