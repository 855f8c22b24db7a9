import type {
  CertificateDetail,
  CertificateStatus,
  CertificateSummary,
  CertificateType,
  DomainStatus,
  DomainValidation,
  KeyAlgorithm,
  RenewalSummary,
  ResourceRecord,
} from "@aws-sdk/client-acm";
import { txtRecord } from "../../certificates/index.ts";
import type { CertificateRecord, CertificateRequest } from "../../model/certificate.ts";
import { withoutWildcard } from "../../model/domain-name.ts";
import type { Instant } from "../../runtime/clock.ts";
import type { BerthView } from "../../store/index.ts";
import { usersOf } from "./lookup.ts";

export function statusOf({ request, facts }: CertificateRecord, now: Instant): CertificateStatus {
  if (request !== undefined && request.status !== "ISSUED") return request.status;
  return facts !== undefined && now > facts.notAfter ? "EXPIRED" : "ISSUED";
}

export const keyAlgorithmOf = (record: CertificateRecord): KeyAlgorithm =>
  record.request === undefined ? record.facts.keyAlgorithm : record.request.keyAlgorithm;

/** Of one that was asked for what was asked for, of an imported one what it says. */
const namesOf = ({ request, facts }: CertificateRecord) => request?.names ?? facts?.subjectAlternativeNames ?? [];

/** Issued by an ACME server, or by the authority of this server, which is private. */
const typeOf = ({ validation }: CertificateRequest): CertificateType =>
  validation === "LOCAL" ? "PRIVATE" : "AMAZON_ISSUED";

const dateOf = (at: Instant | undefined) => (at === undefined ? undefined : new Date(at));

/** What a listing and a description have in common. */
function commonOf(tables: BerthView, record: CertificateRecord, now: Instant) {
  const { arn, facts, request, createdAt } = record;
  return {
    CertificateArn: arn,
    DomainName: request?.names[0] ?? facts?.domainName,
    Status: statusOf(record, now),
    Type: request === undefined ? ("IMPORTED" as const) : typeOf(request),
    KeyAlgorithm: keyAlgorithmOf(record),
    NotBefore: dateOf(facts?.notBefore),
    NotAfter: dateOf(facts?.notAfter),
    CreatedAt: new Date(createdAt),
    ...(record.request === undefined
      ? { ImportedAt: new Date(record.importedAt) }
      : { IssuedAt: dateOf(record.request.renewedAt ?? record.request.issuedAt) }),
    RenewalEligibility: isRenewed(tables, record) ? ("ELIGIBLE" as const) : ("INELIGIBLE" as const),
    CertificateKeyPairOrigin: request === undefined ? ("CUSTOMER_PROVIDED" as const) : ("AWS_MANAGED" as const),
  };
}

/** As in ACM, what nobody shows is not renewed by itself. */
const isRenewed = (tables: BerthView, { arn, request }: CertificateRecord) =>
  request?.status === "ISSUED" && tables.listeners.count("certificate", arn) > 0;

export function detailOf(tables: BerthView, record: CertificateRecord, now: Instant): CertificateDetail {
  const { facts, request, arn } = record;
  return {
    ...commonOf(tables, record, now),
    SubjectAlternativeNames: [...namesOf(record)],
    Serial: facts?.serial,
    Subject: facts?.subject,
    Issuer: facts?.issuer,
    SignatureAlgorithm: facts?.signatureAlgorithm,
    InUseBy: usersOf(tables, arn),
    ExtendedKeyUsages: facts?.extendedKeyUsages.map(({ name, oid }) => ({ Name: name, OID: oid })),
    Options: {
      CertificateTransparencyLoggingPreference:
        request === undefined || request.validation === "LOCAL" ? "DISABLED" : "ENABLED",
    },
    ...(request === undefined ? {} : requestDetail(request, facts !== undefined && now > facts.notAfter)),
  };
}

function requestDetail(request: CertificateRequest, isExpired: boolean): Partial<CertificateDetail> {
  const options = request.names.map((name) => domainValidation(request, name));
  if (request.status === "ISSUED")
    return { DomainValidationOptions: options, RenewalSummary: renewalOf(request, options, isExpired) };
  return { DomainValidationOptions: options, FailureReason: reasonOf(request.trouble) };
}

/** How the renewal under way, or the last one, goes; undefined before there was any. */
function renewalOf(
  { order, trouble, renewNow, renewedAt }: CertificateRequest,
  options: DomainValidation[],
  isExpired: boolean,
): RenewalSummary | undefined {
  const UpdatedAt = dateOf(trouble?.at ?? order?.startedAt ?? renewedAt);
  const DomainValidationOptions = options;
  if (trouble !== undefined) {
    const RenewalStatus = isExpired ? "FAILED" : "PENDING_VALIDATION";
    return { RenewalStatus, RenewalStatusReason: reasonOf(trouble), DomainValidationOptions, UpdatedAt };
  }
  if (order !== undefined || renewNow === true)
    return { RenewalStatus: "PENDING_AUTO_RENEWAL", DomainValidationOptions, UpdatedAt };
  return renewedAt === undefined ? undefined : { RenewalStatus: "SUCCESS", DomainValidationOptions, UpdatedAt };
}

/** ACM's word for it and what happened: the word alone would not tell a person what to do. */
const reasonOf = (trouble: CertificateRequest["trouble"]) =>
  trouble === undefined ? undefined : (`${trouble.reason}: ${trouble.message}` as typeof trouble.reason);

const DOMAIN_STATUSES: Readonly<Record<CertificateRequest["status"], DomainStatus>> = {
  PENDING_VALIDATION: "PENDING_VALIDATION",
  ISSUED: "SUCCESS",
  FAILED: "FAILED",
  VALIDATION_TIMED_OUT: "FAILED",
};

function domainValidation({ status, validation, order }: CertificateRequest, name: string): DomainValidation {
  const challenge = order?.challenges.find((one) => one.name === withoutWildcard(name));
  const common = { DomainName: name, ValidationDomain: name, ValidationStatus: DOMAIN_STATUSES[status] };
  if (validation === "LOCAL") return common;
  if (validation === "HTTP" || challenge === undefined) return { ...common, ValidationMethod: validation };
  const record = txtRecord(challenge);
  // ACM's model knows CNAME alone, which stands for good; ours is there while the order is under way.
  const Type = "TXT" as string as ResourceRecord["Type"];
  return { ...common, ValidationMethod: "DNS", ResourceRecord: { Name: `${record.name}.`, Type, Value: record.value } };
}

/** How many names a listing shows of each certificate. Source: ACM API reference, CertificateSummary. */
const NAMES_IN_SUMMARY = 100;

export function summaryOf(tables: BerthView, record: CertificateRecord, now: Instant): CertificateSummary {
  const names = namesOf(record);
  return {
    ...commonOf(tables, record, now),
    SubjectAlternativeNameSummaries: names.slice(0, NAMES_IN_SUMMARY),
    HasAdditionalSubjectAlternativeNames: names.length > NAMES_IN_SUMMARY,
    ExtendedKeyUsages: record.facts?.extendedKeyUsages.map(({ name }) => name),
    InUse: tables.listeners.count("certificate", record.arn) > 0,
  };
}
