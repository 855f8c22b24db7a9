import type { Tag, TagDescription } from "@aws-sdk/client-elastic-load-balancing-v2";
import type { Tags } from "../../model/tags.ts";
import type { BerthTransaction, BerthView } from "../../store/index.ts";
import {
  ElbError,
  listenerNotFound,
  loadBalancerNotFound,
  ruleNotFound,
  targetGroupNotFound,
  validationError,
} from "./errors.ts";
import type { Operation } from "./operation.ts";

/** Source: ELB quotas. */
const MAX_TAGS = 50;

/** The tags after `added` is taken over `before`. Throws DuplicateTagKeys, TooManyTags or ValidationError. */
export function tagsFrom(before: Tags, added: readonly Tag[]): Tags {
  const next: Record<string, string> = { ...before };
  const seen = new Set<string>();
  for (const { Key: key = "", Value: value = "" } of added) {
    if (seen.has(key))
      throw new ElbError("DuplicateTagKeysException", `A tag key was specified more than once: '${key}'`);
    seen.add(key);
    if (key.length < 1 || key.length > 128) throw validationError(`Tag key '${key}' must have 1 to 128 characters`);
    if (value.length > 256) throw validationError(`The value of tag '${key}' must have at most 256 characters`);
    if (/^aws:/i.test(key)) throw validationError(`Tag keys that begin with 'aws:' are reserved: '${key}'`);
    next[key] = value;
  }
  if (Object.keys(next).length > MAX_TAGS) {
    throw new ElbError("TooManyTagsException", `A resource may have at most ${MAX_TAGS} tags`);
  }
  return next;
}

export const addTags: Operation<"AddTags"> = async ({ store }, input) => {
  await store.transact("AddTags", (tx) => {
    for (const arn of input.ResourceArns ?? []) retag(tx, arn, (tags) => tagsFrom(tags, input.Tags ?? []));
  });
  return {};
};

export const removeTags: Operation<"RemoveTags"> = async ({ store }, input) => {
  const keys = new Set(input.TagKeys ?? []);
  await store.transact("RemoveTags", (tx) => {
    for (const arn of input.ResourceArns ?? []) {
      retag(tx, arn, (tags) => Object.fromEntries(Object.entries(tags).filter(([key]) => !keys.has(key))));
    }
  });
  return {};
};

export const describeTags: Operation<"DescribeTags"> = ({ store }, input) => {
  const arns = input.ResourceArns ?? [];
  if (arns.length > 20) throw validationError("The number of resources described cannot exceed 20");
  return { TagDescriptions: arns.map((arn): TagDescription => ({ ResourceArn: arn, Tags: tagsOf(store.view, arn) })) };
};

function tagsOf(tables: BerthView, arn: string): Tag[] {
  const found =
    tables.loadBalancers.get(arn) ??
    tables.targetGroups.get(arn) ??
    tables.listeners.get(arn) ??
    tables.listenerRules.get(arn);
  // The default rule of a listener has no tags of its own: only rules that are made have them.
  if (found === undefined && isDefaultRule(tables, arn)) return [];
  if (found === undefined) throw notFound(arn);
  return Object.entries(found.tags).map(([Key, Value]) => ({ Key, Value }));
}

function isDefaultRule(tables: BerthView, arn: string): boolean {
  return tables.listeners.count("defaultRule", arn) > 0;
}

function retag(tx: BerthTransaction, arn: string, change: (tags: Tags) => Tags): void {
  const loadBalancer = tx.loadBalancers.get(arn);
  if (loadBalancer !== undefined)
    return void tx.loadBalancers.put({ ...loadBalancer, tags: change(loadBalancer.tags) });
  const group = tx.targetGroups.get(arn);
  if (group !== undefined) return void tx.targetGroups.put({ ...group, tags: change(group.tags) });
  const listener = tx.listeners.get(arn);
  if (listener !== undefined) return void tx.listeners.put({ ...listener, tags: change(listener.tags) });
  const rule = tx.listenerRules.get(arn);
  if (rule !== undefined) return void tx.listenerRules.put({ ...rule, tags: change(rule.tags) });
  throw notFound(arn);
}

function notFound(arn: string): Error {
  if (arn.includes(":targetgroup/")) return targetGroupNotFound(arn);
  if (arn.includes(":listener/")) return listenerNotFound(arn);
  if (arn.includes(":listener-rule/")) return ruleNotFound(arn);
  return loadBalancerNotFound(arn);
}
