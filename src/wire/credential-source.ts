import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { parseSharedCredentials } from "../runtime/shared-credentials.ts";
import type { Credentials } from "./sign.ts";

/** There is no access key to sign with. The message says where it was looked for. */
export class NoCredentialsError extends Error {}

/**
 * Where a process's access key comes from: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, else the profile AWS_PROFILE
 * of AWS_SHARED_CREDENTIALS_FILE. The file is read again at each use, so that a rotated key is taken up.
 */
export function credentialSource(env: NodeJS.ProcessEnv): () => Credentials {
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey } = env;
  if (accessKeyId && secretAccessKey) {
    const key = { accessKeyId, secretAccessKey, sessionToken: env.AWS_SESSION_TOKEN || undefined };
    return () => key;
  }
  const path = env.AWS_SHARED_CREDENTIALS_FILE || join(homedir(), ".aws", "credentials");
  const profile = env.AWS_PROFILE || "default";
  return () => {
    let text: string;
    try {
      text = readFileSync(path, "utf8");
    } catch (cause) {
      throw new NoCredentialsError(
        `no credentials: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not set, and ${path} cannot be read (AWS_SHARED_CREDENTIALS_FILE)`,
        { cause },
      );
    }
    const key = parseSharedCredentials(text, profile);
    if (!key)
      throw new NoCredentialsError(`no credentials: ${path} has no access key for profile "${profile}" (AWS_PROFILE)`);
    return key;
  };
}
