import type { ContainerInstanceRecord, OccupiedInstance } from "../model/container-instance.ts";
import { heldInstance, type TaskRecord } from "../model/task.ts";
import type { ClusterArn, ContainerInstanceArn } from "../wire/arn.ts";
import { Fleet } from "./fleet.ts";

/**
 * The fleets of all clusters, kept from the records of container instances and tasks: a task counts where it is placed as
 * long as it is wanted RUNNING, and holds its resources there until it is STOPPED. Changes may come in any order.
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

  /** The instance with what its tasks hold. */
  occupied(instance: ContainerInstanceRecord): OccupiedInstance {
    const fleet = this.fleet(instance.clusterArn);
    const slot = fleet.slotOf(instance.arn);
    // An INACTIVE one is not among the fleet's instances, but its tasks are.
    return (slot === undefined ? undefined : fleet.instance(slot)) ?? { ...instance, used: fleet.used(instance.arn) };
  }

  changeInstance(before: ContainerInstanceRecord | undefined, after: ContainerInstanceRecord | undefined): void {
    const { clusterArn, arn } = after ?? before ?? {};
    if (clusterArn === undefined || arn === undefined) return;
    this.#change(clusterArn, (fleet) => fleet.setInstance(arn, after));
  }

  changeTask(before: TaskRecord | undefined, after: TaskRecord | undefined): void {
    this.#changeHeld(before, after);
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

  #changeHeld(before: TaskRecord | undefined, after: TaskRecord | undefined): void {
    const from = before === undefined ? undefined : heldInstance(before);
    const to = after === undefined ? undefined : heldInstance(after);
    if (from === to && before?.resources === after?.resources) return;
    if (before !== undefined && from !== undefined)
      this.#change(before.clusterArn, (fleet) => fleet.release(from, before.resources));
    if (after !== undefined && to !== undefined)
      this.#change(after.clusterArn, (fleet) => fleet.hold(to, after.resources));
  }

  /** The same fleets, to be changed apart from these. */
  copy(): PlacementIndex {
    const copy = new PlacementIndex();
    for (const [cluster, fleet] of this.#fleets) copy.#fleets.set(cluster, fleet.copy());
    return copy;
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
