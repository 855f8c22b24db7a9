import { createPrivateKey, X509Certificate } from "node:crypto";
import {
  type AcmeAccount,
  type AcmeAuthorization,
  type AcmeChallenge,
  AcmeError,
  type AcmeOrder,
  type AcmeServer,
  certificateBlocks,
  certificateFacts,
  keyAuthorization,
  newPrivateKey,
  privateKeyText,
  signingRequest,
  txtRecord,
} from "../../certificates/index.ts";
import type {
  CertificateOrder,
  CertificateRequest,
  OrderChallenge,
  RequestedCertificate,
} from "../../model/certificate.ts";
import type { Instant } from "../../runtime/clock.ts";
import { beginOrder, issueCertificate, markAnswered } from "../../state/index.ts";
import { acmeAccount } from "./acme-account.ts";
import type { CertificateContext } from "./certificate-issuers.ts";
import { ORDER_LIMIT_MS, pollMs } from "./certificate-steps.ts";

/** How long an order waits for its listeners to answer before the ACME server is told to look all the same. */
const SERVED_LIMIT_MS = 10_000;
/** Between two looks at whether they do. */
const SERVED_LOOK_MS = 100;

const CHALLENGE_TYPES = { HTTP: "http-01", DNS: "dns-01" } as const;

const challengeType = ({ validation }: CertificateRequest) =>
  validation === "LOCAL" ? undefined : CHALLENGE_TYPES[validation];

/** Asks the ACME server for a certificate and records the order with what proves its names. */
export async function placeOrder(
  context: CertificateContext,
  server: AcmeServer,
  { arn, request }: RequestedCertificate,
): Promise<void> {
  const { store, clock, sealer, signal, log } = context;
  const account = await acmeAccount(context, server);
  const startedAt = clock.now();
  const placed = await server.newOrder(account, request.names, signal);
  const authorizations = await all(server, account, placed.authorizations, signal);
  const challenges = authorizations
    .filter(({ status }) => status === "pending")
    .map((one) => challengeOf(account, one, challengeType(request)));
  const key = await newPrivateKey(request.keyAlgorithm);
  const order: CertificateOrder = {
    directory: server.directory,
    url: placed.url,
    startedAt,
    sealedPrivateKey: sealer.seal(privateKeyText(key), arn),
    challenges,
  };
  const records = request.validation === "DNS" ? challenges.map(txtRecord) : [];
  await store.transact("begin-order", (tx) => beginOrder(tx, arn, order, records));
  log.info({ certificate: arn, names: request.names, order: order.url }, "certificate ordered");
}

const all = (server: AcmeServer, account: AcmeAccount, urls: readonly string[], signal: AbortSignal) =>
  Promise.all(urls.map((url) => server.authorization(account, url, signal)));

function challengeOf(account: AcmeAccount, authorization: AcmeAuthorization, type: string | undefined): OrderChallenge {
  const { name, challenges } = authorization;
  const found = challenges.find((challenge) => challenge.type === type);
  if (found === undefined) {
    const offered = challenges.map((challenge) => challenge.type).join(", ");
    throw new AcmeError(`the ACME server offers no ${type} for ${name}, only ${offered}`);
  }
  return { name, url: found.url, token: found.token, answer: keyAuthorization(found.token, account.key) };
}

/** What became of one look at an order: look again at that time, or it came to nothing. */
export type OrderOutcome = { readonly at: Instant } | { readonly failure: { type?: string; message: string } };

/** Takes an order one step further, as the ACME server says where it is. */
export async function advanceOrder(
  context: CertificateContext,
  server: AcmeServer,
  record: RequestedCertificate,
  order: CertificateOrder,
): Promise<OrderOutcome> {
  const { signal, sealer, clock } = context;
  const account = await acmeAccount(context, server);
  const seen = await server.order(account, order.url, signal);
  const again = (retryAfterMs?: number): OrderOutcome => {
    const now = clock.now();
    return { at: Math.min(now + pollMs(order.startedAt, now, retryAfterMs), order.startedAt + ORDER_LIMIT_MS) };
  };
  switch (seen.status) {
    case "pending": {
      const isDone = await prove(context, server, account, record, order, seen);
      return isDone ? again(seen.retryAfterMs) : { at: clock.now() + SERVED_LOOK_MS };
    }
    case "ready": {
      const key = createPrivateKey(sealer.open(order.sealedPrivateKey, record.arn));
      const { status, retryAfterMs } = await server.finalize(
        account,
        seen.finalize,
        signingRequest(record.request.names, key),
        signal,
      );
      return status === "valid" ? { at: clock.now() } : again(retryAfterMs);
    }
    case "processing":
      return again(seen.retryAfterMs);
    case "valid":
      await takeCertificate(context, server, account, record, order, seen.certificate ?? "");
      return { at: clock.now() };
    case "invalid":
      return { failure: await whyInvalid(server, account, seen, signal) };
    default:
      throw new AcmeError(`the order has a status that ACME does not know: ${seen.status}`);
  }
}

