import {
  CODE_CLASSES,
  type Codes,
  type ListenerTraffic,
  Settling,
  type TargetGroupTraffic,
  type TrafficSample,
} from "../balancer/index.ts";
import { registrationId } from "../model/load-balancer.ts";
import type { Clock } from "../runtime/clock.ts";
import type { BerthStore } from "../store/index.ts";
import { Series, type Sums } from "./series.ts";

/** Things whose traffic is remembered. One that is busy in each second takes some 150 KB, one that is idle next to nothing. */
const MAX_SERIES = 2000;

/** How often it is looked at what is so now. */
const LOOK_EVERY_MS = 5000;

/** A load balancer that has said nothing for so long has nothing under way. */
const SILENT_AFTER_MS = 5000;

/** What kinds of things have traffic. Their ids: ARNs; of a target the group's and its registration's. */
export type Thing = "load-balancer" | "listener" | "target-group" | "target";

export const targetThing = (targetGroupArn: string, registration: string) => `${targetGroupArn} ${registration}`;

/** What a source of samples has under way, by thing. */
interface Source {
  readonly heardAtMs: number;
  readonly active: ReadonlyMap<string, number>;
}

/** Remembers the traffic of load balancers, listeners, target groups and targets, as samples of all that carry it tell. */
export class Traffic {
  readonly #store: BerthStore;
  readonly #clock: Clock;
  readonly #series = new Map<string, Series>();
  readonly #sources = new Map<string, Source>();
  /** A group that listeners do not name any more may still have requests to finish. */
  readonly #ownerOfGroup = new Map<string, string>();
  readonly #own = new Map<string, Readonly<Record<keyof Codes, Settling>>>();
  readonly #timer: { cancel(): void };
  #leftOut = 0;

  constructor(store: BerthStore, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
    this.#timer = clock.every(LOOK_EVERY_MS, () => this.#look());
  }

  stop(): void {
    this.#timer.cancel();
  }

  /** How often something was not remembered because there was no room for another series. */
  get leftOut(): number {
    return this.#leftOut;
  }

  series(thing: Thing, id: string): Series | undefined {
    return this.#series.get(`${thing} ${id}`);
  }

