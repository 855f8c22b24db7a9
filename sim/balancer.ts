import type { Balancer, BalancerState, TargetGroupState, TargetReport, TargetState } from "../src/balancer/index.ts";
import type { Timer } from "../src/runtime/clock.ts";
import type { Chance } from "./chance.ts";
import type { ProcessClock, VirtualTime } from "./virtual-time.ts";

/** A target as the load balancer has it. */
export interface BalancedTarget {
  readonly group: TargetGroupState;
  readonly target: TargetState;
  state: TargetReport["state"];
  /** Answered its last checks. */
  passes: boolean | undefined;
  timer: Timer | undefined;
}

export interface BalancerParts {
  readonly time: VirtualTime;
  readonly chance: Chance;
  /** Whether something answers there, as the load balancer's machine sees it. */
  readonly serves: (address: string, port: number) => boolean;
  /** How long requests under way take when a target is taken out, in milliseconds; some never end. */
  readonly drainMs: () => number;
  /** A new state is carried out. */
  readonly onApplied: (targets: Iterable<BalancedTarget>) => void;
}

/** The load balancer: it outlives the control plane's processes, and checks its targets by itself. */
export class SimulatedBalancer {
  readonly targets = new Map<string, BalancedTarget>();
  readonly #parts: BalancerParts;
  #handle:
    | { readonly clock: ProcessClock; readonly listeners: Set<(changed: readonly TargetReport[]) => void> }
    | undefined;

  constructor(parts: BalancerParts) {
    this.#parts = parts;
  }

  /** The load balancer as one process of the control plane has it. It takes it over from the one before. */
  handle(clock: ProcessClock): Balancer {
    const listeners = new Set<(changed: readonly TargetReport[]) => void>();
    const handle = { clock, listeners };
    this.#handle = handle;
    let isFirst = true;
    let newest: BalancerState = { listeners: [], targetGroups: [] };
    return {
      apply: (state) => {
        if (clock.isDead) return;
        newest = state;
        clock.after(this.#parts.chance.between(1, 30), () => {
          this.#apply(newest);
          if (isFirst) for (const target of this.targets.values()) this.#report(target);
          isFirst = false;
        });
      },
      onReport: (listener) => {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
      onTraffic: () => () => {},
      onAccess: () => () => {},
      reports: () => [...this.targets.values()].map(reportOf),
      settled: () => Promise.resolve(),
      checkBind: () => Promise.resolve(undefined),
      status: () => ({ version: "simulated", generation: 1, failedListeners: [] }),
      stop: () => Promise.resolve(),
    };
  }

  /** Who serves may have changed: looks at every target. */
  look(): void {
    for (const target of this.targets.values()) this.#check(target);
  }

  #apply(state: BalancerState): void {
    const wanted = new Set<string>();
    for (const group of state.targetGroups) {
      for (const target of group.targets) {
        const key = `${group.id} ${target.id}`;
        wanted.add(key);
        this.#take(key, group, target);
      }
    }
    for (const [key, { timer }] of this.targets) {
      if (wanted.has(key)) continue;
      timer?.cancel();
      this.targets.delete(key);
    }
    this.#parts.onApplied(this.targets.values());
  }

  #take(key: string, group: TargetGroupState, target: TargetState): void {
    const before = this.targets.get(key);
    const checked = group.healthCheck.enabled ? "initial" : "unavailable";
    const now: BalancedTarget = {
      group,
      target,
      state: before?.state ?? checked,
      passes: before?.passes,
      timer: before?.timer,
    };
    this.targets.set(key, now);
    if (target.draining && now.state !== "draining" && now.state !== "drained") this.#drain(key, now);
    else if (before === undefined) this.#check(now);
  }

  #drain(key: string, target: BalancedTarget): void {
    target.timer?.cancel();
    target.state = "draining";
    this.#report(target);
    const drainMs = this.#parts.drainMs();
    if (!Number.isFinite(drainMs)) return;
    this.#parts.time.after(drainMs, () => {
      const now = this.targets.get(key);
      if (now?.state !== "draining") return;
      now.state = "drained";
      this.#report(now);
    });
  }

  /** Plans the change of state that its checks will bring about, if what they see has changed. */
  #check(target: BalancedTarget): void {
    const { healthCheck } = target.group;
    if (target.state === "draining" || target.state === "drained" || !healthCheck.enabled) return;
    const passes = this.#parts.serves(target.target.address, target.target.port);
    if (target.passes === passes) return;
    target.passes = passes;
    target.timer?.cancel();
    target.timer = undefined;
    const to = passes ? "healthy" : "unhealthy";
    if (target.state === to) return;
    const rounds = passes ? healthCheck.healthyThreshold : healthCheck.unhealthyThreshold;
    const first = target.state === "initial" && passes ? 1 : rounds;
    const afterMs = (first - 1 + this.#parts.chance.next()) * healthCheck.intervalSeconds * 1000;
    const key = `${target.group.id} ${target.target.id}`;
    target.timer = this.#parts.time.after(afterMs, () => {
      const now = this.targets.get(key);
      if (now === undefined || now.state === "draining" || now.state === "drained") return;
      now.state = to;
      this.#report(now);
    });
  }

  #report(target: BalancedTarget): void {
    const handle = this.#handle;
    if (handle === undefined || handle.clock.isDead) return;
    handle.clock.after(this.#parts.chance.between(1, 200), () => {
      for (const listener of handle.listeners) listener([reportOf(target)]);
    });
  }
}

function reportOf({ group, target, state }: BalancedTarget): TargetReport {
  const about = { targetGroupId: group.id, targetId: target.id, state, sessions: state === "draining" ? 1 : 0 };
  switch (state) {
    case "initial":
      return { ...about, reason: "Elb.InitialHealthChecking", description: "Initial health checks in progress" };
    case "unhealthy":
      return { ...about, reason: "Target.FailedHealthChecks", description: "Health checks failed" };
    case "unavailable":
      return { ...about, reason: "Target.HealthCheckDisabled", description: "Health checks are disabled" };
    case "draining":
      return {
        ...about,
        reason: "Target.DeregistrationInProgress",
        description: "Target deregistration is in progress",
      };
    default:
      return about;
  }
}
