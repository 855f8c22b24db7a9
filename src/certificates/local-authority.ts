import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import type { RequestedKeyAlgorithm } from "../model/certificate.ts";
import type { Instant } from "../runtime/clock.ts";
import type { Random } from "../runtime/random.ts";
import { newPrivateKey, privateKeyText } from "./keys.ts";
import { certificateOf, subjectOf } from "./x509.ts";

const DAY_MS = 86_400_000;
/** A root is trusted by hand, so it lasts. */
const ROOT_LIFETIME_MS = 3650 * DAY_MS;
/** As short as public authorities make them, so that renewal is nothing special. */
export const LOCAL_LIFETIME_MS = 90 * DAY_MS;
/** A clock of another machine may be slow. */
const CLOCK_TOLERANCE_MS = 3_600_000;
/** 159 bits of chance: the first bit of a serial number is 0. */
const SERIAL_BYTES = 20;

const ROOT_NAME = { organization: "Berth", commonName: "Berth local authority" };

/** A root certificate with its private key, as PEM. */
export interface Authority {
  readonly certificate: string;
  readonly privateKey: string;
}

function serialNumber(random: Random): Buffer {
  const bytes = Buffer.from(random.hex(SERIAL_BYTES), "hex");
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return bytes;
}

/** A new authority that vouches for itself. Each has a name of its own, so that clients take none for another. */
export async function newAuthority(now: Instant, random: Random): Promise<Authority & { readonly notAfter: Instant }> {
  const key = await newPrivateKey("EC_prime256v1");
  const name = { ...ROOT_NAME, commonName: `${ROOT_NAME.commonName} ${random.hex(4)}` };
  const notAfter = now + ROOT_LIFETIME_MS;
  const validity = { notBefore: now - CLOCK_TOLERANCE_MS, notAfter };
  const certificate = certificateOf(
    { subject: name, issuer: name, serial: serialNumber(random), ...validity },
    key,
    key,
  );
  return { certificate, privateKey: privateKeyText(key), notAfter };
}

/** A certificate for `names`, with its new key, issued by `authority`. */
export async function issueLocally(
  authority: Authority,
  wish: { readonly names: readonly string[]; readonly keyAlgorithm: RequestedKeyAlgorithm },
  now: Instant,
  random: Random,
): Promise<{ readonly certificate: string; readonly key: KeyObject }> {
  const key = await newPrivateKey(wish.keyAlgorithm);
  const contents = {
    subject: subjectOf(wish.names),
    issuer: issuerName(authority),
    serial: serialNumber(random),
    notBefore: now - CLOCK_TOLERANCE_MS,
    notAfter: now + LOCAL_LIFETIME_MS,
    names: wish.names,
  };
  return { certificate: certificateOf(contents, key, createPrivateKey(authority.privateKey)), key };
}

/** An issuer's name must be its certificate's subject, to the byte. */
function issuerName({ certificate }: Authority) {
  const { subject } = new X509Certificate(certificate);
  return { organization: ROOT_NAME.organization, commonName: /^CN=(.+)$/m.exec(subject ?? "")?.[1] };
}
