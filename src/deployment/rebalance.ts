import type { ContainerInstanceRecord } from "../model/container-instance.ts";
import type { Instant } from "../runtime/clock.ts";
import { spreadGroup } from "../scheduler/index.ts";
import type { ContainerInstanceArn, TaskArn } from "../wire/arn.ts";

/** A running task of the service, and where. */
export interface PlacedTask {
  readonly arn: TaskArn;
  readonly instance: ContainerInstanceRecord;
  /** False for one that may not be stopped: it is protected from scale-in. */
  readonly isFree: boolean;
  readonly createdAt: Instant;
}

/** An instance that tasks may be moved to. */
export interface RebalancePlace {
  readonly instance: ContainerInstanceRecord;
  /** How many more of the service's tasks fit on it. */
  readonly room: number;
}

/** One task more on `to`, then `taskArn` less on `from`: evens the tasks out over `field`. */
export interface Move {
  readonly taskArn: TaskArn;
  readonly from: ContainerInstanceRecord;
  readonly to: ContainerInstanceRecord;
  readonly field: string;
}

/** Moves, and what stood in the way of more. */
export interface RebalancePlan {
  readonly moves: readonly Move[];
  /** A group of `field` that should have more tasks, and none of its instances has room for one. */
  readonly full?: { readonly field: string; readonly instance: ContainerInstanceRecord };
  /** A group of `field` that should have fewer tasks, and all `count` of them are protected. */
  readonly held?: { readonly field: string; readonly count: number };
}

/**
 * The moves that even a service's tasks out over the groups of its `fields` (as spread does, the weightiest field first), one after
 * the other: from the fullest group to the emptiest, for as long as they differ by two or more. Moves for a field stay within
 * one group of every field before it. So `imbalance` falls with every move, in the order of the fields, and there is an end to
 * them. Rules [DP24], [DP25].
 *
 * Example: zones a, b, c with 3, 1, 1 tasks: nothing to do for c; one move from a to b gives 2, 2, 1, which is as even as 5 can be.
 */
export function planRebalance(
  tasks: readonly PlacedTask[],
  places: readonly RebalancePlace[],
  fields: readonly string[],
  limit: number = Number.POSITIVE_INFINITY,
): RebalancePlan {
  const moves: Move[] = [];
  let plan: RebalancePlan = { moves };
  let now = tasks;
  const rooms = new Map(places.map((place) => [place.instance.arn, place.room]));
  while (moves.length < limit) {
    const step = nextMove(now, places, rooms, fields);
    plan = { ...step.obstacles, ...plan, moves };
    const { move } = step;
    if (move === undefined) break;
    moves.push(move);
    rooms.set(move.to.arn, (rooms.get(move.to.arn) ?? 1) - 1);
    rooms.set(move.from.arn, (rooms.get(move.from.arn) ?? 0) + 1);
    now = now.map((task) => (task.arn === move.taskArn ? { ...task, instance: move.to } : task));
  }
  return plan;
}

/** For each field, how far from even the tasks are: the sum of the squares of the groups' sizes. Each move lowers it. */
export function imbalance(tasks: readonly PlacedTask[], fields: readonly string[]): readonly number[] {
  return fields.map((field) => [...countsOf(tasks, field).values()].reduce((sum, count) => sum + count * count, 0));
}

/** How many tasks each group of the field has. */
export function countsOf(tasks: readonly PlacedTask[], field: string): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { instance } of tasks) {
    const group = spreadGroup(instance, field);
    counts.set(group, (counts.get(group) ?? 0) + 1);
  }
  return counts;
}

/** Whether any group has two more than one that tasks may be moved to: mostly none has, and then nothing is sorted. */
function isUneven(
  counts: ReadonlyMap<string, number> | undefined,
  places: readonly RebalancePlace[],
  countAt: (instance: ContainerInstanceRecord) => number,
): boolean {
  let most = 0;
  for (const count of counts?.values() ?? []) most = Math.max(most, count);
  return most >= 2 && places.some(({ instance }) => most - countAt(instance) >= 2);
}

interface Step {
  readonly move?: Move;
  readonly obstacles: Omit<RebalancePlan, "moves">;
}

function nextMove(
  tasks: readonly PlacedTask[],
  places: readonly RebalancePlace[],
  rooms: ReadonlyMap<ContainerInstanceArn, number>,
  fields: readonly string[],
): Step {
  const counts = fields.map((field) => countsOf(tasks, field));
  const countAt = (level: number, instance: ContainerInstanceRecord) =>
    counts[level]?.get(spreadGroup(instance, fields[level] ?? "")) ?? 0;
  const byArn = (a: ContainerInstanceRecord, b: ContainerInstanceRecord) =>
    a.arn === b.arn ? 0 : a.arn < b.arn ? -1 : 1;
  /** The fuller comes first: by this field, then by those after it. */
  const byCounts = (level: number) => (a: ContainerInstanceRecord, b: ContainerInstanceRecord) => {
    for (let i = level; i < fields.length; i++) {
      const difference = countAt(i, b) - countAt(i, a);
      if (difference !== 0) return difference;
    }
    return 0;
  };
  let obstacles: Omit<RebalancePlan, "moves"> = {};
  for (const [level, field] of fields.entries()) {
    if (!isUneven(counts[level], places, (instance) => countAt(level, instance))) continue;
    const parentOf = (instance: ContainerInstanceRecord) =>
      fields
        .slice(0, level)
        .map((earlier) => spreadGroup(instance, earlier))
        .join("|");
    const tasksByParent = Map.groupBy(tasks, (task) => parentOf(task.instance));
    const placesByParent = Map.groupBy(places, (place) => parentOf(place.instance));
    let best: (Move & { readonly gain: number }) | undefined;
    for (const [parent, mine] of [...tasksByParent].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
      const targets = (placesByParent.get(parent) ?? [])
        .map((place) => place.instance)
        .toSorted((a, b) => byCounts(level)(b, a) || byArn(a, b));
      const open = targets.find((instance) => (rooms.get(instance.arn) ?? 0) > 0);
      const sources = mine.toSorted(
        (a, b) => byCounts(level)(a.instance, b.instance) || byArn(a.instance, b.instance) || b.createdAt - a.createdAt,
      );
      const source = sources.find((task) => task.isFree);
      const emptiest = targets[0];
      const fullest = sources[0];
      const gainOf = (from: PlacedTask | undefined, to: ContainerInstanceRecord | undefined) =>
        from === undefined || to === undefined ? 0 : countAt(level, from.instance) - countAt(level, to);
      const gain = gainOf(source, open);
      if (gain >= 2 && source !== undefined && open !== undefined) {
        if (best === undefined || gain > best.gain)
          best = { taskArn: source.arn, from: source.instance, to: open, field, gain };
      } else if (gainOf(source, emptiest) >= 2 && emptiest !== undefined) {
        obstacles = { full: { field, instance: emptiest }, ...obstacles };
      } else if (gainOf(fullest, open) >= 2 && fullest !== undefined) {
        obstacles = { held: { field, count: countAt(level, fullest.instance) }, ...obstacles };
      }
    }
    if (best !== undefined) {
      const { gain: _, ...move } = best;
      return { move, obstacles };
    }
  }
  return { obstacles };
}
