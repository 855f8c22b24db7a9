import type { TasksOnInstance } from "../scheduler/index.ts";
import type { BerthView } from "../store/index.ts";
import type { ContainerInstanceArn } from "../wire/arn.ts";

/** What is on an instance, as expressions of the cluster query language may ask of it. */
export function tasksOnInstance(tables: Pick<BerthView, "tasks">, arn: ContainerInstanceArn): TasksOnInstance {
  const groups = () => {
    const found = new Set<string>();
    for (const task of tables.tasks.where("containerInstance", arn)) {
      if (task.desiredStatus === "RUNNING") found.add(task.group);
    }
    return found;
  };
  return {
    has: (group) => groups().has(group),
    groups,
    get runningTasksCount() {
      return tables.tasks.count("instanceRunning", arn);
    },
  };
}
