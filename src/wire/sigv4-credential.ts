import type { IncomingHttpHeaders } from "node:http";
import { ALGORITHM, type CredentialScope, fromAmzDate } from "./canonical-request.ts";
import { SignatureError } from "./signature-error.ts";

/** What a request says on the wire. `url` is the request line's target: path and query. */
export interface SignedRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
}

/** What a request says of its own signature, well-formed but not yet believed. */
export interface SignedCredential {
  readonly accessKeyId: string;
  readonly sessionToken: string | undefined;
  readonly scope: CredentialScope;
  /** YYYYMMDD'T'HHMMSS'Z', a real time. */
  readonly amzDate: string;
  readonly signedHeaders: readonly string[];
  /** 64 hex digits. */
  readonly signature: string;
  /** How long a presigned URL holds; undefined for a signature in headers. */
  readonly expiresMs: number | undefined;
}

/** A presigned URL holds at most a week. AWS's own figure. */
const MAX_EXPIRES_SECONDS = 604_800;

/**
 * Reads the Authorization header or the X-Amz-* parameters of a presigned URL.
 * @throws SignatureError "missing" if there are neither, "incomplete" if a part is absent or malformed
 */
export function readCredential(request: SignedRequest): SignedCredential {
  const { authorization } = request.headers;
  const query = request.url.includes("?") ? request.url.slice(request.url.indexOf("?") + 1) : "";
  if (authorization !== undefined) return fromHeader(authorization, request);
  if (/(?:^|&)X-Amz-(?:Algorithm|Signature|Credential)=/.test(query)) return fromQuery(new URLSearchParams(query));
  throw new SignatureError("missing", "Missing Authentication Token");
}

function fromHeader(authorization: string, { headers }: SignedRequest): SignedCredential {
  const [algorithm = ""] = authorization.split(" ", 1);
  if (algorithm !== ALGORITHM)
    throw incomplete(`Authorization header must begin with '${ALGORITHM}', not '${algorithm.slice(0, 40)}'.`);
  const parts = new Map<string, string>();
  for (const part of authorization.slice(algorithm.length).split(",")) {
    const equals = part.indexOf("=");
    if (equals > 0) parts.set(part.slice(0, equals).trim(), part.slice(equals + 1).trim());
  }
  const date = headers["x-amz-date"];
  const missing = ["Credential", "Signature", "SignedHeaders"].filter((name) => !parts.get(name));
  if (missing.length > 0)
    throw incomplete(missing.map((name) => `Authorization header requires '${name}' parameter.`).join(" "));
  if (typeof date !== "string") throw incomplete("Authorization header requires existence of a 'X-Amz-Date' header.");
  const token = headers["x-amz-security-token"];
  return wellFormed({
    credential: parts.get("Credential") ?? "",
    signature: parts.get("Signature") ?? "",
    signedHeaders: parts.get("SignedHeaders") ?? "",
    amzDate: date,
    sessionToken: typeof token === "string" ? token : undefined,
    expiresMs: undefined,
  });
}

function fromQuery(query: URLSearchParams): SignedCredential {
  const required = (name: string): string => {
    const value = query.get(name);
    if (value === null || value === "") throw incomplete(`AWS query-string parameters must include '${name}'.`);
    return value;
  };
  if (required("X-Amz-Algorithm") !== ALGORITHM) throw incomplete(`X-Amz-Algorithm must be '${ALGORITHM}'.`);
  const expires = required("X-Amz-Expires");
  const seconds = /^\d{1,7}$/.test(expires) ? Number(expires) : Number.NaN;
  if (!(seconds >= 1 && seconds <= MAX_EXPIRES_SECONDS))
    throw incomplete(`X-Amz-Expires must be a number of seconds from 1 to ${MAX_EXPIRES_SECONDS}.`);
  return wellFormed({
    credential: required("X-Amz-Credential"),
    signature: required("X-Amz-Signature"),
    signedHeaders: required("X-Amz-SignedHeaders"),
    amzDate: required("X-Amz-Date"),
    sessionToken: query.get("X-Amz-Security-Token") ?? undefined,
    expiresMs: seconds * 1000,
  });
}

interface RawCredential {
  readonly credential: string;
  readonly signature: string;
  readonly signedHeaders: string;
  readonly amzDate: string;
  readonly sessionToken: string | undefined;
  readonly expiresMs: number | undefined;
}

function wellFormed({ credential, signature, signedHeaders, ...rest }: RawCredential): SignedCredential {
  const [accessKeyId = "", date = "", region = "", service = "", terminator, ...more] = credential.split("/");
  if (terminator !== "aws4_request" || more.length > 0 || accessKeyId === "" || !/^\d{8}$/.test(date))
    throw incomplete(
      `Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '${credential.slice(0, 200)}'`,
    );
  if (fromAmzDate(rest.amzDate) === undefined)
    throw incomplete(
      `Date must be in ISO-8601 'basic format'. Got '${rest.amzDate.slice(0, 40)}'. See http://en.wikipedia.org/wiki/ISO_8601`,
    );
  if (!/^[0-9a-f]{64}$/.test(signature)) throw incomplete("The signature must be 64 lower-case hexadecimal digits.");
  return { ...rest, accessKeyId, scope: { date, region, service }, signature, signedHeaders: signedHeaders.split(";") };
}

function incomplete(message: string): SignatureError {
  return new SignatureError("incomplete", message);
}
