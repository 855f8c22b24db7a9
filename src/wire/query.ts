import { AwsError } from "./errors.ts";
import type { FormNode } from "./form.ts";
import { INT32_MAX, INT32_MIN, MAX_LIST_ITEMS } from "./limits.ts";
import type { OperationModel, Shape, StructureShape } from "./model.ts";

/** How many broken constraints one answer names. */
const MAX_PROBLEMS = 10;

/**
 * Reads and checks the parameters of an AWS Query request. Unknown parameters are ignored; `Names=` is the empty list.
 * @throws AwsError ValidationError, which names every missing member, unknown enum value and wrong type (up to ten), in
 *   the words that ELBv2 uses.
 */
export function decodeQueryInput(operation: OperationModel, form: FormNode): unknown {
  const problems: Problem[] = [];
  const value = decode(operation.input, form, "", problems) ?? {};
  if (problems.length === 0) return value;
  const listed = problems.slice(0, MAX_PROBLEMS).map(({ path, value, constraint }) => {
    const shown = value === undefined ? "null" : `'${value.slice(0, 100)}'`;
    return `Value ${shown} at '${path}' failed to satisfy constraint: ${constraint}`;
  });
  const count = `${problems.length} validation error${problems.length === 1 ? "" : "s"} detected`;
  throw new AwsError("ValidationError", `${count}: ${listed.join("; ")}`);
}

interface Problem {
  readonly path: string;
  /** Undefined when the member is missing. */
  readonly value: string | undefined;
  readonly constraint: string;
}

function decode(shape: Shape, node: FormNode, path: string, problems: Problem[]): unknown {
  switch (shape.type) {
    case "structure":
      return decodeStructure(shape, node, path, problems);
    case "list":
      return decodeList(shape.item, itemsOf(node, shape.itemName), path, problems, node);
    case "map":
      return decodeMap(shape.value, node.children.get("entry") ?? node, path, problems);
    case "unit":
      return {};
    case "document":
      throw new Error("the Query protocol has no documents");
    default:
      return node.value === undefined ? undefined : decodeText(shape, node.value, path, problems);
  }
}

function decodeStructure(shape: StructureShape, node: FormNode, path: string, problems: Problem[]): object {
  const out: Record<string, unknown> = {};
  for (const member of shape.members) {
    const child = node.children.get(member.wireName);
    if (child === undefined) continue;
    const at = join(path, lowerFirst(member.name));
    const value =
      member.flattened && member.shape.type === "list"
        ? decodeList(member.shape.item, child, at, problems, child)
        : decode(member.shape, child, at, problems);
    if (value !== undefined) out[member.name] = value;
  }
  for (const name of shape.required)
    if (!Object.hasOwn(out, name))
      problems.push({
        path: join(path, lowerFirst(name)),
        value: undefined,
        constraint: "Member must not be null",
      });
  return out;
}

/** `Names.member.1=a`; some old clients leave `.member` out. */
function itemsOf(node: FormNode, itemName: string): FormNode {
  return node.children.get(itemName) ?? node.children.get("member") ?? node;
}

function decodeList(
  item: Shape,
  items: FormNode,
  path: string,
  problems: Problem[],
  owner: FormNode,
): unknown[] | undefined {
  const numbered = numberedChildren(items);
  if (numbered.length === 0) return owner.value === undefined && owner.children.size === 0 ? undefined : [];
  if (numbered.length > MAX_LIST_ITEMS) {
    const constraint = `Member must have length less than or equal to ${MAX_LIST_ITEMS}`;
    problems.push({ path, value: `${numbered.length} items`, constraint });
    return [];
  }
  const out: unknown[] = [];
  for (const { index, node } of numbered) {
    const value = decode(item, node, `${path}.${index}.member`, problems);
    if (value !== undefined) out.push(value);
  }
  return out;
}

function decodeMap(shape: Shape, items: FormNode, path: string, problems: Problem[]): object {
  const entries: [string, unknown][] = [];
  for (const { index, node } of numberedChildren(items)) {
    const key = node.children.get("key")?.value;
    const value = node.children.get("value");
    const at = `${path}.${index}`;
    if (key === undefined)
      problems.push({ path: `${at}.key`, value: undefined, constraint: "Member must not be null" });
    else if (value !== undefined) entries.push([key, decode(shape, value, `${at}.value`, problems)]);
  }
  return Object.fromEntries(entries);
}

