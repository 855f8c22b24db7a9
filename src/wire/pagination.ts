import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import { AwsError } from "./errors.ts";

export interface PageRequest<Item> {
  /** Those after a key (all without one), in ascending order of `key`, by UTF-16 code units (the order of `<`); keys are unique. */
  readonly itemsAfter: (key: string | undefined) => Iterable<Item>;
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
 * One page of a list in ascending order of `key`. Like `paginateFrom`, for what is all there.
 */
export function paginate<Item>({
  items,
  ...request
}: Omit<PageRequest<Item>, "itemsAfter"> & { readonly items: readonly Item[] }): Page<Item> {
  const start = (after: string | undefined) => (after === undefined ? 0 : firstAfter(items, request.key, after));
  return paginateFrom({ ...request, itemsAfter: (after) => items.slice(start(after)) });
}

/** One page; the token is that of the next one, if there is more. */
export interface Page<Item> {
  readonly page: Item[];
  readonly nextToken: string | undefined;
}

/**
 * One page, and the token of the next if there is more. A token holds the last key handed out, so pages neither repeat
 * nor skip what stays, whatever comes and goes meanwhile, the item of that very key included.
 * @throws AwsError `errorCode` (InvalidParameterException by default) for a maxResults out of range, or a token that was not
 *   made here or was made for other filters
 */
export function paginateFrom<Item>(request: PageRequest<Item>): Page<Item> {
  const { key, limits } = request;
  const errorCode = request.errorCode ?? "InvalidParameterException";
  const size = request.maxResults ?? limits.default;
  if (!Number.isInteger(size) || size < 1 || size > limits.max)
    throw new AwsError(errorCode, `The page size must be a whole number from 1 to ${limits.max}.`);
  const after = request.nextToken === undefined ? undefined : openToken(request.nextToken, request, errorCode);
  const page: Item[] = [];
  for (const item of request.itemsAfter(after)) {
    const last = page.at(-1);
    if (page.length === size && last !== undefined) return { page, nextToken: makeToken(key(last), request) };
    page.push(item);
  }
  return { page, nextToken: undefined };
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

/** What a token is good for. */
type TokenScope = Pick<PageRequest<never>, "filters" | "secret">;

function makeToken(lastKey: string, request: TokenScope): string {
  return Buffer.concat([mac(lastKey, request), Buffer.from(lastKey, "utf8")]).toString("base64url");
}

function openToken(token: string, request: TokenScope, errorCode: string): string {
  const bytes = Buffer.from(token, "base64url");
  const lastKey = bytes.subarray(MAC_BYTES).toString("utf8");
  // Compared as text too: base64 has several spellings of the same bytes, and only ours is taken.
  const ours = bytes.length > MAC_BYTES && bytes.toString("base64url") === token;
  if (!ours || !timingSafeEqual(bytes.subarray(0, MAC_BYTES), mac(lastKey, request)))
    throw new AwsError(errorCode, "The pagination token is not valid for this request.");
  return lastKey;
}

function mac(lastKey: string, request: TokenScope): Buffer {
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
