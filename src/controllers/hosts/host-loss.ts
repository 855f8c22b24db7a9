import type { Instant } from "../../runtime/clock.ts";
import type { ClusterArn, ContainerInstanceArn } from "../../wire/arn.ts";

/** When a host counts as lost, and when that is doubted. Times in milliseconds. */
export interface HostLossSettings {
  /** Three pings of two seconds missed: the agent counts as not connected. */
  readonly silenceMs: number;
  /** How much longer a silent host has before the tasks of services on it are given up. */
  readonly graceMs: number;
  /** How long hosts have to come back after a start of the control plane, which was deaf before. */
  readonly startGraceMs: number;
  /** The brake holds when more than this part of a cluster's hosts, and at least `brakeHosts`, go within `brakeWindowMs`. */
  readonly brakePercent: number;
  readonly brakeHosts: number;
  readonly brakeWindowMs: number;
  /** While the brake holds, the tasks of one host are given up each time this has passed. */
  readonly brakeIntervalMs: number;
}

export const DEFAULT_HOST_LOSS_SETTINGS: HostLossSettings = {
  silenceMs: 6_000,
  graceMs: 1_000,
  startGraceMs: 30_000,
  brakePercent: 30,
  brakeHosts: 3,
  brakeWindowMs: 30_000,
  brakeIntervalMs: 30_000,
};

/** What is known of a host at one moment. */
export interface ObservedHost {
  readonly arn: ContainerInstanceArn;
  readonly clusterArn: ClusterArn;
  /** Since its agent was heard or, if it never was, since it could have been; without our own pauses. */
  readonly silentMs: number;
  /** Whether its agent was heard since the control plane started. */
  readonly wasHeard: boolean;
  /** As recorded. */
  readonly agentConnected: boolean;
  /** Tasks of services that are not STOPPED on it. May be 0 for a host that is not silent. */
  readonly serviceTasks: number;
}

export type HostLossAction =
  /** The agent is to be recorded as not connected. */
  | { readonly kind: "disconnect"; readonly arn: ContainerInstanceArn }
  /** The tasks of services on the host are to be given up. */
  | { readonly kind: "abandon"; readonly arn: ContainerInstanceArn; readonly silentMs: number }
  /** The tasks on `hosts` are not replaced for now: `gone` of `of` hosts of the cluster went at about the same time. */
  | {
      readonly kind: "hold";
      readonly clusterArn: ClusterArn;
      readonly hosts: readonly ContainerInstanceArn[];
      readonly gone: number;
      readonly of: number;
    }
  /** Nothing is held back any more: hosts are back, or the tasks of all that are gone were given up one by one. */
  | { readonly kind: "release"; readonly clusterArn: ClusterArn; readonly cause: "returned" | "replaced" };

interface Brake {
  /** Those that are gone since before or while the brake holds. */
  readonly hosts: ReadonlySet<ContainerInstanceArn>;
  /** Those of which it was told that their tasks are held back. */
  readonly told: ReadonlySet<ContainerInstanceArn>;
  readonly nextAt: Instant;
}

/** What one decision hands on to the next. It is lost with the process, and forms again within the start's grace. */
export interface HostLossState {
  /** Hosts that were there, or were recorded as connected when the control plane started. */
  readonly here: ReadonlySet<ContainerInstanceArn>;
  /** Hosts that were here and are gone, with the time at which they were last heard. */
  readonly goneSince: ReadonlyMap<ContainerInstanceArn, Instant>;
  readonly brakes: ReadonlyMap<ClusterArn, Brake>;
}

export const NOTHING_SEEN: HostLossState = { here: new Set(), goneSince: new Map(), brakes: new Map() };

/**
 * Decides which hosts are lost and what follows, by the rules in docs/rules/host-loss.md. A cut network looks like dead hosts: when many go at once, their tasks
 * are replaced slowly, so that hosts that come back find their tasks still theirs.
 *
 * Example with ten hosts and the defaults: four are cut off together. 7 s after the first was last heard it would be given
 * up; by then the other three have been silent for more than 4 s, so 4 of 10 are gone, and the brake holds.
 */
export function decideHostLoss(
  before: HostLossState,
  observed: readonly ObservedHost[],
  settings: HostLossSettings,
  now: Instant,
): { readonly state: HostLossState; readonly actions: readonly HostLossAction[] } {
  const limits = (host: ObservedHost) => limitsOf(host, settings);
  const actions: HostLossAction[] = observed
    .filter((host) => host.agentConnected && host.silentMs >= limits(host).disconnectMs)
    .map(({ arn }) => ({ kind: "disconnect", arn }));
  const presence = presenceAfter(before, observed, settings, now);
  const brakes = new Map<ClusterArn, Brake>();
  for (const [clusterArn, hosts] of Map.groupBy(observed, (host) => host.clusterArn)) {
    const cluster = { clusterArn, hosts, ...presence, settings, now };
    const decided = decideForCluster(before.brakes.get(clusterArn), cluster);
    actions.push(...decided.actions);
    if (decided.brake !== undefined) brakes.set(clusterArn, decided.brake);
  }
  return { state: { ...presence, brakes }, actions };
}

