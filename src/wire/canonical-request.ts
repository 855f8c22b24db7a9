import { hash } from "node:crypto";

export const ALGORITHM = "AWS4-HMAC-SHA256";

/** What a signature is worth for: `date` is YYYYMMDD. */
export interface CredentialScope {
  readonly date: string;
  readonly region: string;
  readonly service: string;
}

/** What a signature covers. `path` and `query` as they are on the wire; header names in lower case. */
export interface RequestToSign {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly signedHeaders: readonly string[];
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** Lower-case hex SHA-256 of the body, or UNSIGNED-PAYLOAD. */
  readonly payloadHash: string;
}

/**
 * The text that is signed: the algorithm, the time, the scope and the hash of the canonical request.
 * @param amzDate YYYYMMDD'T'HHMMSS'Z'
 */
export function stringToSign(request: RequestToSign, scope: CredentialScope, amzDate: string): string {
  return [ALGORITHM, amzDate, scopeText(scope), sha256Hex(canonicalRequest(request))].join("\n");
}

export function scopeText(scope: CredentialScope): string {
  return `${scope.date}/${scope.region}/${scope.service}/aws4_request`;
}

/** Source: AWS Signature Version 4, "Create a canonical request". */
export function canonicalRequest(request: RequestToSign): string {
  const headers = request.signedHeaders.map((name) => `${name}:${canonicalHeader(request.headers[name])}\n`).join("");
  return [
    request.method,
    canonicalPath(request.path),
    canonicalQuery(request.query),
    headers,
    request.signedHeaders.join(";"),
    request.payloadHash,
  ].join("\n");
}

/** The wire path with empty and dot segments resolved, each segment encoded once more (every service but S3 does). */
function canonicalPath(path: string): string {
  const segments: string[] = [];
  for (const segment of path.split("/")) {
    if (segment === "" || segment === ".") continue;
    if (segment === "..") segments.pop();
    else segments.push(encodeRfc3986(segment));
  }
  const trailing = segments.length > 0 && path.endsWith("/") ? "/" : "";
  return `/${segments.join("/")}${trailing}`;
}

/**
 * Parameters decoded, encoded in the one canonical way, and sorted; the signature itself is left out. A plus sign is a
 * space: the official ECS agent sends it so and signs %20.
 */
function canonicalQuery(query: string): string {
  if (query === "") return "";
  const pairs: { name: string; value: string }[] = [];
  for (const pair of query.split("&")) {
    if (pair === "") continue;
    const equals = pair.indexOf("=");
    const name = recode(equals < 0 ? pair : pair.slice(0, equals));
    if (name !== "X-Amz-Signature") pairs.push({ name, value: equals < 0 ? "" : recode(pair.slice(equals + 1)) });
  }
  pairs.sort((a, b) => compare(a.name, b.name) || compare(a.value, b.value));
  return pairs.map(({ name, value }) => `${name}=${value}`).join("&");
}

/** What is not valid percent-encoding is taken literally: no signer made it, so it matches no signature. */
function recode(text: string): string {
  const spaced = text.replaceAll("+", " ");
  try {
    return encodeRfc3986(decodeURIComponent(spaced));
  } catch {
    return encodeRfc3986(spaced.toWellFormed());
  }
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

export function encodeRfc3986(text: string): string {
  return encodeURIComponent(text).replaceAll(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
}

function canonicalHeader(value: string | readonly string[] | undefined): string {
  const text = typeof value === "string" ? value : (value ?? []).join(",");
  return text.trim().replaceAll(/\s+/g, " ");
}

export function sha256Hex(data: string | Uint8Array): string {
  return hash("sha256", data);
}

/** Four HMACs deep: the key that signs for one day, region and service. */
export function signingKey(secretAccessKey: string, scope: CredentialScope): Buffer {
  const dated = hmac(`AWS4${secretAccessKey}`, scope.date);
  return hmac(hmac(hmac(dated, scope.region), scope.service), "aws4_request");
}

/** SHA-256's block, in bytes. */
const BLOCK = 64;

/**
 * HMAC-SHA-256 as RFC 2104 writes it: the hash of the key's outer pad and of the hash of its inner pad and the data. Two
 * hashes in one call each cost a quarter of what an Hmac object does.
 */
export function hmac(key: string | Uint8Array, data: string): Buffer {
  let given = typeof key === "string" ? Buffer.from(key) : key;
  if (given.length > BLOCK) given = hash("sha256", given, "buffer");
  const length = Buffer.byteLength(data);
  const inner = Buffer.allocUnsafe(BLOCK + length);
  const outer = Buffer.allocUnsafe(BLOCK + 32);
  for (let i = 0; i < BLOCK; i++) {
    const byte = given[i] ?? 0;
    inner[i] = byte ^ 0x36;
    outer[i] = byte ^ 0x5c;
  }
  inner.write(data, BLOCK);
  hash("sha256", inner, "buffer").copy(outer, BLOCK);
  return hash("sha256", outer, "buffer");
}

/** YYYYMMDD'T'HHMMSS'Z' */
export function toAmzDate(instant: number): string {
  return new Date(instant).toISOString().replaceAll(/[-:]|\.\d+/g, "");
}

/** The last time that was read: callers of the same second write the same text. */
let lastRead: { readonly text: string; readonly instant: number } | undefined;

/** Milliseconds since the epoch, or undefined when `text` is no YYYYMMDD'T'HHMMSS'Z' of a real time. */
export function fromAmzDate(text: string): number | undefined {
  if (lastRead?.text === text) return lastRead.instant;
  const match = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(text);
  if (match === null) return undefined;
  const [, year, month, day, hour, minute, second] = match.map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const instant = Date.UTC(year, month - 1, day, hour, minute, second);
  if (toAmzDate(instant) !== text) return undefined;
  lastRead = { text, instant };
  return instant;
}
