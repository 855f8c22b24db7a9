import { generateKeyPair, type KeyObject } from "node:crypto";
import { promisify } from "node:util";
import type { RequestedKeyAlgorithm } from "../model/certificate.ts";

const generate = promisify(generateKeyPair);

/** A new private key. */
export async function newPrivateKey(algorithm: RequestedKeyAlgorithm): Promise<KeyObject> {
  if (algorithm === "RSA_2048") return (await generate("rsa", { modulusLength: 2048 })).privateKey;
  const namedCurve = algorithm === "EC_secp384r1" ? "P-384" : "P-256";
  return (await generate("ec", { namedCurve })).privateKey;
}

/** As it is kept before it is sealed: PEM. */
export const privateKeyText = (key: KeyObject): string => String(key.export({ type: "pkcs8", format: "pem" })).trim();
