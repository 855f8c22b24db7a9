import type { ExtendedKeyUsageName, FailureReason, KeyAlgorithm } from "@aws-sdk/client-acm";
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

/** What a listener shows, and its key. */
export interface CertificateMaterial {
  /** PEM. */
  readonly certificate: string;
  /** PEM, the issuer first; undefined for one that is its own issuer or that a client's roots have issued. */
  readonly chain?: string;
  /** The private key, PEM, sealed for the ARN. */
  readonly sealedPrivateKey: string;
  readonly facts: CertificateFacts;
}

interface CertificateBase {
  readonly arn: CertificateArn;
  readonly tags: Tags;
  readonly createdAt: Instant;
}

/** A certificate that somebody brought, and renews by importing another one under its ARN. */
export interface ImportedCertificate extends CertificateBase, CertificateMaterial {
  /** When it was last imported under this ARN. */
  readonly importedAt: Instant;
  readonly request?: undefined;
}

/** A certificate that is asked for, and renewed, by the control plane. It has its material once it was issued. */
export interface RequestedCertificate extends CertificateBase, Partial<CertificateMaterial> {
  readonly request: CertificateRequest;
}

/** A certificate that listeners may show when it has its material. */
export type CertificateRecord = ImportedCertificate | RequestedCertificate;

/** Whether there is something to show: the parts of it come together. */
export function isUsable(record: CertificateRecord): record is CertificateRecord & CertificateMaterial {
  return record.certificate !== undefined;
}

/** Where a request is. Source: ACM API reference, CertificateStatus; EXPIRED is an ISSUED one whose time is over. */
export type RequestStatus = "PENDING_VALIDATION" | "ISSUED" | "FAILED" | "VALIDATION_TIMED_OUT";

/** The legal moves. A renewal, good or failed, leaves a certificate ISSUED. FAILED and VALIDATION_TIMED_OUT are final: request another. */
export const REQUEST_MOVES: Readonly<Record<RequestStatus, readonly RequestStatus[]>> = {
  PENDING_VALIDATION: ["ISSUED", "FAILED", "VALIDATION_TIMED_OUT"],
  ISSUED: ["ISSUED"],
  FAILED: [],
  VALIDATION_TIMED_OUT: [],
};

/** The kinds of keys that are made for requested certificates. */
export const REQUESTED_KEY_ALGORITHMS = ["RSA_2048", "EC_prime256v1", "EC_secp384r1"] as const;
export type RequestedKeyAlgorithm = (typeof REQUESTED_KEY_ALGORITHMS)[number];

/** What was asked for, and how far it has come. */
export interface CertificateRequest {
  /** The domain name first; each once, in lower case. */
  readonly names: readonly string[];
  /** How an ACME server is shown that the names are ours; LOCAL: the local authority issues it and asks nothing. */
  readonly validation: "HTTP" | "DNS" | "LOCAL";
  readonly keyAlgorithm: RequestedKeyAlgorithm;
  readonly status: RequestStatus;
  /** The order under way at the ACME server. */
  readonly order?: CertificateOrder;
  /** How many attempts in a row came to nothing; the next one is not begun before `nextAttemptAt`. */
  readonly failures: number;
  readonly nextAttemptAt?: Instant;
  /** Why there is no certificate, or no renewed one, yet. */
  readonly trouble?: CertificateTrouble;
  /** Somebody asked for a renewal, which is not done yet. */
  readonly renewNow?: true;
  /** When it was first issued, and last renewed. */
  readonly issuedAt?: Instant;
  readonly renewedAt?: Instant;
}

/** What keeps a certificate from being issued. */
export interface CertificateTrouble {
  readonly reason: FailureReason;
  /** For a person: what happened and what helps. */
  readonly message: string;
  readonly at: Instant;
}

/** An order at an ACME server, with all that is needed to carry it on. Source: RFC 8555, 7.1.3. */
export interface CertificateOrder {
  /** The ACME server's directory, whose order it is. */
  readonly directory: string;
  readonly url: string;
  readonly startedAt: Instant;
  /** The new certificate's private key, PEM, sealed for the certificate's ARN. */
  readonly sealedPrivateKey: string;
  /** One for each name that is not proved already. */
  readonly challenges: readonly OrderChallenge[];
}

/** What proves one name. */
export interface OrderChallenge {
  /** The name; of a wildcard what follows `*.`. */
  readonly name: string;
  readonly url: string;
  readonly token: string;
  /** The token, a dot and the account key's thumbprint: what is answered over HTTP. */
  readonly answer: string;
  /** True once the ACME server was told that it may look. */
  readonly isAnswered?: true;
}

/** A TXT record that proves a name, from before it is set until it is removed. */
export interface ValidationRecord {
  /** `_acme-challenge.<name>` */
  readonly name: string;
  readonly value: string;
  readonly certificateArn: CertificateArn;
  /** The order that needs it: of any other, or none, it is to be removed. */
  readonly orderUrl: string;
  /** True once the hook program has set it. */
  readonly isSet?: true;
  /** How often its removal failed, and when it is tried again. */
  readonly removalFailures?: number;
  readonly nextRemovalAt?: Instant;
}

export const validationRecordKey = ({ name, value }: Pick<ValidationRecord, "name" | "value">) => `${name}|${value}`;

/** Who the control plane is to an ACME server. */
export interface AcmeAccountRecord {
  readonly directory: string;
  /** PEM, sealed for the directory. */
  readonly sealedPrivateKey: string;
  /** Absent until the server knows the key. */
  readonly url?: string;
  /** What the server was told last: an address for mail, or nothing. */
  readonly email?: string;
  /** The server asked for silence until then: no order is begun. */
  readonly silentUntil?: Instant;
}

/** The authority that issues certificates for local names. There is one. */
export interface LocalAuthorityRecord {
  readonly id: "local";
  /** PEM: the root that clients trust. */
  readonly certificate: string;
  /** PEM, sealed for `local-authority`. */
  readonly sealedPrivateKey: string;
  readonly notAfter: Instant;
}
