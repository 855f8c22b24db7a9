import type { AcmOperations } from "../../wire/models/acm.ts";
import type { RefusedMember } from "../refused-member.ts";

type Row = RefusedMember<AcmOperations["RequestCertificate"]["input"]>;

/** What RequestCertificate is asked for and does not carry out. */
export const REQUEST_CERTIFICATE_REFUSED: readonly Row[] = [
  {
    member: "ValidationMethod",
    what: "EMAIL",
    when: ({ ValidationMethod: method }) => method === "EMAIL",
    hint: "Use HTTP or DNS.",
  },
  { member: "DomainValidationOptions", hint: "They are for validation by e-mail." },
  {
    member: "CertificateAuthorityArn",
    hint: "Local names are issued by the server's own authority, others by its ACME server.",
  },
  {
    member: "KeyAlgorithm",
    what: "other than RSA_2048, EC_prime256v1 or EC_secp384r1",
    when: ({ KeyAlgorithm: key }) =>
      key !== undefined && !["RSA_2048", "EC_prime256v1", "EC_secp384r1"].includes(key as string),
  },
  {
    member: "Options.CertificateTransparencyLoggingPreference",
    what: "DISABLED",
    when: ({ Options: options }) => options?.CertificateTransparencyLoggingPreference === "DISABLED",
    hint: "Whether a certificate is logged is the issuer's choice.",
  },
  { member: "Options.Export", what: "ENABLED", when: ({ Options: options }) => options?.Export === "ENABLED" },
  { member: "ManagedBy" },
];
