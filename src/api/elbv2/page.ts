import { paginate } from "../../wire/pagination.ts";
import type { ApiContext } from "../context.ts";

/** ELBv2's pages: PageSize 1..400, 400 when not given. Source: ELBv2 API reference, DescribeLoadBalancers. */
const PAGE = { default: 400, max: 400 } as const;

/** One page of `all` after `input.Marker`. Throws ValidationError for a marker or a size that is not valid. */
export function page<R>(
  context: ApiContext,
  all: readonly R[],
  key: (record: R) => string,
  input: { readonly Marker?: string; readonly PageSize?: number },
  filters: unknown = {},
): { readonly items: R[]; readonly nextMarker: string | undefined } {
  const sorted = [...all].sort((a, b) => (key(a) < key(b) ? -1 : 1));
  const { page: items, nextToken } = paginate({
    items: sorted,
    key,
    maxResults: input.PageSize,
    nextToken: input.Marker,
    filters,
    limits: PAGE,
    secret: context.pageSecret,
    errorCode: "ValidationError",
  });
  return { items, nextMarker: nextToken };
}
