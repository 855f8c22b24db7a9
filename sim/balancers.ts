import { type Carriers, OWN_NAME } from "../src/balancer/index.ts";
import type { TargetRecord } from "../src/model/load-balancer.ts";
import { SimulatedBalancer } from "./balancer.ts";
import type { Chance, Streams } from "./chance.ts";
import { BALANCER_ADDRESS } from "./control-plane.ts";
import { Edge, SimulatedCarriers } from "./edges.ts";
import type { ProcessClock, VirtualTime } from "./virtual-time.ts";

/** What a balancer has been told within this time may not have been carried out. */
const CONVEYED_MS = 10_000;

/** Everything that carries the load balancers: on the control plane's own machine, and on further hosts. */
export class Balancers {
  readonly own: SimulatedBalancer;
  readonly edges: readonly Edge[];
  readonly #time: VirtualTime;
  readonly #streams: Streams;

  /** `serves`: whether something answers at that address and port. */
  constructor(time: VirtualTime, streams: Streams, edges: number, serves: (address: string, port: number) => boolean) {
    this.#time = time;
    this.#streams = streams;
    const make = (chance: Chance, sees: () => boolean) =>
      new SimulatedBalancer({
        time,
        chance,
        serves: (address, port) => sees() && serves(address, port),
        drainMs: () => (chance.is(0.1) ? Number.POSITIVE_INFINITY : chance.between(0, 20_000)),
        onApplied: () => undefined,
      });
    this.own = make(streams.of("balancer"), () => true);
    this.edges = Array.from({ length: edges }, (_, i) => {
      const chance = streams.of(`edge ${i}`);
      return new Edge(`edge-${i}`, `10.0.1.${i}`, (edge) => make(chance, () => !edge.isBlind));
    });
  }

  get all(): readonly SimulatedBalancer[] {
    return [this.own, ...this.edges.map(({ balancer }) => balancer)];
  }

  /** As the process with this clock reaches them. */
  carriers(clock: ProcessClock): Carriers {
    const own = { name: OWN_NAME, address: BALANCER_ADDRESS, balancer: this.own.handle(clock) };
    return new SimulatedCarriers(own, this.edges, clock, this.#streams.of("carriers"), () => this.#time.now);
  }

  /** Who serves may have changed: each looks at its targets. */
  look(): void {
    for (const balancer of this.all) balancer.look();
  }

  /** Those of which the control plane has had every word, and they of it, for so long that all has been carried out: the own one always. */
  informed(): readonly SimulatedBalancer[] {
    const isInformed = ({ wellSince }: Edge) => wellSince !== undefined && this.#time.now - wellSince >= CONVEYED_MS;
    return [this.own, ...this.edges.filter(isInformed).map(({ balancer }) => balancer)];
  }

  /** Whether one of them has yet to judge a target that is healthy from now on, and for which old tasks make room. */
  isJudgedTooSoon(before: TargetRecord | undefined, after: TargetRecord): boolean {
    if (before?.state !== "initial" || after.state !== "healthy") return false;
    const key = `${after.targetGroupArn} ${after.id}:${after.port}@${after.registeredAt}`;
    return this.informed().some(({ targets }) => targets.get(key)?.state === "initial");
  }
}
