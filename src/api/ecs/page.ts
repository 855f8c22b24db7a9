import { paginateFrom } from "../../wire/pagination.ts";
import type { ApiContext } from "../context.ts";

/** What an operation allows for maxResults, and what it takes when none is given. */
export interface PageLimits {
  readonly default: number;
  readonly max: number;
}

/**
 * One page of `all` after `input.nextToken`, by `key` in ascending order. `filters` are what else was asked: a token is
 * good for the same filters only. Throws InvalidParameterException for a token or a maxResults that is not valid.
 */
export function page<R>(
  context: ApiContext,
  all: readonly R[],
  key: (record: R) => string,
  input: { readonly nextToken?: string; readonly maxResults?: number },
  limits: PageLimits,
  filters: unknown = {},
): { readonly items: R[]; readonly nextToken: string | undefined } {
  const sorted = [...all].sort((a, b) => (key(a) < key(b) ? -1 : 1));
  const after = (last: string | undefined) => sorted.filter((record) => last === undefined || key(record) > last);
  return pageFrom(context, after, key, input, limits, filters);
}

/** Like `page`, of records that a table gives in the order of `key` from any key on: the rest is not gone through. */
export function pageFrom<R>(
  context: ApiContext,
  itemsAfter: (key: string | undefined) => Iterable<R>,
  key: (record: R) => string,
  { maxResults, nextToken }: { readonly nextToken?: string; readonly maxResults?: number },
  limits: PageLimits,
  filters: unknown = {},
): { readonly items: R[]; readonly nextToken: string | undefined } {
  const { pageSecret: secret } = context;
  const errorCode = "InvalidParameterException";
  const answer = paginateFrom({ itemsAfter, key, maxResults, nextToken, filters, limits, secret, errorCode });
  return { items: answer.page, nextToken: answer.nextToken };
}
