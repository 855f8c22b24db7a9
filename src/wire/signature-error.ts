import { AwsError } from "./errors.ts";

/** The kinds of refusal, which JSON and Query services name differently. */
export type SignatureFailure = "missing" | "incomplete" | "unknown-key" | "mismatch" | "expired-url";

/** A request that is not, or not rightly, signed. `toAwsError` puts it in a protocol's terms. */
export class SignatureError extends Error {
  readonly failure: SignatureFailure;
  constructor(failure: SignatureFailure, message: string) {
    super(message);
    this.name = "SignatureError";
    this.failure = failure;
  }
}

const AWS_ERRORS = {
  json: {
    missing: { code: "MissingAuthenticationTokenException", httpStatus: 400 },
    incomplete: { code: "IncompleteSignatureException", httpStatus: 400 },
    "unknown-key": { code: "UnrecognizedClientException", httpStatus: 400 },
    mismatch: { code: "InvalidSignatureException", httpStatus: 400 },
    "expired-url": { code: "InvalidSignatureException", httpStatus: 400 },
  },
  query: {
    missing: { code: "MissingAuthenticationToken", httpStatus: 403 },
    incomplete: { code: "IncompleteSignature", httpStatus: 400 },
    "unknown-key": { code: "InvalidClientTokenId", httpStatus: 403 },
    mismatch: { code: "SignatureDoesNotMatch", httpStatus: 403 },
    "expired-url": { code: "RequestExpired", httpStatus: 400 },
  },
} as const satisfies Record<string, Record<SignatureFailure, { code: string; httpStatus: number }>>;

/** The exception that a service of that protocol answers. */
export function toAwsError(error: SignatureError, protocol: "json" | "query"): AwsError {
  const { code, httpStatus } = AWS_ERRORS[protocol][error.failure];
  return new AwsError(code, error.message, { httpStatus });
}
