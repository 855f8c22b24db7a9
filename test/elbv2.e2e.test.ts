import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { request } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { after, before, test } from "node:test";
import {
  ACMClient,
  DeleteCertificateCommand,
  DescribeCertificateCommand,
  ImportCertificateCommand,
  ListCertificatesCommand,
  ResourceInUseException,
} from "@aws-sdk/client-acm";
import {
  AddListenerCertificatesCommand,
  CreateListenerCommand,
  CreateLoadBalancerCommand,
  CreateRuleCommand,
  CreateTargetGroupCommand,
  DeleteLoadBalancerCommand,
  DeregisterTargetsCommand,
  DescribeListenerAttributesCommand,
  DescribeListenerCertificatesCommand,
  DescribeLoadBalancerAttributesCommand,
  DescribeRulesCommand,
  DescribeTagsCommand,
  DescribeTargetGroupAttributesCommand,
  ModifyRuleCommand,
  ModifyTargetGroupAttributesCommand,
  PriorityInUseException,
  RegisterTargetsCommand,
  waitUntilLoadBalancerAvailable,
  waitUntilLoadBalancersDeleted,
  waitUntilTargetDeregistered,
  waitUntilTargetInService,
} from "@aws-sdk/client-elastic-load-balancing-v2";
import { makeCertificate } from "../src/api/acm/testing.ts";
import { type Cluster, startCluster } from "./rig/cluster.ts";
import { eventually } from "./rig/eventually.ts";
import { freePort } from "./rig/free-port.ts";

let cluster: Cluster;
let acm: ACMClient;
const servers: Server[] = [];

before(async () => {
  cluster = await startCluster({ hosts: 0 });
  acm = new ACMClient({ endpoint: cluster.endpoint, region: "us-east-1", credentials: cluster.key, maxAttempts: 1 });
});
after(async () => {
  acm?.destroy();
  await cluster?.close();
  for (const server of servers) server.closeAllConnections();
  for (const server of servers) server.close();
});

/** A web server that answers with its name, as a target. */
async function target(name: string): Promise<{ Id: string; Port: number }> {
  const server = createServer((_request, response) => response.end(name)).listen(0, "127.0.0.1");
  servers.push(server);
  await once(server, "listening");
  return { Id: "127.0.0.1", Port: (server.address() as AddressInfo).port };
}

const checks = { HealthCheckIntervalSeconds: 5, HealthCheckTimeoutSeconds: 2 };

async function group(Name: string, ...targets: { Id: string; Port: number }[]): Promise<string> {
  const made = await cluster.elb.send(
    new CreateTargetGroupCommand({ Name, Protocol: "HTTP", Port: 80, TargetType: "ip", ...checks }),
  );
  const TargetGroupArn = made.TargetGroups?.[0]?.TargetGroupArn ?? "";
  if (targets.length > 0) await cluster.elb.send(new RegisterTargetsCommand({ TargetGroupArn, Targets: targets }));
  return TargetGroupArn;
}

const text = async (url: string) => (await fetch(url)).text();

/** A request over HTTPS: the answer and whom the certificate was for. */
function secureText(port: number, servername: string): Promise<{ body: string; subject: string | undefined }> {
  return new Promise((resolve, reject) => {
    const options = { host: "127.0.0.1", port, servername, rejectUnauthorized: false, agent: false as const };
    const req = request(options, (res) => {
      const peer = res.socket as unknown as { getPeerX509Certificate(): X509Certificate | undefined };
      const subject = peer.getPeerX509Certificate()?.subject;
      let body = "";
      res.on("data", (chunk) => {
        body += chunk;
      });
      res.on("end", () => resolve({ body, subject }));
    });
    req.on("error", reject);
    req.end();
  });
}

