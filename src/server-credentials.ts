import { chmodSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Random } from "./runtime/random.ts";
import { type AccessKey, formatSharedCredentials, parseSharedCredentials } from "./runtime/shared-credentials.ts";

/** The name of the file with the administrator's key in a data directory. */
export const CREDENTIALS_FILE = "credentials";

/**
 * The administrator's access key of a data directory: the one of its credentials file, or a new one that is written
 * there, readable by its owner alone. Throws if the file is there but holds no key.
 */
export function administratorKey(dataDir: string, random: Random): AccessKey {
  const file = join(dataDir, CREDENTIALS_FILE);
  if (!existsSync(file)) {
    // The form of AWS's own: 20 upper-case characters that begin with AKIA, and a secret of 40.
    const key = { accessKeyId: `AKIA${random.hex(8).toUpperCase()}`, secretAccessKey: random.hex(20) };
    writeFileSync(file, formatSharedCredentials("default", key), { mode: 0o600, flag: "wx" });
    return key;
  }
  chmodSync(file, 0o600);
  const key = parseSharedCredentials(readFileSync(file, "utf8"), "default");
  if (key === undefined) {
    throw new Error(
      `${file} holds no access key for profile 'default': restore it, or remove it to have a new key made`,
    );
  }
  return key;
}

/** A secret that is made once and kept in a file of the data directory, readable by its owner alone. */
export function keptSecret(dataDir: string, name: string, random: Random): string {
  const file = join(dataDir, name);
  if (!existsSync(file)) writeFileSync(file, random.hex(32), { mode: 0o600, flag: "wx" });
  return readFileSync(file, "utf8");
}
