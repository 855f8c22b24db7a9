import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { systemClock } from "../runtime/clock.ts";
import { defaultDataDir } from "../runtime/data-dir.ts";
import { type AccessKey, parseSharedCredentials } from "../runtime/shared-credentials.ts";
import { type AwsClient, createAwsClient } from "../wire/client.ts";
import { UsageError } from "./usage.ts";

/** Where the API is and with what key it is called. */
export interface Connection {
  readonly endpoint: string;
  readonly region: string;
  readonly key: AccessKey;
  /** The credentials file that the key came from, if it came from one. */
  readonly credentialsFile?: string;
}

/** What a running server writes beside its credentials, so that commands on the same machine find it. */
export interface ServerFile {
  readonly endpoint: string;
  readonly region: string;
  readonly pid: number;
}

/** The name of the file in a data directory that says where its server serves. */
export const SERVER_FILE = "server.json";

/** Flags that every command which calls the API takes. */
export interface ConnectionFlags {
  readonly endpoint?: string;
  readonly region?: string;
  readonly dataDir?: string;
}

/**
 * How to reach the API: flags, else AWS's own environment variables, else what a server on this machine left in its
 * data directory (the one of `npm start` included). Throws UsageError that says what to set.
 */
export function findConnection(flags: ConnectionFlags, env: NodeJS.ProcessEnv): Connection {
  const local = localServer(flags, env);
  const endpoint = flags.endpoint ?? env.AWS_ENDPOINT_URL_ECS ?? env.AWS_ENDPOINT_URL ?? local?.server.endpoint;
  const region = flags.region ?? env.AWS_REGION ?? env.AWS_DEFAULT_REGION ?? local?.server.region ?? "us-east-1";
  if (endpoint === undefined) {
    throw new UsageError(
      "no Berth server was found on this machine: start one with `berth server`, or name one with --endpoint or AWS_ENDPOINT_URL",
    );
  }
  const fromEnv = keyFromEnvironment(env);
  if (fromEnv !== undefined) return { endpoint, region, key: fromEnv };
  const credentialsFile = env.AWS_SHARED_CREDENTIALS_FILE ?? local?.credentialsFile;
  const key =
    credentialsFile !== undefined && existsSync(credentialsFile)
      ? parseSharedCredentials(readFileSync(credentialsFile, "utf8"), env.AWS_PROFILE ?? "default")
      : undefined;
  if (key === undefined) {
    throw new UsageError(
      "no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_SHARED_CREDENTIALS_FILE to the server's credentials file",
    );
  }
  return { endpoint, region, key, credentialsFile };
}

/** A client for the connection, telling who calls by its user agent. */
export function connect(connection: Connection): AwsClient {
  return createAwsClient({
    endpoint: connection.endpoint,
    region: connection.region,
    credentials: connection.key,
    clock: systemClock(),
    userAgent: "berth-cli",
  });
}

function keyFromEnvironment(env: NodeJS.ProcessEnv): AccessKey | undefined {
  const {
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    AWS_SESSION_TOKEN: sessionToken,
  } = env;
  if (!accessKeyId || !secretAccessKey) return undefined;
  return { accessKeyId, secretAccessKey, sessionToken: sessionToken || undefined };
}

function localServer(
  flags: ConnectionFlags,
  env: NodeJS.ProcessEnv,
): { server: ServerFile; credentialsFile: string } | undefined {
  const base = flags.dataDir ?? defaultDataDir(env);
  for (const dir of [base, join(base, "start")]) {
    const file = join(dir, SERVER_FILE);
    if (!existsSync(file)) continue;
    const server = JSON.parse(readFileSync(file, "utf8")) as ServerFile;
    return { server, credentialsFile: join(dir, "credentials") };
  }
  return undefined;
}
