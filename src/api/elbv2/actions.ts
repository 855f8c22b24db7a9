import type {
  Action,
  FixedResponseActionConfig,
  RedirectActionConfig,
  TargetGroupStickinessConfig,
} from "@aws-sdk/client-elastic-load-balancing-v2";
import {
  actionTargetGroups,
  carries,
  type ListenerProtocol,
  type LoadBalancerRecord,
} from "../../model/load-balancer.ts";
import type { BerthTransaction } from "../../store/index.ts";
import { ElbError, validationError } from "./errors.ts";
import { loadBalancersOf, targetGroupOf } from "./lookup.ts";
import { checkStickinessSeconds } from "./stickiness.ts";

/** The listener that actions are for. */
export interface ActionPlace {
  readonly owner: LoadBalancerRecord;
  readonly protocol: ListenerProtocol;
  readonly port: number;
}

/** How many target groups one forward may share its requests among. Source: ELB quotas. */
const MAX_GROUPS_PER_ACTION = 5;

/** How many target groups an application load balancer may forward to. Source: ELB quotas. */
const MAX_GROUPS_PER_LOAD_BALANCER = 100;

const invalidAction = (message: string) => new ElbError("InvalidLoadBalancerActionException", message);

/**
 * The actions of a listener or rule, checked and in the form ELBv2 echoes: one, which ends the evaluation. Throws
 * InvalidLoadBalancerAction, ValidationError, and what is wrong with a target group. Source: ELBv2 API reference, Action.
 */
export function actionsFrom(tx: BerthTransaction, place: ActionPlace, actions: readonly Action[]): Action[] {
  const [action] = actions;
  if (action === undefined) throw validationError("At least one action must be specified");
  if (actions.length > 1)
    throw invalidAction("Exactly one action of type 'forward', 'redirect' or 'fixed-response' must be specified");
  const { Order } = action;
  if (Order !== undefined && (Order < 1 || Order > 50_000))
    throw validationError(`Action order '${Order}' must be from 1 to 50000`);
  if (carries(place.protocol) === "TCP" && action.Type !== "forward")
    throw invalidAction(`Actions of type '${action.Type}' are not supported on Network Load Balancers`);
  switch (action.Type) {
    case "redirect":
      return [{ Type: "redirect", Order, RedirectConfig: redirectFrom(place, action.RedirectConfig) }];
    case "fixed-response":
      return [{ Type: "fixed-response", Order, FixedResponseConfig: fixedResponseFrom(action.FixedResponseConfig) }];
    default:
      return [forwardFrom(tx, place, action)];
  }
}

function forwardFrom(tx: BerthTransaction, place: ActionPlace, action: Action): Action {
  const groups = weightedGroups(action);
  for (const { TargetGroupArn: arn } of groups) checkGroup(tx, place, arn);
  if (place.owner.type === "application") checkGroupCount(tx, place.owner, groups);
  return {
    Type: "forward",
    TargetGroupArn: groups.length === 1 ? groups[0]?.TargetGroupArn : undefined,
    Order: action.Order,
    ForwardConfig: {
      TargetGroups: groups,
      TargetGroupStickinessConfig: stickinessFrom(place, action.ForwardConfig?.TargetGroupStickinessConfig),
    },
  };
}

/** A forward's target groups, each with its weight (0..999; 1 when not given). */
function weightedGroups(action: Action): { TargetGroupArn: string; Weight: number }[] {
  const given = action.ForwardConfig?.TargetGroups ?? [];
  const groups = given.length > 0 ? given : [{ TargetGroupArn: action.TargetGroupArn }];
  if (given.length > MAX_GROUPS_PER_ACTION) {
    // CreateListener's model has no exception for it.
    throw validationError(`An action may have at most ${MAX_GROUPS_PER_ACTION} target groups`);
  }
  if (
    action.TargetGroupArn !== undefined &&
    !(groups.length === 1 && groups[0]?.TargetGroupArn === action.TargetGroupArn)
  ) {
    throw validationError("TargetGroupArn and ForwardConfig name different target groups");
  }
  if (new Set(groups.map((group) => group.TargetGroupArn)).size < groups.length)
    throw validationError("A target group can be specified only once in an action");
  return groups.map((group) => {
    const { TargetGroupArn: arn, Weight: weight = 1 } = group as { TargetGroupArn?: string; Weight?: number };
    if (arn === undefined)
      throw validationError("A target group ARN must be specified for an action of type 'forward'");
    if (weight < 0 || weight > 999) throw validationError(`Weight '${weight}' must be from 0 to 999`);
    return { TargetGroupArn: arn, Weight: weight };
  });
}

function stickinessFrom(
  { protocol }: ActionPlace,
  given: TargetGroupStickinessConfig | undefined,
): TargetGroupStickinessConfig {
  if (given?.Enabled !== true) return { Enabled: false };
  if (carries(protocol) === "TCP")
    throw validationError("Target group stickiness is not supported for actions of Network Load Balancers");
  if (given.DurationSeconds === undefined)
    throw validationError("DurationSeconds must be specified when target group stickiness is enabled");
  checkStickinessSeconds("DurationSeconds", given.DurationSeconds);
  return { Enabled: true, DurationSeconds: given.DurationSeconds };
}

