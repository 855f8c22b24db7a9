import { timingSafeEqual } from "node:crypto";
import type { Clock } from "../runtime/clock.ts";
import {
  ALGORITHM,
  type CredentialScope,
  fromAmzDate,
  hmac,
  type RequestToSign,
  sha256Hex,
  signingKey,
  stringToSign,
  toAmzDate,
} from "./canonical-request.ts";
import { SignatureError } from "./signature-error.ts";
import { readCredential, type SignedCredential, type SignedRequest } from "./sigv4-credential.ts";

export { type Credentials, type SignOptions, signRequest } from "./sign.ts";
export { SignatureError, type SignatureFailure, toAwsError } from "./signature-error.ts";
export type { SignedRequest } from "./sigv4-credential.ts";

/** How far a client's clock may be off, either way. AWS's own figure. */
export const CLOCK_SKEW_MS = 5 * 60_000;

/** How many derived signing keys are kept: one per access key, day, region and service. */
const MAX_CACHED_KEYS = 1_000;

/** Whose access key it is; undefined if there is none such, or the session token is not its own. */
export type CredentialsLookup<Principal> = (
  accessKeyId: string,
  sessionToken?: string,
) => { readonly secretAccessKey: string; readonly principal: Principal } | undefined;

export interface VerifierOptions<Principal> {
  readonly region: string;
  readonly authenticate: CredentialsLookup<Principal>;
  readonly clock: Clock;
}

/** A credential that is known and in time. The signature itself is judged by `verify`, once the body is there. */
export interface OpenedRequest<Principal> {
  readonly principal: Principal;
  /** @throws SignatureError "mismatch" unless the signature is right for this body. */
  verify(body: Uint8Array): Principal;
}

/** Judges signatures, in headers and in presigned URLs, for HTTP requests and websocket upgrades alike. */
export interface SignatureVerifier<Principal> {
  /**
   * All that can be told before the body is read: is there a known key, for this region and service, not out of date?
   * @param service the service's name in the scope, such as "ecs"
   * @throws SignatureError
   */
  open(request: SignedRequest, service: string): OpenedRequest<Principal>;
}

export function createVerifier<Principal>(options: VerifierOptions<Principal>): SignatureVerifier<Principal> {
  const keys = new Map<string, { readonly secret: string; readonly key: Buffer }>();
  const keyFor = (accessKeyId: string, secret: string, scope: CredentialScope): Buffer => {
    const name = `${accessKeyId}/${scope.date}/${scope.region}/${scope.service}`;
    const known = keys.get(name);
    if (known !== undefined && known.secret === secret) return known.key;
    const [oldest] = keys.keys();
    if (keys.size >= MAX_CACHED_KEYS && oldest !== undefined) keys.delete(oldest);
    const key = signingKey(secret, scope);
    keys.set(name, { secret, key });
    return key;
  };
  return {
    open(request, service) {
      const credential = readCredential(request);
      checkScope(credential, options.region, service);
      const found = options.authenticate(credential.accessKeyId, credential.sessionToken);
      if (found === undefined)
        throw new SignatureError("unknown-key", "The security token included in the request is invalid.");
      checkTime(credential, options.clock.now());
      checkSignedHeaders(request, credential);
      return {
        principal: found.principal,
        verify: (body) => {
          checkSignature(
            request,
            credential,
            body,
            keyFor(credential.accessKeyId, found.secretAccessKey, credential.scope),
          );
          return found.principal;
        },
      };
    },
  };
}

function checkScope({ scope }: SignedCredential, region: string, service: string): void {
  if (scope.region !== region)
    throw new SignatureError(
      "mismatch",
      `Credential should be scoped to a valid region, not '${scope.region}'. This server's region is '${region}'.`,
    );
  if (scope.service !== service)
    throw new SignatureError("mismatch", `Credential should be scoped to correct service: '${service}'. `);
}

function checkTime({ amzDate, scope, expiresMs }: SignedCredential, now: number): void {
  const signedAt = fromAmzDate(amzDate) ?? 0;
  if (!amzDate.startsWith(scope.date))
    throw new SignatureError(
      "mismatch",
      `Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '${scope.date}' != '${amzDate.slice(0, 8)}', from '${amzDate}'.`,
    );
  if (signedAt > now + CLOCK_SKEW_MS)
    throw new SignatureError(
      "mismatch",
      `Signature not yet current: ${amzDate} is still later than ${toAmzDate(now + CLOCK_SKEW_MS)} (${toAmzDate(now)} + 5 min.)`,
    );
  if (expiresMs === undefined && signedAt < now - CLOCK_SKEW_MS)
    throw new SignatureError(
      "mismatch",
      `Signature expired: ${amzDate} is now earlier than ${toAmzDate(now - CLOCK_SKEW_MS)} (${toAmzDate(now)} - 5 min.)`,
    );
  if (expiresMs !== undefined && now > signedAt + expiresMs)
    throw new SignatureError(
      "expired-url",
      `Signature expired: ${toAmzDate(signedAt + expiresMs)} is now earlier than ${toAmzDate(now)}`,
    );
}

/** What decides the meaning of a request must be under the signature. */
const MUST_BE_SIGNED: readonly string[] = ["x-amz-target", "x-amz-content-sha256"];

function checkSignedHeaders({ headers }: SignedRequest, { signedHeaders }: SignedCredential): void {
  for (const name of ["host", ...MUST_BE_SIGNED.filter((header) => headers[header] !== undefined)])
    if (!signedHeaders.includes(name))
      throw new SignatureError("mismatch", `'${name}' must be a 'SignedHeader' in the AWS Authorization.`);
}

function checkSignature(request: SignedRequest, credential: SignedCredential, body: Uint8Array, key: Buffer): void {
  const [path = "", query = ""] = splitOnce(request.url, "?");
  const unsigned = request.headers["x-amz-content-sha256"] === "UNSIGNED-PAYLOAD";
  const toSign: RequestToSign = {
    method: request.method,
    path,
    query,
    signedHeaders: credential.signedHeaders,
    headers: request.headers,
    payloadHash: unsigned ? "UNSIGNED-PAYLOAD" : sha256Hex(body),
  };
  const wanted = hmac(key, stringToSign(toSign, credential.scope, credential.amzDate));
  const given = Buffer.from(credential.signature, "hex");
  if (given.length !== wanted.length || !timingSafeEqual(given, wanted))
    throw new SignatureError(
      "mismatch",
      `The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method (${ALGORITHM}). Consult the service documentation for details.`,
    );
}

function splitOnce(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + 1)];
}