test("a load balancer with rules is made, changed and removed by the official SDK, and its waiters end", async () => {
  const { elb } = cluster;
  const port = await freePort();
  const [blueTarget, greenTarget] = [await target("blue"), await target("green")];
  const [blue, green] = [await group("blue", blueTarget), await group("green", greenTarget)];
  const made = await elb.send(new CreateLoadBalancerCommand({ Name: "web", Subnets: ["subnet-1"] }));
  const LoadBalancerArn = made.LoadBalancers?.[0]?.LoadBalancerArn ?? "";
  const wait = { client: elb, maxWaitTime: 15, minDelay: 1, maxDelay: 1 };
  await waitUntilLoadBalancerAvailable(wait, { LoadBalancerArns: [LoadBalancerArn] });
  const listener = await elb.send(
    new CreateListenerCommand({
      LoadBalancerArn,
      Protocol: "HTTP",
      Port: port,
      DefaultActions: [{ Type: "fixed-response", FixedResponseConfig: { StatusCode: "404", MessageBody: "nothing" } }],
    }),
  );
  const ListenerArn = listener.Listeners?.[0]?.ListenerArn ?? "";
  const split = (b: number, g: number) => [
    {
      Type: "forward" as const,
      ForwardConfig: {
        TargetGroups: [
          { TargetGroupArn: blue, Weight: b },
          { TargetGroupArn: green, Weight: g },
        ],
      },
    },
  ];
  const Conditions = [{ Field: "path-pattern", PathPatternConfig: { Values: ["/app/*"] } }];
  const rule = await elb.send(new CreateRuleCommand({ ListenerArn, Priority: 5, Conditions, Actions: split(1, 0) }));
  const RuleArn = rule.Rules?.[0]?.RuleArn ?? "";
  await assert.rejects(
    elb.send(new CreateRuleCommand({ ListenerArn, Priority: 5, Conditions, Actions: split(1, 0) })),
    PriorityInUseException,
  );
  await waitUntilTargetInService(wait, { TargetGroupArn: blue, Targets: [blueTarget] });
  await waitUntilTargetInService(wait, { TargetGroupArn: green, Targets: [greenTarget] });
  const url = `http://127.0.0.1:${port}`;
  assert.equal(await text(`${url}/app/x`), "blue");
  assert.equal(await text(`${url}/else`), "nothing");
  await elb.send(new ModifyRuleCommand({ RuleArn, Actions: split(0, 1) }));
  await eventually("traffic has moved", 1000, async () => (await text(`${url}/app/x`)) === "green");
  const { Rules } = await elb.send(new DescribeRulesCommand({ ListenerArn }));
  assert.deepEqual(
    Rules?.map((one) => [one.Priority, one.Actions?.[0]?.ForwardConfig?.TargetGroups?.[1]?.Weight]),
    [
      ["5", 1],
      ["default", undefined],
    ],
  );
  // What infrastructure-as-code tools read around all of it.
  const tags = await elb.send(new DescribeTagsCommand({ ResourceArns: [LoadBalancerArn, ListenerArn, RuleArn, blue] }));
  assert.equal(tags.TagDescriptions?.length, 4);
  for (const { Attributes } of [
    await elb.send(new DescribeLoadBalancerAttributesCommand({ LoadBalancerArn })),
    await elb.send(new DescribeListenerAttributesCommand({ ListenerArn })),
    await elb.send(new DescribeTargetGroupAttributesCommand({ TargetGroupArn: blue })),
  ])
    assert.ok((Attributes?.length ?? 0) > 5);
  await elb.send(
    new ModifyTargetGroupAttributesCommand({
      TargetGroupArn: green,
      Attributes: [{ Key: "deregistration_delay.timeout_seconds", Value: "5" }],
    }),
  );
  await elb.send(new DeregisterTargetsCommand({ TargetGroupArn: green, Targets: [greenTarget] }));
  await waitUntilTargetDeregistered(wait, { TargetGroupArn: green, Targets: [greenTarget] });
  await elb.send(new DeleteLoadBalancerCommand({ LoadBalancerArn }));
  await waitUntilLoadBalancersDeleted(wait, { LoadBalancerArns: [LoadBalancerArn] });
  const refused = () =>
    text(url).then(
      () => false,
      () => true,
    );
  await eventually("nothing listens any more", 2000, refused);
});

test("an imported certificate serves HTTPS, one more serves its own name, and no key is on disk but HAProxy's", async () => {
  const { elb, dataDir } = cluster;
  const port = await freePort();
  const import_ = async (name: string) => {
    const made = makeCertificate([name]);
    const given = { Certificate: Buffer.from(made.certificate), PrivateKey: Buffer.from(made.privateKey) };
    const { CertificateArn = "" } = await acm.send(new ImportCertificateCommand(given));
    return { CertificateArn, ...made };
  };
  const [first, second] = [await import_("a.test"), await import_("b.test")];
  const detail = await acm.send(new DescribeCertificateCommand({ CertificateArn: first.CertificateArn }));
  assert.deepEqual(detail.Certificate?.NotAfter, new X509Certificate(first.certificate).validToDate);
  const made = await elb.send(new CreateLoadBalancerCommand({ Name: "secure", Subnets: ["subnet-1"] }));
  const LoadBalancerArn = made.LoadBalancers?.[0]?.LoadBalancerArn ?? "";
  const listener = await elb.send(
    new CreateListenerCommand({
      LoadBalancerArn,
      Protocol: "HTTPS",
      Port: port,
      Certificates: [{ CertificateArn: first.CertificateArn }],
      DefaultActions: [{ Type: "fixed-response", FixedResponseConfig: { StatusCode: "200", MessageBody: "safe" } }],
    }),
  );
  const ListenerArn = listener.Listeners?.[0]?.ListenerArn ?? "";
  const shown = async (name: string) => (await secureText(port, name).catch(() => undefined))?.subject;
  await eventually("HTTPS is served", 5000, async () => (await shown("a.test")) === "CN=a.test");
  assert.equal((await secureText(port, "a.test")).body, "safe");
  const Certificates = [{ CertificateArn: second.CertificateArn }];
  await elb.send(new AddListenerCertificatesCommand({ ListenerArn, Certificates }));
  await eventually("the second is shown", 5000, async () => (await shown("b.test")) === "CN=b.test");
  const described = await elb.send(new DescribeListenerCertificatesCommand({ ListenerArn }));
  assert.deepEqual(
    described.Certificates?.map((one) => one.IsDefault),
    [true, false],
  );
  await assert.rejects(acm.send(new DeleteCertificateCommand(Certificates[0]!)), ResourceInUseException);
  const keyTypes = ["EC_prime256v1" as const];
  const { CertificateSummaryList } = await acm.send(new ListCertificatesCommand({ Includes: { keyTypes } }));
  assert.deepEqual(
    CertificateSummaryList?.map((one) => one.InUse),
    [true, true],
  );
  // The server restarts, opens the keys again and goes on.
  await cluster.crashServer();
  assert.equal(await shown("b.test"), "CN=b.test");
  const secrets = [first, second].map(({ privateKey }) => privateKey.split("\n")[1] ?? "-");
  for (const file of readdirSync(dataDir, { recursive: true, withFileTypes: true })) {
    if (!file.isFile() || file.parentPath.endsWith("certificates")) continue;
    const content = readFileSync(join(file.parentPath, file.name));
    for (const secret of secrets) assert.ok(!content.includes(secret), `a private key is in ${file.name}`);
  }
});
