import type { DeploymentRecord } from "../model/deployment.ts";
import type { ServiceRecord } from "../model/service.ts";
import { isProtected } from "../model/task.ts";
import type { Instant } from "../runtime/clock.ts";
import { assessHealth, type Health } from "./health.ts";
import { rollingLimits } from "./limits.ts";
import { lingers } from "./lingering.ts";
import { scalingReason } from "./messages.ts";
import type { Observed, ObservedTask } from "./observed.ts";
import { retireOrder } from "./retire-order.ts";

/** A task that is to run, and how it is doing. */
export interface Wanted extends ObservedTask {
  readonly health: Health;
  /** To be replaced: it is unhealthy, or its instance is DRAINING. */
  readonly isBad: boolean;
  /** Protected from scale-in, and nothing is wrong with it: not to be stopped for want of need. */
  readonly isProtected: boolean;
  readonly createdAt: Instant;
}

/** How each task that is to run is doing. */
export function wantedTasks(observed: Observed, now: Instant): readonly Wanted[] {
  const { service, settings } = observed;
  const isDaemon = service.schedulingStrategy === "DAEMON";
  return observed.tasks
    .filter(({ task }) => task.desiredStatus === "RUNNING")
    .map((one) => {
      const health = assessHealth(one, service.healthCheckGracePeriodSeconds ?? 0, settings, now);
      const isLeaving = one.instance?.status === "DRAINING" && !(isDaemon && lingers(observed, one));
      const isBad = health.state === "unhealthy" || isLeaving;
      return {
        ...one,
        health,
        isBad,
        isProtected: !isBad && isProtected(one.task, now),
        createdAt: one.task.createdAt,
      };
    });
}

/** A wanted task with its deployment. */
export interface Member extends Wanted {
  /** Undefined for a task whose deployment is no longer listed; it is then one of the oldest. */
  readonly deployment: DeploymentRecord | undefined;
}

/** A member that is to be stopped, and why. */
export interface Stop {
  readonly member: Member;
  readonly reason: string;
  /** True if what tells of it is not the list of stopped tasks. */
  readonly isTold?: boolean;
}

/** The wanted tasks of a service while one look decides about them: stops are taken out as they are decided. */
export class Roster {
  readonly floor: number;
  readonly ceiling: number;
  readonly stops: Stop[] = [];
  /** Members that would have been stopped, were they not protected from scale-in. */
  readonly held = new Set<Member>();
  readonly #service: ServiceRecord;
  readonly #primary: DeploymentRecord | undefined;
  readonly #members: Set<Member>;
  #healthyCount: number;
  /** Tasks of earlier deployments that are told to stop and have not: they take room while a deployment is in progress. */
  #stoppingOld: number;

  /** `service` has the deployments that the members are to be seen in; `tasks` are all that are not STOPPED. */
  constructor(service: ServiceRecord, wanted: readonly Wanted[], tasks: readonly ObservedTask[]) {
    const limits = rollingLimits(service);
    this.floor = limits.floor;
    this.ceiling = limits.ceiling;
    this.#service = service;
    this.#primary = service.deployments.find((d) => d.status === "PRIMARY");
    const byId = new Map(service.deployments.map((d) => [d.id, d]));
    const members = wanted.map((one) => ({ ...one, deployment: byId.get(one.task.deploymentId ?? "") }));
    this.#members = new Set(members);
    this.#healthyCount = members.filter((m) => m.health.state === "healthy").length;
    this.#stoppingOld = tasks.filter(
      ({ task }) => task.lastStatus === "STOPPING" && task.deploymentId !== this.#primary?.id,
    ).length;
  }

  get all(): readonly Member[] {
    return [...this.#members];
  }

  get primary(): readonly Member[] {
    return this.all.filter((m) => m.deployment !== undefined && m.deployment === this.#primary);
  }

  /** Tasks of every deployment but the PRIMARY. */
  get old(): readonly Member[] {
    return this.all.filter((m) => m.deployment === undefined || m.deployment !== this.#primary);
  }

  get healthyCount(): number {
    return this.#healthyCount;
  }

  /** How many healthy tasks may be stopped without going below the floor. */
  get budget(): number {
    return Math.max(0, this.healthyCount - this.floor);
  }

  /** How many tasks may be started now without going above the ceiling. May be negative. */
  get room(): number {
    const leaving = this.#primary?.rolloutState === "IN_PROGRESS" ? this.#stoppingOld : 0;
    return this.roomToCome - leaving;
  }

  /** How many may be started when all that is stopping has stopped. */
  get roomToCome(): number {
    return this.ceiling - this.#members.size;
  }

  /** True while tasks of earlier deployments are still stopping. */
  get isLeaving(): boolean {
    return this.#stoppingOld > 0;
  }

  /** Decides to stop a member. */
  stop(member: Member): void {
    if (!this.#members.delete(member)) return;
    if (member.health.state === "healthy") this.#healthyCount--;
    // A task with targets drains before it is STOPPING: it no longer serves, and takes no room meanwhile.
    if (member.targets.length === 0 && member.task.deploymentId !== this.#primary?.id) this.#stoppingOld++;
    const deploymentId = this.#primary?.id ?? member.task.deploymentId ?? "";
    this.stops.push({ member, reason: member.health.stoppedReason ?? scalingReason(deploymentId) });
  }

  /** Decides to stop a member, unless it is protected from scale-in: then it is noted in `held`. True if it stops. */
  stopUnlessProtected(member: Member): boolean {
    if (member.isProtected) this.held.add(member);
    else this.stop(member);
    return !member.isProtected;
  }

  /**
   * Stops up to `count` of these, the least useful first, and healthy ones only within the budget. `may` can hold one
   * back for a further reason. Protected ones stay, and are noted in `held` if it is for them that fewer were stopped.
   * Returns how many it stopped.
   */
  retire(candidates: readonly Member[], count: number, may: (member: Member) => boolean = () => true): number {
    let stopped = 0;
    for (const rank of RETIRE_ORDER) {
      const ofRank = candidates.filter((m) => rankOf(m) === rank && this.#members.has(m) && !m.isProtected);
      if (ofRank.length === 0 || stopped >= count) continue;
      const left = candidates.filter((m) => this.#members.has(m));
      for (const member of retireOrder(this.#service, ofRank, left, count - stopped)) {
        if (member.health.state === "healthy" && this.budget === 0) continue;
        if (!may(member)) continue;
        this.stop(member);
        stopped++;
      }
    }
    if (stopped < count) for (const member of candidates) if (this.#isHeld(member)) this.held.add(member);
    return stopped;
  }

  #isHeld(member: Member): boolean {
    return member.isProtected && (member.health.state !== "healthy" || this.budget > 0);
  }
}

/** Least useful first: unhealthy, not started, not yet healthy, healthy on a DRAINING instance, healthy. */
const RETIRE_ORDER = ["unhealthy", "starting", "running", "healthy-draining", "healthy"] as const;

function rankOf(member: Member): (typeof RETIRE_ORDER)[number] {
  return member.health.state === "healthy" && member.isBad ? "healthy-draining" : member.health.state;
}
