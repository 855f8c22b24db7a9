import { agentShouldStop, type TaskRecord } from "../model/task.ts";
import type { BerthView } from "../store/index.ts";
import type { ContainerInstanceArn } from "../wire/arn.ts";

export interface ManifestEntry {
  readonly taskArn: string;
  readonly taskClusterArn: string;
  readonly desiredStatus: "RUNNING" | "STOPPED";
}

/**
 * All that the control plane knows to be on the instance. A task that is being drained is listed as RUNNING: it is told
 * to stop only when its targets are drained. A task that is not listed as RUNNING is one that the agent asks about.
 */
export function manifestOf(tables: Pick<BerthView, "tasks">, instanceArn: ContainerInstanceArn): ManifestEntry[] {
  return tables.tasks.where("containerInstance", instanceArn).map((task) => ({
    taskArn: task.arn,
    taskClusterArn: task.clusterArn,
    desiredStatus: agentShouldStop(task) ? "STOPPED" : "RUNNING",
  }));
}

/** Of the tasks that an agent asks about, those that it is really to stop: not to run there, or not known at all. */
export function tasksToStop(
  tables: Pick<BerthView, "tasks">,
  instanceArn: ContainerInstanceArn,
  candidates: readonly string[],
): string[] {
  return candidates.filter((arn) => {
    const task = tables.tasks.get(arn);
    return task === undefined || !belongsHere(task, instanceArn);
  });
}

function belongsHere(task: TaskRecord, instanceArn: ContainerInstanceArn): boolean {
  return task.containerInstanceArn === instanceArn && task.lastStatus !== "STOPPED" && !agentShouldStop(task);
}
