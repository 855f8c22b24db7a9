import { createHash, createHmac, createPublicKey, type KeyObject, sign } from "node:crypto";

const encoded = (value: string | Uint8Array) => Buffer.from(value).toString("base64url");
const encodedJson = (value: unknown) => encoded(JSON.stringify(value));

/** The public part of an account's key (P-256), its members in the order in which a thumbprint has them. Source: RFC 7638, 3.2. */
export function publicJwk(key: KeyObject) {
  const { crv, kty, x, y } = createPublicKey(key).export({ format: "jwk" });
  return { crv, kty, x, y };
}

const thumbprint = (key: KeyObject) =>
  createHash("sha256")
    .update(JSON.stringify(publicJwk(key)))
    .digest("base64url");

/** What shows that a challenge is answered by the account. Source: RFC 8555, 8.1. */
export const keyAuthorization = (token: string, key: KeyObject): string => `${token}.${thumbprint(key)}`;

/** The TXT record that stands for the key authorization `answer` of a name. Source: RFC 8555, 8.4. */
export const txtRecord = ({ name, answer }: { readonly name: string; readonly answer: string }) => ({
  name: `_acme-challenge.${name}`,
  value: createHash("sha256").update(answer).digest("base64url"),
});

/** What a request's header says beside its algorithm. */
interface RequestHeader {
  readonly url: string;
  readonly nonce: string;
  /** The account's URL; without it the whole public key goes along. */
  readonly kid?: string;
}

/** A request as ACME wants it signed: JWS, flattened. `payload` undefined: it only asks. Source: RFC 8555, 6.2. */
export function signedRequest(header: RequestHeader, payload: object | undefined, key: KeyObject): string {
  const { kid, ...rest } = header;
  const head = encodedJson({ alg: "ES256", ...(kid === undefined ? { jwk: publicJwk(key) } : { kid }), ...rest });
  const body = payload === undefined ? "" : encodedJson(payload);
  const signature = sign("sha256", Buffer.from(`${head}.${body}`), { key, dsaEncoding: "ieee-p1363" });
  return JSON.stringify({ protected: head, payload: body, signature: encoded(signature) });
}

/** A key that an authority gave out by other means, for its own customers. */
export interface ExternalAccount {
  readonly keyId: string;
  /** In base64url. */
  readonly hmacKey: string;
}

/** Binds a new account to one that the authority knows. Source: RFC 8555, 7.3.4. */
export function externalBinding({ keyId, hmacKey }: ExternalAccount, url: string, key: KeyObject): object {
  const head = encodedJson({ alg: "HS256", kid: keyId, url });
  const body = encodedJson(publicJwk(key));
  const mac = createHmac("sha256", Buffer.from(hmacKey, "base64url")).update(`${head}.${body}`).digest("base64url");
  return { protected: head, payload: body, signature: mac };
}