/** How long a host may be silent before it may be gone, counts as not connected, and is lost. */
function limitsOf(
  { wasHeard }: ObservedHost,
  { silenceMs, graceMs, startGraceMs }: HostLossSettings,
): { readonly goneMs: number; readonly disconnectMs: number; readonly lostMs: number } {
  const disconnectMs = wasHeard ? silenceMs : startGraceMs;
  // Two of three pings missed: no host that answers is ever silent for so long, and hosts that went at the same moment
  // were last heard up to one ping apart.
  const goneMs = wasHeard ? (silenceMs * 2) / 3 : startGraceMs;
  return { goneMs, disconnectMs, lostMs: disconnectMs + graceMs };
}

function presenceAfter(
  before: HostLossState,
  observed: readonly ObservedHost[],
  settings: HostLossSettings,
  now: Instant,
): Pick<HostLossState, "here" | "goneSince"> {
  const here = new Set<ContainerInstanceArn>();
  const goneSince = new Map<ContainerInstanceArn, Instant>();
  for (const host of observed) {
    const { arn } = host;
    if (host.silentMs < limitsOf(host, settings).goneMs) {
      if (host.wasHeard || host.agentConnected) here.add(arn);
      continue;
    }
    const since = before.here.has(arn) ? now - host.silentMs : before.goneSince.get(arn);
    if (since !== undefined) goneSince.set(arn, since);
  }
  return { here, goneSince };
}

interface ClusterMoment extends Pick<HostLossState, "here" | "goneSince"> {
  readonly clusterArn: ClusterArn;
  readonly hosts: readonly ObservedHost[];
  readonly settings: HostLossSettings;
  readonly now: Instant;
}

interface Decided {
  readonly brake?: Brake;
  readonly actions: readonly HostLossAction[];
}

function decideForCluster(brake: Brake | undefined, moment: ClusterMoment): Decided {
  const { hosts, settings, clusterArn } = moment;
  const lost = hosts
    .filter((host) => host.serviceTasks > 0 && host.silentMs >= limitsOf(host, settings).lostMs)
    .toSorted((a, b) => b.silentMs - a.silentMs);
  const gone = goneTogether(brake, moment);
  const of = gone.size + hosts.filter((host) => moment.here.has(host.arn)).length;
  const isMany = gone.size >= settings.brakeHosts && gone.size * 100 > settings.brakePercent * of;
  if (lost.length > 0 && isMany) return hold(brake, lost, { gone, of }, moment);
  const actions: HostLossAction[] = lost.map(({ arn, silentMs }) => ({ kind: "abandon", arn, silentMs }));
  if (brake === undefined) return { actions };
  return { actions: [{ kind: "release", clusterArn, cause: isMany ? "replaced" : "returned" }, ...actions] };
}

/** Those that went at about the same time; while the brake holds also those before, until they are back. */
function goneTogether(
  brake: Brake | undefined,
  { hosts, goneSince, settings, now }: ClusterMoment,
): ReadonlySet<ContainerInstanceArn> {
  const together = hosts.filter((host) => {
    const since = goneSince.get(host.arn);
    if (since === undefined) return false;
    return (
      brake?.hosts.has(host.arn) === true || now - since <= settings.brakeWindowMs + limitsOf(host, settings).lostMs
    );
  });
  return new Set(together.map((host) => host.arn));
}

/** `lost` is not empty. */
function hold(
  brake: Brake | undefined,
  lost: readonly ObservedHost[],
  { gone, of }: { readonly gone: ReadonlySet<ContainerInstanceArn>; readonly of: number },
  { clusterArn, settings, now }: ClusterMoment,
): Decided {
  const actions: HostLossAction[] = [];
  const untold = lost.filter((host) => brake?.told.has(host.arn) !== true).map((host) => host.arn);
  if (untold.length > 0) actions.push({ kind: "hold", clusterArn, hosts: untold, gone: gone.size, of });
  const told = new Set([...(brake?.told ?? []), ...untold]);
  let nextAt = brake?.nextAt ?? now + settings.brakeIntervalMs;
  const longest = lost[0];
  if (longest !== undefined && now >= nextAt) {
    actions.push({ kind: "abandon", arn: longest.arn, silentMs: longest.silentMs });
    nextAt = now + settings.brakeIntervalMs;
  }
  return { brake: { hosts: gone, told, nextAt }, actions };
}
