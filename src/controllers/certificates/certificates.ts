import type { AcmeServer } from "../../certificates/index.ts";
import type { ImportedCertificate, RequestedCertificate } from "../../model/certificate.ts";
import { assertNever } from "../../runtime/assert-never.ts";
import { requestedCertificate } from "../../state/index.ts";
import type { CertificateArn } from "../../wire/arn.ts";
import { type LookAnswer, startWorkQueue } from "../work-queue.ts";
import { atRest, failed, giveUp, holdBack, NOT_IN_TIME, takeError } from "./certificate-failures.ts";
import type { CertificateContext } from "./certificate-issuers.ts";
import { advanceOrder, placeOrder } from "./certificate-order.ts";
import {
  type CertificateStep,
  type CertificateWorld,
  certificateStep,
  EXPIRY_WARNING_MS,
  MAX_ORDERS,
} from "./certificate-steps.ts";
import { issueByLocalAuthority } from "./local-certificates.ts";
import { removeRecord, setRecord } from "./validation-records.ts";

const DAY_MS = 86_400_000;

/**
 * Has certificates that were asked for issued, and renewed in time, by rules CE1 to CE8. All that matters is in the store before the
 * outside hears of it.
 */
export function startCertificatesController(given: Omit<CertificateContext, "signal" | "placing" | "registering">): {
  stop(): Promise<void>;
} {
  const ending = new AbortController();
  const context: CertificateContext = { ...given, placing: new Set(), registering: new Map(), signal: ending.signal };
  const { store, issuers } = context;
  const queue = startWorkQueue({
    name: "certificates",
    context,
    concurrency: MAX_ORDERS,
    look: (arn) => lookAtCertificate(context, arn as CertificateArn),
  });
  const addAll = () => {
    for (const { arn } of store.view.certificates.all()) queue.add(arn);
  };
  const unwatch = store.watch((change) => {
    for (const { table, key } of [...change.puts, ...change.deletes]) if (table === "certificates") queue.add(key);
    // Which certificates are shown, and whether challenges can be answered, may be another now.
    if ([...change.puts, ...change.deletes].some(({ table }) => table === "listeners")) addAll();
  });
  const root = store.view.localAuthorities.get("local");
  if (root !== undefined) issuers.publishRoot(root.certificate);
  addAll();
  for (const { certificateArn } of store.view.validationRecords.all()) queue.add(certificateArn);
  return {
    stop: async () => {
      unwatch();
      ending.abort(new Error("the control plane ends"));
      await queue.stop();
    },
  };
}

/** Does what is due for one certificate. */
async function lookAtCertificate(context: CertificateContext, arn: CertificateArn): Promise<LookAnswer> {
  const { store, clock, signal } = context;
  const found = store.view.certificates.get(arn);
  if (found !== undefined && found.request === undefined) return warnOfExpiry(context, found);
  const record = requestedCertificate(store.view, arn);
  const step = certificateStep(record, worldOf(context, arn), clock.now());
  try {
    return await carryOut(context, arn, record, step);
  } catch (error) {
    if (signal.aborted) return {};
    if (record === undefined) throw error;
    return takeError(context, record, step, error as Error);
  }
}

function worldOf({ store, issuers, placing }: CertificateContext, arn: CertificateArn): CertificateWorld {
  const { view } = store;
  const directory = issuers.acme?.server.directory;
  return {
    isShown: view.listeners.count("certificate", arn) > 0,
    directory,
    silentUntil: directory === undefined ? undefined : view.acmeAccounts.get(directory)?.silentUntil,
    hasHook: issuers.dnsHook !== undefined,
    httpPort: issuers.httpPort,
    hasHttpListener: [...view.listeners.all()].some((l) => l.protocol === "HTTP" && l.port === issuers.httpPort),
    orders: view.certificates.count("ordered", "yes") + placing.size,
    validationRecords: view.validationRecords.where("certificate", arn),
    renewBeforeMs: issuers.renewBeforeMs,
  };
}

/** Every step but a wait changes the record, or is looked at again by the time that it answers. */
async function carryOut(
  context: CertificateContext,
  arn: CertificateArn,
  record: RequestedCertificate | undefined,
  step: CertificateStep,
): Promise<LookAnswer> {
  const { clock } = context;
  if (step.kind === "wait") return { at: step.until };
  if (step.kind === "remove-record") {
    await removeRecord(context, step.record);
    return { at: clock.now() };
  }
  if (record === undefined) return {};
  switch (step.kind) {
    case "hold":
      await holdBack(context, record, step.message);
      return { at: step.until };
    case "give-up":
      await giveUp(context, arn, "VALIDATION_TIMED_OUT", record.request.trouble ?? NOT_IN_TIME);
      return {};
    case "abandon":
      return failed(context, record, { message: step.message });
    case "issue-locally":
      await issueByLocalAuthority(context, record);
      return {};
    case "set-record":
      await setRecord(context, step.record);
      return { at: clock.now() };
    case "order":
      context.placing.add(arn);
      await placeOrder(context, acmeServer(context), record).finally(() => context.placing.delete(arn));
      return {};
    case "advance": {
      const outcome = await advanceOrder(context, acmeServer(context), record, step.order);
      return "at" in outcome ? atRest(outcome.at, clock.now()) : failed(context, record, outcome.failure);
    }
    default:
      return assertNever(step, "certificate step");
  }
}

function acmeServer({ issuers }: CertificateContext): AcmeServer {
  if (issuers.acme === undefined) throw new Error("an order needs an ACME server");
  return issuers.acme.server;
}

/** An imported certificate that is shown and soon over is warned of each day: nobody but its owner can renew it. */
function warnOfExpiry({ store, clock, log }: CertificateContext, { arn, facts }: ImportedCertificate): LookAnswer {
  if (store.view.listeners.count("certificate", arn) === 0) return {};
  const now = clock.now();
  const warnAt = facts.notAfter - EXPIRY_WARNING_MS;
  if (now < warnAt) return { at: warnAt };
  const fields = { certificate: arn, domainName: facts.domainName, notAfter: new Date(facts.notAfter).toISOString() };
  const ends = now > facts.notAfter ? "has expired" : "expires soon";
  log.warn(fields, `an imported certificate that listeners show ${ends}: import another one under its ARN`);
  return { at: now + DAY_MS, restMs: DAY_MS };
}
