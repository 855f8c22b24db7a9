import type { Attribute } from "@aws-sdk/client-ecs";
import { invalidParameter } from "../errors.ts";
import { checkCustomCount, isAttributeName, isBuiltIn } from "./attribute.ts";
import type { InstanceIdentity } from "./identity.ts";

/**
 * An instance's attributes after a registration: what the agent says and what is known of its host, and the custom ones
 * it had before, which an agent that registers again does not repeat. What the agent says wins over the document.
 * Throws InvalidParameterException for a name that is none, AttributeLimitExceededException for too many custom ones.
 */
export function attributesAfterRegistration(
  given: readonly Attribute[],
  identity: InstanceIdentity,
  before: readonly Attribute[],
  region: string,
): readonly Attribute[] {
  const all = new Map<string, Attribute>();
  const set = (name: string, value: string | undefined) => {
    if (value !== undefined) all.set(name, { name, value });
  };
  for (const attribute of before) if (!isBuiltIn(attribute)) all.set(attribute.name ?? "", attribute);
  set("ecs.availability-zone", identity.availabilityZone ?? valueIn(before, "ecs.availability-zone") ?? `${region}a`);
  set("ecs.instance-type", identity.instanceType);
  set("ecs.ami-id", identity.imageId);
  for (const { name = "", value } of given) {
    if (!isAttributeName(name)) throw invalidParameter(`The attribute name '${name.slice(0, 200)}' is invalid.`);
    all.set(name, value === undefined ? { name } : { name, value });
  }
  const attributes = [...all.values()];
  checkCustomCount(attributes);
  return attributes;
}

function valueIn(attributes: readonly Attribute[], name: string): string | undefined {
  return attributes.find((a) => a.name === name)?.value;
}
