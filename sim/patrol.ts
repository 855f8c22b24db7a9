import type { ServiceRecord } from "../src/model/service.ts";
import type { BerthView } from "../src/store/index.ts";
import { short } from "./story.ts";
import { desiredOf } from "./task-sets.ts";
import type { Machine, World } from "./world.ts";

/** How often the patrol comes by. */
const LOOK_MS = 20_000;
/** How long a service may lack tasks until an event must say why. */
const TELL_MS = 150_000;
/** How long a lost host's tasks may stay: silence, grace, and all that may hold the control plane up. */
const NOTICE_MS = 90_000;
/** How long the load balancer may send requests to a target that was taken out. */
const DRAIN_MS = 10_000;

/** Words of the events that say why a service has fewer tasks than it is to have. */
const REASONS =
  /unable to (place|start|consistently)|holding back|throttl|unhealthy|failed|cannot|could not|deployment stopped|protected|percent/i;
/** Words of the events after which an earlier reason holds no more. */
const CONTENT = /has reached a steady state/;

/** Comes by from time to time, for what no single change shows: things that should have happened and did not. */
export class Patrol {
  readonly #world: World;
  /** Since when services lack tasks. */
  readonly #shortSince = new Map<string, number>();
  /** Since when the load balancer has targets that were taken out. */
  readonly #drainSince = new Map<string, number>();
  #upSince: number | undefined;
  #starts = 0;
  #manyGoneAt = 0;

  constructor(world: World) {
    this.#world = world;
  }

  start(): void {
    this.#world.time.after(LOOK_MS, () => {
      this.#look();
      this.start();
    });
  }

  #look(): void {
    const world = this.#world;
    const { running } = world.plane;
    const isWell = running !== undefined && running.clock.stoppedMs === 0 && world.slowDiskMs < 1_000;
    if (!isWell || world.planeStarts !== this.#starts) {
      this.#starts = world.planeStarts;
      this.#upSince = isWell ? world.time.now : undefined;
      this.#shortSince.clear();
      this.#drainSince.clear();
      return;
    }
    this.#upSince ??= world.time.now;
    const { view } = running.store;
    for (const service of view.services.all()) this.#judgeShortage(service, view);
    for (const machine of world.machines) this.#judgeLoss(machine, view);
    this.#judgeDrains(view);
  }

  /** A service that lacks tasks says why. */
  #judgeShortage(service: ServiceRecord, view: BerthView): void {
    const { now } = this.#world.time;
    const tasks = view.tasks.where("service", service.arn);
    const wanted = tasks.filter((t) => t.desiredStatus === "RUNNING").length;
    const clockNow = this.#world.plane.running?.clock.now() ?? 0;
    const deployments = [...service.deployments, ...(service.taskSets ?? []).map((set) => set.deployment)];
    const isHeldBack = deployments.some((d) => (d.throttle.nextAttemptAt ?? 0) > clockNow - LOOK_MS);
    const isShort =
      !isHeldBack && service.status === "ACTIVE" && wanted < desiredOf(service) && tasks.length === wanted;
    if (!isShort) {
      this.#shortSince.delete(service.arn);
      return;
    }
    const since = this.#shortSince.get(service.arn) ?? now;
    this.#shortSince.set(service.arn, since);
    if (now - since < TELL_MS) return;
    const events = view.serviceEvents.where("service", service.arn).toReversed();
    const last = events.find(({ message }) => REASONS.test(message) || CONTENT.test(message));
    if (last !== undefined && REASONS.test(last.message)) return;
    const what = `service ${service.name} has ${wanted} of ${desiredOf(service)} tasks and its events say nothing of it`;
    this.#world.broken("every task that is not placed has its reason told", what);
  }

  /** A host that is gone is noticed, unless many are gone at once. */
  #judgeLoss(machine: Machine, view: BerthView): void {
    const world = this.#world;
    const { now } = world.time;
    const silent = (one: Machine) => now - one.contact.heardAt;
    const gone = world.machines.filter(
      (one) => one.host.plan.cluster === machine.host.plan.cluster && silent(one) > 4_000,
    );
    // Noted while it is so: when one of them is back, the others have been given up one by one until then.
    if (gone.length >= 3) this.#manyGoneAt = now;
    if (silent(machine) < NOTICE_MS || now - (this.#upSince ?? now) < NOTICE_MS) return;
    if (now - this.#manyGoneAt < NOTICE_MS) return;
    const left = view.tasks.where("containerInstance", machine.disk.arn ?? "").find((t) => t.serviceArn !== undefined);
    if (left === undefined) return;
    const what = `${machine.host.plan.name} is silent for ${Math.round(silent(machine) / 1000)} s, and task ${short(left.arn)} is ${left.lastStatus}`;
    world.broken("a lost host is noticed, and its tasks are given up", what);
  }

  /** What was taken out of rotation gets no new request. */
  #judgeDrains(view: BerthView): void {
    const world = this.#world;
    const out = [...view.targets.all()].filter((t) => t.drainingSince !== undefined);
    const draining = new Set(out.map((t) => `${t.targetGroupArn} ${t.id}:${t.port}@${t.registeredAt}`));
    const inRotation = new Set(
      world.balancers
        .informed()
        .flatMap(({ targets }) => [...targets].flatMap(([key, { target }]) => (target.draining ? [] : [key]))),
    );
    for (const key of this.#drainSince.keys())
      if (!inRotation.has(key) || !draining.has(key)) this.#drainSince.delete(key);
    for (const key of inRotation) {
      if (!draining.has(key)) continue;
      const since = this.#drainSince.get(key) ?? world.time.now;
      this.#drainSince.set(key, since);
      if (world.time.now - since >= DRAIN_MS) world.broken("a target that was taken out gets no new request", key);
    }
  }
}
