import type { Timer } from "../src/runtime/clock.ts";
import { BEHAVIOURS, type Behaviour, kindOf } from "./behaviour.ts";
import type { Chance } from "./chance.ts";
import type { Link } from "./network.ts";
import type { VirtualTime, WallClock } from "./virtual-time.ts";

/** The first port of those that the engine gives to containers that ask for any. */
const FIRST_DYNAMIC_PORT = 32_768;
const LAST_DYNAMIC_PORT = 60_999;
/** How long a container must fail or pass its health check until its health changes. */
const UNHEALTHY_AFTER_MS = 15_000;
const HEALTHY_AFTER_MS = 5_000;

export type Health = "HEALTHY" | "UNHEALTHY" | "UNKNOWN";

export interface PortBinding {
  readonly bindIP: string;
  readonly containerPort: number;
  readonly hostPort: number;
  readonly protocol: "tcp";
}

/** What a container is made from. */
export interface ContainerSpec {
  readonly taskArn: string;
  readonly image: string;
  readonly ports: readonly { readonly containerPort: number; readonly hostPort: number }[];
  readonly checksHealth: boolean;
}

/** A container of a host's engine. It lives on without its agent. */
export interface Container {
  readonly spec: ContainerSpec;
  readonly id: string;
  readonly bindings: readonly PortBinding[];
  status: "running" | "exited";
  exitCode: number | undefined;
  isOom: boolean;
  /** Answers requests. */
  serves: boolean;
  health: Health;
  stopAsked: boolean;
}

export interface HostPlan {
  readonly name: string;
  readonly cluster: string;
  readonly zone: string;
  readonly cpu: number;
  readonly memoryMiB: number;
  readonly address: string;
}

/** What a host's containers tell of themselves. */
export interface HostEvents {
  /** A container exited, or its health changed. */
  readonly onContainer: (container: Container) => void;
  /** Who answers at the host's address may have changed. */
  readonly onServing: () => void;
}

/** A machine with a container engine, and what an agent keeps on its disk. */
export class Host {
  readonly plan: HostPlan;
  readonly link: Link;
  readonly wall: WallClock = { offsetMs: 0 };
  readonly containers = new Map<string, Container>();
  isUp = true;
  /** While true, no container does anything bad by itself. */
  isCalm = false;
  events: HostEvents = { onContainer: () => undefined, onServing: () => undefined };
  readonly #time: VirtualTime;
  readonly #chance: Chance;
  readonly #timers = new Map<Container, Set<Timer>>();
  #nextPort = FIRST_DYNAMIC_PORT;
  #made = 0;

  constructor(plan: HostPlan, parts: { readonly time: VirtualTime; readonly chance: Chance; readonly link: Link }) {
    this.plan = plan;
    this.link = parts.link;
    this.#time = parts.time;
    this.#chance = parts.chance;
  }

  behaviour(image: string): Behaviour {
    return BEHAVIOURS[kindOf(image)];
  }

  /** Starts a container. Throws if one of its ports is taken. */
  run(spec: ContainerSpec): Container {
    const bindings = spec.ports.map(({ containerPort, hostPort }) => ({
      bindIP: "0.0.0.0",
      containerPort,
      hostPort: hostPort === 0 ? this.#dynamicPort() : hostPort,
      protocol: "tcp" as const,
    }));
    for (const { hostPort } of bindings)
      if (this.listener(hostPort) !== undefined) throw new Error(`port ${hostPort} is already allocated`);
    const container: Container = {
      spec,
      id: `${this.plan.name}-${++this.#made}`,
      bindings,
      status: "running",
      exitCode: undefined,
      isOom: false,
      serves: false,
      health: "UNKNOWN",
      stopAsked: false,
    };
    this.containers.set(spec.taskArn, container);
    this.#live(container);
    return container;
  }

  /** The running container that has the port. */
  listener(hostPort: number): Container | undefined {
    for (const container of this.containers.values()) {
      if (container.status === "running" && container.bindings.some((b) => b.hostPort === hostPort)) return container;
    }
    return undefined;
  }

