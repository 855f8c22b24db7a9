import type { ContainerInstanceRecord } from "../model/container-instance.ts";
import { spreadGroup } from "../scheduler/index.ts";

/** The field whose evenness ECS has words for. For others, such as instances, the words here are made alike. */
export const ZONE_FIELD = "attribute:ecs.availability-zone";

/** How many tasks there are in one group of a field; the instance stands for its group. */
export interface GroupCount {
  readonly instance: ContainerInstanceRecord;
  readonly count: number;
}

/** A deployment began while tasks were being moved. Source: ECS service event messages, as all that speak of zones. */
export const REBALANCING_STOPPED = "stopped AZ Rebalancing.";

export function notBalanced(field: string, groups: readonly GroupCount[]): string {
  return field === ZONE_FIELD
    ? `is not AZ balanced with ${listOf(field, groups)}. AZ Rebalancing in progress.`
    : `is not balanced over ${nameOf(field)} with ${listOf(field, groups)}. Rebalancing in progress.`;
}

export function balanced(field: string, groups: readonly GroupCount[]): string {
  return field === ZONE_FIELD ? `is AZ balanced with ${listOf(field, groups)}.` : `is balanced over ${nameOf(field)}.`;
}

export function startedToRebalance(taskIds: readonly string[], field: string, to: ContainerInstanceRecord): string {
  const tasks = taskIds.map((id) => `(task ${id})`).join(" ");
  const why = field === ZONE_FIELD ? "to AZ Rebalance" : "to rebalance";
  return `has started ${taskIds.length} tasks ${placeOf(field, to)} ${why}: ${tasks}.`;
}

export function stoppedToRebalance(taskId: string, field: string, from: ContainerInstanceRecord): string {
  const why = field === ZONE_FIELD ? "due to AZ rebalancing" : "due to rebalancing";
  return `has stopped 1 running tasks ${placeOf(field, from)} ${why}: (task ${taskId}).`;
}

export const noRoomInZone = (instance: ContainerInstanceRecord) =>
  `is unable to place a task ${placeOf(ZONE_FIELD, instance)} because no container instance met all of its requirements.`;

export const heldFromRebalancing = (deploymentId: string, count: number) =>
  `was unable to AZ Rebalance because (taskSet ${deploymentId}) was unable to scale in due to ` +
  `(reason ${count} tasks under protection).`;

const nameOf = (field: string) => (field.startsWith("attribute:") ? field : "its container instances");

/** The most groups that one event names. */
const MAX_GROUPS = 20;

/** The fullest first. */
function listOf(field: string, groups: readonly GroupCount[]): string {
  const named = groups.map(({ instance, count }) => ({ place: placeOf(field, instance), count }));
  const inOrder = named.toSorted((a, b) => b.count - a.count || (a.place < b.place ? -1 : 1));
  const shown = inOrder.slice(0, MAX_GROUPS).map(({ place, count }) => `${count} tasks ${place}`);
  return `${shown.join(", ")}${inOrder.length > MAX_GROUPS ? ", …" : ""}`;
}

function placeOf(field: string, instance: ContainerInstanceRecord): string {
  if (field === ZONE_FIELD) return `in ${spreadGroup(instance, field).replace(/^=/, "")}`;
  return `on (container-instance ${instance.arn.slice(instance.arn.lastIndexOf("/") + 1)})`;
}
