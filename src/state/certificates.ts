import {
  type CertificateMaterial,
  type CertificateOrder,
  type CertificateRequest,
  type CertificateTrouble,
  REQUEST_MOVES,
  type RequestedCertificate,
  type RequestStatus,
  type ValidationRecord,
} from "../model/certificate.ts";
import type { Instant } from "../runtime/clock.ts";
import type { BerthTransaction, BerthView } from "../store/index.ts";
import type { CertificateArn } from "../wire/arn.ts";

/** The requested certificate of that ARN; undefined if it is gone or was imported. */
export function requestedCertificate(
  tables: Pick<BerthView, "certificates">,
  arn: string,
): RequestedCertificate | undefined {
  const found = tables.certificates.get(arn);
  return found?.request === undefined ? undefined : found;
}

function change(
  tx: BerthTransaction,
  record: RequestedCertificate,
  changes: Partial<CertificateRequest>,
  material: Partial<CertificateMaterial> = {},
): void {
  const request = { ...record.request, ...changes };
  if (request.status !== record.request.status) assertMove(record.arn, record.request.status, request.status);
  tx.certificates.put({ ...record, ...material, request });
}

function assertMove(arn: CertificateArn, from: RequestStatus, to: RequestStatus): void {
  if (!REQUEST_MOVES[from].includes(to)) throw new Error(`certificate ${arn} cannot become ${to}: it is ${from}`);
}

/** Records an order with the TXT records that are to prove its names. Nothing if the certificate is gone or has an order. */
export function beginOrder(
  tx: BerthTransaction,
  arn: CertificateArn,
  order: CertificateOrder,
  records: readonly Pick<ValidationRecord, "name" | "value">[],
): void {
  const found = requestedCertificate(tx, arn);
  if (found === undefined || found.request.order !== undefined) return;
  change(tx, found, { order, trouble: found.request.failures === 0 ? undefined : found.request.trouble });
  for (const { name, value } of records)
    tx.validationRecords.put({ name, value, certificateArn: arn, orderUrl: order.url });
}

/** The certificate with the order of that URL, if it has that one still. */
function withOrder(tx: BerthTransaction, arn: CertificateArn, orderUrl: string) {
  const found = requestedCertificate(tx, arn);
  const order = found?.request.order;
  return found === undefined || order?.url !== orderUrl ? undefined : { found, order };
}

/** The ACME server was told that it may look at these challenges. */
export function markAnswered(
  tx: BerthTransaction,
  arn: CertificateArn,
  orderUrl: string,
  urls: ReadonlySet<string>,
): void {
  const at = withOrder(tx, arn, orderUrl);
  if (at === undefined) return;
  const challenges = at.order.challenges.map((one) =>
    urls.has(one.url) ? { ...one, isAnswered: true as const } : one,
  );
  change(tx, at.found, { order: { ...at.order, challenges } });
}

/** Notes what keeps the certificate from being issued, if that is not known yet. The order under way, if there is one, goes on. */
export function noteTrouble(tx: BerthTransaction, arn: CertificateArn, trouble: CertificateTrouble): void {
  const found = requestedCertificate(tx, arn);
  const known = found?.request.trouble;
  if (found === undefined || (known?.reason === trouble.reason && known.message === trouble.message)) return;
  change(tx, found, { trouble });
}

/** An attempt, with its order, came to nothing; the next is not begun before `nextAttemptAt`. */
export function failAttempt(
  tx: BerthTransaction,
  arn: CertificateArn,
  orderUrl: string | undefined,
  { trouble, nextAttemptAt }: { readonly trouble: CertificateTrouble; readonly nextAttemptAt: Instant },
): void {
  const found = requestedCertificate(tx, arn);
  if (found === undefined || found.request.order?.url !== orderUrl) return;
  change(tx, found, { order: undefined, trouble, failures: found.request.failures + 1, nextAttemptAt });
}

/** There will be no certificate. One that was issued once stays as it is and is tried again. */
export function endRequest(
  tx: BerthTransaction,
  arn: CertificateArn,
  status: "FAILED" | "VALIDATION_TIMED_OUT",
  trouble: CertificateTrouble,
): void {
  const found = requestedCertificate(tx, arn);
  if (found?.request.status !== "PENDING_VALIDATION") return;
  change(tx, found, { status, order: undefined, nextAttemptAt: undefined, trouble });
}

/** Puts a new certificate, with its chain and key, in the place of what there was: listeners show it from then on. */
export function issueCertificate(
  tx: BerthTransaction,
  arn: CertificateArn,
  orderUrl: string | undefined,
  material: CertificateMaterial,
  now: Instant,
): void {
  const found = requestedCertificate(tx, arn);
  if (found === undefined || found.request.order?.url !== orderUrl) return;
  const { issuedAt } = found.request;
  change(
    tx,
    found,
    {
      status: "ISSUED",
      order: undefined,
      failures: 0,
      nextAttemptAt: undefined,
      trouble: undefined,
      renewNow: undefined,
      issuedAt: issuedAt ?? now,
      renewedAt: issuedAt === undefined ? undefined : now,
    },
    { chain: undefined, ...material },
  );
}

/** Wants a new certificate in the place of the issued one, at once. */
export function requestRenewal(tx: BerthTransaction, record: RequestedCertificate): void {
  change(tx, record, { renewNow: true, failures: 0, nextAttemptAt: undefined });
}
