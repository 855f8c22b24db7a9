import type { CertificateOrder, RequestedCertificate, ValidationRecord } from "../../model/certificate.ts";
import type { Instant } from "../../runtime/clock.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** How long a request may wait for its first certificate. Source: ACM user guide, "Certificate request times out". */
export const VALIDATION_LIMIT_MS = 72 * HOUR_MS;
/** Orders under way at a time. */
export const MAX_ORDERS = 10;
/** How long an order may take from its beginning. */
export const ORDER_LIMIT_MS = HOUR_MS;
const FIRST_BACKOFF_MS = MINUTE_MS;
export const LONGEST_BACKOFF_MS = 4 * HOUR_MS;
/** How often the removal of a TXT record is tried, and the pause between. */
export const REMOVAL_ATTEMPTS = 3;
export const REMOVAL_PAUSE_MS = MINUTE_MS;
/** How soon one looks again for room for an order. */
const ROOM_LOOK_MS = 5000;

/** What is known beside the record. */
export interface CertificateWorld {
  readonly isShown: boolean;
  /** The directory of the ACME server; undefined where there is none. */
  readonly directory: string | undefined;
  /** The ACME server asked for silence until then. */
  readonly silentUntil?: Instant;
  readonly hasHook: boolean;
  /** The port where ACME servers ask, and whether an HTTP listener is there. */
  readonly httpPort: number;
  readonly hasHttpListener: boolean;
  /** How many certificates have an order under way. */
  readonly orders: number;
  /** Of this certificate's names, and of those that it had. */
  readonly validationRecords: readonly ValidationRecord[];
  /** How long before its end a certificate is renewed; undefined: a third of its lifetime. */
  readonly renewBeforeMs: number | undefined;
}

/** What is due for one certificate now. */
export type CertificateStep =
  | { readonly kind: "wait"; readonly until?: Instant }
  /** Nothing can be begun, and why; `until` is when that is given up or looked at again. */
  | { readonly kind: "hold"; readonly message: string; readonly until?: Instant }
  | { readonly kind: "give-up" }
  | { readonly kind: "issue-locally" }
  | { readonly kind: "order" }
  | { readonly kind: "abandon"; readonly message: string }
  | { readonly kind: "set-record"; readonly record: ValidationRecord }
  | { readonly kind: "remove-record"; readonly record: ValidationRecord }
  /** The order is as it should be from our side: see what the ACME server says. */
  | { readonly kind: "advance"; readonly order: CertificateOrder };

/** Milliseconds before the attempt after `failures` of them in a row: 1, 2, 4 .. 240 minutes, or what the server asked for. */
export function backoffMs(failures: number, retryAfterMs = 0): number {
  const doubled = FIRST_BACKOFF_MS * 2 ** Math.min(Math.max(0, failures - 1), 16);
  return Math.max(Math.min(LONGEST_BACKOFF_MS, doubled), retryAfterMs);
}

/** When an issued certificate is due for renewal. */
export function renewalAt(notBefore: Instant, notAfter: Instant, renewBeforeMs: number | undefined): Instant {
  const third = Math.floor((notAfter - notBefore) / 3);
  return Math.max(notBefore + third, notAfter - (renewBeforeMs ?? third));
}

/** What to do about a requested certificate, or about what one that is gone (undefined) left behind. */
export function certificateStep(
  record: RequestedCertificate | undefined,
  world: CertificateWorld,
  now: Instant,
): CertificateStep {
  const order = record?.request.order;
  const leftover = world.validationRecords.find((one) => one.orderUrl !== order?.url);
  if (leftover !== undefined && (leftover.nextRemovalAt ?? 0) <= now)
    return { kind: "remove-record", record: leftover };
  const next = record === undefined ? ({ kind: "wait" } as const) : requestStep(record, world, now);
  if (leftover?.nextRemovalAt === undefined || (next.kind !== "wait" && next.kind !== "hold")) return next;
  return { ...next, until: Math.min(leftover.nextRemovalAt, next.until ?? leftover.nextRemovalAt) };
}

function requestStep(record: RequestedCertificate, world: CertificateWorld, now: Instant): CertificateStep {
  const { status, order, validation } = record.request;
  if (status === "FAILED" || status === "VALIDATION_TIMED_OUT") return { kind: "wait" };
  const limit = status === "PENDING_VALIDATION" ? record.createdAt + VALIDATION_LIMIT_MS : undefined;
  if (limit !== undefined && now >= limit) return { kind: "give-up" };
  if (order !== undefined) return orderStep(record, order, world, now);
  const dueAt = dueTime(record, world);
  if (dueAt === undefined) return { kind: "wait" };
  if (validation === "LOCAL") return now < dueAt ? { kind: "wait", until: dueAt } : { kind: "issue-locally" };
  if (now < dueAt) return { kind: "wait", until: limit === undefined ? dueAt : Math.min(limit, dueAt) };
  const hindrance = hindranceOf(validation, world);
  if (hindrance !== undefined) return { kind: "hold", message: hindrance, until: limit };
  if (world.orders >= MAX_ORDERS) return { kind: "wait", until: now + ROOM_LOOK_MS };
  return { kind: "order" };
}

/** When the next certificate is to be asked for; undefined: not as things are. */
function dueTime({ request, facts }: RequestedCertificate, world: CertificateWorld): Instant | undefined {
  const after = Math.max(request.nextAttemptAt ?? 0, request.validation === "LOCAL" ? 0 : (world.silentUntil ?? 0));
  if (request.status !== "ISSUED" || facts === undefined || request.renewNow === true) return after;
  if (!world.isShown) return undefined;
  return Math.max(after, renewalAt(facts.notBefore, facts.notAfter, world.renewBeforeMs));
}

const NO_HOOK = "DNS validation needs a program that sets TXT records: start the server with --dns-hook PROGRAM";

function hindranceOf(validation: "HTTP" | "DNS", world: CertificateWorld): string | undefined {
  if (world.directory === undefined) return "this server has no ACME server: start it with --acme-directory URL";
  if (validation === "DNS" && !world.hasHook) return NO_HOOK;
  if (validation === "HTTP" && !world.hasHttpListener)
    return `no HTTP listener on port ${world.httpPort}: create one, or use DNS validation`;
  return undefined;
}

function orderStep(
  { request }: RequestedCertificate,
  order: CertificateOrder,
  world: CertificateWorld,
  now: Instant,
): CertificateStep {
  if (order.directory !== world.directory)
    return {
      kind: "abandon",
      message: `the order was made at ${order.directory}, which is not the ACME server any more`,
    };
  if (now >= order.startedAt + ORDER_LIMIT_MS) {
    const why = (request.trouble?.at ?? 0) > order.startedAt ? `: ${request.trouble?.message}` : "";
    return { kind: "abandon", message: `the order took more than ${ORDER_LIMIT_MS / MINUTE_MS} minutes${why}` };
  }
  const unset = world.validationRecords.find((one) => one.orderUrl === order.url && one.isSet !== true);
  if (unset === undefined) return { kind: "advance", order };
  return world.hasHook ? { kind: "set-record", record: unset } : { kind: "abandon", message: NO_HOOK };
}

/** How long one looks at an order again and again: often at first, then every half minute. A server's Retry-After goes before. */
export function pollMs(startedAt: Instant, now: Instant, retryAfterMs?: number): number {
  return retryAfterMs ?? Math.min(Math.max((now - startedAt) / 8, 250), 30_000);
}

/** How long before its end an imported certificate that is shown is warned of. Source: ACM user guide, expiration events (45 days, daily). */
export const EXPIRY_WARNING_MS = 45 * DAY_MS;
