import { Arrivals, type Chance } from "./chance.ts";
import type { Choice } from "./choice.ts";
import { closestOf, explainRoom, type PlacementExplanation } from "./explanation.ts";
import type { Fleet } from "./fleet.ts";
import { Headroom, type Left } from "./headroom.ts";
import { Heaps } from "./heaps.ts";
import type { Placement, PlacementRequest } from "./request.ts";
import { scan } from "./scan.ts";
import { ranksOf } from "./strategies.ts";

/** Looking at every instance for each task is cheaper for so many tasks than ordering the instances once. */
const SCANS = 32;

/**
 * Places copies of one task one after the other; each takes its share of what the instances have left. It goes by the fleet as it was
 * when the first task was placed, whether or not the fleet hears of the tasks meanwhile, and does not change it. The order in which the fleet came to be does not matter.
 * Rules: docs/rules/placement.md.
 */
export class Placer {
  readonly #room: Headroom;
  readonly #choice: Choice;
  readonly #scans: number;
  #placed = 0;
  #isFull = false;
  #last: Left | undefined;
  #heaps: Heaps | undefined;

  /**
   * `scans` is how many tasks are placed before the instances are ordered for the rest; the answers do not depend on it.
   * Throws QuerySyntaxError for a constraint's expression that is none.
   */
  constructor(request: PlacementRequest, fleet: Fleet, chance: Chance, scans: number = SCANS) {
    this.#room = new Headroom(request, fleet);
    this.#choice = {
      room: this.#room,
      ranks: ranksOf(request.strategy, this.#room),
      arrivals: new Arrivals(fleet.hashes, chance),
    };
    this.#scans = scans;
  }

  /** Places one more task, or says that none fits. A refusal is final: the next call would be refused alike. */
  place(): Placement {
    this.#takeIntoAccount();
    if (this.#placed >= this.#scans) this.#heaps ??= new Heaps(this.#choice);
    const slot = this.#heaps === undefined ? scan(this.#choice) : this.#heaps.choose();
    const instance = slot === undefined ? undefined : this.#room.fleet.instance(slot);
    if (slot === undefined || instance === undefined) {
      this.#isFull = true;
      const provider = this.#room.request.capacityProvider;
      const closest = closestOf(this.#room);
      return { kind: "refused", closest, ...(provider === undefined ? {} : { capacityProvider: provider.name }) };
    }
    this.#last = this.#room.left(slot);
    this.#placed++;
    return { kind: "placed", instance };
  }

  /** True once a task was refused: no other finds a place either. */
  get isFull(): boolean {
    return this.#isFull;
  }

  /** What the last task took: done only when something is asked again, since for one task it would cost more than to place it. */
  #takeIntoAccount(): void {
    const last = this.#last;
    if (last === undefined) return;
    this.#room.occupy(last);
    for (const rank of this.#choice.ranks) rank.occupied?.(last.slot);
    this.#choice.arrivals.next(last.slot);
    this.#heaps?.settle();
    this.#last = undefined;
  }

  /** Where the next task could go and, for each instance that cannot take it, everything that stands against it. */
  explain(): PlacementExplanation {
    this.#takeIntoAccount();
    return explainRoom(this.#room);
  }
}

/** The placer of each capacity provider's tasks, and of those without one, made by `make` when it is first asked for. */
export function placersByProvider(
  make: (capacityProvider: string | undefined) => Placer,
): (capacityProvider: string | undefined) => Placer {
  const placers = new Map<string | undefined, Placer>();
  return (name) => {
    const placer = placers.get(name) ?? make(name);
    placers.set(name, placer);
    return placer;
  };
}

/** Places one task. */
export function placeTask(request: PlacementRequest, fleet: Fleet, chance: Chance): Placement {
  return new Placer(request, fleet, chance).place();
}