  /** What it has under way now, at all that carry it. */
  active(thing: Thing, id: string): number {
    let active = 0;
    const since = this.#clock.monotonic() - SILENT_AFTER_MS;
    for (const source of this.#sources.values())
      if (source.heardAtMs >= since) active += source.active.get(`${thing} ${id}`) ?? 0;
    return active;
  }

  /** Takes a sample. `source` names the balancer that it is of. */
  take(sample: TrafficSample, source = ""): void {
    const { at, listeners, targetGroups } = sample;
    const active = new Map<string, number>();
    const perBalancer = new Map<string, Record<keyof Codes, number>>();
    const owe = (balancer: string, codes: Codes, sign: number) => {
      const sum = perBalancer.getOrInsertComputed(balancer, () => ({ "2xx": 0, "3xx": 0, "4xx": 0, "5xx": 0 }));
      for (const code of CODE_CLASSES) sum[code] += sign * codes[code];
    };
    const rise = (key: string, by: number) => {
      if (by > 0) active.set(key, (active.get(key) ?? 0) + by);
    };
    for (const listener of listeners) {
      const balancer = this.#store.view.listeners.get(listener.listenerId)?.loadBalancerArn;
      if (balancer === undefined) continue;
      this.#add("listener", listener.listenerId, at, listenerSums(listener), listener.latency);
      const { connections, bytesIn, bytesOut, badRequests, latency } = listener;
      this.#add("load-balancer", balancer, at, { connections, bytesIn, bytesOut, badRequests }, latency);
      owe(balancer, listener.answers, 1);
      rise(`listener ${listener.listenerId}`, listener.activeConnections);
      rise(`load-balancer ${balancer}`, listener.activeConnections);
    }
    for (const group of targetGroups) {
      const balancer = this.ownerOf(group.targetGroupId);
      if (balancer === undefined) continue;
      const { connections, bytesIn, bytesOut, requests } = group;
      const answered = answeredSums(group);
      const requestsPerTarget = requests / Math.max(1, this.#sharing(group.targetGroupId));
      const sums = { ...answered, connections, bytesIn, bytesOut, requestsPerTarget };
      this.#add("target-group", group.targetGroupId, at, sums, group.latency);
      this.#add("load-balancer", balancer, at, answered);
      owe(balancer, group.answers, -1);
      rise(`target-group ${group.targetGroupId}`, group.active);
      for (const target of group.targets) {
        const id = targetThing(group.targetGroupId, target.targetId);
        const { targetId: _, active: underWay, answers, latency, ...counts } = target;
        this.#add("target", id, at, { ...counts, ...answers }, latency);
        rise(`target ${id}`, underWay);
      }
    }
    for (const [balancer, codes] of perBalancer) this.#settle(balancer, at, codes);
    this.#sources.set(source, { heardAtMs: this.#clock.monotonic(), active });
  }

  /** Answers that no group was to give are the load balancer's own: redirects, fixed ones, refusals. */
  #settle(balancer: string, at: number, codes: Codes): void {
    const own = this.#own.getOrInsertComputed(balancer, () => ({
      "2xx": new Settling(),
      "3xx": new Settling(),
      "4xx": new Settling(),
      "5xx": new Settling(),
    }));
    const told = CODE_CLASSES.map((code) => [`own${code}`, own[code].add(codes[code])] as const);
    if (told.some(([, count]) => count > 0)) this.#add("load-balancer", balancer, at, Object.fromEntries(told));
  }

  /** How many targets share a group's requests: while none is healthy, all that are not. */
  #sharing(targetGroupArn: string): number {
    const { healthy, unhealthy } = this.hosts(targetGroupArn);
    return healthy === 0 ? unhealthy : healthy;
  }

  /** A group's targets by health; those that are new or leave are neither. */
  hosts(targetGroupArn: string): { readonly healthy: number; readonly unhealthy: number } {
    const counts = { healthy: 0, unhealthy: 0 };
    for (const { state } of this.#store.view.targets.where("targetGroup", targetGroupArn)) {
      if (state === "healthy" || state === "unavailable") counts.healthy += 1;
      else if (state === "unhealthy") counts.unhealthy += 1;
    }
    return counts;
  }

  /** The load balancer that a group belongs to, also while no listener names it any more. */
  ownerOf(targetGroupArn: string): string | undefined {
    const { listeners, listenerRules } = this.#store.view;
    const user =
      listeners.where("targetGroup", targetGroupArn)[0] ?? listenerRules.where("targetGroup", targetGroupArn)[0];
    if (user !== undefined) this.#ownerOfGroup.set(targetGroupArn, user.loadBalancerArn);
    return this.#ownerOfGroup.get(targetGroupArn);
  }

  #add(thing: Thing, id: string, at: number, sums: Partial<Sums>, latency?: ListenerTraffic["latency"]): void {
    this.#seriesOf(thing, id)?.add(at, sums, latency);
  }

  #seriesOf(thing: Thing, id: string): Series | undefined {
    const key = `${thing} ${id}`;
    const known = this.#series.get(key);
    if (known !== undefined) return known;
    if (this.#series.size >= MAX_SERIES) {
      this.#leftOut += 1;
      return undefined;
    }
    const series = new Series();
    this.#series.set(key, series);
    return series;
  }

  /** Notes what is so now, and forgets what is gone. */
  #look(): void {
    const { view } = this.#store;
    const at = this.#clock.now();
    this.#forget();
    for (const { arn } of view.loadBalancers.all())
      this.#seriesOf("load-balancer", arn)?.look(at, {
        active: this.active("load-balancer", arn),
        healthy: 0,
        unhealthy: 0,
      });
    for (const { arn } of view.targetGroups.all()) {
      if (this.ownerOf(arn) === undefined) continue;
      this.#seriesOf("target-group", arn)?.look(at, { active: this.active("target-group", arn), ...this.hosts(arn) });
    }
  }

  #forget(): void {
    const { view } = this.#store;
    const registered = new Set<string>();
    for (const target of view.targets.all()) registered.add(targetThing(target.targetGroupArn, registrationId(target)));
    const isThere: Readonly<Record<Thing, (id: string) => boolean>> = {
      "load-balancer": (id) => view.loadBalancers.get(id) !== undefined,
      listener: (id) => view.listeners.get(id) !== undefined,
      "target-group": (id) => view.targetGroups.get(id) !== undefined,
      target: (id) => registered.has(id),
    };
    for (const key of this.#series.keys()) {
      const blank = key.indexOf(" ");
      if (!isThere[key.slice(0, blank) as Thing](key.slice(blank + 1))) this.#series.delete(key);
    }
    for (const arn of this.#ownerOfGroup.keys()) if (!isThere["target-group"](arn)) this.#ownerOfGroup.delete(arn);
    for (const arn of this.#own.keys()) if (!isThere["load-balancer"](arn)) this.#own.delete(arn);
  }
}

function listenerSums(listener: ListenerTraffic): Partial<Sums> {
  const { requests, connections, bytesIn, bytesOut, badRequests, answers } = listener;
  return { requests, connections, bytesIn, bytesOut, badRequests, ...answers };
}

/** What became of a group's requests. */
function answeredSums(group: TargetGroupTraffic): Partial<Sums> {
  const { requests, connectionErrors, responseErrors, targetAnswers, ownAnswers } = group;
  const own = Object.fromEntries(CODE_CLASSES.map((code) => [`own${code}`, ownAnswers[code]]));
  return { requests, connectionErrors, responseErrors, ...targetAnswers, ...own };
}
