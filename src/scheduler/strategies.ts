import type { PlacementStrategy } from "@aws-sdk/client-ecs";
import { attributeValue, type ContainerInstanceRecord } from "../model/container-instance.ts";
import type { Candidate } from "./candidate.ts";

/** A strategy as a number for each candidate: the lowest is preferred. */
export type Score = (candidate: Candidate) => number;

/**
 * The group that an instance belongs to when tasks are spread over `field`: the instance itself for `instanceId` and
 * `host`, the attribute's value for `attribute:<name>`. Instances without the attribute are one group.
 */
export function spreadGroup(instance: ContainerInstanceRecord, field: string): string {
  if (!field.startsWith("attribute:")) return instance.arn;
  const value = attributeValue(instance, field.slice("attribute:".length));
  return value === undefined ? "none" : `=${value}`;
}

/** How the strategy ranks candidates, given all instances that may hold peers. Undefined for `random`, which ranks none. */
export function scoreOf(strategy: PlacementStrategy, all: readonly Candidate[]): Score | undefined {
  const field = strategy.field ?? "";
  switch (strategy.type) {
    case "spread": {
      if (!field.startsWith("attribute:")) return (c) => c.peers;
      const totals = new Map<string, number>();
      for (const c of all) {
        const group = spreadGroup(c.instance, field);
        totals.set(group, (totals.get(group) ?? 0) + c.peers);
      }
      return (c) => totals.get(spreadGroup(c.instance, field)) ?? 0;
    }
    case "binpack":
      return field.toLowerCase() === "cpu" ? (c) => c.cpu : (c) => c.memoryMiB;
    default:
      return undefined;
  }
}

/** Those with the lowest score. */
export function lowest(candidates: readonly Candidate[], score: Score): readonly Candidate[] {
  let best = Number.POSITIVE_INFINITY;
  let chosen: Candidate[] = [];
  for (const candidate of candidates) {
    const value = score(candidate);
    if (value > best) continue;
    if (value < best) chosen = [];
    best = value;
    chosen.push(candidate);
  }
  return chosen;
}
