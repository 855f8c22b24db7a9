import { AwsError } from "./errors.ts";
import { toJsonValue } from "./json.ts";
import { MAX_BODY_DEPTH } from "./limits.ts";
import type { Shape } from "./model.ts";

/** CBOR's major types. Source: RFC 8949, section 3.1. */
const MAJOR = { unsigned: 0, negative: 1, bytes: 2, text: 3, array: 4, map: 5, tag: 6, simple: 7 } as const;
const INDEFINITE = 31;
const BREAK = 0xff;
/** Seconds since the Unix epoch. Source: RFC 8949, section 3.4.2. */
const EPOCH_TAG = 1;

/**
 * Reads CBOR into what the same value is in AWS JSON: times as numbers, bytes as base64, so that one decoder judges both. A key that is no text
 * is refused, as Smithy has none.
 * @throws AwsError SerializationException for what is not one whole value, or nests too deep
 */
export function parseCbor(body: Uint8Array): unknown {
  if (body.length === 0) return {};
  const reader = new Reader(body);
  const value = reader.value(0);
  if (value === END || !reader.isDone) throw notCbor("it is not one value");
  return value;
}

const notCbor = (why: string) => new AwsError("SerializationException", `The request body is not valid CBOR: ${why}`);

const END = Symbol("the end of a list or map of unknown length");
const UTF8 = new TextDecoder("utf-8", { fatal: true });

class Reader {
  readonly #body: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(body: Uint8Array) {
    this.#body = body;
    this.#view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  }

  get isDone(): boolean {
    return this.#at === this.#body.length;
  }

  value(depth: number): unknown {
    if (depth > MAX_BODY_DEPTH)
      throw new AwsError("SerializationException", `The request body nests deeper than ${MAX_BODY_DEPTH} levels`);
    const [initial = 0] = this.#take(1);
    if (initial === BREAK) return END;
    const major = initial >> 5;
    const short = initial & 31;
    if (major === MAJOR.simple) return this.#simple(short);
    const length = short === INDEFINITE ? undefined : this.#length(short);
    switch (major) {
      case MAJOR.unsigned:
        return known(length);
      case MAJOR.negative:
        return -1 - known(length);
      case MAJOR.bytes:
        return Buffer.from(this.#string(length, major)).toString("base64");
      case MAJOR.text:
        return text(this.#string(length, major));
      case MAJOR.array:
        return this.#list(length, depth);
      case MAJOR.map:
        return this.#map(length, depth);
      default:
        return this.#tagged(known(length), depth);
    }
  }

  #take(count: number): Uint8Array {
    const end = this.#at + count;
    if (end > this.#body.length) throw notCbor("it ends too early");
    const bytes = this.#body.subarray(this.#at, end);
    this.#at = end;
    return bytes;
  }

  /** The number that follows the first byte, or is in it. */
  #length(short: number): number {
    if (short < 24) return short;
    const at = this.#at;
    this.#take(2 ** (short - 24));
    if (short === 24) return this.#view.getUint8(at);
    if (short === 25) return this.#view.getUint16(at);
    if (short === 26) return this.#view.getUint32(at);
    if (short !== 27) throw notCbor("a length is of no known form");
    return Number(this.#view.getBigUint64(at));
  }

  #simple(short: number): unknown {
    const at = this.#at;
    switch (short) {
      case 20:
        return false;
      case 21:
        return true;
      case 22:
      case 23:
        return null;
      case 25:
        this.#take(2);
        return this.#view.getFloat16(at);
      case 26:
        this.#take(4);
        return this.#view.getFloat32(at);
      case 27:
        this.#take(8);
        return this.#view.getFloat64(at);
      default:
        throw notCbor("a simple value is of no known kind");
    }
  }

  /** In one piece, or in pieces of the same kind until the end. */
  #string(length: number | undefined, major: number): Uint8Array {
    if (length !== undefined) return this.#take(length);
    const pieces: Uint8Array[] = [];
    for (;;) {
      const [initial = 0] = this.#take(1);
      if (initial === BREAK) return Buffer.concat(pieces);
      if (initial >> 5 !== major || (initial & 31) === INDEFINITE)
        throw notCbor("a string has a piece of another kind");
      pieces.push(this.#take(this.#length(initial & 31)));
    }
  }

  #list(length: number | undefined, depth: number): unknown[] {
    const items: unknown[] = [];
    while (length === undefined || items.length < length) {
      const item = this.value(depth + 1);
      if (item === END) {
        if (length !== undefined) throw notCbor("a list ends too early");
        break;
      }
      items.push(item);
    }
    return items;
  }

