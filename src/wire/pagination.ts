import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import { AwsError } from "./errors.ts";

export interface PageRequest<Item> {
  /** In ascending order of `key`, by UTF-16 code units (the order of `<`); keys are unique. */
  readonly items: readonly Item[];
  readonly key: (item: Item) => string;
  /** What the caller asked for; absent takes the default. */
  readonly maxResults?: number;
  readonly nextToken?: string;
  /** What else was asked: a token is good for equal filters only. Must be JSON; the order of its keys does not matter. */
  readonly filters: unknown;
  readonly limits: { readonly default: number; readonly max: number };
  /** Known to this installation alone: it makes tokens that cannot be forged. */
  readonly secret: string;
  /** The exception for a bad token or limit. */
  readonly errorCode?: string;
}

/** How many bytes of the HMAC a token carries: enough that guessing one is hopeless. */
const MAC_BYTES = 16;

/**
 * One page, and the token of the next if there is more. A token holds the last key handed out, so pages neither repeat
 * nor skip what stays, whatever comes and goes meanwhile, the item of that very key included.
 * @throws AwsError `errorCode` (InvalidParameterException by default) for a maxResults out of range, or a token that was not
 *   made here or was made for other filters
 */
export function paginate<Item>(request: PageRequest<Item>): { page: Item[]; nextToken: string | undefined } {
  const { items, key, limits } = request;
  const errorCode = request.errorCode ?? "InvalidParameterException";
  const size = request.maxResults ?? limits.default;
  if (!Number.isInteger(size) || size < 1 || size > limits.max)
    throw new AwsError(errorCode, `The page size must be a whole number from 1 to ${limits.max}.`);
  const after = request.nextToken === undefined ? undefined : openToken(request.nextToken, request, errorCode);
  const start = after === undefined ? 0 : firstAfter(items, key, after);
  const page = items.slice(start, start + size);
  const last = page.at(-1);
  const more = start + size < items.length;
  return { page, nextToken: more && last !== undefined ? makeToken(key(last), request) : undefined };
}

/** Binary search for the first item whose key comes after `last`. */
function firstAfter<Item>(items: readonly Item[], key: (item: Item) => string, last: string): number {
  let low = 0;
  let high = items.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (key(items[middle] as Item) > last) high = middle;
    else low = middle + 1;
  }
  return low;
}

function makeToken<Item>(lastKey: string, request: PageRequest<Item>): string {
  return Buffer.concat([mac(lastKey, request), Buffer.from(lastKey, "utf8")]).toString("base64url");
}

function openToken<Item>(token: string, request: PageRequest<Item>, errorCode: string): string {
  const bytes = Buffer.from(token, "base64url");
  const lastKey = bytes.subarray(MAC_BYTES).toString("utf8");
  // Compared as text too: base64 has several spellings of the same bytes, and only ours is taken.
  const ours = bytes.length > MAC_BYTES && bytes.toString("base64url") === token;
  if (!ours || !timingSafeEqual(bytes.subarray(0, MAC_BYTES), mac(lastKey, request)))
    throw new AwsError(errorCode, "The pagination token is not valid for this request.");
  return lastKey;
}

function mac<Item>(lastKey: string, request: PageRequest<Item>): Buffer {
  const filters = createHash("sha256").update(canonicalJson(request.filters)).digest();
  return createHmac("sha256", request.secret).update(filters).update(lastKey, "utf8").digest().subarray(0, MAC_BYTES);
}

/** JSON with sorted keys, so that equal filters give equal text. */
function canonicalJson(value: unknown): string {
  const sorted = (_: string, inner: unknown) =>
    typeof inner === "object" && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner;
  return JSON.stringify(value, sorted) ?? "";
}
