import type { TaskDefinitionRecord } from "../../../model/task-definition.ts";
import { taskDefinitionArn } from "../../../wire/arn.ts";
import { clientError, EcsError } from "../errors.ts";
import type { Operation } from "../operation.ts";
import { findTaskDefinition, parseTaskDefinitionReference } from "../resolve.ts";
import { fromWireTags, toWireTags } from "../tags/tags.ts";
import { withDefaults } from "./registration/defaults.ts";
import type { DefinitionInput } from "./registration/definition-input.ts";
import { parseTaskCpu, parseTaskMemory } from "./registration/sizes.ts";
import { checkDefinition } from "./registration/validate.ts";
import { toWireTaskDefinition } from "./wire.ts";

/** Source: ECS quotas. Numbers are never used again. */
const MAX_REVISIONS = 1_000_000;

/**
 * Records a new revision of a family. Whatever ECS accepts is accepted and shown again, also what is not carried out:
 * that is refused when a task is to be made of it (see refusalOfTaskDefinition).
 */
export const registerTaskDefinition: Operation<"RegisterTaskDefinition"> = async (
  { store, clock, scope },
  input,
  { principal },
) => {
  const { cpu, memory, ...rest } = input;
  const sized: DefinitionInput = { ...rest, cpu: parseTaskCpu(cpu), memoryMiB: parseTaskMemory(memory) };
  checkDefinition(sized);
  if (input.tags?.length === 0) throw clientError("Tags can not be empty.");
  const tags = fromWireTags(input.tags);
  const definition = withDefaults(sized);
  const { family } = input;
  const registeredAt = clock.now();
  const record = await store.transact("RegisterTaskDefinition", (tx) => {
    const revision = (tx.taskDefinitionFamilies.get(family)?.lastRevision ?? 0) + 1;
    if (revision > MAX_REVISIONS) {
      throw new EcsError("LimitExceededException", `The family '${family}' has ${MAX_REVISIONS} revisions already.`);
    }
    const registered: TaskDefinitionRecord = {
      arn: taskDefinitionArn(scope, { family, revision }),
      family,
      revision,
      status: "ACTIVE",
      definition,
      registeredAt,
      registeredBy: principal.arn,
      tags,
    };
    tx.taskDefinitionFamilies.put({ family, lastRevision: revision });
    tx.taskDefinitions.put(registered);
    return registered;
  });
  return { taskDefinition: toWireTaskDefinition(record), tags: toWireTags(record.tags) };
};

/** Makes a revision INACTIVE: nothing new starts from it, and what uses it goes on. */
export const deregisterTaskDefinition: Operation<"DeregisterTaskDefinition"> = async (
  { store, clock, scope },
  input,
) => {
  const reference = parseTaskDefinitionReference(scope, input.taskDefinition);
  if (reference.revision === undefined) throw clientError("Revision is missing.");
  const deregisteredAt = clock.now();
  const record = await store.transact("DeregisterTaskDefinition", (tx) => {
    const found = findTaskDefinition(tx, scope, input.taskDefinition);
    if (found === undefined) throw clientError("Unable to describe task definition.");
    if (found.status !== "ACTIVE") return found;
    const after: TaskDefinitionRecord = { ...found, status: "INACTIVE", deregisteredAt };
    tx.taskDefinitions.put(after);
    return after;
  });
  return { taskDefinition: toWireTaskDefinition(record) };
};

export const describeTaskDefinition: Operation<"DescribeTaskDefinition"> = ({ store, scope }, input) => {
  const found = findTaskDefinition(store.view, scope, input.taskDefinition);
  if (found === undefined) throw clientError("Unable to describe task definition.");
  const tags = input.include?.includes("TAGS") ? { tags: toWireTags(found.tags) } : {};
  return { taskDefinition: toWireTaskDefinition(found), ...tags };
};
