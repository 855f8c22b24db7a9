import type { ExtendedKeyUsageName, KeyAlgorithm } from "@aws-sdk/client-acm";
import type { Instant } from "../runtime/clock.ts";
import type { CertificateArn } from "../wire/arn.ts";
import type { Tags } from "./tags.ts";

/** What a certificate says of itself. Source: ACM API reference, CertificateDetail. */
export interface CertificateFacts {
  /** The subject's common name, else the first of the alternative names. */
  readonly domainName: string;
  readonly subjectAlternativeNames: readonly string[];
  /** Bytes in lower-case hex, separated by colons. */
  readonly serial: string;
  readonly subject: string;
  readonly issuer: string;
  readonly keyAlgorithm: KeyAlgorithm;
  readonly signatureAlgorithm: string;
  readonly extendedKeyUsages: readonly { readonly name: ExtendedKeyUsageName; readonly oid: string }[];
  readonly notBefore: Instant;
  readonly notAfter: Instant;
}

/** A certificate that listeners may show. */
export interface CertificateRecord {
  readonly arn: CertificateArn;
  /** PEM. */
  readonly certificate: string;
  /** PEM, the issuer first; undefined for one that is its own issuer or that a client's roots have issued. */
  readonly chain?: string;
  /** The private key, PEM, sealed for the ARN. */
  readonly sealedPrivateKey: string;
  readonly facts: CertificateFacts;
  readonly tags: Tags;
  readonly createdAt: Instant;
  /** When it was last imported under this ARN. */
  readonly importedAt: Instant;
}