function checkGroup(tx: BerthTransaction, { owner, protocol }: ActionPlace, arn: string): void {
  const group = targetGroupOf(tx, arn);
  // A TLS listener may hand on what it decrypted; a TCP listener has nothing to encrypt with.
  if (carries(group.protocol) !== carries(protocol) || (protocol === "TCP" && group.protocol === "TLS")) {
    throw new ElbError(
      "IncompatibleProtocolsException",
      `The listener protocol '${protocol}' is not compatible with the protocol '${group.protocol}' of target group '${arn}'`,
    );
  }
  if (loadBalancersOf(tx, arn).some((used) => used !== owner.arn)) {
    throw new ElbError(
      "TargetGroupAssociationLimitException",
      `Target group '${arn}' is associated with another load balancer already`,
    );
  }
}

function checkGroupCount(
  tx: BerthTransaction,
  owner: LoadBalancerRecord,
  more: readonly { readonly TargetGroupArn: string }[],
): void {
  const actions = [
    ...tx.listeners.where("loadBalancer", owner.arn).flatMap((listener) => listener.defaultActions),
    ...tx.listenerRules.where("loadBalancer", owner.arn).flatMap((rule) => rule.actions),
  ];
  const groups = new Set([...actionTargetGroups(actions), ...more.map(({ TargetGroupArn: arn }) => arn)]);
  if (groups.size <= MAX_GROUPS_PER_LOAD_BALANCER) return;
  throw new ElbError(
    "TooManyUniqueTargetGroupsPerLoadBalancerException",
    `Load balancer '${owner.arn}' may forward to at most ${MAX_GROUPS_PER_LOAD_BALANCER} target groups`,
  );
}

/** What each part of a redirect may be, its placeholders left out. Source: ELBv2 API reference, RedirectActionConfig. */
const REDIRECT_PARTS = {
  Protocol: { default: "#{protocol}", pattern: /^(HTTPS?|#\{protocol\})$/ },
  Host: { default: "#{host}", pattern: /^[A-Za-z0-9.*?_-]{1,128}$/ },
  Port: {
    default: "#{port}",
    pattern: /^(#\{port\}|[1-9]\d{0,3}|[1-5]\d{4}|6[0-4]\d{3}|65[0-4]\d\d|655[0-2]\d|6553[0-5])$/,
  },
  Path: { default: "/#{path}", pattern: /^\/[\x21-\x7e]{0,127}$/ },
  Query: { default: "#{query}", pattern: /^[\x21-\x7e]{0,128}$/ },
} as const;

const PLACEHOLDER = /#\{(protocol|host|port|path|query)\}/g;

function redirectFrom(
  { protocol, port }: ActionPlace,
  given: RedirectActionConfig | undefined,
): Required<RedirectActionConfig> {
  if (given === undefined)
    throw invalidAction("For actions of type 'redirect', you must specify the following fields: 'RedirectConfig'");
  const part = (name: keyof typeof REDIRECT_PARTS) => {
    const value = given[name] ?? REDIRECT_PARTS[name].default;
    // A placeholder takes the place of one character at least; for the protocol and the port it must be the whole.
    const bare = name === "Protocol" || name === "Port" ? value : value.replaceAll(PLACEHOLDER, "x");
    if (value.length > 128 || /#\{/.test(bare.replaceAll(PLACEHOLDER, "")) || !REDIRECT_PARTS[name].pattern.test(bare))
      throw invalidAction(`The redirect ${name.toLowerCase()} '${value}' is not valid`);
    return value;
  };
  const config = {
    Protocol: part("Protocol"),
    Port: part("Port"),
    Host: part("Host"),
    Path: part("Path"),
    Query: part("Query"),
    StatusCode: given.StatusCode,
  };
  if (config.StatusCode !== "HTTP_301" && config.StatusCode !== "HTTP_302")
    throw invalidAction(`The redirect status code '${config.StatusCode}' must be 'HTTP_301' or 'HTTP_302'`);
  if (protocol === "HTTPS" && config.Protocol === "HTTP")
    throw invalidAction("A redirect from HTTPS to HTTP is not supported");
  const same = [
    config.Protocol === "#{protocol}" || config.Protocol === protocol,
    config.Port === "#{port}" || config.Port === String(port),
    config.Host === "#{host}",
    config.Path === "/#{path}",
  ];
  if (!same.includes(false)) throw invalidAction("The redirect configuration is not valid because it creates a loop.");
  return { ...config, StatusCode: config.StatusCode };
}

const CONTENT_TYPES = ["text/plain", "text/css", "text/html", "application/javascript", "application/json"];

function fixedResponseFrom(given: FixedResponseActionConfig | undefined): FixedResponseActionConfig {
  if (given === undefined) {
    throw invalidAction(
      "For actions of type 'fixed-response', you must specify the following fields: 'FixedResponseConfig'",
    );
  }
  const { StatusCode: status = "", ContentType: type, MessageBody: body } = given;
  if (!/^[245]\d\d$/.test(status))
    throw invalidAction(`The fixed response status code '${status}' must be 2XX, 4XX or 5XX`);
  if (type !== undefined && !CONTENT_TYPES.includes(type))
    throw invalidAction(`The fixed response content type '${type}' must be one of '[${CONTENT_TYPES.join(", ")}]'`);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  if (body !== undefined && (body.length > 1024 || /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]/.test(body)))
    throw invalidAction("The fixed response message body must have at most 1024 characters, none of control");
  return { StatusCode: status, ContentType: type, MessageBody: body };
}
