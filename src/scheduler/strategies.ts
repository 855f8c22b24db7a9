import type { PlacementStrategy } from "@aws-sdk/client-ecs";
import { attributeValue, type ContainerInstanceRecord } from "../model/container-instance.ts";
import { ABSENT } from "./fleet.ts";
import type { Headroom } from "./headroom.ts";

const ATTRIBUTE = "attribute:";

/** A strategy as a number for each slot: the lowest is preferred. */
export interface Rank {
  /** The numbers by slot or, where there are `groups`, by the group of the slot. They follow the room as tasks are placed. */
  values(): Float64Array;
  /** The group of each slot. */
  readonly groups?: Int32Array;
  /** A task was placed on the slot. */
  occupied?(slot: number): void;
}

/** The strategies as ranks, `random` left out: it ranks none above another. */
export function ranksOf(strategy: readonly PlacementStrategy[], room: Headroom): readonly Rank[] {
  return strategy.flatMap(({ type, field = "" }): Rank[] => {
    switch (type) {
      case "spread":
        if (!field.startsWith(ATTRIBUTE)) return [{ values: () => room.peers }];
        return [spreadOver(field.slice(ATTRIBUTE.length), room)];
      case "binpack":
        return [{ values: () => (field.toLowerCase() === "cpu" ? room.cpu : room.memoryMiB) }];
      default:
        return [];
    }
  });
}

/** Counts the peers by the attribute's value, those on DRAINING instances too; instances without it are one group. */
function spreadOver(attribute: string, room: Headroom): Rank {
  const { ids, idByValue } = room.fleet.attribute(attribute);
  const totals = new Float64Array(idByValue.size + 1);
  const { states, size } = room.fleet;
  const { peers } = room;
  for (let slot = 0; slot < size; slot++) {
    // Every slot is below the columns' length: `as number` spares a branch in what runs for each instance.
    if (states[slot] !== ABSENT) totals[ids[slot] as number]! += peers[slot] as number;
  }
  return {
    groups: ids,
    values: () => totals,
    occupied: (slot) => {
      const group = ids[slot] ?? 0;
      totals[group] = (totals[group] ?? 0) + 1;
    },
  };
}

/**
 * The group that an instance belongs to when tasks are spread over `field`: the instance itself for `instanceId` and
 * `host`, the attribute's value for `attribute:<name>`. Instances without the attribute are one group.
 */
export function spreadGroup(instance: ContainerInstanceRecord, field: string): string {
  if (!field.startsWith(ATTRIBUTE)) return instance.arn;
  const value = attributeValue(instance, field.slice(ATTRIBUTE.length));
  return value === undefined ? "none" : `=${value}`;
}
