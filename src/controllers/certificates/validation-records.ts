import { DnsHookError } from "../../certificates/index.ts";
import { type ValidationRecord, validationRecordKey } from "../../model/certificate.ts";
import type { CertificateContext } from "./certificate-issuers.ts";
import { REMOVAL_ATTEMPTS, REMOVAL_PAUSE_MS } from "./certificate-steps.ts";

/** Has the hook program set a TXT record. Throws DnsHookError. */
export async function setRecord(context: CertificateContext, record: ValidationRecord): Promise<void> {
  const { issuers, signal } = context;
  await issuers.dnsHook?.run("present", record.name, record.value, signal);
  await changeRecord(context, record, { isSet: true });
}

/** Has the hook program remove a TXT record. One that it cannot remove is left after a few attempts, and the log names it. */
export async function removeRecord(context: CertificateContext, record: ValidationRecord): Promise<void> {
  const { store, clock, issuers, signal, log } = context;
  const { name, value } = record;
  const fields = { name, value, certificate: record.certificateArn };
  try {
    if (issuers.dnsHook === undefined) throw new DnsHookError("there is no hook program any more (--dns-hook)");
    await issuers.dnsHook.run("cleanup", name, value, signal);
  } catch (error) {
    if (!(error instanceof DnsHookError)) throw error;
    const removalFailures = (record.removalFailures ?? 0) + 1;
    if (removalFailures < REMOVAL_ATTEMPTS && issuers.dnsHook !== undefined) {
      log.warn({ ...fields, error: error.message }, "a TXT record could not be removed; it is tried again");
      return changeRecord(context, record, { removalFailures, nextRemovalAt: clock.now() + REMOVAL_PAUSE_MS });
    }
    log.error({ ...fields, error: error.message }, "a TXT record could not be removed and is left: remove it by hand");
  }
  await store.transact("validation-record-gone", (tx) => tx.validationRecords.delete(validationRecordKey(record)));
}

async function changeRecord(
  { store }: CertificateContext,
  record: ValidationRecord,
  changes: Partial<ValidationRecord>,
) {
  await store.transact("validation-record", (tx) => {
    const found = tx.validationRecords.get(validationRecordKey(record));
    if (found !== undefined) tx.validationRecords.put({ ...found, ...changes });
  });
}
