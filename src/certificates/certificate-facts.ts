import type { KeyObject, X509Certificate } from "node:crypto";
import type { ExtendedKeyUsageName, KeyAlgorithm } from "@aws-sdk/client-acm";
import type { CertificateFacts } from "../model/certificate.ts";

/** A certificate's key is of a kind that is not served. */
export class UnknownKeyError extends Error {}

const PEM_CERTIFICATE = /-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g;

/** The PEM blocks of certificates in a text, in order. */
export const certificateBlocks = (text: string): string[] => text.match(PEM_CERTIFICATE) ?? [];

const CURVES: Readonly<Record<string, KeyAlgorithm | undefined>> = {
  prime256v1: "EC_prime256v1",
  secp384r1: "EC_secp384r1",
  secp521r1: "EC_secp521r1",
};
const RSA_SIZES: Readonly<Record<number, KeyAlgorithm | undefined>> = {
  2048: "RSA_2048",
  3072: "RSA_3072",
  4096: "RSA_4096",
};

function keyAlgorithmOf({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): KeyAlgorithm {
  const { namedCurve = "", modulusLength = 0 } = asymmetricKeyDetails ?? {};
  const algorithm = asymmetricKeyType === "rsa" ? RSA_SIZES[modulusLength] : CURVES[namedCurve];
  if (algorithm !== undefined) return algorithm;
  const known = "RSA of 2048, 3072 or 4096 bits, or ECDSA on prime256v1, secp384r1 or secp521r1";
  throw new UnknownKeyError(`The certificate's key must be ${known}.`);
}

/** Source: RFC 5280, 4.2.1.12, and ACM's names. */
const KEY_PURPOSES: Readonly<Record<string, ExtendedKeyUsageName | undefined>> = {
  "1.3.6.1.5.5.7.3.1": "TLS_WEB_SERVER_AUTHENTICATION",
  "1.3.6.1.5.5.7.3.2": "TLS_WEB_CLIENT_AUTHENTICATION",
  "1.3.6.1.5.5.7.3.3": "CODE_SIGNING",
  "1.3.6.1.5.5.7.3.4": "EMAIL_PROTECTION",
  "1.3.6.1.5.5.7.3.8": "TIME_STAMPING",
  "1.3.6.1.5.5.7.3.9": "OCSP_SIGNING",
};

/** What a certificate says of itself. Throws UnknownKeyError. */
export function certificateFacts(certificate: X509Certificate): CertificateFacts {
  const names = [...(certificate.subjectAltName ?? "").matchAll(/(?:DNS|IP Address):([^,\s"]+)/g)].map(
    ([, n = ""]) => n,
  );
  const subject = (certificate.subject ?? "").split("\n").filter((line) => line !== "");
  const common = subject.find((line) => line.startsWith("CN="))?.slice(3);
  const signature = /^(?:ecdsa-with-)?(sha\d+)/i.exec(certificate.signatureAlgorithm ?? "")?.[1]?.toUpperCase();
  const domainName = common ?? names[0] ?? "";
  return {
    domainName,
    subjectAlternativeNames: names.length > 0 || domainName === "" ? names : [domainName],
    serial: (certificate.serialNumber.match(/../g) ?? []).join(":").toLowerCase(),
    subject: subject.join(","),
    issuer: certificate.issuer.split("\n").join(","),
    keyAlgorithm: keyAlgorithmOf(certificate.publicKey),
    signatureAlgorithm:
      signature === undefined
        ? (certificate.signatureAlgorithm ?? "")
        : `${signature}WITH${/ecdsa/i.test(certificate.signatureAlgorithm ?? "") ? "ECDSA" : "RSA"}`,
    extendedKeyUsages: (certificate.keyUsage ?? []).map((oid) => ({ name: KEY_PURPOSES[oid] ?? "CUSTOM", oid })),
    notBefore: certificate.validFromDate.getTime(),
    notAfter: certificate.validToDate.getTime(),
  };
}
