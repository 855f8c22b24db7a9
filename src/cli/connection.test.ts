import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, beforeEach, test } from "node:test";
import { formatSharedCredentials } from "../runtime/shared-credentials.ts";
import { connect, findConnection } from "./connection.ts";
import { UsageError } from "./usage.ts";

const base = mkdtempSync(join(tmpdir(), "berth-connection-"));
const KEY = { accessKeyId: "AKIALOCAL", secretAccessKey: "local" };
const ENDPOINT = "http://127.0.0.1:7070";
const env = (more: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv => ({ BERTH_DATA_DIR: base, ...more });

function leaveServer(dir: string, server: object): void {
  mkdirSync(dir, { recursive: true });
  writeFileSync(join(dir, "server.json"), JSON.stringify(server));
  writeFileSync(join(dir, "credentials"), formatSharedCredentials("default", KEY));
}

beforeEach(() => {
  rmSync(base, { recursive: true, force: true });
  mkdirSync(base);
});
after(() => rmSync(base, { recursive: true, force: true }));

test("a server of this machine is found by its data directory, with its region and key", () => {
  leaveServer(base, { endpoint: ENDPOINT, region: "eu-central-1", pid: process.pid });
  const found = findConnection({}, env());
  assert.deepEqual(found, {
    endpoint: ENDPOINT,
    region: "eu-central-1",
    key: { ...KEY, sessionToken: undefined },
    credentialsFile: join(base, "credentials"),
    dataDir: base,
  });
});

test("the server of a start is found where no other runs", () => {
  leaveServer(join(base, "start"), { endpoint: ENDPOINT, region: "us-east-1", pid: process.pid });
  assert.equal(findConnection({}, env()).dataDir, join(base, "start"));
});

test("a server that was killed does not hide the one that runs", () => {
  leaveServer(base, { endpoint: "http://127.0.0.1:1", region: "us-east-1", pid: 2 ** 22 + 1 });
  leaveServer(join(base, "start"), { endpoint: ENDPOINT, region: "us-east-1", pid: process.pid });
  assert.equal(findConnection({}, env()).endpoint, ENDPOINT);
});

test("keys and regions for AWS itself are not used on this machine's server", () => {
  leaveServer(base, { endpoint: ENDPOINT, region: "us-east-1", pid: process.pid });
  const aws = { AWS_ACCESS_KEY_ID: "AKIAAWS", AWS_SECRET_ACCESS_KEY: "aws", AWS_REGION: "eu-west-1" };
  const found = findConnection({}, env(aws));
  assert.equal(found.key.accessKeyId, "AKIALOCAL");
  assert.equal(found.region, "us-east-1");
});

test("a server that is named is called with AWS's variables, and a flag wins over a variable", () => {
  leaveServer(base, { endpoint: ENDPOINT, region: "us-east-1", pid: process.pid });
  const given = env({
    AWS_ENDPOINT_URL: "http://example.test:7070",
    AWS_ACCESS_KEY_ID: "AKIAGIVEN",
    AWS_SECRET_ACCESS_KEY: "given",
    AWS_DEFAULT_REGION: "eu-west-1",
  });
  const found = findConnection({}, given);
  assert.equal(found.endpoint, "http://example.test:7070");
  assert.equal(found.key.accessKeyId, "AKIAGIVEN");
  assert.equal(found.region, "eu-west-1");
  const flagged = findConnection({ endpoint: "https://other.test", region: "us-west-2" }, given);
  assert.equal(flagged.endpoint, "https://other.test");
  assert.equal(flagged.region, "us-west-2");
});

test("a named server without a key in the environment is called with a credentials file's, by profile", () => {
  const file = join(base, "mine");
  writeFileSync(file, formatSharedCredentials("ops", { accessKeyId: "AKIAOPS", secretAccessKey: "ops" }));
  const given = env({ AWS_ENDPOINT_URL: ENDPOINT, AWS_SHARED_CREDENTIALS_FILE: file, AWS_PROFILE: "ops" });
  assert.equal(findConnection({}, given).key.accessKeyId, "AKIAOPS");
});

const REFUSED: readonly (readonly [string, Parameters<typeof findConnection>, RegExp])[] = [
  ["no server at all", [{}, env()], /no Berth server runs here.*berth server.*--endpoint or AWS_ENDPOINT_URL/],
  ["no key for the named one", [{ endpoint: ENDPOINT }, env()], /no credentials for.*AWS_ACCESS_KEY_ID/],
  ["an endpoint that is no URL", [{ endpoint: "localhost" }, env()], /'localhost' is not a URL such as/],
  [
    "a credentials file that is not there",
    [{ endpoint: ENDPOINT }, env({ AWS_SHARED_CREDENTIALS_FILE: "/nowhere" })],
    /credentials file \/nowhere cannot be read/,
  ],
];

for (const [what, args, message] of REFUSED) {
  test(`${what}: refused, with what to set`, () => {
    assert.throws(
      () => findConnection(...args),
      (error) => error instanceof UsageError && message.test(error.message),
    );
  });
}

test("a certificate bundle that is not there is named", () => {
  const connection = { endpoint: "https://x.test", region: "us-east-1", key: KEY };
  assert.throws(() => connect(connection, { AWS_CA_BUNDLE: "/nowhere.pem" }), /AWS_CA_BUNDLE is '\/nowhere.pem'/);
});

test("what `berth env` sets for this machine's server leads to its files too, another server's key or address does not", () => {
  leaveServer(base, { endpoint: ENDPOINT, region: "us-east-1", pid: process.pid });
  const given = { AWS_ENDPOINT_URL: `${ENDPOINT}/`, AWS_ACCESS_KEY_ID: "AKIALOCAL", AWS_SECRET_ACCESS_KEY: "local" };
  const found = findConnection({}, env(given));
  assert.equal(found.credentialsFile, join(base, "credentials"));
  assert.equal(found.dataDir, base);
  for (const other of [{ AWS_ACCESS_KEY_ID: "AKIAOTHER" }, { AWS_ENDPOINT_URL: "http://127.0.0.1:7171" }]) {
    const elsewhere = findConnection({}, env({ ...given, ...other }));
    assert.equal(elsewhere.credentialsFile, undefined);
    assert.equal(elsewhere.dataDir, undefined);
  }
});
