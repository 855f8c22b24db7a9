import type { ClusterRecord } from "../../../model/cluster.ts";
import type { TaskRecord } from "../../../model/task.ts";
import type { BerthView } from "../../../store/index.ts";
import { parseTaskArn, taskArn } from "../../../wire/arn.ts";
import type { AccountScope } from "../../context.ts";
import { invalidParameter } from "../errors.ts";
import { arnText, checkClusterOf } from "../resolve.ts";

const TASK_ID = /^[A-Za-z0-9-]{1,64}$/;
/** ARNs of before 2018 had no cluster in them: `task/<id>`. They mean the call's cluster. */
const SHORT_ARN = /^arn:[^:]+:ecs:[^:]+:[^:]+:task\/([A-Za-z0-9-]{1,64})$/;

/**
 * The ARN of the task that a call means by id or ARN, whether it exists or not. Throws InvalidParameterException for an
 * ARN of something else or of another cluster.
 */
export function taskArnOf(scope: AccountScope, cluster: ClusterRecord, idOrArn: string): string {
  if (!idOrArn.startsWith("arn:")) {
    if (!TASK_ID.test(idOrArn)) return arnText(scope, `task/${cluster.name}/${idOrArn}`);
    return taskArn(scope, { clusterName: cluster.name, taskId: idOrArn });
  }
  const short = SHORT_ARN.exec(idOrArn);
  if (short !== null) return taskArn(scope, { clusterName: cluster.name, taskId: short[1] ?? "" });
  const parsed = parseTaskArn(idOrArn);
  if (parsed === undefined) throw invalidParameter("The ARN provided is invalid.");
  checkClusterOf(cluster, parsed.clusterName);
  return parsed.arn;
}

/** The task that a call means, of any status. Throws InvalidParameterException if there is none, and as `taskArnOf` does. */
export function resolveTask(
  tables: Pick<BerthView, "tasks">,
  scope: AccountScope,
  cluster: ClusterRecord,
  idOrArn: string,
): TaskRecord {
  const found = tables.tasks.get(taskArnOf(scope, cluster, idOrArn));
  if (found === undefined) throw invalidParameter("The referenced task was not found.");
  return found;
}
