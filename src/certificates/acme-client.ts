import type { KeyObject } from "node:crypto";
import type { Clock } from "../runtime/clock.ts";
import {
  type AcmeAccount,
  type AcmeAuthorization,
  AcmeError,
  type AcmeOrder,
  type AcmeProblem,
  type AcmeServer,
} from "./acme-server.ts";
import { type HttpsAnswer, HttpsExchange } from "./https-exchange.ts";
import { type ExternalAccount, externalBinding, signedRequest } from "./jose.ts";

export interface AcmeClientOptions {
  /** The URL of the server's directory; HTTPS. */
  readonly directory: string;
  /** PEM: roots to trust in place of the machine's. */
  readonly ca?: string;
  readonly externalAccount?: ExternalAccount;
  readonly clock: Pick<Clock, "now">;
}

/** A nonce may have been used up by the time it gets there; the answer brings another. Source: RFC 8555, 6.5. */
const NONCE_ATTEMPTS = 10;
/** Nonces that are kept for later; a server forgets them after a while. */
const KEPT_NONCES = 10;
const PROBLEM_PREFIX = "urn:ietf:params:acme:error:";

interface Directory {
  readonly newNonce: string;
  readonly newAccount: string;
  readonly newOrder: string;
}

/** A client of an ACME server. It keeps its directory and unused nonces, and nothing that matters. */
export function createAcmeClient(options: AcmeClientOptions): AcmeServer {
  return new AcmeClient(options);
}

class AcmeClient implements AcmeServer {
  readonly directory: string;
  readonly #options: AcmeClientOptions;
  readonly #https: HttpsExchange;
  #known: Directory | undefined;
  #nonces: string[] = [];

  constructor(options: AcmeClientOptions) {
    this.directory = options.directory;
    this.#options = options;
    this.#https = new HttpsExchange(options.ca);
  }

  async register(key: KeyObject, email: string | undefined, signal: AbortSignal): Promise<string> {
    const { externalAccount } = this.#options;
    const { newAccount } = await this.#directory(signal);
    const contact = email === undefined ? [] : [`mailto:${email}`];
    const binding =
      externalAccount === undefined
        ? {}
        : { externalAccountBinding: externalBinding(externalAccount, newAccount, key) };
    const wish = { termsOfServiceAgreed: true, contact, ...binding };
    const { status, headers } = await this.#post({ key }, newAccount, wish, signal);
    const url = locationOf(headers);
    // 200: the account was there already, with the contact of then.
    if (status === 200) await this.#post({ key, url }, url, { contact }, signal);
    return url;
  }

  async newOrder(account: AcmeAccount, names: readonly string[], signal: AbortSignal) {
    const { newOrder } = await this.#directory(signal);
    const identifiers = names.map((value) => ({ type: "dns", value }));
    const answer = await this.#post(account, newOrder, { identifiers }, signal);
    return { ...this.#orderIn(answer), url: locationOf(answer.headers) };
  }

  async order(account: AcmeAccount, url: string, signal: AbortSignal): Promise<AcmeOrder> {
    return this.#orderIn(await this.#post(account, url, undefined, signal));
  }

  async authorization(account: AcmeAccount, url: string, signal: AbortSignal): Promise<AcmeAuthorization> {
    const answer = jsonIn(await this.#post(account, url, undefined, signal)) as AcmeAuthorization & {
      readonly identifier?: { readonly value?: string };
    };
    const { status, identifier, challenges = [] } = answer;
    return {
      status,
      name: identifier?.value ?? "",
      challenges: challenges.map((one) => ({ ...one, error: problemOf(one.error) })),
    };
  }

  async answer(account: AcmeAccount, challengeUrl: string, signal: AbortSignal): Promise<void> {
    await this.#post(account, challengeUrl, {}, signal);
  }

  async finalize(account: AcmeAccount, url: string, request: Buffer, signal: AbortSignal): Promise<AcmeOrder> {
    return this.#orderIn(await this.#post(account, url, { csr: request.toString("base64url") }, signal));
  }

  async certificate(account: AcmeAccount, url: string, signal: AbortSignal): Promise<string> {
    return (await this.#post(account, url, undefined, signal)).body;
  }

  #orderIn(answer: HttpsAnswer): AcmeOrder {
    const { status, authorizations = [], finalize = "", certificate, error } = jsonIn(answer) as AcmeOrder;
    const retryAfterMs = this.#retryAfterMs(answer);
    return { status, authorizations, finalize, certificate, error: problemOf(error), retryAfterMs };
  }

  async #directory(signal: AbortSignal): Promise<Directory> {
    if (this.#known !== undefined) return this.#known;
    const answer = await this.#https.send("GET", this.directory, undefined, signal);
    if (answer.status !== 200) throw this.#errorIn(answer, this.directory);
    const found = jsonIn(answer) as Partial<Directory>;
    const { newNonce, newAccount, newOrder } = found;
    if (newNonce === undefined || newAccount === undefined || newOrder === undefined)
      throw new AcmeError(`${this.directory} is not the directory of an ACME server`);
    this.#known = { newNonce, newAccount, newOrder };
    return this.#known;
  }

  async #nonce(signal: AbortSignal): Promise<string> {
    const kept = this.#nonces.pop();
    if (kept !== undefined) return kept;
    const { newNonce } = await this.#directory(signal);
    const { headers } = await this.#https.send("HEAD", newNonce, undefined, signal);
    const nonce = headers["replay-nonce"];
    if (typeof nonce !== "string") throw new AcmeError(`${newNonce} gave no nonce`);
    return nonce;
  }

