import { hkdfSync } from "node:crypto";
import type { Random } from "../../runtime/random.ts";
import { createSealer, type Sealer } from "../../runtime/sealer.ts";

const KEY_BYTES = 32;

/**
 * Seals what is secret in the messages of one session, which may go over plain HTTP. Both ends hold the secret access key that
 * signed the session's request and never send it; each gives a nonce, so no two sessions share a key.
 */
export function sessionSealer(
  secretAccessKey: string,
  nonces: { readonly ofHost: string; readonly ofServer: string },
  random: Random,
): Sealer {
  const salt = `${nonces.ofHost} ${nonces.ofServer}`;
  const key = hkdfSync("sha256", secretAccessKey, salt, "berth balancer session", KEY_BYTES);
  return createSealer(Buffer.from(key).toString("hex"), random);
}

/** What the private key of a certificate is sealed for. */
export const certificateContext = (id: string): string => `certificate ${id}`;
