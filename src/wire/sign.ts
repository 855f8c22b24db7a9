import { ALGORITHM, hmac, scopeText, sha256Hex, signingKey, stringToSign, toAmzDate } from "./canonical-request.ts";

/** An access key. `sessionToken` belongs to temporary ones. */
export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

export interface SignOptions {
  readonly method: string;
  /** Scheme, host, path and query. Also ws: and wss:, for an upgrade request. */
  readonly url: URL;
  /** Further headers to send and sign; names in any case. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Absent for none, as in an upgrade request. */
  readonly body?: string | Uint8Array;
  readonly credentials: Credentials;
  readonly region: string;
  /** The service's name in the scope: "ecs" or "elasticloadbalancing". */
  readonly service: string;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/**
 * Signs a request with Signature Version 4 and answers every header to send (names in lower case): those given, and
 * `host`, `x-amz-date`, `authorization` and, with a session token, `x-amz-security-token`.
 */
export function signRequest(options: SignOptions): Record<string, string> {
  const { url, credentials } = options;
  const amzDate = toAmzDate(options.now);
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(options.headers ?? {})) headers[name.toLowerCase()] = value;
  headers.host = url.host;
  headers["x-amz-date"] = amzDate;
  if (credentials.sessionToken !== undefined) headers["x-amz-security-token"] = credentials.sessionToken;

  const signedHeaders = Object.keys(headers)
    .filter((name) => !UNSIGNED_HEADERS.has(name))
    .sort();
  const scope = { date: amzDate.slice(0, 8), region: options.region, service: options.service };
  const request = {
    method: options.method,
    path: url.pathname,
    query: url.search.slice(1),
    signedHeaders,
    headers,
    payloadHash: sha256Hex(options.body ?? ""),
  };
  const signature = hmac(signingKey(credentials.secretAccessKey, scope), stringToSign(request, scope, amzDate));
  headers.authorization = `${ALGORITHM} Credential=${credentials.accessKeyId}/${scopeText(scope)}, SignedHeaders=${signedHeaders.join(";")}, Signature=${signature.toString("hex")}`;
  return headers;
}

/** What proxies and HTTP libraries change on the way. */
const UNSIGNED_HEADERS: ReadonlySet<string> = new Set([
  "authorization",
  "connection",
  "content-length",
  "expect",
  "keep-alive",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "user-agent",
]);
