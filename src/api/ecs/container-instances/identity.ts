import { isIP } from "node:net";
import * as v from "valibot";
import { invalidParameter } from "../errors.ts";

/** Longest document that is read: AWS's own has about 500 characters. */
const MAX_CHARACTERS = 16_384;

const short = v.pipe(v.string(), v.minLength(1), v.maxLength(128), v.regex(/^[A-Za-z0-9_./\\@: -]+$/));
/** Go and Java write what is absent as null. */
const maybe = <T extends v.GenericSchema<string, string>>(schema: T) =>
  v.pipe(
    v.nullish(schema),
    v.transform((value) => value ?? undefined),
  );

const document = v.object({
  instanceId: maybe(v.pipe(v.string(), v.regex(/^[a-z]{1,4}-[A-Za-z0-9]{1,64}$/))),
  privateIp: maybe(
    v.pipe(
      v.string(),
      v.check((text) => isIP(text) !== 0, "not an IP address"),
    ),
  ),
  availabilityZone: maybe(short),
  instanceType: maybe(short),
  imageId: maybe(short),
});

/** What an agent's instance identity document says of its host. */
export type InstanceIdentity = v.InferOutput<typeof document>;

/**
 * Reads an instance identity document, "" for none. Its signature is AWS's, for hosts that AWS made; the agent itself is
 * known by the key that it signs its calls with. Throws InvalidParameterException for what is no such document.
 */
export function readIdentity(text: string | undefined): InstanceIdentity {
  if (text === undefined || text === "") return v.parse(document, {});
  if (text.length > MAX_CHARACTERS) throw invalidParameter("The instance identity document is too long.");
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw invalidParameter("The instance identity document is not JSON.");
  }
  const parsed = v.safeParse(document, value);
  if (!parsed.success)
    throw invalidParameter(`The instance identity document is not valid: ${v.summarize(parsed.issues)}`);
  return parsed.output;
}
