import type { AcmeServer, ChallengeProbe, DnsHook } from "../../certificates/index.ts";
import type { Sealer } from "../../runtime/sealer.ts";
import type { CertificateArn } from "../../wire/arn.ts";
import type { ControllerContext } from "../context.ts";

/** Who issues certificates, and what proves to them that names are ours. */
export interface CertificateIssuers {
  /** Undefined: local names only. */
  readonly acme?: { readonly server: AcmeServer; readonly email?: string };
  readonly dnsHook?: DnsHook;
  /** The port at which ACME servers' requests for HTTP validation arrive here. */
  readonly httpPort: number;
  readonly probe: ChallengeProbe;
  /** How long before its end a certificate is renewed, in milliseconds; undefined: a third of its lifetime. */
  readonly renewBeforeMs?: number;
  /** Puts the local authority's root certificate (PEM) where people find it. */
  publishRoot(certificate: string): void;
}

/** What the loop for certificates, and its parts, may use. */
export interface CertificateContext extends Pick<ControllerContext, "store" | "clock" | "random" | "log"> {
  readonly sealer: Sealer;
  readonly issuers: CertificateIssuers;
  /** Certificates whose orders are being placed and stand in no record yet. */
  readonly placing: Set<CertificateArn>;
  /** By directory: the account's URL, as soon as the ACME server has told it. */
  readonly registering: Map<string, Promise<string>>;
  /** Aborted when the loop is to end. */
  readonly signal: AbortSignal;
}
