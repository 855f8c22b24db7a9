import { isInHostGroup } from "../model/capacity-provider.ts";
import { freeGpus } from "../model/container-instance.ts";
import { type Place, satisfies } from "./checks.ts";
import { type Constraint, readConstraint } from "./constraints.ts";
import { DISCONNECTED, type Fleet, hasAttribute, READY } from "./fleet.ts";
import type { PlacementRequest } from "./request.ts";

/** What a slot has left. */
export interface Left {
  readonly slot: number;
  readonly cpu: number;
  readonly memoryMiB: number;
  readonly gpus: number;
  readonly peers: number;
}

/**
 * What a fleet has left while tasks of one request are placed on it one after the other. It reads the fleet's own columns until the first
 * task is taken into account, and copies of them from then on: the fleet itself is never changed.
 */
export class Headroom {
  readonly request: PlacementRequest;
  readonly constraints: readonly Constraint[];
  readonly fleet: Fleet;
  cpu: Int32Array;
  memoryMiB: Int32Array;
  /** Tasks of the request's group. */
  peers: Int32Array;
  /** Tasks of the request that were placed on each slot; undefined as long as there is none. */
  placed: Int32Array | undefined;
  readonly #verdicts: Uint8Array;
  readonly #hasPorts: boolean;
  readonly #gpuCount: number;
  /** GPUs left on the slots on which tasks were placed. */
  readonly #gpus = new Map<number, number>();
  readonly #isDistinct: boolean;
  readonly #ofTasks: readonly Extract<Constraint, { kind: "memberOf" }>[];
  readonly #ofInstance: readonly Extract<Constraint, { kind: "memberOf" }>[];

  /** Throws QuerySyntaxError for a constraint's expression that is none. */
  constructor(request: PlacementRequest, fleet: Fleet) {
    this.request = request;
    this.fleet = fleet;
    this.constraints = request.constraints.map(readConstraint);
    this.cpu = fleet.cpu;
    this.memoryMiB = fleet.memoryMiB;
    this.peers = fleet.counts(request.group);
    this.#hasPorts = request.need.ports.length + request.need.portsUdp.length > 0;
    this.#gpuCount = request.need.gpuCount ?? 0;
    this.#isDistinct = this.constraints.some((c) => c.kind === "distinctInstance");
    const memberOf = this.constraints.filter((c) => c.kind === "memberOf");
    this.#ofTasks = memberOf.filter((c) => !c.isOfInstance);
    this.#ofInstance = memberOf.filter((c) => c.isOfInstance);
    const key = JSON.stringify([
      request.requiredAttributes,
      this.#ofInstance.map((c) => c.text),
      request.capacityProvider?.hostGroup,
    ]);
    this.#verdicts = fleet.verdicts(key).verdicts;
  }

  /** True if the slot's instance is ACTIVE and belongs to the capacity provider, if there is one: a candidate, whether it has room or not. */
  isCandidate(slot: number): boolean {
    const state = this.fleet.states[slot];
    return (state === READY || state === DISCONNECTED) && this.isOfProvider(slot);
  }

  /** False only for an instance that does not belong to the capacity provider that is asked for. */
  isOfProvider(slot: number): boolean {
    const { capacityProvider } = this.request;
    if (capacityProvider === undefined) return true;
    const instance = this.fleet.instance(slot);
    return instance !== undefined && isInHostGroup(instance, capacityProvider);
  }

  /** True if the task fits on the slot's instance. Once false, it stays false while tasks are placed. */
  fits(slot: number): boolean {
    const { need } = this.request;
    return (
      this.fleet.states[slot] === READY &&
      need.cpu <= (this.cpu[slot] ?? 0) &&
      need.memoryMiB <= (this.memoryMiB[slot] ?? 0) &&
      this.suits(slot)
    );
  }

  /** True if everything but the agent, CPU and memory is as the task needs it. */
  suits(slot: number): boolean {
    if (this.#isDistinct && this.peers[slot] !== 0) return false;
    const verdict = this.#verdicts[slot];
    if (verdict === 2) return false;
    if (verdict === 1 && !this.#hasPorts && this.#gpuCount === 0 && this.#ofTasks.length === 0) return true;
    const place = this.place(slot);
    if (place === undefined) return false;
    if (verdict === 0) {
      const isSuitable = this.#isSuitable(place);
      this.#verdicts[slot] = isSuitable ? 1 : 2;
      if (!isSuitable) return false;
    }
    if (this.#gpuCount > place.gpus) return false;
    if (this.#hasPorts && (place.placed > 0 || !this.#hasFreePorts(place))) return false;
    return this.#ofTasks.every((constraint) => satisfies(this.request, constraint, place));
  }

  /** What the slot has before a task is placed there: for `occupy`. */
  left(slot: number): Left {
    const [cpu = 0, memoryMiB = 0, peers = 0] = [this.cpu[slot], this.memoryMiB[slot], this.peers[slot]];
    return { slot, cpu, memoryMiB, gpus: this.#gpuCount === 0 ? 0 : (this.place(slot)?.gpus ?? 0), peers };
  }

  /**
   * Takes what the task needs from a slot that had so much left. The fleet may have heard of that task by now, but of no other
   * change: the slot's figures are those that were left.
   */
  occupy({ slot, cpu, memoryMiB, gpus, peers }: Left): void {
    if (this.placed === undefined) {
      this.cpu = this.cpu.slice();
      this.memoryMiB = this.memoryMiB.slice();
      this.peers = this.peers.slice();
      this.placed = new Int32Array(this.cpu.length);
    }
    const { need } = this.request;
    this.cpu[slot] = cpu - need.cpu;
    this.memoryMiB[slot] = memoryMiB - need.memoryMiB;
    if (this.#gpuCount > 0) this.#gpus.set(slot, gpus - this.#gpuCount);
    this.peers[slot] = peers + 1;
    this.placed[slot] = (this.placed[slot] ?? 0) + 1;
  }

  /** The slot's instance as the checks see it; undefined for a slot without one. */
  place(slot: number): Place | undefined {
    const instance = this.fleet.instance(slot);
    if (instance === undefined) return undefined;
    return {
      instance,
      cpu: this.cpu[slot] ?? 0,
      memoryMiB: this.memoryMiB[slot] ?? 0,
      gpus: this.#gpuCount === 0 ? 0 : (this.#gpus.get(slot) ?? freeGpus(instance).length),
      peers: this.peers[slot] ?? 0,
      placed: this.placed?.[slot] ?? 0,
    };
  }

  #hasFreePorts({ instance: { registered, used } }: Place): boolean {
    const { need } = this.request;
    const isFree = (list: "ports" | "portsUdp") => (port: number) =>
      !registered[list].includes(port) && !used[list].includes(port);
    return need.ports.every(isFree("ports")) && need.portsUdp.every(isFree("portsUdp"));
  }

  /** The checks whose answer depends on nothing but what the instance is. */
  #isSuitable(place: Place): boolean {
    return (
      (this.request.capacityProvider === undefined || isInHostGroup(place.instance, this.request.capacityProvider)) &&
      this.request.requiredAttributes.every((required) => hasAttribute(place.instance, required)) &&
      this.#ofInstance.every((constraint) => satisfies(this.request, constraint, place))
    );
  }
}
