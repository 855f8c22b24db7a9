/** An access key as AWS's shared credentials file holds it. */
export interface AccessKey {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

/** A shared credentials file with one profile, ready to be written. */
export function formatSharedCredentials(profile: string, key: AccessKey): string {
  const lines = [
    `[${profile}]`,
    `aws_access_key_id = ${key.accessKeyId}`,
    `aws_secret_access_key = ${key.secretAccessKey}`,
  ];
  if (key.sessionToken !== undefined) lines.push(`aws_session_token = ${key.sessionToken}`);
  return `${lines.join("\n")}\n`;
}

/** The key of a profile in a shared credentials file, or undefined if the profile or one of its two keys is missing. */
export function parseSharedCredentials(text: string, profile: string): AccessKey | undefined {
  const values: Record<string, string> = {};
  let current = "";
  for (const raw of text.split("\n")) {
    const line = raw.trim();
    if (line === "" || line.startsWith("#") || line.startsWith(";")) continue;
    const section = /^\[\s*(.+?)\s*\]$/.exec(line);
    if (section !== null) {
      current = section[1] ?? "";
      continue;
    }
    const at = line.indexOf("=");
    if (current === profile && at > 0) values[line.slice(0, at).trim().toLowerCase()] = line.slice(at + 1).trim();
  }
  const {
    aws_access_key_id: accessKeyId,
    aws_secret_access_key: secretAccessKey,
    aws_session_token: sessionToken,
  } = values;
  if (accessKeyId === undefined || secretAccessKey === undefined) return undefined;
  return { accessKeyId, secretAccessKey, sessionToken };
}
