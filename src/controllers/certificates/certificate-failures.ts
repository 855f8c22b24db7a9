import type { FailureReason } from "@aws-sdk/client-acm";
import { AcmeError, DnsHookError } from "../../certificates/index.ts";
import type { CertificateTrouble, RequestedCertificate } from "../../model/certificate.ts";
import type { Instant } from "../../runtime/clock.ts";
import { endRequest, failAttempt, noteTrouble } from "../../state/index.ts";
import type { CertificateArn } from "../../wire/arn.ts";
import type { LookAnswer } from "../work-queue.ts";
import { forgetAccount, keepSilent } from "./acme-account.ts";
import type { CertificateContext } from "./certificate-issuers.ts";
import { backoffMs, type CertificateStep, LONGEST_BACKOFF_MS, ORDER_LIMIT_MS, pollMs } from "./certificate-steps.ts";

/** Of ACME's errors, those that no waiting helps. Source: RFC 8555, 6.7. */
const NEVER: ReadonlySet<string> = new Set(["rejectedIdentifier", "unsupportedIdentifier"]);

/** ACM's words for ACME's. */
const REASONS: Readonly<Record<string, FailureReason | undefined>> = {
  caa: "CAA_ERROR",
  rejectedIdentifier: "DOMAIN_NOT_ALLOWED",
  unsupportedIdentifier: "INVALID_PUBLIC_DOMAIN",
  connection: "DOMAIN_VALIDATION_DENIED",
  dns: "DOMAIN_VALIDATION_DENIED",
  incorrectResponse: "DOMAIN_VALIDATION_DENIED",
  tls: "DOMAIN_VALIDATION_DENIED",
  unauthorized: "DOMAIN_VALIDATION_DENIED",
};

/** The shortest pause after an ACME server could not be asked about an order that goes on. */
const ASK_AGAIN_MS = 5000;

/** Why an attempt came to nothing; `type` is ACME's. */
interface Failure {
  readonly type?: string;
  readonly message: string;
  readonly retryAfterMs?: number;
}

/** What is said of a request that nothing was known to be wrong with. */
export const NOT_IN_TIME: Pick<CertificateTrouble, "reason" | "message"> = {
  reason: "OTHER",
  message: "it was not validated in time",
};

/** Notes why nothing can be begun, once. */
export async function holdBack(
  { store, clock, log }: CertificateContext,
  record: RequestedCertificate,
  message: string,
) {
  if (record.request.trouble?.message === message) return;
  log.warn({ certificate: record.arn, names: record.request.names, reason: message }, "certificate waits");
  const trouble = { reason: "OTHER", message, at: clock.now() } as const;
  await store.transact("certificate-held", (tx) => noteTrouble(tx, record.arn, trouble));
}

/** Ends a request that has no certificate: see CE1. */
export async function giveUp(
  { store, clock, log }: CertificateContext,
  arn: CertificateArn,
  status: "FAILED" | "VALIDATION_TIMED_OUT",
  why: Pick<CertificateTrouble, "reason" | "message">,
): Promise<void> {
  log.error({ certificate: arn, status, reason: why.message }, "certificate given up");
  await store.transact("certificate-given-up", (tx) => endRequest(tx, arn, status, { ...why, at: clock.now() }));
}

/** Ends an attempt with its order; the next one comes after a pause, unless none would help. */
export async function failed(
  context: CertificateContext,
  { arn, request }: RequestedCertificate,
  { type = "", message, retryAfterMs }: Failure,
): Promise<LookAnswer> {
  const { store, clock, log } = context;
  const reason = REASONS[type] ?? "OTHER";
  if (NEVER.has(type) && request.status === "PENDING_VALIDATION") {
    await giveUp(context, arn, "FAILED", { reason, message });
    return {};
  }
  const now = clock.now();
  const nextAttemptAt = now + backoffMs(request.failures + 1, retryAfterMs);
  const fields = { certificate: arn, names: request.names, reason: message, failures: request.failures + 1 };
  log.warn({ ...fields, nextAttemptAt: new Date(nextAttemptAt).toISOString() }, "certificate was not issued");
  const outcome = { trouble: { reason, message, at: now }, nextAttemptAt };
  await store.transact("certificate-attempt-failed", (tx) => failAttempt(tx, arn, request.order?.url, outcome));
  return {};
}

/** What becomes of a step that was not carried out: the ACME server or the hook program refused, or there was a surprise. */
export async function takeError(
  context: CertificateContext,
  record: RequestedCertificate,
  step: CertificateStep,
  error: Error,
): Promise<LookAnswer> {
  const { store, clock, issuers, log } = context;
  const { message } = error;
  if (!(error instanceof AcmeError)) {
    // A hook program that failed says so by its message; anything else is a surprise.
    if (!(error instanceof DnsHookError)) log.error({ certificate: record.arn, err: error }, "certificate step failed");
    return failed(context, record, { message });
  }
  const { type, retryAfterMs } = error;
  const directory = issuers.acme?.server.directory ?? "";
  if (type === "accountDoesNotExist") await forgetAccount(context, directory);
  if (step.kind === "order" && error.status === 503 && retryAfterMs !== undefined)
    await keepSilent(context, directory, clock.now() + Math.min(retryAfterMs, LONGEST_BACKOFF_MS));
  if (step.kind !== "advance" || !isPassing(error)) return failed(context, record, { type, message, retryAfterMs });
  // The order goes on: an hour after its beginning it is given up, with this as the reason.
  const now = clock.now();
  const trouble = { reason: "OTHER", message, at: now } as const;
  await store.transact("certificate-trouble", (tx) => noteTrouble(tx, record.arn, trouble));
  const pause = Math.max(ASK_AGAIN_MS, pollMs(step.order.startedAt, now, retryAfterMs));
  return atRest(Math.min(now + pause, step.order.startedAt + ORDER_LIMIT_MS), now);
}

/** Look again then, and until then not for every change of a record: the ACME server is asked each time. */
export const atRest = (at: Instant, now: Instant): LookAnswer => ({
  at,
  restMs: Math.min(Math.max(0, at - now), ASK_AGAIN_MS),
});

/** Of ACME's errors, those that say "not now". Source: RFC 8555, 6.7. */
const NOT_NOW: ReadonlySet<string> = new Set(["orderNotReady", "rateLimited", "serverInternal"]);

/** Whether the same question may be answered in a while: the server says so, or did not answer as an ACME server does. */
function isPassing({ type, status = 503 }: AcmeError): boolean {
  return type === undefined ? status === 429 || status >= 500 : NOT_NOW.has(type);
}
