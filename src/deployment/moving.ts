import type { ServiceRecord } from "../model/service.ts";
import type { Member, Roster } from "./roster.ts";

/** What one look made of a task that is being moved. */
export interface MoveProgress {
  /** Started to take another's place, and not healthy yet: there may be one task more than desiredCount meanwhile. */
  readonly awaited?: Member;
  /** Tasks that are wanted for themselves from now on. */
  readonly ended: readonly Member[];
  /** Stopped, since the one that was started for it is healthy. */
  readonly replaced?: Member;
}

export const NO_MOVE: MoveProgress = { ended: [] };

/**
 * True while tasks may be moved: the service asks for it, and no deployment is under way. Between capacity providers none is, since their
 * proportion is to stay.
 */
export function mayMove(service: ServiceRecord): boolean {
  const { availabilityZoneRebalancing, deployments, capacityProviderStrategy = [] } = service;
  return availabilityZoneRebalancing === "ENABLED" && deployments.length === 1 && capacityProviderStrategy.length <= 1;
}

/**
 * Goes on with a move that a look before this one began: waits for the new task to be healthy, then stops one on the instance that
 * it was moved from. A move that is not wanted any more is given up; its task is then one too many, the first to go. Rule [DP24].
 */
export function carryMoveOn(service: ServiceRecord, roster: Roster): MoveProgress {
  const movers = roster.primary.filter((m) => m.task.move !== undefined).toSorted((a, b) => b.createdAt - a.createdAt);
  const [mover, ...earlier] = movers;
  if (mover?.task.move === undefined) return NO_MOVE;
  const { from } = mover.task.move;
  const excess = roster.primary.filter((m) => !m.isBad).length - service.desiredCount;
  if (mover.isBad) return { ended: earlier };
  if (excess <= 0 || !mayMove(service)) return { ended: movers };
  if (mover.health.state !== "healthy") return { awaited: mover, ended: earlier };
  const candidates = roster.primary.filter((m) => m !== mover && m.task.containerInstanceArn === from);
  const before = roster.stops.length;
  roster.retire(candidates, 1);
  const stop = roster.stops[before];
  if (stop === undefined) return { ended: movers };
  roster.stops[before] = { ...stop, isTold: true };
  return { ended: movers, replaced: stop.member };
}
