import type { Tag } from "@aws-sdk/client-acm";
import type { Tags } from "../../model/tags.ts";
import { AcmError } from "./errors.ts";
import { certificateOf } from "./lookup.ts";
import type { Operation } from "./operation.ts";

/** Source: ACM API reference, AddTagsToCertificate. */
const MAX_TAGS = 50;

const invalidTag = (message: string) => new AcmError("InvalidTagException", message);

/** The tags after `added` is taken over `before`. Throws InvalidTag or TooManyTags. */
export function tagsFrom(before: Tags, added: readonly Tag[]): Tags {
  const next: Record<string, string> = { ...before };
  for (const { Key: key = "", Value: value = "" } of added) {
    if (key.length < 1 || key.length > 128) throw invalidTag(`The tag key '${key}' must have 1 to 128 characters.`);
    if (value.length > 256) throw invalidTag(`The value of tag '${key}' must have at most 256 characters.`);
    if (/^aws:/i.test(key)) throw invalidTag(`Tag keys that begin with 'aws:' are reserved: '${key}'.`);
    next[key] = value;
  }
  if (Object.keys(next).length > MAX_TAGS)
    throw new AcmError("TooManyTagsException", `A certificate may have at most ${MAX_TAGS} tags.`);
  return next;
}

export const addTagsToCertificate: Operation<"AddTagsToCertificate"> = async (context, input) => {
  await context.store.transact("AddTagsToCertificate", (tx) => {
    const found = certificateOf(context, tx, input.CertificateArn);
    return tx.certificates.put({ ...found, tags: tagsFrom(found.tags, input.Tags ?? []) });
  });
};

/** A tag given with a value goes only if it has that value. */
export const removeTagsFromCertificate: Operation<"RemoveTagsFromCertificate"> = async (context, input) => {
  await context.store.transact("RemoveTagsFromCertificate", (tx) => {
    const found = certificateOf(context, tx, input.CertificateArn);
    const goes = (key: string, value: string) =>
      (input.Tags ?? []).some((tag) => tag.Key === key && (tag.Value === undefined || tag.Value === value));
    const tags = Object.fromEntries(Object.entries(found.tags).filter(([key, value]) => !goes(key, value)));
    return tx.certificates.put({ ...found, tags });
  });
};

export const listTagsForCertificate: Operation<"ListTagsForCertificate"> = (context, input) => {
  const found = certificateOf(context, context.store.view, input.CertificateArn);
  return { Tags: Object.entries(found.tags).map(([Key, Value]) => ({ Key, Value })) };
};
