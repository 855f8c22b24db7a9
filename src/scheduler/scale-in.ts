import type { PlacementStrategy } from "@aws-sdk/client-ecs";
import type { OccupiedInstance } from "../model/container-instance.ts";
import { DEFAULT_SERVICE_STRATEGY } from "./request.ts";
import { spreadGroup } from "./strategies.ts";

/** A task that may be stopped, and where it runs. */
export interface Stoppable {
  readonly createdAt: number;
  readonly instance?: OccupiedInstance;
}

/**
 * The first `count` tasks in the order in which stopping them leaves the rest best placed: with spread, always one from the fullest
 * group; with binpack, first those whose instance has the most of the resource left. Ties go to the newest task.
 * An empty strategy means the default one: zones, then instances. Source: ECS developer guide, task placement on scale-in.
 */
export function scaleInOrder<T extends Stoppable>(
  tasks: readonly T[],
  strategy: readonly PlacementStrategy[],
  count: number = tasks.length,
): T[] {
  const used = strategy.length === 0 ? DEFAULT_SERVICE_STRATEGY : strategy;
  const ranks = used.flatMap((one) => rankOf(one, tasks));
  const left = tasks.toSorted((a, b) => b.createdAt - a.createdAt);
  const ordered: T[] = [];
  while (left.length > 0 && ordered.length < count) {
    let best = 0;
    for (let i = 1; i < left.length; i++) if (isBefore(left[i]!, left[best]!, ranks)) best = i;
    const [chosen] = left.splice(best, 1);
    for (const rank of ranks) rank.taken(chosen!);
    ordered.push(chosen!);
  }
  return ordered;
}

/** One strategy seen from the end: the task with the highest value goes first. */
interface Rank {
  value(task: Stoppable): number;
  taken(task: Stoppable): void;
}

function isBefore(a: Stoppable, b: Stoppable, ranks: readonly Rank[]): boolean {
  for (const rank of ranks) {
    const difference = rank.value(a) - rank.value(b);
    if (difference !== 0) return difference > 0;
  }
  return false;
}

function rankOf(strategy: PlacementStrategy, tasks: readonly Stoppable[]): Rank[] {
  const field = strategy.field ?? "";
  if (strategy.type === "spread") {
    const groupOf = (task: Stoppable) => (task.instance === undefined ? "" : spreadGroup(task.instance, field));
    const counts = new Map<string, number>();
    for (const task of tasks) counts.set(groupOf(task), (counts.get(groupOf(task)) ?? 0) + 1);
    return [
      {
        value: (task) => counts.get(groupOf(task)) ?? 0,
        taken: (task) => counts.set(groupOf(task), (counts.get(groupOf(task)) ?? 1) - 1),
      },
    ];
  }
  if (strategy.type === "binpack") {
    const isCpu = field.toLowerCase() === "cpu";
    const left = ({ instance: i }: Stoppable) => {
      if (i === undefined) return 0;
      return isCpu ? i.registered.cpu - i.used.cpu : i.registered.memoryMiB - i.used.memoryMiB;
    };
    return [{ value: left, taken: () => {} }];
  }
  return [];
}
