import type { TaskDefinition } from "@aws-sdk/client-ecs";
import type { TaskDefinitionRecord } from "../../../model/task-definition.ts";

/** A task definition as the API shows it. */
export function toWireTaskDefinition(record: TaskDefinitionRecord): TaskDefinition {
  return {
    ...record.definition,
    taskDefinitionArn: record.arn,
    revision: record.revision,
    status: record.status,
    registeredAt: new Date(record.registeredAt),
    registeredBy: record.registeredBy,
    ...(record.deregisteredAt === undefined ? {} : { deregisteredAt: new Date(record.deregisteredAt) }),
    ...(record.deleteRequestedAt === undefined ? {} : { deleteRequestedAt: new Date(record.deleteRequestedAt) }),
  };
}
