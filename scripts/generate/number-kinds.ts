import type { NormalizedSchema } from "@smithy/core/schema";

export type NumberKind = "integer" | "long" | "double";

const KINDS: Readonly<Record<string, NumberKind>> = { int: "integer", long: "long", double: "double", float: "double" };

/**
 * The schemas know only "a number"; the example of each command says which kind, as `Number("int")`. This follows the
 * example's indentation along the schema, and notes the kind of each structure's numeric members in `kinds`.
 * @param kinds "Structure.member" -> kind; for a list's elements or a map's values the key is the list's or map's owner.
 */
export function readNumberKinds(
  lines: readonly string[],
  input: NormalizedSchema,
  output: NormalizedSchema,
  kinds: Map<string, NumberKind>,
): void {
  let stack: Place[] = [];
  for (const line of lines) {
    const text = line.trim();
    if (/^const input = \{/.test(text)) stack = text.includes("}") ? [] : [{ schema: input, owner: "" }];
    else if (/^\{/.test(text) && stack.length === 0) stack = [{ schema: output, owner: "" }];
    else if (stack.length > 0) follow(text, stack, kinds);
  }
}

/** Where in the example we are. `owner` is the "Structure.member" that a list or a map is the value of. */
interface Place {
  readonly schema: NormalizedSchema | undefined;
  readonly owner: string;
}

function follow(text: string, stack: Place[], kinds: Map<string, NumberKind>): void {
  const top = stack.at(-1) ?? { schema: undefined, owner: "" };
  const key = /^"?([\w-]+)"?: /.exec(text)?.[1];
  const owner = key !== undefined && top.schema?.isStructSchema() ? `${top.schema.getName()}.${key}` : top.owner;
  const schema = key === undefined ? element(top.schema) : member(top.schema, key);
  const number = /Number\("(\w+)"\)/.exec(text)?.[1];
  if (number !== undefined && schema !== undefined) note(owner, number, kinds);
  if (/^[^/]*[[{](\s*\/\/.*)?$/.test(text)) stack.push({ schema, owner });
  else if (/^[\]}]/.test(text)) stack.pop();
}

function element(schema: NormalizedSchema | undefined): NormalizedSchema | undefined {
  return schema?.isListSchema() || schema?.isMapSchema() ? schema.getValueSchema() : undefined;
}

function member(schema: NormalizedSchema | undefined, key: string): NormalizedSchema | undefined {
  if (schema?.isMapSchema()) return schema.getValueSchema();
  if (!schema?.isStructSchema()) return undefined;
  for (const [name, inner] of schema.structIterator()) if (name === key) return inner;
  return undefined;
}

function note(key: string, word: string, kinds: Map<string, NumberKind>): void {
  const kind = KINDS[word];
  if (kind === undefined) throw new Error(`${key}: unknown number kind "${word}"`);
  const known = kinds.get(key);
  if (known !== undefined && known !== kind) throw new Error(`${key}: ${known} in one example and ${kind} in another`);
  kinds.set(key, kind);
}
