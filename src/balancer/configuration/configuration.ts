import { createHash } from "node:crypto";
import { forwardedGroups } from "../listener-rules.ts";
import type { BalancerState, ListenerState, TargetGroupState } from "../state.ts";
import { bindLines } from "./certificates.ts";
import { challengeLines } from "./challenges.ts";
import { handoverChoice, handoverSections, unlessStopping } from "./handover.ts";
import { headerLines } from "./headers.ts";
import { backendName, backupName, frontendName } from "./names.ts";
import { quoteWord } from "./quote-word.ts";
import { connectionLines, NO_BACKEND, ruleLines } from "./rules.ts";
import { backupOptions, serverOptions } from "./server-options.ts";
import { stickinessLines } from "./stickiness.ts";
import { ringSection, tellingLines } from "./traffic-lines.ts";

/** Where HAProxy finds its things, and what it may use. */
export interface ConfigurationSettings {
  /** A `bind` address for the runtime API: a socket's path or `host:port`. */
  readonly runtimeAddress: string;
  /** The file that a starting worker reads the state of its servers from. */
  readonly serverStateFile: string;
  /** The map of forwards' weights (weights.ts). Its path has no blank, quote, comma or bracket. */
  readonly weightsFile: string;
  /** The map of what cookies lead to (stickiness.ts); like the path before. */
  readonly stickyFile: string;
  /** The map of what ACME servers are answered (challenges.ts); like the path before. */
  readonly challengesFile: string;
  /** Where certificates are, and the lists of them that listeners have; like the path before. */
  readonly certificatesDir: string;
  /** The address of a socket for the workers alone (handover.ts). */
  readonly handoverAddress: (name: string) => string;
  /** Whom the workers become after binding; undefined where the master is not root. */
  readonly user?: { readonly name: string; readonly group: string };
}

/** The servers to write out, by target group id: those that the running HAProxy has. Others enter by the runtime API. */
export type WrittenServers = ReadonlyMap<string, readonly { readonly name: string; readonly targetId: string }[]>;

/** Limits that hold for every balancer. */
const LIMITS = {
  /** Descriptors that a worker may hold: about 32,000 connections. More costs memory at start even if unused. */
  descriptors: 65536,
  /** A worker that a reload retired gets this long to finish its connections, as long as ELB keeps a client's alive. */
  hardStopAfter: "1h",
  /** Retired workers that may exist at a time; beyond, the oldest is ended. Each costs some 20 MB. */
  retiredWorkers: 20,
  /** A connection attempt to a target; then another target is tried. */
  connect: "1s",
} as const;

const seconds = (value: number) => `${Math.round(value * 1000)}ms`;

function globalSection(settings: ConfigurationSettings, description: string): string[] {
  const lines = [
    "global",
    `  description ${quoteWord(description)}`,
    // Commands come before traffic and checks, of which a new worker may have thousands at once.
    `  stats socket ${quoteWord(settings.runtimeAddress)} mode 600 level admin nice -1024`,
    // The session by which it tells of requests is silent as long as there is none.
    "  stats timeout 1h",
    `  server-state-file ${quoteWord(settings.serverStateFile)}`,
    `  fd-hard-limit ${LIMITS.descriptors}`,
    `  hard-stop-after ${LIMITS.hardStopAfter}`,
    `  mworker-max-reloads ${LIMITS.retiredWorkers}`,
    // The first check of a server comes this many milliseconds after it is added or after a reload.
    "  max-spread-checks 100",
    // HAProxy's own client, which nothing here uses, would read all of the system's authorities at each start.
    ".if feature(OPENSSL)",
    "  httpclient.ssl.verify none",
    ".endif",
  ];
  if (settings.user !== undefined)
    lines.push(`  user ${quoteWord(settings.user.name)}`, `  group ${quoteWord(settings.user.group)}`);
  return lines;
}

function defaultsSection(): string[] {
  return [
    "defaults",
    "  load-server-state-from-file global",
    `  timeout connect ${LIMITS.connect}`,
    "  timeout queue 5s",
    // A connection that fails goes to another target, from the first retry on.
    "  retries 3",
    "  option redispatch 1",
  ];
}

function frontendSections(state: BalancerState, listener: ListenerState, settings: ConfigurationSettings): string[][] {
  const idle = seconds(listener.idleTimeoutSeconds);
  const lines = [
    `frontend ${frontendName(listener.id)}`,
    `  mode ${listener.protocol.toLowerCase()}`,
    ...bindLines(state, listener, settings.certificatesDir),
    `  timeout client ${idle}`,
  ];
  if (listener.protocol === "TCP") return [[...lines, ...connectionLines(listener, settings.weightsFile)]];
  const telling = tellingLines(frontendName(listener.id), state.listeners.length, listener.accessLog === true);
  const challenges = challengeLines(state, settings.challengesFile);
  const { request, choice } = ruleLines(listener, settings.weightsFile);
  lines.push(
    `  timeout http-request ${idle}`,
    `  timeout http-keep-alive ${idle}`,
    // A reload must not close an idle connection under a client that is about to use it.
    "  option idle-close-on-response",
    ...telling,
    ...challenges,
    ...headerLines(listener),
    ...unlessStopping(request),
    handoverChoice(listener),
    ...choice,
  );
  return [lines, ...handoverSections(listener, [...telling, ...challenges, ...request, ...choice], idle, settings)];
}

/** A random choice of one, not the better of two: ELB's has no regard to load either. */
const BALANCE = {
  round_robin: "roundrobin",
  least_outstanding_requests: "leastconn",
  weighted_random: "random(1)",
} as const;

