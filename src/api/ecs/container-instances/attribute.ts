import type { Attribute } from "@aws-sdk/client-ecs";
import { EcsError } from "../errors.ts";

/** Source: ECS quotas and ECS API reference, Attribute. */
const MAX_CUSTOM = 10;
const NAME = /^[A-Za-z0-9_./\\-]{1,128}$/;
/** What agents and ECS itself say of an instance. */
const BUILT_IN = /^(com\.amazonaws\.ecs\.|ecs\.|berth\.capability\.)/;

export function isAttributeName(name: string): boolean {
  return NAME.test(name);
}

/** True for an attribute that callers can neither set nor remove. */
export function isBuiltIn({ name = "" }: Attribute): boolean {
  return BUILT_IN.test(name);
}

/** Throws AttributeLimitExceededException if an instance may not have that many attributes; built-in ones do not count. */
export function checkCustomCount(attributes: readonly Attribute[]): void {
  if (attributes.filter((a) => !isBuiltIn(a)).length > MAX_CUSTOM) {
    throw new EcsError(
      "AttributeLimitExceededException",
      `A resource can have at most ${MAX_CUSTOM} custom attributes.`,
    );
  }
}
