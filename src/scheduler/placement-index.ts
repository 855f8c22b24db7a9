import type { ContainerInstanceRecord } from "../model/container-instance.ts";
import type { TaskRecord } from "../model/task.ts";
import type { ClusterArn, ContainerInstanceArn } from "../wire/arn.ts";
import { Fleet } from "./fleet.ts";

/**
 * The fleets of all clusters, kept from the records of container instances and tasks: a task counts where it is placed as
 * long as it is wanted RUNNING. Changes may come in any order.
 */
export class PlacementIndex {
  readonly #fleets = new Map<ClusterArn, Fleet>();

  /** The cluster's fleet; an empty one if it has no instances. */
  fleet(cluster: ClusterArn): Fleet {
    return this.#fleets.get(cluster) ?? new Fleet();
  }

  /** Tasks of the group that are to run on the instance, whichever cluster it is of. */
  count(group: string, arn: ContainerInstanceArn): number {
    for (const fleet of this.#fleets.values()) if (fleet.slotOf(arn) !== undefined) return fleet.count(group, arn);
    return 0;
  }

  changeInstance(before: ContainerInstanceRecord | undefined, after: ContainerInstanceRecord | undefined): void {
    const { clusterArn, arn } = after ?? before ?? {};
    if (clusterArn === undefined || arn === undefined) return;
    this.#change(clusterArn, (fleet) => fleet.setInstance(arn, after));
  }

  changeTask(before: TaskRecord | undefined, after: TaskRecord | undefined): void {
    const [was, is] = [counted(before), counted(after)];
    if (was?.containerInstanceArn === is?.containerInstanceArn && was?.group === is?.group) return;
    for (const [task, difference] of [
      [was, -1],
      [is, 1],
    ] as const) {
      const arn = task?.containerInstanceArn;
      if (task === undefined || arn === undefined) continue;
      this.#change(task.clusterArn, (fleet) => fleet.addTasks(arn, task.group, difference));
    }
  }

  /** Equal for indexes of the same records. */
  snapshot(): unknown {
    return Object.fromEntries([...this.#fleets].map(([cluster, fleet]) => [cluster, fleet.snapshot()]));
  }

  #change(cluster: ClusterArn, change: (fleet: Fleet) => void): void {
    const fleet = this.#fleets.get(cluster) ?? new Fleet();
    if (fleet.isEmpty) this.#fleets.set(cluster, fleet);
    change(fleet);
    if (fleet.isEmpty) this.#fleets.delete(cluster);
  }
}

function counted(task: TaskRecord | undefined): TaskRecord | undefined {
  return task?.desiredStatus === "RUNNING" && task.containerInstanceArn !== undefined ? task : undefined;
}