  /** A signed request, again with another nonce where the server asks for that. Throws AcmeError for an answer that is no success. */
  async #post(
    { key, url: kid }: { readonly key: KeyObject; readonly url?: string },
    url: string,
    payload: object | undefined,
    signal: AbortSignal,
  ): Promise<HttpsAnswer> {
    for (let attempt = 1; ; attempt++) {
      const nonce = await this.#nonce(signal);
      const answer = await this.#https.send("POST", url, signedRequest({ url, nonce, kid }, payload, key), signal);
      const next = answer.headers["replay-nonce"];
      if (typeof next === "string") this.#nonces = [...this.#nonces, next].slice(-KEPT_NONCES);
      if (answer.status >= 200 && answer.status < 300) return answer;
      const error = this.#errorIn(answer, url);
      if (error.type !== "badNonce" || attempt === NONCE_ATTEMPTS) throw error;
    }
  }

  #errorIn(answer: HttpsAnswer, url: string): AcmeError {
    const { status } = answer;
    const details = { status, retryAfterMs: this.#retryAfterMs(answer) };
    const problem = problemOf(parsed(answer.body) as AcmeProblem | undefined);
    if (problem === undefined) return new AcmeError(`${url} answered with status ${status}`, details);
    return new AcmeError(problem.detail, { type: problem.type, ...details });
  }

  /** Seconds or a date. Source: RFC 9110, 10.2.3. */
  #retryAfterMs({ headers }: HttpsAnswer): number | undefined {
    const value = headers["retry-after"];
    if (typeof value !== "string" || value === "") return undefined;
    const ms = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - this.#options.clock.now();
    return Number.isFinite(ms) ? Math.max(0, ms) : undefined;
  }
}

function locationOf(headers: HttpsAnswer["headers"]): string {
  const { location } = headers;
  if (typeof location !== "string") throw new AcmeError("the ACME server does not say where what it made is");
  return location;
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined; // whoever asks says what the answer should have been
  }
}

function jsonIn({ body }: HttpsAnswer): object {
  const found = parsed(body);
  if (typeof found === "object" && found !== null) return found;
  throw new AcmeError("the ACME server's answer is not JSON");
}

/** A problem document in our words: the details of its parts stand behind its own. */
function problemOf(given: AcmeProblem | undefined): AcmeProblem | undefined {
  const { type, detail, subproblems } = (given ?? {}) as Partial<AcmeProblem> & {
    readonly subproblems?: readonly { readonly identifier?: { readonly value?: string }; readonly detail?: string }[];
  };
  if (typeof type !== "string") return undefined;
  const parts = (subproblems ?? []).map((part) => `${part.identifier?.value ?? ""}: ${part.detail ?? ""}`);
  return { type: type.replace(PROBLEM_PREFIX, ""), detail: [detail ?? type, ...parts].join("; ") };
}