  #map(length: number | undefined, depth: number): object {
    const entries: [string, unknown][] = [];
    while (length === undefined || entries.length < length) {
      const key = this.value(depth + 1);
      if (key === END && length === undefined) break;
      if (typeof key !== "string") throw notCbor("a key is no text");
      const value = this.value(depth + 1);
      if (value === END) throw notCbor("a key has no value");
      entries.push([key, value]);
    }
    return Object.fromEntries(entries);
  }

  #tagged(tag: number, depth: number): unknown {
    const value = this.value(depth + 1);
    if (value === END) throw notCbor("a tag has no value");
    if (tag === EPOCH_TAG && typeof value !== "number") throw notCbor("a time is no number");
    return value;
  }
}

function known(length: number | undefined): number {
  if (length === undefined) throw notCbor("a number is of no known form");
  return length;
}

function text(bytes: Uint8Array): string {
  try {
    return UTF8.decode(bytes);
  } catch {
    throw notCbor("a text is not UTF-8");
  }
}

/**
 * A value as CBOR, as Smithy's RPC v2 has it: known members only, times tagged, numbers that are no integers as 64-bit floats.
 * @throws TypeError naming the member, if `value` is not of the shape
 */
export function encodeCbor(shape: Shape, value: unknown): Uint8Array {
  const pieces: Uint8Array[] = [];
  write(pieces, shape, toJsonValue(shape, value) ?? {});
  return Buffer.concat(pieces);
}

/** Text by key, as the body of a refusal is. */
export function encodeCborTexts(texts: Readonly<Record<string, string>>): Uint8Array {
  const pieces = [head(MAJOR.map, Object.keys(texts).length)];
  for (const [key, value] of Object.entries(texts)) pieces.push(textOf(key), textOf(value));
  return Buffer.concat(pieces);
}

function write(pieces: Uint8Array[], shape: Shape, value: unknown): void {
  if (shape.type === "structure") {
    const from = value as Record<string, unknown>;
    const members = shape.members.filter(({ name }) => from[name] !== undefined);
    pieces.push(head(MAJOR.map, members.length));
    for (const { name, shape: inner } of members) {
      pieces.push(textOf(name));
      write(pieces, inner, from[name]);
    }
  } else if (shape.type === "map") {
    const entries = Object.entries(value as object);
    pieces.push(head(MAJOR.map, entries.length));
    for (const [key, item] of entries) {
      pieces.push(textOf(key));
      write(pieces, shape.value, item);
    }
  } else if (shape.type === "list") {
    const items = value as unknown[];
    pieces.push(head(MAJOR.array, items.length));
    for (const item of items) write(pieces, shape.item, item);
  } else if (shape.type === "timestamp") pieces.push(head(MAJOR.tag, EPOCH_TAG), double(value as number));
  else if (shape.type === "blob") {
    const bytes = Buffer.from(value as string, "base64");
    pieces.push(head(MAJOR.bytes, bytes.length), bytes);
  } else if (typeof value === "string") pieces.push(textOf(value));
  else if (typeof value === "boolean") pieces.push(Uint8Array.of((MAJOR.simple << 5) | (value ? 21 : 20)));
  else if (shape.type === "double") pieces.push(double(value as number));
  else if (typeof value === "number") pieces.push(integer(value));
  else if (shape.type === "unit") pieces.push(head(MAJOR.map, 0));
  else throw new TypeError(`${shape.type} has no form in CBOR`);
}

function textOf(value: string): Uint8Array {
  const bytes = Buffer.from(value, "utf8");
  return Buffer.concat([head(MAJOR.text, bytes.length), bytes]);
}

const integer = (value: number) => (value < 0 ? head(MAJOR.negative, -1 - value) : head(MAJOR.unsigned, value));

function double(value: number): Uint8Array {
  const bytes = Buffer.alloc(9);
  bytes[0] = (MAJOR.simple << 5) | 27;
  bytes.writeDoubleBE(value, 1);
  return bytes;
}

/** The first byte of a value with its length, or number, in the shortest form. */
function head(major: number, length: number): Uint8Array {
  const first = major << 5;
  if (length < 24) return Uint8Array.of(first | length);
  if (length < 0x100) return Uint8Array.of(first | 24, length);
  if (length < 0x10000) return Uint8Array.of(first | 25, length >> 8, length & 0xff);
  const bytes = Buffer.alloc(length < 0x1_0000_0000 ? 5 : 9);
  bytes[0] = first | (bytes.length === 5 ? 26 : 27);
  if (bytes.length === 5) bytes.writeUInt32BE(length, 1);
  else bytes.writeBigUInt64BE(BigInt(length), 1);
  return bytes;
}
