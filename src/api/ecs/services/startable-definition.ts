import type { TaskDefinitionRecord } from "../../../model/task-definition.ts";
import type { BerthView } from "../../../store/index.ts";
import type { AccountScope } from "../../context.ts";
import { invalidParameter } from "../errors.ts";
import { resolveActiveTaskDefinition } from "../resolve.ts";
import { refusalOfTaskDefinition } from "../task-definitions/launch-refusals.ts";

/** The ACTIVE definition that is meant. Throws ClientException, and InvalidParameterException for what is not carried out. */
export function startableDefinition(
  tables: Pick<BerthView, "taskDefinitions" | "taskDefinitionFamilies">,
  scope: AccountScope,
  reference: string,
): TaskDefinitionRecord {
  const definition = resolveActiveTaskDefinition(tables, scope, reference);
  const refusal = refusalOfTaskDefinition(definition.definition, ["EC2"]);
  if (refusal !== undefined) throw invalidParameter(refusal);
  return definition;
}
