import { backupOf, serverPrefix } from "../configuration/names.ts";
import type { ServerRow } from "../process/statistics.ts";
import type { TargetGroupState, TargetReport, TargetState } from "../state.ts";
import { assess, firstHealth, type Health } from "./health.ts";

/** One thing to have HAProxy do with a server. The unchecked copy goes with its server unless the kind says otherwise. */
export type ServerAction =
  | { readonly kind: "add"; readonly server: string; readonly group: TargetGroupState; readonly target: TargetState }
  | {
      readonly kind: "add-copy";
      readonly server: string;
      readonly group: TargetGroupState;
      readonly target: TargetState;
    }
  /** Up from now on. */
  | { readonly kind: "raise"; readonly server: string }
  /** The unchecked copy may (`open`) or may not (`close`) take traffic when no checked server is up. */
  | { readonly kind: "open"; readonly server: string }
  | { readonly kind: "close"; readonly server: string }
  | { readonly kind: "drain"; readonly server: string }
  | { readonly kind: "undrain"; readonly server: string }
  /** No traffic for good; sessions go on. */
  | { readonly kind: "leave"; readonly server: string }
  /** End its sessions. */
  | { readonly kind: "cut"; readonly server: string }
  /** HAProxy refuses while there are connections: asked again at every look. */
  | { readonly kind: "delete"; readonly server: string };

/** What is remembered of a target between looks. */
export interface Track {
  /** The HAProxy server that stands for the target. Others of its prefix are leaving. */
  readonly server: string;
  readonly health: Health;
  /** What HAProxy was last told; undefined in a process that has just adopted it. */
  readonly draining?: boolean;
  /** When it was told to drain, monotonic ms. */
  readonly drainingSinceMs?: number;
}

/** A server with its unchecked copy, as one look shows them. */
export interface ServerView {
  readonly row: ServerRow;
  readonly copy?: ServerRow;
}

export interface TargetLook {
  readonly track?: Track;
  readonly actions: readonly ServerAction[];
  readonly report: TargetReport;
}

/**
 * How long after the order to drain a count of sessions is believed: a request that had chosen the server just before the
 * order is counted a moment after it.
 */
const DRAIN_SETTLES_MS = 100;

const inMaintenance = (row: ServerRow) => row.status.startsWith("MAINT");

/** The number at the end of a server's name. */
const numberOf = (name: string) => Number(name.slice(name.lastIndexOf(":") + 1));

/** A target that enters, with the server of that number. */
export const newTrack = (target: TargetState, number: number): Track => ({
  server: `${serverPrefix(target)}${number}`,
  health: { phase: "initial", markDowns: 0 },
  draining: false,
});

/** Servers of one backend by name, each with its copy; copies whose server is gone stand alone under `orphans`. */
export function pairServers(rows: readonly ServerRow[]): {
  readonly servers: Map<string, ServerView>;
  readonly orphans: string[];
} {
  const servers = new Map<string, ServerView>();
  const orphans: string[] = [];
  for (const row of rows) if (backupOf(row.name) === undefined) servers.set(row.name, { row });
  for (const row of rows) {
    const server = backupOf(row.name);
    if (server === undefined) continue;
    const view = servers.get(server);
    if (view === undefined) orphans.push(server);
    else servers.set(server, { row: view.row, copy: row });
  }
  return { servers, orphans };
}

function reportOf(
  group: TargetGroupState,
  target: TargetState,
  track: Track | undefined,
  sessions: number,
  quiet: boolean,
) {
  const base = { targetGroupId: group.id, targetId: target.id, sessions };
  const draining = {
    reason: "Target.DeregistrationInProgress",
    description: "Target deregistration is in progress",
  } as const;
  if (target.draining)
    return { ...base, ...draining, state: quiet && sessions === 0 ? "drained" : "draining" } as const;
  if (!group.healthCheck.enabled) {
    const reason = { reason: "Target.HealthCheckDisabled", description: "Health checks are disabled" } as const;
    return { ...base, ...reason, state: "unavailable" } as const;
  }
  const health = track?.health;
  if (health === undefined || health.phase === "initial") {
    const reason =
      health?.failingSinceMs === undefined
        ? ({ reason: "Elb.RegistrationInProgress", description: "Target registration is in progress" } as const)
        : ({ reason: "Elb.InitialHealthChecking", description: "Initial health checks in progress" } as const);
    return { ...base, ...reason, state: "initial" } as const;
  }
  if (health.phase !== "unhealthy") return { ...base, state: "healthy" } as const;
  return { ...base, ...health.verdict, state: "unhealthy" } as const;
}

