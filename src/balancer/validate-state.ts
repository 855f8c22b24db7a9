import { isIP } from "node:net";
import { challengeProblems } from "./configuration/challenges.ts";
import { headerProblems } from "./configuration/headers.ts";
import { stickinessProblems } from "./configuration/stickiness.ts";
import { actionProblems, forwardedGroups, type ListenerAction, ruleProblems } from "./listener-rules.ts";
import type { BalancerState, HealthCheckState, ListenerState, TargetGroupState } from "./state.ts";

/** A state that cannot be carried out. Nothing of it was applied. */
export class BalancerStateError extends Error {
  readonly problems: readonly string[];
  constructor(problems: readonly string[]) {
    super(`the balancer state is not valid: ${problems.join("; ")}`);
    this.name = "BalancerStateError";
    this.problems = problems;
  }
}

/** Throws a BalancerStateError naming everything in `state` that cannot be carried out. */
export function validateState(state: BalancerState): void {
  const problems: string[] = [...challengeProblems(state)];
  const groups = new Map<string, TargetGroupState>();
  for (const group of state.targetGroups) {
    const name = `target group ${JSON.stringify(group.id)}`;
    if (!isId(group.id)) problems.push(`${name}: an id has 1-255 characters`);
    if (groups.has(group.id)) problems.push(`${name} is there twice`);
    groups.set(group.id, group);
    for (const problem of groupProblems(group)) problems.push(`${name}: ${problem}`);
  }
  const listeners = new Set<string>();
  const sockets = new Map<string, string>();
  const certificates = new Set((state.certificates ?? []).map(({ id }) => id));
  if (certificates.size < (state.certificates ?? []).length) problems.push("a certificate is there twice");
  for (const listener of state.listeners) {
    const name = `listener ${JSON.stringify(listener.id)}`;
    if (!isId(listener.id)) problems.push(`${name}: an id has 1-255 characters`);
    if (listeners.has(listener.id)) problems.push(`${name} is there twice`);
    listeners.add(listener.id);
    const socket = `${listener.address} port ${listener.port}`;
    const other = sockets.get(socket);
    if (other !== undefined) problems.push(`${name}: ${socket} is also wanted by listener ${JSON.stringify(other)}`);
    sockets.set(socket, listener.id);
    if (listener.tls?.certificateIds.length === 0) problems.push(`${name}: TLS needs a certificate`);
    for (const id of listener.tls?.certificateIds ?? [])
      if (!certificates.has(id)) problems.push(`${name}: certificate ${JSON.stringify(id)} is not in the state`);
    for (const problem of listenerProblems(listener, groups)) problems.push(`${name}: ${problem}`);
  }
  if (problems.length > 0) throw new BalancerStateError(problems);
}

const isPort = (port: number) => Number.isInteger(port) && port >= 1 && port <= 65535;
const isId = (id: string) => id.length >= 1 && id.length <= 255;

/** Whether `matcher` is a list of codes and ranges that HAProxy understands. */
function isMatcher(matcher: string): boolean {
  return (
    matcher.length <= 255 &&
    matcher.split(",").every((part) => {
      const range = /^([1-5]\d\d)(?:-([1-5]\d\d))?$/.exec(part);
      return range !== null && Number(range[1]) <= Number(range[2] ?? range[1]);
    })
  );
}

/** Whether `matcher` is a list of gRPC's codes. 0 comes after an answer's body, where HAProxy's checks do not see it. */
function isGrpcMatcher(matcher: string): boolean {
  return (
    matcher.length <= 255 &&
    matcher.split(",").every((part) => {
      const range = /^([1-9]\d?)(?:-([1-9]\d?))?$/.exec(part);
      return range !== null && Number(range[1]) <= Number(range[2] ?? range[1]);
    })
  );
}