/** By address, a target that comes or goes moves the clients of no other. */
function balanceLines({ algorithm, stickiness }: TargetGroupState): string[] {
  if (stickiness?.type === "source_ip") return ["  balance source", "  hash-type consistent"];
  return [`  balance ${BALANCE[algorithm]}`];
}

/** Every code of a list of codes and ranges. */
const codesIn = (matcher: string) =>
  matcher.split(",").flatMap((part) => {
    const [low, high = low] = part.split("-").map(Number);
    return Array.from({ length: (high ?? 0) - (low ?? 0) + 1 }, (_, index) => (low ?? 0) + index);
  });

function healthCheckLines({ healthCheck: check, version }: TargetGroupState): string[] {
  if (!check.enabled) return [];
  const lines = [`  timeout check ${seconds(check.timeoutSeconds)}`];
  if (check.protocol !== "HTTP") return lines;
  const common = `hdr Host "%[bc_dst]:%[bc_dst_port]" hdr User-Agent "ELB-HealthChecker/2.0 (Berth)"`;
  const uri = `uri ${quoteWord(check.path)}`;
  if (version === "grpc")
    lines.push(
      "  option httpchk",
      `  http-check send meth POST ${uri} ver HTTP/2 ${common} hdr Content-Type application/grpc hdr TE trailers`,
      `  http-check expect hdr name grpc-status value -m reg "^(${codesIn(check.matcher).join("|")})\\$"`,
    );
  else
    lines.push(
      "  option httpchk",
      `  http-check send meth GET ${uri} ver ${version === "http2" ? "HTTP/2" : "HTTP/1.1"} ${common}`,
      `  http-check expect status ${check.matcher}`,
    );
  return lines;
}

/**
 * A target group. `option allbackups` and the servers' unchecked copies are the fail-open rule: while no checked server is
 * up, all copies that are ready share the traffic. HAProxy does this by itself, the control plane's presence is not needed.
 *
 * A failed connection is retried for every method: nothing was sent. A connection that closed without an answer is retried
 * only for safe methods (RFC 9110, 9.2.1), since the target may have acted on the request before it died.
 */
function backendSection(
  group: TargetGroupState,
  idleTimeoutSeconds: number,
  servers: WrittenServers,
  settings: ConfigurationSettings,
): string[] {
  const idle = seconds(idleTimeoutSeconds);
  const lines = [
    `backend ${backendName(group.id)}`,
    `  mode ${group.protocol.toLowerCase()}`,
    ...balanceLines(group),
    `  timeout server ${idle}`,
    `  timeout tunnel ${idle}`,
    "  option allbackups",
  ];
  if (group.protocol === "HTTP")
    lines.push(
      "  http-reuse safe",
      "  retry-on conn-failure empty-response",
      "  http-request disable-l7-retry unless { method GET HEAD OPTIONS }",
      ...stickinessLines(group, settings.stickyFile),
    );
  lines.push(...healthCheckLines(group));
  const targets = new Map(group.targets.map((target) => [target.id, target]));
  for (const server of servers.get(group.id) ?? []) {
    const target = targets.get(server.targetId);
    if (target === undefined) continue;
    lines.push(`  server ${server.name} ${serverOptions(group, target, "written")}`);
    if (group.healthCheck.enabled) lines.push(`  server ${backupName(server.name)} ${backupOptions(group, target)}`);
  }
  return lines;
}

/** The longest silence that any listener in front of the group allows; ELB's default where there is none. */
function idleTimeoutOf(group: TargetGroupState, listeners: readonly ListenerState[]): number {
  const times = listeners
    .filter(({ rules, defaultAction }) =>
      [...rules.map(({ action }) => action), defaultAction].some((action) =>
        forwardedGroups(action).includes(group.id),
      ),
    )
    .map((listener) => listener.idleTimeoutSeconds);
  return times.length === 0 ? 60 : Math.max(...times);
}

/**
 * The whole haproxy.cfg for `state`, which must be valid (validateState). `description` comes back in `show info`, so that
 * a later process can tell what is running.
 */
export function renderConfiguration(
  state: BalancerState,
  servers: WrittenServers,
  settings: ConfigurationSettings,
  description: string,
): string {
  const sections = [
    globalSection(settings, description),
    ringSection(state.listeners.some(({ accessLog }) => accessLog)),
    defaultsSection(),
  ];
  for (const listener of state.listeners) sections.push(...frontendSections(state, listener, settings));
  if (sections.some((lines) => lines.some((line) => line.includes(`_backend ${NO_BACKEND}`))))
    sections.push([`backend ${NO_BACKEND}`, "  mode http"]);
  for (const group of state.targetGroups)
    sections.push(backendSection(group, idleTimeoutOf(group, state.listeners), servers, settings));
  return `# Written by Berth. It is written anew at every change of a listener or target group.\n${sections.map((lines) => lines.join("\n")).join("\n\n")}\n`;
}

/** The configuration for `state` with a server in each group that stands for all that may be there. */
export function sampleConfiguration(state: BalancerState, settings: ConfigurationSettings): string {
  const sample = { id: "sample", address: "192.0.2.1", port: 1, draining: false };
  const groups = state.targetGroups.map((group) => ({ ...group, targets: [sample] }));
  const servers = new Map(groups.map(({ id }) => [id, [{ name: "sample", targetId: sample.id }]]));
  return renderConfiguration({ ...state, targetGroups: groups }, servers, settings, "sample");
}

/**
 * A fingerprint of all that only a reload can change: everything but the targets, the weights of forwards to several groups, and
 * certificates that are no default. Equal fingerprints: HAProxy can get from
 * one state to the other by its runtime API alone. Servers' options are in it, since a server keeps those it was added with.
 */
export const structureOf = (sample: string): string => createHash("sha256").update(sample).digest("hex").slice(0, 16);
