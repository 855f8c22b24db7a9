import type { BerthTransaction, BerthView } from "../store/index.ts";

/**
 * The ARNs of task definitions that DeleteTaskDefinitions was called for and that nothing uses any more: no task that is not
 * STOPPED, and no deployment of a service that is not INACTIVE.
 */
export function purgeableTaskDefinitions(
  tables: Pick<BerthView, "taskDefinitions" | "tasks" | "services">,
): readonly string[] {
  return tables.taskDefinitions
    .where("status", "DELETE_IN_PROGRESS")
    .map((definition) => definition.arn)
    .filter((arn) => tables.tasks.count("taskDefinition", arn) === 0)
    .filter((arn) => tables.services.count("taskDefinition", arn) === 0);
}

/** Removes what `purgeableTaskDefinitions` names, and answers how many that were. Their numbers are never used again. */
export function purgeTaskDefinitions(tx: Pick<BerthTransaction, "taskDefinitions" | "tasks" | "services">): number {
  const arns = purgeableTaskDefinitions(tx);
  for (const arn of arns) tx.taskDefinitions.delete(arn);
  return arns.length;
}
