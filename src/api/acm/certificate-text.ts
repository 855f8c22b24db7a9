import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { certificateBlocks, certificateFacts, UnknownKeyError } from "../../certificates/index.ts";
import type { CertificateFacts } from "../../model/certificate.ts";
import type { Instant } from "../../runtime/clock.ts";
import { validationError } from "./errors.ts";

/** Source: ACM API reference, ImportCertificate. */
const MAX_CERTIFICATE_BYTES = 32_768;
const MAX_PRIVATE_KEY_BYTES = 5120;
const MAX_CHAIN_BYTES = 2_097_152;
/** A chain longer than this is no chain. */
const MAX_CHAIN_CERTIFICATES = 20;

/** A certificate with its chain and its key, as they are kept: checked, and of one form. */
export interface ImportedCertificate {
  readonly certificate: string;
  readonly chain: string | undefined;
  readonly privateKey: string;
  readonly facts: CertificateFacts;
}

/**
 * Checks that a certificate, its private key and its chain belong together and may be used now. Throws ValidationException.
 * Source: ACM user guide, prerequisites for importing certificates.
 */
export function readCertificate(
  given: { readonly certificate: Uint8Array; readonly privateKey: Uint8Array; readonly chain?: Uint8Array },
  now: Instant,
): ImportedCertificate {
  const [leaf, ...more] = certificatesIn("certificate", given.certificate, MAX_CERTIFICATE_BYTES);
  if (leaf === undefined || more.length > 0)
    throw validationError("The certificate field must contain exactly one certificate. Give the others as its chain.");
  const chain = given.chain === undefined ? [] : certificatesIn("certificate chain", given.chain, MAX_CHAIN_BYTES);
  if (chain.length > MAX_CHAIN_CERTIFICATES)
    throw validationError(`The certificate chain has more than ${MAX_CHAIN_CERTIFICATES} certificates.`);
  const key = privateKeyIn(given.privateKey);
  if (!leaf.checkPrivateKey(key)) throw validationError("The private key does not match the certificate.");
  for (const [index, issuer] of chain.entries()) {
    const issued = index === 0 ? leaf : chain[index - 1];
    if (issued === undefined || !issued.checkIssued(issuer) || !issued.verify(issuer.publicKey))
      throw validationError("Could not validate the certificate with the certificate chain.");
  }
  const facts = factsIn(leaf);
  if (now > facts.notAfter) throw validationError("The certificate has expired.");
  if (now < facts.notBefore) throw validationError("The certificate is not valid yet.");
  return {
    certificate: leaf.toString().trim(),
    chain: chain.length === 0 ? undefined : chain.map((one) => one.toString().trim()).join("\n"),
    privateKey: String(key.export({ type: "pkcs8", format: "pem" })).trim(),
    facts,
  };
}

function certificatesIn(what: string, bytes: Uint8Array, limit: number): X509Certificate[] {
  if (bytes.length > limit) throw validationError(`The ${what} must have at most ${limit} bytes.`);
  const blocks = certificateBlocks(Buffer.from(bytes).toString("latin1"));
  if (blocks.length === 0) throw validationError(`The ${what} is not PEM-encoded.`);
  try {
    return blocks.map((block) => new X509Certificate(block));
  } catch {
    throw validationError(`The ${what} cannot be parsed as X.509.`);
  }
}

function privateKeyIn(bytes: Uint8Array): KeyObject {
  if (bytes.length > MAX_PRIVATE_KEY_BYTES)
    throw validationError(`The private key must have at most ${MAX_PRIVATE_KEY_BYTES} bytes.`);
  const text = Buffer.from(bytes).toString("latin1");
  if (/ENCRYPTED/.test(text)) throw validationError("The private key is encrypted: decrypt it first.");
  try {
    return createPrivateKey(text);
  } catch {
    throw validationError("The private key is not a PEM-encoded private key."); // what is wrong in it is not told to anyone
  }
}

function factsIn(certificate: X509Certificate): CertificateFacts {
  try {
    return certificateFacts(certificate);
  } catch (error) {
    if (error instanceof UnknownKeyError) throw validationError(error.message);
    throw error;
  }
}
