import type { Member, OperationModel, ServiceModel, Shape, StructureShape } from "./model.ts";
import { parseXml, type XmlElement } from "./xml-reader.ts";

/**
 * A Query response: `<OpResponse><OpResult>...</OpResult><ResponseMetadata>...`.
 * @throws TypeError naming the element, if `value` is not of the output's shape: that is a bug of ours.
 */
export function encodeXmlOutput(
  model: ServiceModel,
  operation: OperationModel,
  value: unknown,
  requestId: string,
): string {
  const { name, output } = operation;
  const members = output.type === "structure" ? encodeMembers(output, value ?? {}) : "";
  const result = output.type === "unit" ? "" : `<${name}Result>${members}</${name}Result>`;
  const metadata = `<ResponseMetadata><RequestId>${escapeXml(requestId)}</RequestId></ResponseMetadata>`;
  return `<${name}Response xmlns="${model.xmlNamespace}">${result}${metadata}</${name}Response>`;
}

/** A Query error. `members` are those of the error's shape beside the message. */
export function encodeXmlError(
  model: ServiceModel,
  error: { code: string; status: number; message: string; shape?: Shape; members: Readonly<Record<string, unknown>> },
  requestId: string,
): string {
  const type = error.status >= 500 ? "Receiver" : "Sender";
  const { Message: _message, message: _lower, ...others } = error.members;
  const members = error.shape?.type === "structure" ? encodeMembers(error.shape, others) : "";
  const inner = `<Type>${type}</Type><Code>${escapeXml(error.code)}</Code><Message>${escapeXml(error.message)}</Message>${members}`;
  return `<ErrorResponse xmlns="${model.xmlNamespace}"><Error>${inner}</Error><RequestId>${escapeXml(requestId)}</RequestId></ErrorResponse>`;
}

function encodeMembers(shape: StructureShape, value: unknown): string {
  if (typeof value !== "object" || value === null)
    throw new TypeError(`${shape.name} should be an object and is ${typeof value}`);
  let out = "";
  for (const member of shape.members) {
    const inner = (value as Record<string, unknown>)[member.name];
    if (inner !== undefined && inner !== null) out += encodeMember(member, inner);
  }
  return out;
}

function encodeMember(member: Member, value: unknown): string {
  if (!member.flattened || member.shape.type !== "list") return encodeElement(member.wireName, member.shape, value);
  const { item } = member.shape;
  return arrayOf(member.name, value)
    .map((entry) => encodeElement(member.wireName, item, entry))
    .join("");
}

function arrayOf(name: string, value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw new TypeError(`${name} should be an array and is ${typeof value}`);
  return value;
}

function encodeElement(tag: string, shape: Shape, value: unknown): string {
  switch (shape.type) {
    case "structure":
      return `<${tag}>${encodeMembers(shape, value)}</${tag}>`;
    case "list": {
      const items = arrayOf(tag, value).map((item) => encodeElement(shape.itemName, shape.item, item));
      return `<${tag}>${items.join("")}</${tag}>`;
    }
    case "map": {
      const entries = Object.entries(value as object).map(
        ([key, item]) => `<entry><key>${escapeXml(key)}</key>${encodeElement("value", shape.value, item)}</entry>`,
      );
      return `<${tag}>${entries.join("")}</${tag}>`;
    }
    case "timestamp":
      if (!(value instanceof Date)) throw new TypeError(`${tag} should be a Date and is ${typeof value}`);
      return `<${tag}>${value.toISOString()}</${tag}>`;
    case "blob":
      if (!(value instanceof Uint8Array)) throw new TypeError(`${tag} should be bytes and is ${typeof value}`);
      return `<${tag}>${Buffer.from(value).toString("base64")}</${tag}>`;
    default:
      return `<${tag}>${escapeXml(simpleText(tag, shape, value))}</${tag}>`;
  }
}

function simpleText(tag: string, shape: Shape, value: unknown): string {
  const wanted =
    shape.type === "boolean" ? "boolean" : shape.type === "string" || shape.type === "enum" ? "string" : "number";
  if (typeof value !== wanted) throw new TypeError(`${tag} should be a ${wanted} and is ${typeof value}`);
  return String(value);
}

const ESCAPES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&apos;",
  "\r": "&#xD;",
};

/** Text for an element. What XML 1.0 cannot hold at all (most control characters, lone surrogates) becomes U+FFFD. */
function escapeXml(text: string): string {
  return (
    text
      .toWellFormed()
      // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the very characters that XML forbids
      .replaceAll(/[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/g, "\ufffd")
      .replaceAll(/[&<>"'\r]/g, (character) => ESCAPES[character] ?? "")
  );
}

/** Reads a Query response into the operation's output. Elements that the shape does not know are ignored. */
export function decodeXmlOutput(operation: OperationModel, body: string): unknown {
  const result = child(parseXml(body), `${operation.name}Result`);
  return result === undefined ? {} : decodeElement(operation.output, result);
}

/** What a Query error says, or undefined if `body` is none. */
export function decodeXmlError(body: string): { code: string; message: string; element: XmlElement } | undefined {
  const root = parseXml(body);
  const element = child(root, "Error") ?? (root.name === "Error" ? root : undefined);
  const code = element && child(element, "Code")?.text;
  if (element === undefined || code === undefined) return undefined;
  return { code, message: child(element, "Message")?.text ?? "", element };
}

function child(element: XmlElement, name: string): XmlElement | undefined {
  return element.children.find((inner) => inner.name === name);
}

/** Reads an element as `shape`. */
export function decodeElement(shape: Shape, element: XmlElement): unknown {
  switch (shape.type) {
    case "structure": {
      const out: Record<string, unknown> = {};
      for (const member of shape.members) {
        const found = element.children.filter((inner) => inner.name === member.wireName);
        if (found[0] === undefined) continue;
        const { shape: inner } = member;
        out[member.name] =
          member.flattened && inner.type === "list"
            ? found.map((item) => decodeElement(inner.item, item))
            : decodeElement(inner, found[0]);
      }
      return out;
    }
    case "list":
      return element.children.map((item) => decodeElement(shape.item, item));
    case "map":
      return Object.fromEntries(
        element.children.map((entry) => {
          const value = child(entry, "value");
          return [child(entry, "key")?.text ?? "", value && decodeElement(shape.value, value)];
        }),
      );
    case "boolean":
      return element.text === "true";
    case "integer":
    case "long":
    case "double":
      return Number(element.text);
    case "timestamp":
      return new Date(element.text);
    case "blob":
      return Buffer.from(element.text, "base64");
    case "unit":
      return {};
    default:
      return element.text;
  }
}
