import { paginate } from "../../wire/pagination.ts";
import type { ApiContext } from "../context.ts";

/** Source: CloudWatch Logs API reference, DescribeLogGroups and DescribeLogStreams. */
const PAGE = { default: 50, max: 50 } as const;

/** One page of `all` after `input.nextToken`, by name. Throws InvalidParameterException for a bad token or limit. */
export function page<R>(
  context: ApiContext,
  all: readonly R[],
  name: (item: R) => string,
  input: { readonly nextToken?: string; readonly limit?: number; readonly descending?: boolean },
  filters: unknown,
): { readonly items: R[]; readonly nextToken: string | undefined } {
  const way = input.descending ? -1 : 1;
  const sorted = [...all].sort((a, b) => (name(a) < name(b) ? -way : way));
  // `paginate` wants keys that ascend.
  const { page: items, nextToken } = paginate({
    items: sorted,
    key: (item) => (input.descending ? complement(name(item)) : name(item)),
    maxResults: input.limit,
    nextToken: input.nextToken,
    filters: { filters, descending: input.descending ?? false },
    limits: PAGE,
    secret: context.pageSecret,
  });
  return { items, nextToken };
}

/** A key that sorts the other way round: each character counted from the top, and an end that comes after all of them. */
function complement(name: string): string {
  return `${[...name].map((c) => String.fromCharCode(0x7f - c.charCodeAt(0))).join("")}\u007f`;
}
