import { createHash, createPublicKey, type KeyObject, sign } from "node:crypto";
import type { Instant } from "../runtime/clock.ts";
import { bits, type Der, field, integer, octets, oid, pem, sequence, set, text, time, yes } from "./der.ts";

const OID = {
  commonName: "2.5.4.3",
  organization: "2.5.4.10",
  subjectKeyId: "2.5.29.14",
  keyUsage: "2.5.29.15",
  subjectAltName: "2.5.29.17",
  basicConstraints: "2.5.29.19",
  authorityKeyId: "2.5.29.35",
  extendedKeyUsage: "2.5.29.37",
  serverAuthentication: "1.3.6.1.5.5.7.3.1",
  extensionRequest: "1.2.840.113549.1.9.14",
  rsaWithSha256: "1.2.840.113549.1.1.11",
  ecdsaWithSha256: "1.2.840.10045.4.3.2",
  ecdsaWithSha384: "1.2.840.10045.4.3.3",
} as const;

/** A common name holds 64 characters. Source: RFC 5280, ub-common-name. */
const LONGEST_COMMON_NAME = 64;

/** Who a certificate is of. */
interface Subject {
  readonly organization?: string;
  readonly commonName?: string;
}

/** A certificate that an authority of one's own issues, to itself or to a server. */
export interface CertificateContents {
  readonly subject: Subject;
  readonly issuer: Subject;
  /** Big-endian, 1-20 bytes, not all 0. Unique among the issuer's. */
  readonly serial: Uint8Array;
  readonly notBefore: Instant;
  readonly notAfter: Instant;
  /** DNS names of a server; undefined for an authority. */
  readonly names?: readonly string[];
}

const commonNameOf = (names: readonly string[]) =>
  names.find((name) => name.length <= LONGEST_COMMON_NAME && !name.startsWith("*"));

/** The subject of a certificate for those names: the first that fits is its common name. */
export const subjectOf = (names: readonly string[]): Subject => ({ commonName: commonNameOf(names) });

/** A certificate signing request for those names, signed with their key. Source: RFC 2986. */
export function signingRequest(names: readonly string[], key: KeyObject): Der {
  const extensions = sequence(extension(OID.subjectAltName, alternativeNames(names)));
  const attributes = sequence(oid(OID.extensionRequest), set(extensions));
  return signed([integer(Buffer.from([0])), nameOf(subjectOf(names)), publicKeyOf(key), field(0, attributes)], key);
}

/** The certificate of `key`, signed by `issuerKey`, as PEM. Source: RFC 5280, 4. */
export function certificateOf(contents: CertificateContents, key: KeyObject, issuerKey: KeyObject): string {
  const { subject, issuer, serial, notBefore, notAfter, names } = contents;
  const extensions = [
    extension(OID.subjectKeyId, octets(keyId(key))),
    extension(OID.authorityKeyId, sequence(field(0, keyId(issuerKey), false))),
    ...(names === undefined ? authorityExtensions() : serverExtensions(names, subject)),
  ];
  const der = signed(
    [
      field(0, integer(Buffer.from([2]))),
      integer(serial),
      signatureAlgorithm(issuerKey),
      nameOf(issuer),
      sequence(time(notBefore), time(notAfter)),
      nameOf(subject),
      publicKeyOf(key),
      field(3, sequence(...extensions)),
    ],
    issuerKey,
  );
  return pem("CERTIFICATE", der);
}

/** It signs certificates and lists of revoked ones, and no authorities below it. */
const authorityExtensions = () => [
  extension(OID.basicConstraints, sequence(yes(), integer(Buffer.from([0]))), true),
  extension(OID.keyUsage, bits(Buffer.from([0b0000_0110]), 1), true),
];

/** The names are critical where no subject stands for them. Source: RFC 5280, 4.2.1.6. */
const serverExtensions = (names: readonly string[], subject: Subject) => [
  extension(OID.basicConstraints, sequence(), true),
  extension(OID.keyUsage, bits(Buffer.from([0b1010_0000]), 5), true),
  extension(OID.extendedKeyUsage, sequence(oid(OID.serverAuthentication))),
  extension(OID.subjectAltName, alternativeNames(names), subject.commonName === undefined),
];

const extension = (id: string, value: Der, critical = false): Der =>
  sequence(oid(id), ...(critical ? [yes()] : []), octets(value));

const alternativeNames = (names: readonly string[]): Der =>
  sequence(...names.map((name) => field(2, Buffer.from(name, "latin1"), false)));

function nameOf({ organization, commonName }: Subject): Der {
  const part = (id: string, value: string | undefined) =>
    value === undefined ? [] : [set(sequence(oid(id), text(value)))];
  return sequence(...part(OID.organization, organization), ...part(OID.commonName, commonName));
}

/** Of a private key the public part, or the public key itself. */
const publicKeyOf = (key: KeyObject): Der =>
  (key.type === "public" ? key : createPublicKey(key)).export({ type: "spki", format: "der" });

/** A digest of the public key tells keys of one name apart. */
const keyId = (key: KeyObject) => createHash("sha1").update(publicKeyOf(key)).digest();

/** SHA-384 goes with the larger curve, SHA-256 with all else. */
function signatureAlgorithm(key: KeyObject): Der {
  if (key.asymmetricKeyType === "rsa") return sequence(oid(OID.rsaWithSha256), Buffer.from([0x05, 0x00]));
  return sequence(oid(hashOf(key) === "sha384" ? OID.ecdsaWithSha384 : OID.ecdsaWithSha256));
}

const hashOf = (key: KeyObject) => (key.asymmetricKeyDetails?.namedCurve === "secp384r1" ? "sha384" : "sha256");

/** The items, what they are signed with, and the signature over them. */
function signed(items: readonly Der[], key: KeyObject): Der {
  const content = sequence(...items);
  return sequence(content, signatureAlgorithm(key), bits(sign(hashOf(key), content, key)));
}
