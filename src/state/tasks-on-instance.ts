import type { TaskRecord } from "../model/task.ts";
import type { TasksOnInstance } from "../scheduler/index.ts";
import type { BerthView } from "../store/index.ts";
import type { ContainerInstanceArn } from "../wire/arn.ts";

/**
 * What is on an instance, as expressions of the cluster query language and explanations may ask of it. `counts` can leave tasks
 * out of what expressions see.
 */
export function tasksOnInstance(
  { tasks }: Pick<BerthView, "tasks">,
  arn: ContainerInstanceArn,
  counts?: (task: TaskRecord) => boolean,
): TasksOnInstance {
  const groups = () => {
    const found = new Set<string>();
    for (const task of tasks.where("containerInstance", arn)) {
      if (task.desiredStatus === "RUNNING" && counts?.(task) !== false) found.add(task.group);
    }
    return found;
  };
  return {
    has: (group) => (counts === undefined ? tasks.derived.placement.count(group, arn) > 0 : groups().has(group)),
    groups,
    get runningTasksCount() {
      if (counts === undefined) return tasks.count("instanceRunning", arn);
      return tasks.where("instanceRunning", arn).filter(counts).length;
    },
    portHolder: (protocol, port) =>
      tasks
        .where("containerInstance", arn)
        .find(({ resources }) => (protocol === "tcp" ? resources.ports : resources.portsUdp).includes(port))?.arn,
  };
}
