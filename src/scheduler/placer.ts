import type { ContainerInstanceRecord } from "../model/container-instance.ts";
import { type Candidate, CHECKS, candidateOf, occupy } from "./candidate.ts";
import { checkOf } from "./constraints.ts";
import type { Placement, PlacementRequest, Refusal } from "./request.ts";
import { lowest, scoreOf } from "./strategies.ts";

/** Chance for ties: a number in [0, 1). */
export interface Chance {
  next(): number;
}

/**
 * Places copies of one task one after the other; each takes its share of what the instances have left.
 * The order of `instances` does not matter. Rules: docs/rules/placement.md.
 */
export class Placer {
  readonly #request: PlacementRequest;
  readonly #candidates: readonly Candidate[];
  /** All instances, DRAINING ones too: the tasks on them count when tasks are spread. */
  readonly #all: readonly Candidate[];
  readonly #chance: Chance;
  readonly #checks: typeof CHECKS;

  constructor(request: PlacementRequest, instances: readonly ContainerInstanceRecord[], chance: Chance) {
    this.#request = request;
    this.#chance = chance;
    this.#all = instances
      .filter((i) => i.status !== "INACTIVE")
      .toSorted((a, b) => (a.arn < b.arn ? -1 : 1))
      .map((i) => candidateOf(i, request));
    this.#candidates = this.#all.filter((c) => c.instance.status === "ACTIVE");
    this.#checks = [...CHECKS, ...request.constraints.map(checkOf)];
  }

  /** Places one more task, or says why not. A refusal is final: the next call would be refused alike. */
  place(): Placement {
    const able: Candidate[] = [];
    const failed: { readonly refusal: Refusal; readonly at: number }[] = [];
    for (const candidate of this.#candidates) {
      const at = this.#checks.findIndex((check) => !check.passes(candidate, this.#request));
      const check = this.#checks[at];
      if (check === undefined) able.push(candidate);
      else failed.push({ refusal: { arn: candidate.instance.arn, reason: check.reason }, at });
    }
    const chosen = this.#choose(able);
    if (chosen === undefined) return refused(failed);
    occupy(chosen, this.#request.need);
    return { kind: "placed", instance: chosen.instance };
  }

  #choose(able: readonly Candidate[]): Candidate | undefined {
    let left = able;
    for (const strategy of this.#request.strategy) {
      if (left.length <= 1) break;
      const score = scoreOf(strategy, this.#all);
      if (score !== undefined) left = lowest(left, score);
    }
    return left[Math.floor(this.#chance.next() * left.length)];
  }
}

/** Places one task. */
export function placeTask(
  request: PlacementRequest,
  instances: readonly ContainerInstanceRecord[],
  chance: Chance,
): Placement {
  return new Placer(request, instances, chance).place();
}

function refused(failed: readonly { readonly refusal: Refusal; readonly at: number }[]): Placement {
  let closest: { readonly refusal: Refusal; readonly at: number } | undefined;
  for (const one of failed) if (closest === undefined || one.at > closest.at) closest = one;
  return { kind: "refused", refusals: failed.map((f) => f.refusal), closest: closest?.refusal };
}
