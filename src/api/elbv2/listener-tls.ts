import type { Certificate } from "@aws-sdk/client-elastic-load-balancing-v2";
import { isUsable } from "../../model/certificate.ts";
import {
  ALPN_POLICIES,
  type AlpnPolicy,
  isSecure,
  type ListenerProtocol,
  type ListenerRecord,
} from "../../model/load-balancer.ts";
import { DEFAULT_SSL_POLICY, sslPolicy } from "../../model/ssl-policy.ts";
import type { BerthView } from "../../store/index.ts";
import { type CertificateArn, parseCertificateArn } from "../../wire/arn.ts";
import { ElbError, validationError } from "./errors.ts";

/** The members of CreateListener and ModifyListener that say how TLS is spoken. */
export interface GivenTls {
  readonly Certificates?: readonly Certificate[];
  readonly SslPolicy?: string;
  readonly AlpnPolicy?: readonly string[];
}

type TlsParts = Pick<ListenerRecord, "certificateArn" | "extraCertificateArns" | "sslPolicy" | "alpnPolicy">;

/**
 * How a listener speaks TLS: what is given over what it was. Throws CertificateNotFound, SSLPolicyNotFound, ALPNPolicyNotSupported
 * and ValidationError. Source: ELBv2 API reference, CreateListener.
 */
export function tlsFrom(
  tables: Pick<BerthView, "certificates">,
  protocol: ListenerProtocol,
  before: TlsParts,
  given: GivenTls,
): TlsParts {
  if (!isSecure(protocol)) {
    if (given.SslPolicy !== undefined || (given.Certificates ?? []).length > 0)
      throw validationError(`A certificate or SSL policy cannot be specified for ${protocol} listeners`);
    return {};
  }
  const [certificate, ...more] = given.Certificates ?? [];
  if (more.length > 0)
    throw validationError("A listener has one default certificate. Add the others with AddListenerCertificates.");
  const certificateArn =
    certificate === undefined ? before.certificateArn : certificateArnOf(tables, certificate.CertificateArn);
  if (certificateArn === undefined) throw validationError(`A certificate must be specified for ${protocol} listeners`);
  const policy = given.SslPolicy ?? before.sslPolicy ?? DEFAULT_SSL_POLICY;
  if (sslPolicy(policy) === undefined) throw policyNotFound([policy]);
  return {
    certificateArn,
    extraCertificateArns: (before.extraCertificateArns ?? []).filter((arn) => arn !== certificateArn),
    sslPolicy: policy,
    alpnPolicy: alpnFrom(protocol, before.alpnPolicy, given.AlpnPolicy ?? []),
  };
}

function alpnFrom(
  protocol: ListenerProtocol,
  before: AlpnPolicy | undefined,
  [policy, ...more]: readonly string[],
): AlpnPolicy | undefined {
  if (policy === undefined) return protocol === "TLS" ? before : undefined;
  if (protocol !== "TLS")
    throw new ElbError("ALPNPolicyNotSupportedException", "An ALPN policy can be specified for TLS listeners only");
  if (more.length > 0 || !Object.hasOwn(ALPN_POLICIES, policy))
    throw new ElbError(
      "ALPNPolicyNotSupportedException",
      `ALPN policy '${[policy, ...more]}' must be one of '[${Object.keys(ALPN_POLICIES).join(", ")}]'`,
    );
  return policy as AlpnPolicy;
}

/** The ARN of a certificate that is there and issued. Throws CertificateNotFound or ValidationError. */
export function certificateArnOf(tables: Pick<BerthView, "certificates">, arn = ""): CertificateArn {
  const found = parseCertificateArn(arn) === undefined ? undefined : tables.certificates.get(arn);
  if (found === undefined) throw new ElbError("CertificateNotFoundException", `Certificate ARN '${arn}' not found`);
  if (isUsable(found)) return found.arn;
  const status = found.request?.status;
  throw validationError(`Certificate '${arn}' is not issued: its status is ${status}. Wait until it is ISSUED.`);
}

export const policyNotFound = (names: readonly string[]) =>
  new ElbError("SSLPolicyNotFoundException", `SSL policies '[${names}]' not found`);
