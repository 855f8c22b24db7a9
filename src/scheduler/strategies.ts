import type { PlacementStrategy } from "@aws-sdk/client-ecs";
import { attributeValue, type ContainerInstanceRecord } from "../model/container-instance.ts";
import type { Headroom } from "./headroom.ts";

const ATTRIBUTE = "attribute:";

/** A strategy as a number for each slot: the lowest is preferred. */
export interface Rank {
  /** The numbers by slot or, where there are `ids`, by the id of the slot's group. They follow the room as tasks are placed. */
  values(): Int32Array;
  /** The id of the group of each slot. */
  readonly ids?: Int32Array;
  /** The slots of each group, by its id. */
  readonly members?: readonly (readonly number[])[];
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
  const { fleet, request } = room;
  const column = fleet.attribute(attribute);
  const { ids, members } = column;
  const totals = fleet.totals(request.group, column);
  return {
    ids,
    members,
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
