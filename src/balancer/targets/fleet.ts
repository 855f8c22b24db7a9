import type { Command } from "../command.ts";
import type { WrittenServers } from "../configuration/configuration.ts";
import { backendName, backupOf, serverPrefix } from "../configuration/names.ts";
import type { ServerRow } from "../process/statistics.ts";
import type { BalancerState, TargetGroupState, TargetReport, TargetState } from "../state.ts";
import { commandsFor } from "./commands.ts";
import {
  lookAtTarget,
  newTrack,
  pairServers,
  removeServer,
  type ServerAction,
  type ServerView,
  type Track,
} from "./target.ts";

/** What a look at all servers asks for, and what is known after it. */
export interface FleetLook {
  readonly commands: readonly Command[];
  /** The last of the commands: they delete servers. */
  readonly deletes: readonly Command[];
  /** Servers (`backend/name`) of retired workers whose target is no longer wanted: their sessions must end. */
  readonly cuts: readonly string[];
  /** Whether HAProxy had every wanted target, drained those that drain, and sent nothing to any other. */
  readonly settled: boolean;
  readonly tracks: Tracks;
  /** By backend and target id. */
  readonly reports: ReadonlyMap<string, TargetReport>;
}

type Tracks = ReadonlyMap<string, ReadonlyMap<string, Track>>;

/** Actions after which traffic flows as before: they may be open in a settled fleet. */
const IDLE_ACTIONS: ReadonlySet<ServerAction["kind"]> = new Set(["raise", "open", "close", "cut", "delete"]);

/** The part of a server's name that it shares with the other servers of its target. */
const prefixOf = (name: string) => name.slice(0, name.lastIndexOf(":") + 1);

/** Targets against servers, for all groups: pure but for its memory of what was seen before. */
export class Fleet {
  /** By group id and target id. */
  #tracks: Tracks = new Map();
  #reports: ReadonlyMap<string, TargetReport> = new Map();

  /** False until a first look is remembered: nothing is known of what HAProxy has. */
  hasLooked = false;

  get tracks(): Tracks {
    return this.#tracks;
  }

  get reports(): TargetReport[] {
    return [...this.#reports.values()];
  }

  /**
   * Remembers a look. Called once its commands are carried out and not before: if they were not, the next look must come to
   * the same. Returns the reports that it changed.
   */
  commit({ tracks, reports }: FleetLook): TargetReport[] {
    const changed: TargetReport[] = [];
    for (const [key, report] of reports) {
      const before = this.#reports.get(key);
      const same =
        before?.state === report.state &&
        before.reason === report.reason &&
        before.description === report.description &&
        (report.state !== "draining" || before.sessions === report.sessions);
      if (!same) changed.push(report);
    }
    this.#tracks = tracks;
    this.#reports = reports;
    this.hasLooked = true;
    return changed;
  }

  /** The servers to write into a configuration: those that stand for targets that are still wanted. */
  written(state: BalancerState): WrittenServers {
    return new Map(
      state.targetGroups.map((group) => [
        group.id,
        group.targets.flatMap((target) => {
          const track = this.#tracks.get(group.id)?.get(target.id);
          if (!track?.server.startsWith(serverPrefix(target))) return [];
          return [{ name: track.server, targetId: target.id }];
        }),
      ]),
    );
  }

  /**
   * Has every target stand for a server, so that a worker that starts has them all: those that are new are down until their first good
   * check. To add thousands by commands takes seconds.
   */
  expect(state: BalancerState): void {
    const tracks = new Map(this.#tracks);
    for (const group of state.targetGroups) {
      const known = tracks.get(group.id);
      const fresh = group.targets.filter(({ id, draining }) => !draining && known?.get(id) === undefined);
      const added = fresh.map((target) => [target.id, newTrack(target, 0)] as const);
      if (added.length > 0) tracks.set(group.id, new Map([...(known ?? []), ...added]));
    }
    this.#tracks = tracks;
  }

  /** A new worker counts from zero. */
  workerChanged(): void {
    const fresh = ([id, track]: [string, Track]) =>
      [id, { ...track, health: { ...track.health, markDowns: 0 } }] as const;
    this.#tracks = new Map([...this.#tracks].map(([id, tracks]) => [id, new Map([...tracks].map(fresh))]));
  }

  /** Compares `state` with the servers in `rows`. `retired`: the rows of workers that a reload has retired. */
  look(state: BalancerState, rows: readonly ServerRow[], retired: readonly ServerRow[], nowMs: number): FleetLook {
    const byBackend = Map.groupBy(rows, (row) => row.backend);
    const actions: { backend: string; action: ServerAction }[] = [];
    const tracks = new Map<string, ReadonlyMap<string, Track>>();
    const reports = new Map<string, TargetReport>();
    const cuts: string[] = [];
    for (const group of state.targetGroups) {
      const backend = backendName(group.id);
      const own = retired.filter((row) => row.backend === backend && row.sessions > 0);
      const prefixes = own.length === 0 ? new Set() : new Set(group.targets.map(serverPrefix));
      for (const { name } of own) if (!prefixes.has(prefixOf(backupOf(name) ?? name))) cuts.push(`${backend}/${name}`);
      const look = this.#lookAtGroup(group, byBackend.get(backend) ?? [], own, nowMs);
      tracks.set(group.id, look.tracks);
      for (const report of look.reports) reports.set(`${backend}/${report.targetId}`, report);
      for (const action of look.actions) actions.push({ backend, action });
    }
    const commands = actions.flatMap(({ backend, action }) => commandsFor(backend, action));
    return {
      commands: commands.filter(({ deletes }) => deletes === undefined),
      deletes: commands.filter(({ deletes }) => deletes !== undefined),
      cuts,
      settled: actions.every(({ action }) => IDLE_ACTIONS.has(action.kind)),
      tracks,
      reports,
    };
  }

  #lookAtGroup(group: TargetGroupState, rows: readonly ServerRow[], retired: readonly ServerRow[], nowMs: number) {
    const { servers, orphans } = pairServers(rows);
    const byPrefix = Map.groupBy(servers.values(), ({ row }) => prefixOf(row.name));
    const actions: ServerAction[] = orphans.flatMap(removeServer);
    const tracks = new Map<string, Track>();
    const reports: TargetReport[] = [];
    for (const target of group.targets) {
      const prefix = serverPrefix(target);
      const views: ServerView[] = byPrefix.get(prefix) ?? [];
      byPrefix.delete(prefix);
      const sessions = retired.reduce((sum, row) => sum + (row.name.startsWith(prefix) ? row.sessions : 0), 0);
      const look = lookAtTarget(group, target, views, this.#trackOf(group, target), sessions, nowMs);
      if (look.track !== undefined) tracks.set(target.id, look.track);
      reports.push(look.report);
      actions.push(...look.actions);
    }
    for (const views of byPrefix.values()) for (const { row } of views) actions.push(...removeServer(row.name));
    return { actions, tracks, reports };
  }

  #trackOf(group: TargetGroupState, target: TargetState): Track | undefined {
    return this.#tracks.get(group.id)?.get(target.id);
  }
}