function* healthCheckProblems(check: HealthCheckState, grpc: boolean): Generator<string> {
  if (check.port !== "traffic-port" && !isPort(check.port)) yield `health check port ${check.port} is not a port`;
  const seconds = { interval: check.intervalSeconds, timeout: check.timeoutSeconds };
  for (const [name, value] of Object.entries(seconds))
    if (!(value >= 0.05 && value <= 3600)) yield `health check ${name} ${value} s is not within 0.05-3600`;
  for (const threshold of [check.healthyThreshold, check.unhealthyThreshold])
    if (!Number.isInteger(threshold) || threshold < 1 || threshold > 100)
      yield `health check threshold ${threshold} is not a whole number within 1-100`;
  if (check.protocol !== "HTTP") return;
  if (!/^\/[\x21-\x7e]{0,1023}$/.test(check.path)) yield "health check path is not an absolute path of printable ASCII";
  if (!(grpc ? isGrpcMatcher : isMatcher)(check.matcher))
    yield "health check matcher is not a list of status codes and ranges";
}

function* groupProblems(group: TargetGroupState): Generator<string> {
  yield* healthCheckProblems(group.healthCheck, group.version === "grpc");
  yield* stickinessProblems(group);
  const slow = group.slowStartSeconds;
  if (slow !== undefined && !(Number.isInteger(slow) && slow >= 30 && slow <= 900))
    yield `slow start of ${slow} s is not a whole number within 30-900`;
  if (group.protocol === "TCP" && group.version !== undefined) yield "HTTP/2 is for HTTP target groups";
  if (group.protocol === "HTTP" && group.proxyProtocol === true) yield "the PROXY protocol is for TCP target groups";
  const seen = new Set<string>();
  for (const target of group.targets) {
    const name = `target ${JSON.stringify(target.id)}`;
    if (!isId(target.id)) yield `${name}: an id has 1-255 characters`;
    if (seen.has(target.id)) yield `${name} is there twice`;
    seen.add(target.id);
    if (isIP(target.address) === 0) yield `${name}: ${JSON.stringify(target.address)} is not an IP address`;
    if (!isPort(target.port)) yield `${name}: ${target.port} is not a port`;
    if (target.checkPort !== undefined && !isPort(target.checkPort)) yield `${name}: ${target.checkPort} is not a port`;
  }
}

function* forwardProblems(
  listener: ListenerState,
  action: ListenerAction,
  groups: ReadonlyMap<string, TargetGroupState>,
): Generator<string> {
  for (const targetGroupId of forwardedGroups(action)) {
    const group = groups.get(targetGroupId);
    if (group === undefined) yield `target group ${JSON.stringify(targetGroupId)} is not in the state`;
    else if (group.protocol !== listener.protocol)
      yield `a listener of ${listener.protocol} cannot forward to a target group of ${group.protocol}`;
  }
}

function* listenerProblems(listener: ListenerState, groups: ReadonlyMap<string, TargetGroupState>): Generator<string> {
  if (isIP(listener.address) === 0) yield `${JSON.stringify(listener.address)} is not an IP address`;
  if (!isPort(listener.port)) yield `${listener.port} is not a port`;
  const idle = listener.idleTimeoutSeconds;
  if (!(idle > 0 && idle <= 6000)) yield `idle timeout ${idle} s is not within 0-6000`;
  if (listener.headers !== undefined) yield* headerProblems(listener.headers);
  const action = listener.defaultAction;
  if (listener.protocol === "TCP") {
    if (action.type !== "forward") yield `a ${action.type} needs an HTTP listener`;
    else if (action.stickinessSeconds !== undefined) yield "stickiness to a target group needs an HTTP listener";
    if (listener.rules.length > 0) yield "rules need an HTTP listener";
  }
  yield* actionProblems(action);
  yield* forwardProblems(listener, action, groups);
  const seen = new Set<string>();
  for (const rule of listener.rules) {
    const name = `rule ${JSON.stringify(rule.id)}`;
    if (seen.has(rule.id)) yield `${name} is there twice`;
    seen.add(rule.id);
    for (const problem of ruleProblems(rule)) yield `${name}: ${problem}`;
    for (const problem of forwardProblems(listener, rule.action, groups)) yield `${name}: ${problem}`;
  }
}
