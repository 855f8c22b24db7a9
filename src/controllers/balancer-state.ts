import { isIPv4 } from "node:net";
import type { Action, RuleCondition as WireCondition } from "@aws-sdk/client-elastic-load-balancing-v2";
import type { BalancerState, ListenerAction, RuleCondition, RuleState } from "../balancer/index.ts";
import type { ListenerRecord, ListenerRuleRecord, TargetGroupRecord, TargetRecord } from "../model/load-balancer.ts";
import { assertNever } from "../runtime/assert-never.ts";
import type { BerthView } from "../store/index.ts";

/** Whether any listener or rule sends requests to the group. */
export const isInUse = (tables: BerthView, group: TargetGroupRecord): boolean =>
  tables.listeners.count("targetGroup", group.arn) + tables.listenerRules.count("targetGroup", group.arn) > 0;

/** One id for each time a target is registered: the same address registered again is a new target to the balancer. */
export function registrationId(target: TargetRecord): string {
  return `${target.id}:${target.port}@${target.registeredAt}`;
}

/** The whole of what the records want of the balancer: every listener, and every target group that one forwards to. */
export function balancerState(tables: BerthView): BalancerState {
  const listeners = [...tables.listeners.all()];
  const groups = [...tables.targetGroups.all()].filter((g) => isInUse(tables, g));
  return {
    listeners: listeners.flatMap((l) => listenerState(tables, l)),
    targetGroups: groups.map((g) => groupState(tables, g)),
  };
}

function listenerState(tables: BerthView, listener: ListenerRecord): BalancerState["listeners"] {
  const owner = tables.loadBalancers.get(listener.loadBalancerArn);
  if (owner === undefined) return [];
  const idle =
    listener.protocol === "TCP"
      ? (listener.attributes["tcp.idle_timeout.seconds"] ?? "350")
      : (owner.attributes["idle_timeout.timeout_seconds"] ?? "60");
  return [
    {
      id: listener.arn,
      protocol: listener.protocol,
      address: owner.address,
      port: listener.port,
      idleTimeoutSeconds: Number(idle),
      rules: rulesOf(tables, listener),
      defaultAction: actionState(listener.defaultActions),
    },
  ];
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
    protocol: group.protocol,
    algorithm:
      group.attributes["load_balancing.algorithm.type"] === "least_outstanding_requests"
        ? "least_outstanding_requests"
        : "round_robin",
    healthCheck: {
      enabled: check.enabled,
      protocol: check.protocol,
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
