import type {
  Balancer,
  BalancerState,
  Carrier,
  Carriers,
  CarriersWatcher,
  TargetReport,
} from "../src/balancer/index.ts";
import type { SimulatedBalancer } from "./balancer.ts";
import type { Chance } from "./chance.ts";
import type { ProcessClock } from "./virtual-time.ts";

/** Between pings of a session, and how many are missed until the host has left. */
const PING_MS = 2_000;
const MOST_MISSED = 3;
/** How long a host takes to connect, and to try again. */
const DIAL_MS = [50, 1_500] as const;

/** A host that carries the load balancers beside the control plane's own. It outlives the control plane's processes. */
export class Edge {
  readonly name: string;
  readonly address: string;
  readonly balancer: SimulatedBalancer;
  /** It reaches no target: its checks fail. */
  isBlind = false;
  #isCut = false;
  /** Since when it is connected and nothing of what it is told is held up. */
  wellSince: number | undefined;
  onHealed: () => void = () => {};

  constructor(name: string, address: string, makeBalancer: (edge: Edge) => SimulatedBalancer) {
    this.name = name;
    this.address = address;
    this.balancer = makeBalancer(this);
  }

  /** Cut off from the control plane. */
  get isCut(): boolean {
    return this.#isCut;
  }

  cut(): void {
    this.#isCut = true;
    this.wellSince = undefined;
  }

  heal(): void {
    if (!this.#isCut) return;
    this.#isCut = false;
    this.onHealed();
  }
}

/** One session of a host, as the control plane has it. While the host is cut off, what is said waits, both ways. */
class EdgeSession implements Balancer {
  readonly edge: Edge;
  missed = 0;
  readonly #inner: Balancer;
  #waiting: BalancerState | undefined;
  readonly #unheard: TargetReport[] = [];
  readonly #listeners = new Set<(changed: readonly TargetReport[]) => void>();

  constructor(edge: Edge, clock: ProcessClock) {
    this.edge = edge;
    this.#inner = edge.balancer.handle(clock);
    this.#inner.onReport((changed) => {
      this.#unheard.push(...changed);
      this.flush();
    });
  }

  /** Brings what waits, if it gets through. */
  flush(): void {
    if (this.edge.isCut) return;
    if (this.#waiting !== undefined) this.#inner.apply(this.#waiting);
    this.#waiting = undefined;
    const reports = this.#unheard.splice(0);
    if (reports.length > 0) for (const listener of this.#listeners) listener(reports);
  }

  apply(state: BalancerState): void {
    this.#waiting = state;
    this.flush();
  }
  onReport(listener: (changed: readonly TargetReport[]) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
  onTraffic = () => () => {};
  onAccess = () => () => {};
  reports = () => [];
  settled = () => Promise.resolve();
  checkBind = () => Promise.resolve(undefined);
  status = () => this.#inner.status();
  stop = () => Promise.resolve();
}

/** The balancers as one process of the control plane has them: its own, and the hosts that connect to it. */
export class SimulatedCarriers implements Carriers {
  readonly #own: Carrier;
  readonly #clock: ProcessClock;
  readonly #chance: Chance;
  readonly #now: () => number;
  readonly #sessions = new Map<string, EdgeSession>();
  readonly #watchers = new Set<CarriersWatcher>();
  #isClosed = false;

  constructor(own: Carrier, edges: readonly Edge[], clock: ProcessClock, chance: Chance, now: () => number) {
    this.#own = own;
    this.#clock = clock;
    this.#chance = chance;
    this.#now = now;
    for (const edge of edges) {
      edge.wellSince = undefined;
      edge.onHealed = () => this.#healed(edge);
      this.#dial(edge);
    }
    if (edges.length > 0) clock.every(PING_MS, () => this.#ping());
  }

  connected(): readonly Carrier[] {
    return [...[...this.#sessions.values()].map(carrierOf), this.#own];
  }
  watch(watcher: CarriersWatcher): () => void {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }
  drop(name: string): void {
    const session = this.#sessions.get(name);
    if (session !== undefined) this.#left(session);
  }
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#watchers.clear();
  }
  isAsked = () => false;
  handleUpgrade(): void {
    throw new Error("there are no sockets in a simulation");
  }
  checkBind = () => Promise.resolve(undefined);

  #dial(edge: Edge): void {
    this.#clock.after(this.#chance.between(...DIAL_MS), () => {
      if (edge.isCut) return this.#dial(edge);
      if (this.#isClosed) return undefined;
      const session = new EdgeSession(edge, this.#clock);
      this.#sessions.set(edge.name, session);
      edge.wellSince = this.#now();
      for (const watcher of this.#watchers) watcher.joined(carrierOf(session));
      return undefined;
    });
  }

  #ping(): void {
    for (const session of [...this.#sessions.values()]) {
      session.missed = session.edge.isCut ? session.missed + 1 : 0;
      if (session.missed >= MOST_MISSED) this.#left(session);
    }
  }

  #left(session: EdgeSession): void {
    this.#sessions.delete(session.edge.name);
    session.edge.wellSince = undefined;
    for (const watcher of this.#watchers) watcher.left(carrierOf(session));
    this.#dial(session.edge);
  }

  #healed(edge: Edge): void {
    const session = this.#sessions.get(edge.name);
    if (session === undefined) return;
    session.flush();
    edge.wellSince = this.#now();
  }
}

function carrierOf(session: EdgeSession): Carrier {
  const { name, address } = session.edge;
  return { name, address, balancer: session };
}