/** What HAProxy must be told about a server that stays. */
function* syncServer(
  group: TargetGroupState,
  target: TargetState,
  track: Track,
  view: ServerView,
): Generator<ServerAction> {
  const { server } = track;
  if (track.draining !== target.draining) yield { kind: target.draining ? "drain" : "undrain", server };
  if (!group.healthCheck.enabled) return;
  if (view.copy === undefined) return yield { kind: "add-copy", server, group, target };
  const open = !target.draining && track.health.phase !== "initial";
  if (open === inMaintenance(view.copy)) yield { kind: open ? "open" : "close", server };
}

/** Assesses the server that stands for the target and says what it needs. */
function lookAtServer(group: TargetGroupState, target: TargetState, before: Track, view: ServerView, nowMs: number) {
  const actions: ServerAction[] = [];
  let track = before;
  // While it drains its health is nobody's business, and it keeps the health it had.
  if (group.healthCheck.enabled && !target.draining) {
    const { health, order } = assess(track.health, view.row, group.healthCheck, nowMs);
    track = { ...track, health };
    if (order === "raise") actions.push({ kind: "raise", server: track.server });
    if (order === "replace") {
      const server = `${serverPrefix(target)}${numberOf(track.server) + 1}`;
      actions.push({ kind: "add", server, group, target }, { kind: "leave", server: track.server });
      return { track: { server, health: { ...health, markDowns: 0 }, draining: false }, actions };
    }
  }
  actions.push(...syncServer(group, target, track, view));
  if (track.draining !== target.draining)
    track = { ...track, draining: target.draining, drainingSinceMs: target.draining ? nowMs : undefined };
  return { track, actions };
}

/**
 * Looks at one target: `views` are the servers of its prefix that HAProxy has now, `retiredSessions` what workers retired by
 * a reload still have under way for it. Level-triggered: looking twice without HAProxy having changed asks for the same.
 */
export function lookAtTarget(
  group: TargetGroupState,
  target: TargetState,
  views: readonly ServerView[],
  remembered: Track | undefined,
  retiredSessions: number,
  nowMs: number,
): TargetLook {
  const staying = views.filter(({ row }) => !inMaintenance(row));
  const newest = staying.toSorted((a, b) => numberOf(b.row.name) - numberOf(a.row.name))[0];
  const current = staying.find(({ row }) => row.name === remembered?.server) ?? newest;
  const sessions = views.reduce((sum, { row, copy }) => sum + row.sessions + (copy?.sessions ?? 0), retiredSessions);
  const actions: ServerAction[] = [];
  for (const { row } of views) {
    if (row.name === current?.row.name) continue;
    if (!inMaintenance(row)) actions.push({ kind: "leave", server: row.name });
    actions.push({ kind: "delete", server: row.name });
  }
  if (current === undefined) {
    if (target.draining) return { actions, report: reportOf(group, target, undefined, sessions, true) };
    const track = newTrack(target, 1 + Math.max(-1, ...views.map(({ row }) => numberOf(row.name))));
    actions.push({ kind: "add", server: track.server, group, target });
    return { track, actions, report: reportOf(group, target, track, sessions, false) };
  }
  const open = current.copy !== undefined && !inMaintenance(current.copy);
  const before =
    remembered?.server === current.row.name
      ? remembered
      : { server: current.row.name, health: firstHealth(current.row, open) };
  const quiet = before.drainingSinceMs !== undefined && nowMs - before.drainingSinceMs >= DRAIN_SETTLES_MS;
  const { track, actions: own } = lookAtServer(group, target, before, current, nowMs);
  actions.push(...own);
  return { track, actions, report: reportOf(group, target, track, sessions, quiet) };
}

/** What to do with servers whose target is no longer wanted: out, sessions ended, gone. */
export function removeServer(server: string): ServerAction[] {
  return [
    { kind: "leave", server },
    { kind: "cut", server },
    { kind: "delete", server },
  ];
}
