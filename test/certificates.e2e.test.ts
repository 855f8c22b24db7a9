import assert from "node:assert/strict";
import { type ChildProcess, execFile, spawn } from "node:child_process";
import type { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { Agent, request } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import {
  ACMClient,
  type CertificateDetail,
  DeleteCertificateCommand,
  DescribeCertificateCommand,
  GetCertificateCommand,
  RenewCertificateCommand,
  RequestCertificateCommand,
  type RequestCertificateCommandInput,
  waitUntilCertificateValidated,
} from "@aws-sdk/client-acm";
import {
  CreateListenerCommand,
  CreateLoadBalancerCommand,
  CreateTargetGroupCommand,
  RegisterTargetsCommand,
  waitUntilTargetInService,
} from "@aws-sdk/client-elastic-load-balancing-v2";
import { type Cluster, startCluster } from "./rig/cluster.ts";
import { eventually } from "./rig/eventually.ts";
import { freePort } from "./rig/free-port.ts";
import { type Pebble, startPebble } from "./rig/pebble.ts";

const run = promisify(execFile);
const MAIN = fileURLToPath(new URL("../src/cli/main.ts", import.meta.url));
const SECOND_ADDRESS = "127.0.0.2";

let dir: string;
let pebble: Pebble;
let cluster: Cluster;
let acm: ACMClient;
let target: Server;
/** A balancer beside the server's own, which is at 127.0.0.1. */
let second: ChildProcess;
let balancerArn: string;
let groupArn: string;

before(async () => {
  dir = mkdtempSync(join(tmpdir(), "acme-"));
  pebble = await startPebble(dir);
  cluster = await startCluster({ hosts: 0, serverArgs: pebble.serverArgs });
  acm = new ACMClient({ endpoint: cluster.endpoint, region: "us-east-1", credentials: cluster.key, maxAttempts: 1 });
  const carries = ["balancer", "--name", "second", "--address", SECOND_ADDRESS, "--state-dir", join(dir, "second")];
  const env = { ...cluster.env, BERTH_ENDPOINT: cluster.endpoint };
  second = spawn(process.execPath, [MAIN, ...carries], { env, stdio: "ignore" });
  target = createServer((_request, response) => response.end("hello")).listen(0, "127.0.0.1");
  await once(target, "listening");
  const { port } = target.address() as AddressInfo;
  const checks = { HealthCheckIntervalSeconds: 5, HealthCheckTimeoutSeconds: 2 };
  const group = { Name: "web", Protocol: "HTTP", Port: 80, TargetType: "ip", ...checks } as const;
  const made = await cluster.elb.send(new CreateTargetGroupCommand(group));
  groupArn = made.TargetGroups?.[0]?.TargetGroupArn ?? "";
  const Targets = [{ Id: "127.0.0.1", Port: port }];
  await cluster.elb.send(new RegisterTargetsCommand({ TargetGroupArn: groupArn, Targets }));
  const balancer = await cluster.elb.send(new CreateLoadBalancerCommand({ Name: "web" }));
  balancerArn = balancer.LoadBalancers?.[0]?.LoadBalancerArn ?? "";
});
after(async () => {
  if (second?.exitCode === null) {
    const gone = once(second, "exit");
    second.kill("SIGINT"); // its HAProxy ends with it
    await gone;
  }
  acm?.destroy();
  await cluster?.close();
  await pebble?.close();
  target?.closeAllConnections();
  target?.close();
  rmSync(dir, { recursive: true, force: true });
});

async function ask(input: RequestCertificateCommandInput): Promise<string> {
  return (await acm.send(new RequestCertificateCommand(input))).CertificateArn ?? "";
}

async function describe(CertificateArn: string): Promise<CertificateDetail> {
  return (await acm.send(new DescribeCertificateCommand({ CertificateArn }))).Certificate ?? assert.fail();
}

/** By the SDK's own waiter, which looks each minute unless it is told otherwise. */
async function validated(CertificateArn: string): Promise<CertificateDetail> {
  const { state } = await waitUntilCertificateValidated(
    { client: acm, maxWaitTime: 15, minDelay: 1, maxDelay: 1 },
    { CertificateArn },
  );
  assert.equal(state, "SUCCESS");
  return describe(CertificateArn);
}

async function listen(Protocol: "HTTP" | "HTTPS", Port: number, CertificateArn?: string): Promise<string> {
  const { Listeners } = await cluster.elb.send(
    new CreateListenerCommand({
      LoadBalancerArn: balancerArn,
      Protocol,
      Port,
      ...(CertificateArn === undefined ? {} : { Certificates: [{ CertificateArn }] }),
      DefaultActions: [{ Type: "forward", TargetGroupArn: groupArn }],
    }),
  );
  return Listeners?.[0]?.ListenerArn ?? "";
}

/** A request over HTTPS that verifies the certificate by that root: the body, and the certificate's serial number. */
function secureGet(
  port: number,
  servername: string,
  ca: string,
  host = "127.0.0.1",
): Promise<{ body: string; serial: string }> {
  return new Promise((resolve, reject) => {
    const agent = new Agent({ ca, maxCachedSessions: 0 });
    const sent = request({ host, port, servername, agent, headers: { host: servername } }, (answer) => {
      const { socket } = answer as unknown as { socket: { getPeerX509Certificate(): X509Certificate } };
      const serial = socket.getPeerX509Certificate().serialNumber;
      let body = "";
      answer.setEncoding("utf8").on("data", (text: string) => {
        body += text;
      });
      answer.on("end", () => {
        agent.destroy();
        if (answer.statusCode === 200) resolve({ body, serial });
        else reject(new Error(`status ${answer.statusCode}`));
      });
    });
    sent.on("error", reject);
    sent.end();
  });
}

/** How often the log of the server has a message about a certificate. */
const logged = (arn: string, message: string) =>
  readFileSync(join(cluster.dataDir, "server.log"), "utf8")
    .split("\n")
    .filter((line) => line.includes(arn) && line.includes(message)).length;

test("a certificate for localhost is there at once, from an authority of the server's own that a client can trust", async () => {
  const arn = await ask({
    DomainName: "localhost",
    SubjectAlternativeNames: ["app.localhost"],
    KeyAlgorithm: "EC_prime256v1",
  });
  const detail = await validated(arn);
  assert.deepEqual([detail.Status, detail.Type], ["ISSUED", "PRIVATE"]);
  const port = await freePort();
  await listen("HTTPS", port, arn);
  await waitUntilTargetInService(
    { client: cluster.elb, maxWaitTime: 20, minDelay: 1, maxDelay: 1 },
    { TargetGroupArn: groupArn },
  );
  const root = readFileSync(join(cluster.dataDir, "local-ca.pem"), "utf8");
  for (const name of ["localhost", "app.localhost"]) assert.equal((await secureGet(port, name, root)).body, "hello");
  await assert.rejects(secureGet(port, "localhost", await pebble.root()), /certificate/);
  // A client without any of ours: OpenSSL's, by way of curl's or the aws CLI's kind.
  const check = ["verify", "-CAfile", join(cluster.dataDir, "local-ca.pem"), "-verify_hostname", "app.localhost"];
  const shown = await acm.send(new GetCertificateCommand({ CertificateArn: arn }));
  assert.equal(shown.CertificateChain, root.trim());
  writeFileSync(join(dir, "leaf.pem"), shown.Certificate ?? "");
  assert.match((await run("openssl", [...check, join(dir, "leaf.pem")])).stdout, /OK/);
});

test("HTTP validation waits for a listener, then issues for two names, each answered by another balancer; a renewal under load fails no request", async () => {
  await pebble.point("b.berth.example", SECOND_ADDRESS);
  const names = { DomainName: "a.berth.example", SubjectAlternativeNames: ["b.berth.example"] };
  const arn = await ask({ ...names, ValidationMethod: "HTTP", IdempotencyToken: "one" });
  assert.equal(await ask({ ...names, ValidationMethod: "HTTP", IdempotencyToken: "one" }), arn);
  const reason = await eventually("it says what is missing", 5000, async () => (await describe(arn)).FailureReason);
  assert.match(reason, new RegExp(`no HTTP listener on port ${pebble.httpPort}: create one, or use DNS validation`));
  await assert.rejects(acm.send(new GetCertificateCommand({ CertificateArn: arn })), {
    name: "RequestInProgressException",
  });
  await listen("HTTP", pebble.httpPort);
  const detail = await validated(arn);
  assert.deepEqual(
    [detail.Status, detail.Type, detail.SubjectAlternativeNames, detail.FailureReason],
    ["ISSUED", "AMAZON_ISSUED", ["a.berth.example", "b.berth.example"], undefined],
  );
  const port = await freePort();
  await listen("HTTPS", port, arn);
  const root = await pebble.root();
  await eventually("the second balancer shows it, too", 5000, () =>
    secureGet(port, "b.berth.example", root, SECOND_ADDRESS).catch(() => undefined),
  );
  const first = await eventually("it is shown", 5000, () =>
    secureGet(port, "a.berth.example", root).catch(() => undefined),
  );
  const failures: string[] = [];
  const serials = new Set<string>();
  let isOver = false;
  const load = Array.from({ length: 4 }, async () => {
    while (!isOver)
      await secureGet(port, "b.berth.example", root).then(
        ({ serial }) => serials.add(serial),
        (error) => failures.push(String(error)),
      );
  });
  await acm.send(new RenewCertificateCommand({ CertificateArn: arn }));
  await eventually("the new one is shown", 15_000, () => [...serials].some((serial) => serial !== first.serial));
  isOver = true;
  await Promise.all(load);
  assert.deepEqual(failures, []);
  const renewed = await describe(arn);
  assert.deepEqual([renewed.RenewalSummary?.RenewalStatus, renewed.RenewalEligibility], ["SUCCESS", "ELIGIBLE"]);
});

test("DNS validation by a hook program, with a wildcard; the server is killed in the middle of it and goes on with the same order", async () => {
  writeFileSync(pebble.holdFile, "");
  const names = { DomainName: "c.berth.example", SubjectAlternativeNames: ["*.c.berth.example"] };
  const arn = await ask({ ...names, ValidationMethod: "DNS", KeyAlgorithm: "EC_secp384r1" });
  await eventually("the hook program was called", 10_000, () => pebble.hookCalls().length > 0);
  const [pending] = (await describe(arn)).DomainValidationOptions ?? [];
  assert.deepEqual(
    [pending?.ValidationStatus, pending?.ResourceRecord?.Type as string, pending?.ResourceRecord?.Name],
    ["PENDING_VALIDATION", "TXT", "_acme-challenge.c.berth.example."],
  );
  await cluster.crashServer(async () => rmSync(pebble.holdFile));
  const detail = await validated(arn);
  assert.deepEqual([detail.KeyAlgorithm, detail.SignatureAlgorithm?.startsWith("SHA256")], ["EC_secp384r1", true]);
  assert.equal(logged(arn, "certificate ordered"), 1);
  await eventually("both records were removed", 10_000, () => {
    const calls = pebble.hookCalls();
    const of = (action: string) => new Set(calls.filter((call) => call.startsWith(`${action} _acme-challenge.c.`)));
    return of("present").size === 2 && of("cleanup").size === 2;
  });
});

test("what fails says why: a name that is answered elsewhere, a hook program that refuses; a deleted request is over", async () => {
  await pebble.point("elsewhere.berth.example", "127.0.0.9");
  const elsewhere = await ask({ DomainName: "elsewhere.berth.example", ValidationMethod: "HTTP" });
  const answer = await eventually(
    "the ACME server's words",
    10_000,
    async () => (await describe(elsewhere)).FailureReason,
  );
  assert.match(answer, /^DOMAIN_VALIDATION_DENIED: elsewhere\.berth\.example: .*connection refused/);
  const refused = await ask({ DomainName: "refused.berth.example", ValidationMethod: "DNS" });
  const reason = await eventually(
    "the hook program's words",
    10_000,
    async () => (await describe(refused)).FailureReason,
  );
  assert.match(reason, /hook present _acme-challenge\.refused\.berth\.example ended with code 3: no zone for/);
  assert.equal((await describe(refused)).Status, "PENDING_VALIDATION");
  await acm.send(new DeleteCertificateCommand({ CertificateArn: refused }));
  await assert.rejects(describe(refused), { name: "ResourceNotFoundException" });
});

test("the aws CLI requests a certificate and waits for it", async () => {
  const aws = existsSync("/usr/bin/aws") ? "/usr/bin/aws" : "aws";
  const cli = async (...args: string[]) =>
    (
      await run(aws, ["--endpoint-url", cluster.endpoint, "acm", ...args, "--output", "text"], { env: cluster.env })
    ).stdout.trim();
  const arn = await cli("request-certificate", "--domain-name", "cli.berth.example", "--validation-method", "HTTP");
  // The CLI's waiter looks at once, then after a minute.
  await validated(arn);
  await cli("wait", "certificate-validated", "--certificate-arn", arn);
  assert.match(await cli("get-certificate", "--certificate-arn", arn), /BEGIN CERTIFICATE/);
});
