import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { type Cluster, GATEWAY, startCluster } from "./rig/cluster.ts";
import { eventually } from "./rig/eventually.ts";

const run = promisify(execFile);

let dir: string;
let cluster: Cluster;

before(async () => {
  dir = mkdtempSync(join(tmpdir(), "tls-"));
  const [key, cert] = [join(dir, "key.pem"), join(dir, "cert.pem")];
  // The names by which this machine and its local hosts reach the server.
  const names = `subjectAltName=IP:127.0.0.1,IP:${GATEWAY}`;
  const request = [
    "req",
    "-x509",
    "-newkey",
    "rsa:2048",
    "-nodes",
    "-days",
    "1",
    "-subj",
    "/CN=berth",
    "-addext",
    names,
  ];
  await run("openssl", [...request, "-keyout", key, "-out", cert]);
  writeFileSync(join(dir, "both.pem"), readFileSync(cert, "utf8") + readFileSync(key, "utf8"), { mode: 0o600 });
  // For the processes that are started from here: the agent and the commands.
  process.env.NODE_EXTRA_CA_CERTS = cert;
  cluster = await startCluster({ hosts: 1, serverArgs: ["--tls", join(dir, "both.pem")] });
});
after(async () => {
  await cluster?.close();
  rmSync(dir, { recursive: true, force: true });
});

test("with one flag the API is served over TLS, and an agent joins over TLS", async () => {
  assert.match(cluster.endpoint, /^https:\/\/127\.0\.0\.1:\d+$/);
  const env = { ...cluster.env, NODE_EXTRA_CA_CERTS: process.env.NODE_EXTRA_CA_CERTS };
  await run(process.execPath, ["src/cli/main.ts", "services"], { env }).catch((error: { stderr: string }) =>
    // The cluster may not have been made yet: an answer from the API is what counts.
    assert.match(error.stderr, /ClusterNotFoundException/),
  );
  await eventually("the host has joined", 20_000, async () => {
    const { stdout } = await run(process.execPath, ["src/cli/main.ts", "hosts", "--output", "json"], { env }).catch(
      () => ({ stdout: "[]" }),
    );
    return JSON.parse(stdout).some((host: { agentConnected: boolean }) => host.agentConnected);
  });
});

test("a client that does not trust the certificate is told so, and plain HTTP gets no answer", async () => {
  const { NODE_EXTRA_CA_CERTS: _, ...untrusting } = cluster.env;
  await assert.rejects(
    run(process.execPath, ["src/cli/main.ts", "hosts"], { env: untrusting }),
    (error: { stderr: string }) => /self-signed certificate/.test(error.stderr),
  );
  const plain = { ...cluster.env, AWS_ENDPOINT_URL: cluster.endpoint.replace("https", "http") };
  await assert.rejects(run(process.execPath, ["src/cli/main.ts", "hosts"], { env: plain }), { code: 1 });
});
