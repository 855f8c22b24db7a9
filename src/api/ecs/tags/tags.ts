import type { Tag } from "@aws-sdk/client-ecs";
import type { Tags } from "../../../model/tags.ts";
import { invalidParameter } from "../errors.ts";

/** Source: ECS API reference, TagResource. */
const MAX_TAGS = 50;
const MAX_KEY = 128;
const MAX_VALUE = 256;
const CHARACTERS = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u;
/** Kept for AWS's own tags, in any case. */
const RESERVED = /^aws:/i;

/**
 * A call's tags as a record keeps them. Throws InvalidParameterException for more than 50, a key that is duplicated, empty,
 * longer than 128 characters or begins with `aws:`, a value longer than 256, or a character that ECS does not allow.
 */
export function fromWireTags(tags: readonly Tag[] | undefined): Tags {
  const record: Record<string, string> = {};
  for (const { key = "", value = "" } of tags ?? []) {
    checkTag(key, value);
    if (Object.hasOwn(record, key)) throw invalidParameter(`Duplicate tag keys found: '${key}'.`);
    record[key] = value;
  }
  checkTagCount(record);
  return record;
}

/** Throws InvalidParameterException if a resource may not have that many tags; those that AWS's prefix marks do not count. */
export function checkTagCount(tags: Tags): void {
  if (Object.keys(tags).filter((key) => !RESERVED.test(key)).length > MAX_TAGS) {
    throw invalidParameter(`The number of tags exceeds the limit of ${MAX_TAGS} tags per resource.`);
  }
}

function checkTag(key: string, value: string): void {
  checkTagKey(key);
  if (value.length > MAX_VALUE) {
    throw invalidParameter(`The value of tag '${key}' is longer than ${MAX_VALUE} characters.`);
  }
  if (!CHARACTERS.test(value)) throw invalidParameter(`The value of tag '${key}' contains invalid characters.`);
}

/** Throws InvalidParameterException for a key that no caller may set or remove. */
export function checkTagKey(key: string): void {
  if (key.length < 1) throw invalidParameter("Tag keys cannot be empty.");
  if (key.length > MAX_KEY) throw invalidParameter(`Tag key '${key}' is longer than ${MAX_KEY} characters.`);
  if (!CHARACTERS.test(key)) throw invalidParameter(`Tag key '${key}' contains invalid characters.`);
  if (RESERVED.test(key)) throw invalidParameter(`Tag key '${key}' begins with the reserved prefix 'aws:'.`);
}

/** Tags as the API shows them, by key. */
export function toWireTags(tags: Tags): Tag[] {
  return Object.entries(tags)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => ({ key, value }));
}
