import type { KeyAlgorithm } from "@aws-sdk/client-acm";
import { type CertificateRecord, isUsable } from "../../model/certificate.ts";
import { type CertificateArn, certificateArn } from "../../wire/arn.ts";
import { paginate } from "../../wire/pagination.ts";
import { detailOf, keyAlgorithmOf, statusOf, summaryOf } from "./certificate-detail.ts";
import { readCertificate } from "./certificate-text.ts";
import { AcmError, MAX_CERTIFICATES, notCarriedOut, notIssued, validationError } from "./errors.ts";
import { certificateOf } from "./lookup.ts";
import type { Operation } from "./operation.ts";
import { tagsFrom } from "./tags.ts";

/** Imports a certificate, or with an ARN puts a new one in the place of an old one: listeners show it from then on. */
export const importCertificate: Operation<"ImportCertificate"> = async (context, input) => {
  const { store, clock, random, scope, sealer } = context;
  const now = clock.now();
  const imported = readCertificate(
    {
      certificate: input.Certificate ?? new Uint8Array(),
      privateKey: input.PrivateKey ?? new Uint8Array(),
      chain: input.CertificateChain,
    },
    now,
  );
  if (input.CertificateArn !== undefined && (input.Tags ?? []).length > 0)
    throw validationError("Tagging is not permitted on re-import.");
  const fresh = certificateArn(scope, { certificateId: random.uuid() });
  const record = await store.transact("ImportCertificate", (tx) => {
    const before = input.CertificateArn === undefined ? undefined : certificateOf(context, tx, input.CertificateArn);
    if (before?.request !== undefined)
      throw validationError(
        `Certificate ${before.arn} was requested, and is renewed by itself: import one of its own.`,
      );
    if (before === undefined && tx.certificates.size >= MAX_CERTIFICATES)
      throw new AcmError("LimitExceededException", `An account may have at most ${MAX_CERTIFICATES} certificates.`);
    const arn: CertificateArn = before?.arn ?? fresh;
    return tx.certificates.put({
      arn,
      certificate: imported.certificate,
      chain: imported.chain,
      sealedPrivateKey: sealer.seal(imported.privateKey, arn),
      facts: imported.facts,
      tags: before?.tags ?? tagsFrom({}, input.Tags ?? []),
      createdAt: before?.createdAt ?? now,
      importedAt: now,
    });
  });
  return { CertificateArn: record.arn };
};

export const describeCertificate: Operation<"DescribeCertificate"> = (context, input) => {
  const { store, clock } = context;
  const found = certificateOf(context, store.view, input.CertificateArn);
  return { Certificate: detailOf(store.view, found, clock.now()) };
};

/** The private key never leaves. */
export const getCertificate: Operation<"GetCertificate"> = (context, input) => {
  const found = certificateOf(context, context.store.view, input.CertificateArn);
  if (!isUsable(found)) throw notIssued(found.arn);
  return { Certificate: found.certificate, CertificateChain: found.chain };
};

export const deleteCertificate: Operation<"DeleteCertificate"> = async (context, input) => {
  await context.store.transact("DeleteCertificate", (tx) => {
    const found = certificateOf(context, tx, input.CertificateArn);
    if (tx.listeners.count("certificate", found.arn) > 0) {
      const { accountId } = context.scope;
      const message = `Certificate ${found.arn} in account ${accountId} is in use.`;
      throw new AcmError("ResourceInUseException", message);
    }
    tx.certificates.delete(found.arn);
  });
};

/** Which keys are listed when a call does not say. Source: ACM API reference, Filters. */
const LISTED_KEYS: readonly KeyAlgorithm[] = ["RSA_1024", "RSA_2048"];

export const listCertificates: Operation<"ListCertificates"> = (context, input) => {
  const { store, clock } = context;
  const { Includes: includes, CertificateStatuses: statuses = [], SortBy: by, SortOrder: order } = input;
  if ((by === undefined) !== (order === undefined))
    throw validationError("SortBy and SortOrder must be specified together.");
  for (const [member, given] of Object.entries({
    "Includes.keyUsage": includes?.keyUsage,
    "Includes.managedBy": includes?.managedBy,
    "Includes.exportOption": includes?.exportOption,
    CertificateKeyPairOrigins: input.CertificateKeyPairOrigins,
  }))
    if (given !== undefined && given.length > 0) throw notCarriedOut(member);
  const now = clock.now();
  const keys = includes?.keyTypes === undefined || includes.keyTypes.length === 0 ? LISTED_KEYS : includes.keyTypes;
  const purposes = includes?.extendedKeyUsage ?? [];
  const wanted = [...store.view.certificates.all()].filter(
    (record) =>
      keys.includes(keyAlgorithmOf(record)) &&
      (statuses.length === 0 || statuses.includes(statusOf(record, now))) &&
      (purposes.length === 0 || record.facts?.extendedKeyUsages.some(({ name }) => purposes.includes(name))),
  );
  // By age: ascending or descending, with the ARN to tell those of one moment apart.
  const rank = ({ createdAt }: CertificateRecord) => (order === "DESCENDING" ? 1e15 - createdAt : createdAt);
  const key = (record: CertificateRecord) => `${String(rank(record)).padStart(16, "0")} ${record.arn}`;
  const { page, nextToken } = paginate({
    items: wanted.toSorted((a, b) => (key(a) < key(b) ? -1 : 1)),
    key,
    maxResults: input.MaxItems,
    nextToken: input.NextToken,
    filters: { keys, statuses, purposes, order: order ?? "" },
    limits: { default: 1000, max: 1000 },
    secret: context.pageSecret,
    errorCode: "ValidationException",
  });
  return { CertificateSummaryList: page.map((record) => summaryOf(store.view, record, now)), NextToken: nextToken };
};
