import { AwsError } from "./errors.ts";
import { INT32_MAX, INT32_MIN, MAX_BODY_DEPTH, MAX_DATE_MS, MAX_LIST_ITEMS } from "./limits.ts";
import type { OperationModel, Shape, StructureShape } from "./model.ts";

/**
 * Reads and checks the body of an AWS JSON request. Unknown members are ignored and null is the same as absent, as AWS
 * has it. Dates come out as Date, blobs as Buffer.
 * @throws AwsError SerializationException if the body is not JSON or a value has the wrong type; for a missing required
 *   member or an unknown enum value, the code of `constraintErrorCode`.
 */
export function decodeJsonInput(operation: OperationModel, body: Uint8Array): unknown {
  return decodeParsedInput(operation, parseJson(body));
}

/** The same for a body that has been read already. */
export function decodeParsedInput(operation: OperationModel, parsed: unknown): unknown {
  if (parsed === null || typeof parsed !== "object" || Array.isArray(parsed))
    throw serializationError(`${kindOf(parsed)} found where a structure was expected`, undefined);
  const decoder: Decoder = { checked: true, constraintCode: constraintErrorCode(operation) };
  return traced((place) => decode(decoder, operation.input, parsed, place)) ?? {};
}

/** Reads a response, without holding it to our enums and required members: the server may be newer. */
export function decodeJsonOutput(shape: Shape, body: Uint8Array): unknown {
  const parsed = body.length === 0 ? {} : parseJson(body);
  const decoder: Decoder = { checked: false, constraintCode: "" };
  return traced((place) => decode(decoder, shape, parsed, place)) ?? {};
}

/**
 * What is answered when a member is missing or not among an enum's values: ClientException from ECS's
 * RegisterTaskDefinition, else the first of InvalidParameterException and ClientException that the operation lists.
 */
export function constraintErrorCode(operation: OperationModel): string {
  if (operation.name === "RegisterTaskDefinition") return "ClientException";
  const listed = ["InvalidParameterException", "ClientException"].find((code) => operation.errors.has(code));
  return listed ?? "ValidationException";
}

interface Decoder {
  /** Whether required members, enums and list sizes are enforced. */
  readonly checked: boolean;
  readonly constraintCode: string;
}

/** Where a value stands, innermost first; written out only when something is wrong there. */
interface Place {
  readonly parent: Place | undefined;
  readonly key: string | number;
}

/** A walk that keeps no places. */
const NOWHERE: Place = { parent: undefined, key: "" };

function within(place: Place | undefined, key: string | number): Place {
  return place === NOWHERE ? NOWHERE : { parent: place, key };
}

/** Walks without keeping places, which is what most walks end with; one that fails is made again to tell where. */
function traced<T>(walk: (root: Place | undefined) => T): T {
  try {
    return walk(NOWHERE);
  } catch {
    return walk(undefined);
  }
}

const UTF8 = new TextDecoder("utf-8", { fatal: true });

function parseJson(body: Uint8Array): unknown {
  refuseDeepNesting(body);
  if (body.length === 0) return {};
  try {
    return JSON.parse(UTF8.decode(body));
  } catch (error) {
    throw new AwsError("SerializationException", `The request body is not valid JSON: ${(error as Error).message}`);
  }
}

/** Counts brackets outside strings, so that no later step has to recurse into a hostile body. */
function refuseDeepNesting(body: Uint8Array): void {
  let depth = 0;
  let inString = false;
  for (let at = 0; at < body.length; at++) {
    const byte = body[at];
    if (inString) {
      if (byte === 0x5c) at++;
      else if (byte === 0x22) inString = false;
    } else if (byte === 0x22) inString = true;
    else if (byte === 0x7b || byte === 0x5b) {
      depth++;
      if (depth > MAX_BODY_DEPTH)
        throw new AwsError("SerializationException", `The request body nests deeper than ${MAX_BODY_DEPTH} levels`);
    } else if (byte === 0x7d || byte === 0x5d) depth--;
  }
}

