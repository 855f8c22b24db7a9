import type { Tags } from "../../../model/tags.ts";
import type { BerthTransaction, BerthView } from "../../../store/index.ts";
import { parseArn, parseTaskSetArn, serviceArn } from "../../../wire/arn.ts";
import type { AccountScope } from "../../context.ts";
import { clusterNotFound, EcsError, invalidParameter } from "../errors.ts";
import type { Operation } from "../operation.ts";
import { checkTagCount, checkTagKey, fromWireTags, toWireTags } from "./tags.ts";

/** The tables whose records can be tagged, by the first part of an ARN's resource. */
const TAGGED = {
  "capacity-provider": "capacityProviders",
  cluster: "clusters",
  "container-instance": "containerInstances",
  service: "services",
  task: "tasks",
  "task-definition": "taskDefinitions",
} as const;
/** Task sets are part of their service's record. */
type Kind = keyof typeof TAGGED | "task-set";

/** Whose ARNs have a cluster's name in them, since 2018. */
const IN_CLUSTERS: ReadonlySet<string> = new Set<Kind>(["container-instance", "service", "task"]);

const WORDS: Readonly<Record<Kind, string>> = {
  "capacity-provider": "capacity provider",
  cluster: "cluster",
  "container-instance": "container instance",
  service: "service",
  task: "task",
  "task-definition": "task definition",
  "task-set": "task set",
};

/** Adds tags; one whose key is there already gets the new value. */
export const tagResource: Operation<"TagResource"> = async ({ store, scope }, input) => {
  const added = fromWireTags(input.tags);
  const kind = kindOf(scope, input.resourceArn);
  await store.transact("TagResource", (tx) => {
    retag(tx, kind, input.resourceArn, (tags) => {
      const after = { ...tags, ...added };
      checkTagCount(after);
      return after;
    });
  });
  return {};
};

export const untagResource: Operation<"UntagResource"> = async ({ store, scope }, input) => {
  for (const key of input.tagKeys) checkTagKey(key);
  const removed = new Set(input.tagKeys);
  const kind = kindOf(scope, input.resourceArn);
  await store.transact("UntagResource", (tx) => {
    retag(tx, kind, input.resourceArn, (tags) =>
      Object.fromEntries(Object.entries(tags).filter(([key]) => !removed.has(key))),
    );
  });
  return {};
};

export const listTagsForResource: Operation<"ListTagsForResource"> = ({ store, scope }, input) => ({
  tags: toWireTags(taggedRecord(store.view, kindOf(scope, input.resourceArn), input.resourceArn, "list").tags),
});

/** Throws InvalidParameterException for what is not the ARN of something of this account that can have tags. */
function kindOf(scope: AccountScope, arn: string): Kind {
  const parts = parseArn(arn);
  const kind = parts?.resource.split("/", 1)[0] ?? "";
  const ours = parts?.service === "ecs" && parts.region === scope.region && parts.accountId === scope.accountId;
  if (!ours || !Object.hasOwn(WORDS, kind)) {
    throw invalidParameter(
      "The ARN provided is invalid. Resources that can be tagged here are capacity providers, clusters, container instances, services, tasks, task definitions and task sets.",
    );
  }
  if (IN_CLUSTERS.has(kind) && parts.resource.split("/").length < 3) {
    throw invalidParameter("Long arn format must be used for tagging operations");
  }
  return kind as Kind;
}

/** Throws if there is no such record, or none that is still in use. */
function taggedRecord(tables: BerthView, kind: Kind, arn: string, purpose: "change" | "list"): { readonly tags: Tags } {
  const found = kind === "task-set" ? taskSetOf(tables, arn)?.set : tables[TAGGED[kind]].get(arn);
  const gone = found !== undefined && "status" in found && found.status === "INACTIVE" && kind !== "task-definition";
  if (found !== undefined && !gone) return found;
  if (kind === "cluster") throw clusterNotFound();
  const text = `The specified ${WORDS[kind]} could not be found.`;
  // ListTagsForResource has no ResourceNotFoundException in its model.
  throw purpose === "list" ? invalidParameter(text) : new EcsError("ResourceNotFoundException", text);
}

function retag(tx: BerthTransaction, kind: Kind, arn: string, change: (tags: Tags) => Tags): void {
  const { tags } = taggedRecord(tx, kind, arn, "change");
  if (kind === "task-set") putTaskSet(tx, arn, change(tags));
  else put(tx, TAGGED[kind], arn, change(tags));
}

function taskSetOf({ services }: Pick<BerthView, "services">, arn: string) {
  const parsed = parseTaskSetArn(arn);
  const service = parsed === undefined ? undefined : services.get(serviceArn(parsed, parsed));
  const set = service?.taskSets?.find((one) => one.arn === arn);
  return service === undefined || set === undefined ? undefined : { service, set };
}

function putTaskSet(tx: BerthTransaction, arn: string, tags: Tags): void {
  const found = taskSetOf(tx, arn);
  if (found === undefined) return;
  const taskSets = found.service.taskSets?.map((one) => (one === found.set ? { ...one, tags } : one));
  tx.services.put({ ...found.service, taskSets });
}

function put(tx: BerthTransaction, table: (typeof TAGGED)[keyof typeof TAGGED], arn: string, tags: Tags): void {
  if (table === "clusters") withTags(tx.clusters, arn, tags);
  else if (table === "containerInstances") withTags(tx.containerInstances, arn, tags);
  else if (table === "services") withTags(tx.services, arn, tags);
  else if (table === "tasks") withTags(tx.tasks, arn, tags);
  else withTags(tx.taskDefinitions, arn, tags);
}

function withTags<R extends { readonly tags: Tags }>(
  table: { get(key: string): R | undefined; put(record: R): R },
  arn: string,
  tags: Tags,
): void {
  const record = table.get(arn);
  if (record !== undefined) table.put({ ...record, tags });
}
