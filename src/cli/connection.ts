import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { systemClock } from "../runtime/clock.ts";
import { defaultDataDir } from "../runtime/data-dir.ts";
import { type AccessKey, parseSharedCredentials } from "../runtime/shared-credentials.ts";
import { type AwsClient, createAwsClient } from "../wire/client.ts";
import { isRunning } from "./start/processes.ts";
import { UsageError } from "./usage.ts";

/** Where the API is and with what key it is called. */
export interface Connection {
  readonly endpoint: string;
  readonly region: string;
  readonly key: AccessKey;
  /** The credentials file that the key came from, if it came from one. */
  readonly credentialsFile?: string;
  /** The data directory of the server, if it is one of this machine that was found by it. */
  readonly dataDir?: string;
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

/** Where `berth start` keeps its files, below the data directory. */
export function startDataDir(base: string): string {
  return join(base, "start");
}

/**
 * How to reach the API. A server that is named by --endpoint or AWS_ENDPOINT_URL is called with AWS's own environment variables, else
 * with the key of this machine's server. Where none is named, it is the server of this machine (that of `berth start` included), with
 * its own region and key: variables that are set for AWS itself are not meant for it. Throws UsageError that says what to set.
 */
export function findConnection(flags: ConnectionFlags, env: NodeJS.ProcessEnv): Connection {
  const local = localServer(flags, env);
  const named = flags.endpoint ?? (env.AWS_ENDPOINT_URL_ECS || env.AWS_ENDPOINT_URL || undefined);
  if (named === undefined || flags.dataDir !== undefined) {
    if (local === undefined) throw new UsageError(noServer(flags, env));
    const { server, dataDir } = local;
    const endpoint = flags.endpoint ?? server.endpoint;
    const key = keyFromFile(join(dataDir, "credentials"), "default");
    return { endpoint, region: flags.region ?? server.region, ...key, dataDir };
  }
  if (!URL.canParse(named) || !/^https?:$/.test(new URL(named).protocol))
    throw new UsageError(`the endpoint '${named}' is not a URL such as http://127.0.0.1:7070`);
  const region = flags.region ?? (env.AWS_REGION || env.AWS_DEFAULT_REGION || local?.server.region || "us-east-1");
  const key = keyFromEnvironment(env);
  if (key !== undefined) return { endpoint: named, region, key, ...filesOf(local, named, key) };
  const file = env.AWS_SHARED_CREDENTIALS_FILE || (local && join(local.dataDir, "credentials"));
  if (file === undefined) {
    throw new UsageError(
      `no credentials for ${named}: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_SHARED_CREDENTIALS_FILE to a copy of the server's credentials file (DIR/credentials)`,
    );
  }
  return { endpoint: named, region, ...keyFromFile(file, env.AWS_PROFILE || "default") };
}

/** The data directory of this machine's server, and the credentials file in it, if that is the server that is named and the key is its own. */
function filesOf(
  local: ReturnType<typeof localServer>,
  endpoint: string,
  key: AccessKey,
): Pick<Connection, "credentialsFile" | "dataDir"> {
  if (local === undefined || new URL(local.server.endpoint).origin !== new URL(endpoint).origin) return {};
  const own = keyFromFile(join(local.dataDir, "credentials"), "default");
  if (own.key.accessKeyId !== key.accessKeyId) return {};
  return { credentialsFile: own.credentialsFile, dataDir: local.dataDir };
}

function noServer(flags: ConnectionFlags, env: NodeJS.ProcessEnv): string {
  const where = flags.dataDir ?? defaultDataDir(env);
  const sudo = process.getuid?.() === 0 ? "" : ", see one that root runs with sudo";
  return `no Berth server runs here (none left its address in ${where}): start one with \`npm start\` or \`berth server\`${sudo}, or name one with --endpoint or AWS_ENDPOINT_URL`;
}

function keyFromFile(file: string, profile: string): { readonly key: AccessKey; readonly credentialsFile: string } {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    throw new UsageError(`the credentials file ${file} cannot be read: ${(error as Error).message}`);
  }
  const key = parseSharedCredentials(text, profile);
  if (key === undefined)
    throw new UsageError(
      `the credentials file ${file} holds no key of profile '${profile}'; AWS_PROFILE names another`,
    );
  return { key, credentialsFile: file };
}

/** A client for the connection, telling who calls by its user agent. AWS_CA_BUNDLE names certificates to trust, as for the aws CLI. */
export function connect(connection: Connection, env: NodeJS.ProcessEnv = process.env): AwsClient {
  return createAwsClient({
    endpoint: connection.endpoint,
    region: connection.region,
    credentials: connection.key,
    clock: systemClock(),
    userAgent: "berth-cli",
    ca: trusted(env.AWS_CA_BUNDLE || undefined),
  });
}

function trusted(file: string | undefined): string | undefined {
  if (file === undefined) return undefined;
  if (!existsSync(file)) throw new UsageError(`AWS_CA_BUNDLE is '${file}', and there is no such file`);
  return readFileSync(file, "utf8");
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

function localServer(flags: ConnectionFlags, env: NodeJS.ProcessEnv) {
  const base = flags.dataDir ?? defaultDataDir(env);
  for (const dataDir of [base, startDataDir(base)]) {
    const server = readServerFile(dataDir);
    if (server !== undefined) return { server, dataDir };
  }
  return undefined;
}

/** What the server of a data directory wrote there, if it runs: one that was killed leaves its file behind. */
export function readServerFile(dataDir: string): ServerFile | undefined {
  try {
    const server = JSON.parse(readFileSync(join(dataDir, SERVER_FILE), "utf8")) as ServerFile;
    return isRunning(server.pid) ? server : undefined;
  } catch {
    return undefined; // not there, not ours to read, or being written
  }
}