  /** SIGTERM, and SIGKILL after the time. */
  stop(container: Container, timeoutMs: number): void {
    if (container.status !== "running" || container.stopAsked) return;
    container.stopAsked = true;
    const { endMs } = this.behaviour(container.spec.image);
    if (endMs <= timeoutMs) this.#later(container, endMs, () => this.exit(container, 0));
    else this.#later(container, timeoutMs, () => this.exit(container, 137));
  }

  exit(container: Container, exitCode: number, isOom = false): void {
    if (container.status !== "running") return;
    for (const timer of this.#timers.get(container) ?? []) timer.cancel();
    this.#timers.delete(container);
    container.status = "exited";
    container.exitCode = exitCode;
    container.isOom = isOom;
    container.serves = false;
    this.events.onServing();
    this.events.onContainer(container);
  }

  remove(taskArn: string): void {
    const container = this.containers.get(taskArn);
    if (container === undefined) return;
    this.exit(container, 137);
    this.containers.delete(taskArn);
  }

  /** The power fails: nothing on the machine goes on, and nobody is told. */
  lose(): void {
    this.isUp = false;
    const { onContainer } = this.events;
    this.events = { ...this.events, onContainer: () => undefined };
    for (const container of this.containers.values()) this.exit(container, 137);
    this.events = { ...this.events, onContainer };
  }

  restore(): void {
    this.isUp = true;
  }

  #dynamicPort(): number {
    do {
      this.#nextPort = this.#nextPort >= LAST_DYNAMIC_PORT ? FIRST_DYNAMIC_PORT : this.#nextPort + 1;
    } while (this.listener(this.#nextPort) !== undefined);
    return this.#nextPort;
  }

  #later(container: Container, ms: number, fn: () => void): void {
    const timers = this.#timers.get(container) ?? new Set();
    this.#timers.set(container, timers);
    const timer = this.#time.after(ms, () => {
      timers.delete(timer);
      if (container.status === "running") fn();
    });
    timers.add(timer);
  }

  #live(container: Container): void {
    const { readyMs, isSick, livesMs, exitCode, isOom, wellMs } = this.behaviour(container.spec.image);
    if (isSick) this.#later(container, UNHEALTHY_AFTER_MS, () => this.#turn(container, "UNHEALTHY"));
    else this.#later(container, readyMs, () => this.#recover(container, 0));
    if (livesMs !== undefined) this.#perish(container, livesMs, exitCode, isOom === true);
    if (wellMs !== undefined)
      this.#later(container, readyMs + this.#chance.wait(wellMs), () => this.#fallIll(container));
  }

  #perish(container: Container, livesMs: number, exitCode: number, isOom: boolean): void {
    this.#later(container, this.#chance.wait(livesMs), () => {
      if (this.isCalm && livesMs > 60_000) this.#perish(container, livesMs, exitCode, isOom);
      else this.exit(container, exitCode, isOom);
    });
  }

  #fallIll(container: Container): void {
    const { wellMs = 0, illMs = 0 } = this.behaviour(container.spec.image);
    this.#later(container, this.#chance.wait(wellMs), () => this.#fallIll(container));
    if (this.isCalm) return;
    this.#serve(container, false);
    this.#later(container, UNHEALTHY_AFTER_MS, () => !container.serves && this.#turn(container, "UNHEALTHY"));
    this.#later(container, this.#chance.wait(illMs), () => this.#recover(container, HEALTHY_AFTER_MS));
  }

  #recover(container: Container, healthyAfterMs: number): void {
    this.#serve(container, true);
    this.#later(container, healthyAfterMs, () => container.serves && this.#turn(container, "HEALTHY"));
  }

  #serve(container: Container, serves: boolean): void {
    if (container.serves === serves) return;
    container.serves = serves;
    this.events.onServing();
  }

  #turn(container: Container, health: Health): void {
    if (!container.spec.checksHealth || container.health === health) return;
    container.health = health;
    this.events.onContainer(container);
  }
}
