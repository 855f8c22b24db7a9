import type { Instant } from "../runtime/clock.ts";

/** What a call with a clientToken made, so that its repetition gets the same answer and makes nothing more. */
export interface RequestTokenRecord {
  /** `<operation>/<cluster>/<token>`. */
  readonly key: string;
  /** A digest of the call's other parameters: the same token with others is a ConflictException. */
  readonly parametersDigest: string;
  /** ARNs of what the first call made. */
  readonly resourceArns: readonly string[];
  /** Why the first call did not make all that it asked for; absent if it did. */
  readonly failures?: readonly { readonly arn?: string; readonly reason?: string }[];
  readonly createdAt: Instant;
}

/** How long a token is remembered. */
export const REQUEST_TOKEN_RETENTION_MS = 24 * 60 * 60 * 1000;