function decode(decoder: Decoder, shape: Shape, value: unknown, place: Place | undefined): unknown {
  if (value === null || value === undefined) return undefined;
  switch (shape.type) {
    case "structure":
      return decodeStructure(decoder, shape, value, place);
    case "list":
      return decodeList(decoder, shape.item, value, place);
    case "map":
      return decodeMap(decoder, shape.value, value, place);
    case "enum":
      if (typeof value !== "string") throw notConvertible(value, "a String", place);
      if (decoder.checked && !shape.values.has(value))
        throw new AwsError(
          decoder.constraintCode,
          `${subject(place, "words")} should be one of [${[...shape.values]}]`,
        );
      return value;
    case "string":
      if (typeof value !== "string") throw notConvertible(value, "a String", place);
      return value;
    case "boolean":
      if (typeof value !== "boolean") throw notConvertible(value, "a Boolean", place);
      return value;
    case "integer":
      return decodeInteger(value, INT32_MIN, INT32_MAX, "an Integer", place);
    case "long":
      return decodeInteger(value, Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER, "a Long", place);
    case "double":
      if (typeof value !== "number") throw notConvertible(value, "a Double", place);
      return value;
    case "timestamp":
      if (typeof value !== "number") throw notConvertible(value, "a Timestamp", place);
      if (Math.abs(value) * 1000 > MAX_DATE_MS)
        throw serializationError(`${value} is out of range for a Timestamp`, place);
      return new Date(Math.round(value * 1000));
    case "blob":
      if (typeof value !== "string" || !/^[A-Za-z0-9+/]*={0,2}$/.test(value))
        throw notConvertible(value, "a Blob", place);
      return Buffer.from(value, "base64");
    case "document":
      return value;
    case "unit":
      return {};
  }
}

function decodeStructure(decoder: Decoder, shape: StructureShape, value: unknown, place: Place | undefined): object {
  if (typeof value !== "object" || Array.isArray(value)) throw notConvertible(value, `a ${shape.name}`, place);
  const from = value as Record<string, unknown>;
  const out: Record<string, unknown> = {};
  let count = 0;
  for (const member of shape.members) {
    const raw = from[member.name];
    if (raw === null || raw === undefined) continue;
    out[member.name] = decode(decoder, member.shape, raw, within(place, member.name));
    count++;
  }
  if (!decoder.checked) return out;
  for (const name of shape.required)
    if (!Object.hasOwn(out, name))
      throw new AwsError(
        decoder.constraintCode,
        `${subject({ parent: place, key: name }, "capital")} can not be blank.`,
      );
  if (shape.union && count !== 1)
    throw serializationError(`exactly one member of ${shape.name} must be set, and ${count} are`, place);
  return out;
}

function decodeList(decoder: Decoder, item: Shape, value: unknown, place: Place | undefined): unknown[] {
  if (!Array.isArray(value)) throw notConvertible(value, "a List", place);
  if (decoder.checked) refuseMany(decoder, value.length, place);
  return value.map((entry, index) => {
    const at = within(place, index);
    if (entry === null) throw serializationError("null found where a list's item was expected", at);
    return decode(decoder, item, entry, at);
  });
}

function decodeMap(decoder: Decoder, shape: Shape, value: unknown, place: Place | undefined): object {
  if (typeof value !== "object" || Array.isArray(value)) throw notConvertible(value, "a Map", place);
  const entries = Object.entries(value as object).filter(([, entry]) => entry !== null);
  if (decoder.checked) refuseMany(decoder, entries.length, place);
  // fromEntries makes own properties of every key, "__proto__" too.
  return Object.fromEntries(entries.map(([key, entry]) => [key, decode(decoder, shape, entry, within(place, key))]));
}

function refuseMany(decoder: Decoder, count: number, place: Place | undefined): void {
  if (count > MAX_LIST_ITEMS)
    throw new AwsError(
      decoder.constraintCode,
      `${subject(place, "words")} has ${count} items; at most ${MAX_LIST_ITEMS} are taken.`,
    );
}

