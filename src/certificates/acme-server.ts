import type { KeyObject } from "node:crypto";

/** Who asks: its key, and what the server knows it by. */
export interface AcmeAccount {
  readonly key: KeyObject;
  readonly url: string;
}

/** Source: RFC 8555, 7.1.3. */
export interface AcmeOrder {
  readonly status: "pending" | "ready" | "processing" | "valid" | "invalid";
  readonly authorizations: readonly string[];
  readonly finalize: string;
  /** Where the certificate is, of a valid one. */
  readonly certificate?: string;
  readonly error?: AcmeProblem;
  /** How long the server asks to be left alone with it, in milliseconds. */
  readonly retryAfterMs?: number;
}

/** Source: RFC 8555, 7.1.4. */
export interface AcmeAuthorization {
  readonly status: "pending" | "valid" | "invalid" | "deactivated" | "expired" | "revoked";
  /** The name; of a wildcard what follows `*.`. */
  readonly name: string;
  readonly challenges: readonly AcmeChallenge[];
}

export interface AcmeChallenge {
  /** Such as `http-01`. */
  readonly type: string;
  readonly url: string;
  readonly status: "pending" | "processing" | "valid" | "invalid";
  readonly token: string;
  readonly error?: AcmeProblem;
}

/** What a server says is wrong. Source: RFC 7807, RFC 8555, 6.7. */
export interface AcmeProblem {
  /** Such as `rateLimited`: what follows `urn:ietf:params:acme:error:`. */
  readonly type: string;
  readonly detail: string;
}

/** An exchange with an ACME server that came to nothing. */
export class AcmeError extends Error {
  /** Absent: there was no answer, or none of ACME's. */
  readonly type?: string;
  /** Of HTTP; absent: there was no answer. */
  readonly status?: number;
  /** How long the server asks not to be asked again, in milliseconds. */
  readonly retryAfterMs?: number;
  constructor(message: string, details: Pick<AcmeError, "type" | "status" | "retryAfterMs" | "cause"> = {}) {
    super(message, { cause: details.cause });
    this.name = "AcmeError";
    this.type = details.type;
    this.status = details.status;
    this.retryAfterMs = details.retryAfterMs;
  }
}

/** An authority that speaks ACME (RFC 8555). Every call throws AcmeError, or the signal's reason. */
export interface AcmeServer {
  /** The URL of its directory. */
  readonly directory: string;
  /** Makes the server know the key and the address for mail, and answers the account's URL; it may know both already. */
  register(key: KeyObject, email: string | undefined, signal: AbortSignal): Promise<string>;
  newOrder(account: AcmeAccount, names: readonly string[], signal: AbortSignal): Promise<AcmeOrder & { url: string }>;
  order(account: AcmeAccount, url: string, signal: AbortSignal): Promise<AcmeOrder>;
  authorization(account: AcmeAccount, url: string, signal: AbortSignal): Promise<AcmeAuthorization>;
  /** Tells the server that it may look at a challenge now. */
  answer(account: AcmeAccount, challengeUrl: string, signal: AbortSignal): Promise<void>;
  /** Hands in the certificate signing request (DER). */
  finalize(account: AcmeAccount, url: string, request: Buffer, signal: AbortSignal): Promise<AcmeOrder>;
  /** The certificate and its chain, PEM. */
  certificate(account: AcmeAccount, url: string, signal: AbortSignal): Promise<string>;
}
