import { createHash, createPrivateKey, createPublicKey, type KeyObject, X509Certificate } from "node:crypto";
import type { Instant } from "../runtime/clock.ts";
import { seededRandom } from "../runtime/random.ts";
import {
  type AcmeAccount,
  type AcmeAuthorization,
  AcmeError,
  type AcmeOrder,
  type AcmeProblem,
  type AcmeServer,
} from "./acme-server.ts";
import { newAuthority } from "./local-authority.ts";
import { certificateOf, subjectOf } from "./x509.ts";

interface FakeOrder {
  readonly names: readonly string[];
  status: AcmeOrder["status"];
  certificate?: string;
}

interface FakeAuthorization {
  readonly name: string;
  readonly order: string;
  status: AcmeAuthorization["status"];
  error?: AcmeProblem;
}

/** An ACME server without a network. It outlives the control planes that a test kills, as a real one does. */
export class FakeAcmeServer implements AcmeServer {
  readonly directory = "https://acme.test/directory";
  /** What each call did, in order. */
  readonly calls: string[] = [];
  /** What is wrong with a name when it is validated; nothing by default. */
  validate: (name: string) => AcmeProblem | undefined = () => undefined;
  /** Called before each call: what it throws is what the caller gets. */
  disturb: (call: keyof AcmeServer) => void = () => {};
  /** What certificates are issued for: the names of their order, and the key of its signing request, by default. */
  issueFor: (names: readonly string[], key: KeyObject) => { names: readonly string[]; key: KeyObject } = (
    names,
    key,
  ) => ({
    names,
    key,
  });
  /** The lifetime of what is issued, in milliseconds. */
  lifetimeMs = 90 * 86_400_000;
  readonly #now: () => Instant;
  readonly #random = seededRandom(99);
  readonly #orders = new Map<string, FakeOrder>();
  readonly #authorizations = new Map<string, FakeAuthorization>();
  readonly #accounts = new Map<string, string>();

  constructor(now: () => Instant) {
    this.#now = now;
  }

  /** How many orders were made. */
  get orders(): number {
    return this.#orders.size;
  }

  async register(key: KeyObject): Promise<string> {
    this.#called("register");
    const id = createHash("sha256")
      .update(createPublicKey(key).export({ type: "spki", format: "der" }))
      .digest("hex");
    this.#accounts.set(id, this.#accounts.get(id) ?? `https://acme.test/account/${this.#accounts.size + 1}`);
    return this.#accounts.get(id) ?? "";
  }

  async newOrder(_account: AcmeAccount, names: readonly string[]) {
    this.#called("newOrder");
    const url = `https://acme.test/order/${this.#orders.size + 1}`;
    this.#orders.set(url, { names, status: "pending" });
    for (const [index, name] of names.entries())
      this.#authorizations.set(`${url}/authorization/${index}`, {
        name: name.replace("*.", ""),
        order: url,
        status: "pending",
      });
    return { ...this.#shown(url), url };
  }

  async order(_account: AcmeAccount, url: string): Promise<AcmeOrder> {
    this.#called("order");
    return this.#shown(url);
  }

  async authorization(_account: AcmeAccount, url: string): Promise<AcmeAuthorization> {
    this.#called("authorization");
    const { name, status, error } = this.#authorizations.get(url) ?? missing(url);
    const token = `token-${url.replaceAll(/\D+/g, "-")}`;
    const challengeStatus = status === "valid" || status === "invalid" ? status : "pending";
    const challenges = ["http-01", "dns-01"].map((type) => {
      return { type, url: `${url}/${type}`, status: challengeStatus, token, error } as const;
    });
    return { status, name, challenges };
  }

  async answer(_account: AcmeAccount, challengeUrl: string): Promise<void> {
    this.#called("answer");
    const authorization = this.#authorizations.get(challengeUrl.replace(/\/[^/]+$/, "")) ?? missing(challengeUrl);
    if (authorization.status !== "pending") throw new AcmeError("not pending", { type: "malformed", status: 400 });
    authorization.error = this.validate(authorization.name);
    authorization.status = authorization.error === undefined ? "valid" : "invalid";
    const all = [...this.#authorizations.values()].filter(({ order }) => order === authorization.order);
    const order = this.#orders.get(authorization.order) ?? missing(authorization.order);
    if (all.some(({ status }) => status === "invalid")) order.status = "invalid";
    else if (all.every(({ status }) => status === "valid")) order.status = "ready";
  }

  async finalize(_account: AcmeAccount, url: string, request: Buffer): Promise<AcmeOrder> {
    this.#called("finalize");
    const order = this.#orders.get(url.replace("/finalize", "")) ?? missing(url);
    if (order.status !== "ready") throw new AcmeError("not ready", { type: "orderNotReady", status: 403 });
    order.status = "processing";
    order.certificate = await this.#issue(order.names, request);
    order.status = "valid";
    return this.#shown(url.replace("/finalize", ""));
  }

  async certificate(_account: AcmeAccount, url: string): Promise<string> {
    this.#called("certificate");
    return this.#orders.get(url.replace("/certificate", ""))?.certificate ?? missing(url);
  }

  #called(call: keyof AcmeServer): void {
    this.calls.push(call);
    this.disturb(call);
  }

  #shown(url: string): AcmeOrder {
    const { status } = this.#orders.get(url) ?? missing(url);
    const authorizations = [...this.#authorizations].flatMap(([key, { order }]) => (order === url ? [key] : []));
    return { status, authorizations, finalize: `${url}/finalize`, certificate: `${url}/certificate` };
  }

  async #issue(ordered: readonly string[], request: Buffer): Promise<string> {
    const { names, key } = this.issueFor(ordered, publicKeyIn(request));
    const now = this.#now();
    const root = await newAuthority(now, this.#random);
    const [, commonName] = /^CN=(.+)$/m.exec(new X509Certificate(root.certificate).subject ?? "") ?? [];
    const issuer = { organization: "Berth", commonName };
    const validity = { notBefore: now, notAfter: now + this.lifetimeMs };
    const contents = { subject: subjectOf(names), issuer, serial: Buffer.from("01", "hex"), ...validity, names };
    return `${certificateOf(contents, key, createPrivateKey(root.privateKey))}\n${root.certificate}\n`;
  }
}

function missing(url: string): never {
  throw new AcmeError(`there is no ${url}`, { type: "malformed", status: 404 });
}

/** The public key of a signing request: the first thing in it that is one. */
function publicKeyIn(request: Buffer): KeyObject {
  for (let at = 0; at < request.length; at++) {
    if (request[at] !== 0x30) continue;
    try {
      return createPublicKey({ key: request.subarray(at), type: "spki", format: "der" });
    } catch {
      // it is something else
    }
  }
  throw new Error("a signing request without a key");
}
