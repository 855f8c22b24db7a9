import type { NormalizedSchema } from "@smithy/core/schema";
import type { MemberJson, ModelJson, ShapeJson } from "../../src/wire/model-json.ts";
import type { Declarations } from "./declarations.ts";
import { type NumberKind, readNumberKinds } from "./number-kinds.ts";
import { requiredMembers, type SdkService } from "./schema.ts";

/** What the package does not say of itself. */
export interface ServiceFacts {
  readonly name: string;
  readonly signingName: string;
  readonly protocol: "json" | "query";
  /** A service of the Query protocol that newer SDKs speak AWS JSON 1.0 or Smithy RPC v2 CBOR with. */
  readonly alsoRpc?: true;
}

/** Builds the compact model. Throws if a member's kind cannot be told: never guesses. */
export function buildModel(facts: ServiceFacts, sdk: SdkService, declarations: Declarations): ModelJson {
  const kinds = new Map<string, NumberKind>();
  for (const [name, operation] of sdk.operations)
    readNumberKinds(declarations.operations.get(name)?.exampleLines ?? [], operation.input, operation.output, kinds);

  const shapes = new Map<string, ShapeJson>();
  const builder: Builder = { sdk, declarations, kinds, shapes };
  const operations: Record<string, ModelJson["operations"][string]> = {};
  for (const [name, operation] of [...sdk.operations].sort(byName)) {
    operations[name] = {
      input: reference(builder, operation.input, `${name}.input`),
      output: reference(builder, operation.output, `${name}.output`),
      errors: declarations.operations.get(name)?.errors ?? [],
    };
  }
  const errors: Record<string, ModelJson["errors"][string]> = {};
  for (const [name, schema] of [...sdk.errors].sort(byName)) {
    const traits = schema.getMergedTraits();
    const fault = traits.error === "server" ? "server" : "client";
    const [code, queryStatus] = (traits.awsQueryError as [string, number] | undefined) ?? [name, undefined];
    errors[name] = {
      code,
      status: queryStatus ?? (traits.httpError as number | undefined) ?? (fault === "server" ? 500 : 400),
      shape: reference(builder, schema, name),
    };
  }
  return {
    ...facts,
    version: sdk.version,
    targetPrefix: sdk.targetPrefix,
    xmlNamespace: sdk.xmlNamespace,
    operations,
    errors,
    shapes: Object.fromEntries([...shapes].sort(byName)),
  };
}

interface Builder {
  readonly sdk: SdkService;
  readonly declarations: Declarations;
  readonly kinds: ReadonlyMap<string, NumberKind>;
  readonly shapes: Map<string, ShapeJson>;
}

function byName(a: readonly [string, unknown], b: readonly [string, unknown]): number {
  return a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0;
}

/** The name under which `schema` stands in the model; adds it (and what it refers to) when it is new. */
function reference(builder: Builder, schema: NormalizedSchema, owner: string): string {
  if (schema.isUnitSchema()) return "unit";
  if (schema.isStructSchema()) return structure(builder, schema);
  if (schema.isListSchema()) return list(builder, schema, owner);
  if (schema.isMapSchema()) return map(builder, schema, owner);
  if (schema.isStringSchema()) return enumOrString(builder, owner);
  if (schema.isBooleanSchema()) return "boolean";
  if (schema.isTimestampSchema()) return "timestamp";
  if (schema.isBlobSchema()) return "blob";
  if (schema.isDocumentSchema()) return "document";
  if (schema.isNumericSchema()) {
    const kind = builder.kinds.get(owner);
    if (kind === undefined) throw new Error(`${owner}: no example says whether it is an integer`);
    return kind;
  }
  throw new Error(`${owner}: no rule for ${schema.getName(true)}`);
}

function enumOrString(builder: Builder, owner: string): string {
  const name = builder.declarations.enumOf.get(owner);
  if (name === undefined) return "string";
  builder.shapes.set(name, { enum: builder.sdk.enums.get(name) ?? [] });
  return name;
}

function structure(builder: Builder, schema: NormalizedSchema): string {
  const name = schema.getName() ?? "";
  if (builder.shapes.has(name)) return name;
  const members: Record<string, MemberJson> = {};
  const shape: { members: Record<string, MemberJson>; required?: readonly string[]; union?: true } = { members };
  builder.shapes.set(name, shape);
  for (const [memberName, member] of schema.structIterator()) {
    const { xmlName, xmlFlattened, idempotencyToken } = member.getMergedTraits();
    const own = {
      shape: reference(builder, member, `${name}.${memberName}`),
      ...(xmlName !== undefined && { xmlName: xmlName as string }),
      ...(xmlFlattened !== undefined && { flattened: true as const }),
      ...(idempotencyToken !== undefined && { idempotencyToken: true as const }),
    };
    members[memberName] = Object.keys(own).length === 1 ? own.shape : own;
  }
  const required = requiredMembers(schema);
  if (required.length > 0) shape.required = required;
  if (schema.isUnionSchema()) shape.union = true;
  return name;
}

function list(builder: Builder, schema: NormalizedSchema, owner: string): string {
  const item = reference(builder, schema.getValueSchema(), owner);
  const itemName = schema.getValueSchema().getMergedTraits().xmlName as string | undefined;
  const name = `List<${item}${itemName === undefined ? "" : ` as ${itemName}`}>`;
  builder.shapes.set(name, { list: item, ...(itemName !== undefined && { itemName }) });
  return name;
}

function map(builder: Builder, schema: NormalizedSchema, owner: string): string {
  const value = reference(builder, schema.getValueSchema(), owner);
  const name = `Map<${value}>`;
  builder.shapes.set(name, { map: value });
  return name;
}