function numberedChildren(node: FormNode): { index: number; node: FormNode }[] {
  const out: { index: number; node: FormNode }[] = [];
  for (const [key, child] of node.children) if (/^\d{1,9}$/.test(key)) out.push({ index: Number(key), node: child });
  return out.sort((a, b) => a.index - b.index);
}

function decodeText(shape: Shape, text: string, path: string, problems: Problem[]): unknown {
  const bad = (constraint: string) => {
    problems.push({ path, value: text, constraint });
    return undefined;
  };
  switch (shape.type) {
    case "enum":
      return shape.values.has(text)
        ? text
        : bad(`Member must satisfy enum value set: [${[...shape.values].join(", ")}]`);
    case "boolean":
      return /^(?:true|false)$/i.test(text) ? text.toLowerCase() === "true" : bad("Member must be a boolean");
    case "integer":
      return integer(text, INT32_MIN, INT32_MAX) ?? bad("Member must be a 32-bit integer");
    case "long":
      return integer(text, Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER) ?? bad("Member must be an integer");
    case "double": {
      const value = text.trim() === "" ? Number.NaN : Number(text);
      return Number.isFinite(value) ? value : bad("Member must be a number");
    }
    case "timestamp": {
      const date = /^\d{4}-\d\d-\d\dT/.test(text) ? new Date(text) : undefined;
      return date === undefined || Number.isNaN(date.getTime()) ? bad("Member must be an ISO 8601 timestamp") : date;
    }
    case "blob":
      return Buffer.from(text, "base64");
    default:
      return text;
  }
}

function integer(text: string, min: number, max: number): number | undefined {
  if (!/^[+-]?\d{1,20}$/.test(text)) return undefined;
  const value = Number(text);
  return value >= min && value <= max ? value : undefined;
}

function join(path: string, name: string): string {
  return path === "" ? name : `${path}.${name}`;
}

function lowerFirst(name: string): string {
  return name.charAt(0).toLowerCase() + name.slice(1);
}

/**
 * A value as Query parameters: what the decoder above reads. Our own client sends these.
 * @throws TypeError when `value` is not of the shape.
 */
export function encodeQueryInput(shape: Shape, value: unknown): [string, string][] {
  const out: [string, string][] = [];
  encode(shape, value, "", out);
  return out;
}

function encode(shape: Shape, value: unknown, path: string, out: [string, string][]): void {
  if (value === undefined || value === null) return;
  switch (shape.type) {
    case "structure":
      for (const member of shape.members) {
        const inner = (value as Record<string, unknown>)[member.name];
        const at = path === "" ? member.wireName : `${path}.${member.wireName}`;
        if (member.flattened && member.shape.type === "list") encodeItems(member.shape.item, inner, at, out);
        else encode(member.shape, inner, at, out);
      }
      return;
    case "list":
      if (Array.isArray(value) && value.length === 0) out.push([path, ""]);
      else encodeItems(shape.item, value, `${path}.${shape.itemName}`, out);
      return;
    case "map":
      Object.entries(value as object).forEach(([key, item], index) => {
        out.push([`${path}.entry.${index + 1}.key`, key]);
        encode(shape.value, item, `${path}.entry.${index + 1}.value`, out);
      });
      return;
    case "timestamp":
      out.push([path, (value as Date).toISOString()]);
      return;
    case "blob":
      out.push([path, Buffer.from(value as Uint8Array).toString("base64")]);
      return;
    default:
      if (typeof value === "object") throw new TypeError(`${path} should be ${shape.type} and is an object`);
      out.push([path, String(value)]);
  }
}

function encodeItems(item: Shape, value: unknown, path: string, out: [string, string][]): void {
  if (value === undefined || value === null) return;
  if (!Array.isArray(value)) throw new TypeError(`${path} should be an array and is ${typeof value}`);
  value.forEach((entry, index) => {
    encode(item, entry, `${path}.${index + 1}`, out);
  });
}
