import type { Failure, TaskDefinition } from "@aws-sdk/client-ecs";
import type { TaskDefinitionRecord } from "../../../model/task-definition.ts";
import type { BerthView } from "../../../store/index.ts";
import { AwsError } from "../../../wire/errors.ts";
import type { AccountScope } from "../../context.ts";
import { clientError } from "../errors.ts";
import type { Operation } from "../operation.ts";
import { arnText, findTaskDefinition, parseTaskDefinitionReference } from "../resolve.ts";
import { toWireTaskDefinition } from "./wire.ts";

/** Source: ECS API reference, DeleteTaskDefinitions. */
const MAX_DELETED = 10;

/** Marks INACTIVE revisions for deletion; they are gone when no task and no service uses them any more. */
export const deleteTaskDefinitions: Operation<"DeleteTaskDefinitions"> = async ({ store, clock, scope }, input) => {
  const references = input.taskDefinitions;
  if (references.length === 0) {
    throw clientError("size of TaskDefinition references list must be greater than 0");
  }
  if (references.length > MAX_DELETED) {
    throw clientError(`Size of TaskDefinition references list cannot exceed ${MAX_DELETED}`);
  }
  const deleteRequestedAt = clock.now();
  return await store.transact("DeleteTaskDefinitions", (tx) => {
    const taskDefinitions: TaskDefinition[] = [];
    const failures: Failure[] = [];
    for (const reference of new Set(references)) {
      const found = findDeletable(tx, scope, reference);
      if (!("definition" in found)) {
        failures.push(found);
        continue;
      }
      const record: TaskDefinitionRecord =
        found.status === "DELETE_IN_PROGRESS" ? found : { ...found, status: "DELETE_IN_PROGRESS", deleteRequestedAt };
      tx.taskDefinitions.put(record);
      taskDefinitions.push(toWireTaskDefinition(record));
    }
    return { taskDefinitions, failures };
  });
};

function findDeletable(
  tables: Pick<BerthView, "taskDefinitions" | "taskDefinitionFamilies">,
  scope: AccountScope,
  reference: string,
): TaskDefinitionRecord | Failure {
  const arn = reference.startsWith("arn:") ? reference : arnText(scope, `task-definition/${reference}`);
  try {
    if (parseTaskDefinitionReference(scope, reference).revision === undefined) {
      return { arn, reason: "Revision is missing." };
    }
    const found = findTaskDefinition(tables, scope, reference);
    if (found?.status === "ACTIVE") {
      const reason =
        "The specified task definition is still in ACTIVE status. Please deregister the target and try again.";
      return { arn, reason };
    }
    return found ?? { arn, reason: "MISSING" };
  } catch (error) {
    if (error instanceof AwsError) return { arn, reason: error.message };
    throw error;
  }
}