/** Tells the ACME server to look at the challenges that it may look at. False: the listeners do not answer yet. */
async function prove(
  context: CertificateContext,
  server: AcmeServer,
  account: AcmeAccount,
  { arn, request }: RequestedCertificate,
  order: CertificateOrder,
  seen: AcmeOrder,
): Promise<boolean> {
  const { signal, clock, store } = context;
  const waiting = order.challenges.filter((challenge) => challenge.isAnswered !== true);
  if (waiting.length === 0) return true;
  if (request.validation === "HTTP" && clock.now() < order.startedAt + SERVED_LIMIT_MS)
    if (!(await areServed(context, waiting))) return false;
  // A control plane that was killed here may have told the server already; telling it twice is an error to some.
  const authorizations = await all(server, account, seen.authorizations, signal);
  const open = new Set(authorizations.flatMap(({ challenges }) => challenges.filter(isPending).map(({ url }) => url)));
  for (const { url } of waiting) if (open.has(url)) await server.answer(account, url, signal);
  const told = new Set(waiting.map(({ url }) => url));
  await store.transact("challenges-answered", (tx) => markAnswered(tx, arn, order.url, told));
  return true;
}

const isPending = ({ status }: AcmeChallenge) => status === "pending";

/** Whether every balancer that is there answers the challenges, on the port where the ACME server asks. */
async function areServed(
  { store, issuers }: CertificateContext,
  challenges: readonly OrderChallenge[],
): Promise<boolean> {
  const addresses = [...store.view.balancers.all()].flatMap((one) => (one.connected ? [one.address] : []));
  const answers = addresses.flatMap((address) =>
    challenges.map(async ({ name, token, answer }) => {
      return (await issuers.probe.ask({ address, port: issuers.httpPort }, name, token)) === answer;
    }),
  );
  return (await Promise.all(answers)).every(Boolean);
}

/** What the ACME server found wrong: of each name that failed, or of the whole order. */
async function whyInvalid(server: AcmeServer, account: AcmeAccount, seen: AcmeOrder, signal: AbortSignal) {
  const authorizations = await all(server, account, seen.authorizations, signal);
  const failed = authorizations.flatMap(({ name, challenges }) =>
    challenges.flatMap(({ error }) => (error === undefined ? [] : [{ name, ...error }])),
  );
  const message = [...new Set(failed.map(({ name, detail }) => `${name}: ${detail}`))].join("; ");
  const type = failed[0]?.type ?? seen.error?.type;
  return { type, message: message === "" ? (seen.error?.detail ?? "the ACME server refused the order") : message };
}

/** Fetches the certificate and puts it in its place. Throws AcmeError if it is not what was asked for. */
async function takeCertificate(
  { store, clock, sealer, signal, log }: CertificateContext,
  server: AcmeServer,
  account: AcmeAccount,
  { arn, request }: RequestedCertificate,
  order: CertificateOrder,
  url: string,
): Promise<void> {
  const [leaf, ...chain] = certificateBlocks(await server.certificate(account, url, signal));
  if (leaf === undefined) throw new AcmeError("the ACME server issued no certificate", { type: "malformed" });
  const x509 = new X509Certificate(leaf);
  const facts = certificateFacts(x509);
  const missing = request.names.find((name) => !facts.subjectAlternativeNames.includes(name));
  if (missing !== undefined)
    throw new AcmeError(`the ACME server issued a certificate without ${missing}`, { type: "malformed" });
  if (!x509.checkPrivateKey(createPrivateKey(sealer.open(order.sealedPrivateKey, arn))))
    throw new AcmeError("the ACME server issued a certificate for another key", { type: "malformed" });
  const material = {
    certificate: leaf,
    chain: chain.length === 0 ? undefined : chain.join("\n"),
    sealedPrivateKey: order.sealedPrivateKey,
    facts,
  };
  await store.transact("issue-certificate", (tx) => issueCertificate(tx, arn, order.url, material, clock.now()));
  const notAfter = new Date(facts.notAfter).toISOString();
  log.info({ certificate: arn, names: request.names, notAfter }, "certificate issued by the ACME server");
}
