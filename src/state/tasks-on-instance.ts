import type { TaskRecord } from "../model/task.ts";
import type { TasksOnInstance } from "../scheduler/index.ts";
import type { BerthView } from "../store/index.ts";
import type { ContainerInstanceArn } from "../wire/arn.ts";

/** What is on an instance, as expressions of the cluster query language may ask of it. `counts` can leave tasks out. */
export function tasksOnInstance(
  tables: Pick<BerthView, "tasks">,
  arn: ContainerInstanceArn,
  counts?: (task: TaskRecord) => boolean,
): TasksOnInstance {
  const groups = () => {
    const found = new Set<string>();
    for (const task of tables.tasks.where("containerInstance", arn)) {
      if (task.desiredStatus === "RUNNING" && counts?.(task) !== false) found.add(task.group);
    }
    return found;
  };
  return {
    has: (group) => groups().has(group),
    groups,
    get runningTasksCount() {
      if (counts === undefined) return tables.tasks.count("instanceRunning", arn);
      return tables.tasks.where("instanceRunning", arn).filter(counts).length;
    },
  };
}