function decodeInteger(value: unknown, min: number, max: number, type: string, place: Place | undefined): number {
  if (typeof value !== "number") throw notConvertible(value, type, place);
  if (!Number.isInteger(value)) throw serializationError(`${value} can not be converted to ${type}`, place);
  if (value < min || value > max) throw serializationError(`${value} is out of range for ${type}`, place);
  return value;
}

function kindOf(value: unknown): string {
  if (value === null) return "NULL_VALUE";
  if (Array.isArray(value)) return "START_ARRAY";
  if (typeof value === "object") return "START_OBJECT";
  if (typeof value === "boolean") return value ? "TRUE_VALUE" : "FALSE_VALUE";
  return `${typeof value}_VALUE`.toUpperCase();
}

function notConvertible(value: unknown, type: string, place: Place | undefined): AwsError {
  return serializationError(`${kindOf(value)} can not be converted to ${type}`, place);
}

function serializationError(message: string, place: Place | undefined): AwsError {
  return new AwsError("SerializationException", place === undefined ? message : `${message} (at ${pathOf(place)})`);
}

function pathOf(place: Place | undefined): string {
  if (place === undefined) return "";
  const before = pathOf(place.parent);
  if (typeof place.key === "number") return `${before}[${place.key}]`;
  return before === "" ? place.key : `${before}.${place.key}`;
}

/** How ECS names a member of the request: "launch type" or "TaskDefinition"; one further inside is named by its path. */
function subject(place: Place | undefined, style: "words" | "capital"): string {
  if (place === undefined) return "The request";
  if (place.parent !== undefined || typeof place.key === "number") return pathOf(place);
  if (style === "words") return place.key.replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
  return place.key.charAt(0).toUpperCase() + place.key.slice(1);
}

/**
 * A value as AWS JSON: known members only, Dates as epoch seconds, blobs as base64.
 * @throws TypeError naming the member, if `value` is not of the shape: that is a bug of ours, not of the caller's.
 */
export function encodeJson(shape: Shape, value: unknown): string {
  return JSON.stringify(toJsonValue(shape, value) ?? {});
}

/** Like encodeJson, before it becomes text. */
export function toJsonValue(shape: Shape, value: unknown): unknown {
  return traced((place) => encode(shape, value, place));
}

function encode(shape: Shape, value: unknown, place: Place | undefined): unknown {
  if (value === null || value === undefined) return undefined;
  switch (shape.type) {
    case "structure": {
      if (typeof value !== "object") throw mismatch("an object", value, place);
      const out: Record<string, unknown> = {};
      for (const member of shape.members) {
        const inner = (value as Record<string, unknown>)[member.name];
        if (inner !== undefined && inner !== null)
          out[member.name] = encode(member.shape, inner, within(place, member.name));
      }
      return out;
    }
    case "list":
      if (!Array.isArray(value)) throw mismatch("an array", value, place);
      return value.map((item, index) => encode(shape.item, item, within(place, index)));
    case "map":
      if (typeof value !== "object") throw mismatch("an object", value, place);
      return Object.fromEntries(
        Object.entries(value).map(([key, item]) => [key, encode(shape.value, item, within(place, key))]),
      );
    case "string":
    case "enum":
      if (typeof value !== "string") throw mismatch("a string", value, place);
      return value;
    case "boolean":
      if (typeof value !== "boolean") throw mismatch("a boolean", value, place);
      return value;
    case "integer":
    case "long":
      if (!Number.isInteger(value)) throw mismatch("an integer", value, place);
      return value;
    case "double":
      if (!Number.isFinite(value)) throw mismatch("a finite number", value, place);
      return value;
    case "timestamp":
      if (!(value instanceof Date) || Number.isNaN(value.getTime())) throw mismatch("a valid Date", value, place);
      return value.getTime() / 1000;
    case "blob":
      if (!(value instanceof Uint8Array)) throw mismatch("bytes", value, place);
      return Buffer.from(value).toString("base64");
    case "document":
      return value;
    case "unit":
      return {};
  }
}

function mismatch(wanted: string, value: unknown, place: Place | undefined): TypeError {
  return new TypeError(`${pathOf(place) || "the value"} should be ${wanted} and is ${typeof value}`);
}
