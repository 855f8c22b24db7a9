/**
 * A refusal that AWS defines. `code` goes out as `__type` (JSON) or `<Code>` (Query), from which an SDK picks its
 * exception class. Anything thrown that is not an AwsError is a bug: it is logged whole and answered as an internal failure.
 */
export class AwsError extends Error {
  /** The exception's shape name in the API model, such as "ClusterNotFoundException". */
  readonly code: string;
  /** 400..499 for the caller's fault, 500..599 for ours. */
  readonly httpStatus: number;
  /** Further members of the exception's shape, such as `resourceIds` of ConflictException. */
  readonly members: Readonly<Record<string, unknown>>;

  constructor(code: string, message: string, options: { httpStatus?: number; members?: Record<string, unknown> } = {}) {
    super(message);
    this.name = code;
    this.code = code;
    this.httpStatus = options.httpStatus ?? 400;
    this.members = options.members ?? {};
  }
}
