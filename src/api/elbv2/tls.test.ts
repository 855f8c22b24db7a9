import assert from "node:assert/strict";
import { test } from "node:test";
import type { CertificateRecord } from "../../model/certificate.ts";
import { certificateArn } from "../../wire/arn.ts";
import { createAcmService } from "../acm/index.ts";
import { arrange, refused, TEST_CALL, TEST_SCOPE, TEST_START } from "../ecs/testing.ts";
import { stack } from "./testing.ts";

function certificate(id: string): CertificateRecord {
  const facts = {
    domainName: `${id}.test`,
    subjectAlternativeNames: [],
    serial: "00",
    subject: "",
    issuer: "",
    keyAlgorithm: "RSA_2048" as const,
    signatureAlgorithm: "",
    extendedKeyUsages: [],
    notBefore: TEST_START,
    notAfter: TEST_START + 86_400_000,
  };
  const times = { createdAt: TEST_START, importedAt: TEST_START };
  const arn = certificateArn(TEST_SCOPE, { certificateId: id });
  return { arn, certificate: "", sealedPrivateKey: "", facts, tags: {}, ...times };
}

/** A load balancer with an HTTPS listener, and three certificates of which it shows the first. */
async function secured() {
  const made = await stack();
  const records = ["a", "b", "c"].map(certificate);
  await arrange(made.context, (tx) => {
    for (const record of records) tx.certificates.put(record);
  });
  const [a, b, c] = records.map(({ arn }) => String(arn)) as [string, string, string];
  const { Listeners } = await made.elb("CreateListener", {
    LoadBalancerArn: made.LoadBalancerArn,
    Protocol: "HTTPS",
    Port: 8443,
    Certificates: [{ CertificateArn: a }],
    DefaultActions: made.forward,
  });
  return { ...made, a, b, c, listener: Listeners?.[0], ListenerArn: Listeners?.[0]?.ListenerArn ?? "" };
}

test("an HTTPS listener shows its certificate and policy, and the certificate is in use", async () => {
  const { context, elb, a, listener, LoadBalancerArn, ListenerArn } = await secured();
  assert.deepEqual(
    [listener?.Certificates, listener?.SslPolicy, listener?.MutualAuthentication, listener?.AlpnPolicy],
    [[{ CertificateArn: a }], "ELBSecurityPolicy-TLS13-1-2-2021-06", { Mode: "off" }, undefined],
  );
  const acm = createAcmService(context);
  const call = { ...TEST_CALL, signal: new AbortController().signal };
  const { Certificate } = (await acm.call("DescribeCertificate", { CertificateArn: a }, call)) as {
    Certificate: { InUseBy: string[] };
  };
  assert.deepEqual(Certificate.InUseBy, [LoadBalancerArn]);
  await refused(() => acm.call("DeleteCertificate", { CertificateArn: a }, call), "ResourceInUseException");
  await elb("DeleteListener", { ListenerArn });
  await acm.call("DeleteCertificate", { CertificateArn: a }, call);
});

test("certificates are added and removed by ARN; the default one is changed by ModifyListener only", async () => {
  const { elb, a, b, c, ListenerArn } = await secured();
  const shown = async () =>
    (await elb("DescribeListenerCertificates", { ListenerArn })).Certificates?.map((one) => [
      one.CertificateArn,
      one.IsDefault,
    ]);
  const add = (...arns: string[]) =>
    elb("AddListenerCertificates", { ListenerArn, Certificates: arns.map((CertificateArn) => ({ CertificateArn })) });
  assert.deepEqual((await add(c, b)).Certificates?.length, 2);
  await add(a, b);
  assert.deepEqual(await shown(), [
    [a, true],
    [b, false],
    [c, false],
  ]);
  const remove = (CertificateArn: string) =>
    elb("RemoveListenerCertificates", { ListenerArn, Certificates: [{ CertificateArn }] });
  await refused(() => remove(a), "OperationNotPermittedException", /default certificate/);
  await elb("ModifyListener", { ListenerArn, Certificates: [{ CertificateArn: b }] });
  assert.deepEqual(await shown(), [
    [b, true],
    [c, false],
  ]);
  await remove(c);
  await remove(c);
  assert.deepEqual(await shown(), [[b, true]]);
  await refused(() => add(`${a}x`), "CertificateNotFoundException");
  await refused(() => add(), "ValidationError");
  await refused(
    () => elb("AddListenerCertificates", { ListenerArn, Certificates: [{ CertificateArn: c, IsDefault: true }] }),
    "ValidationError",
    /IsDefault/,
  );
});

test("a load balancer's listeners have at most 25 certificates besides their defaults", async () => {
  const { context, elb, ListenerArn } = await secured();
  const records = Array.from({ length: 26 }, (_, index) => certificate(`n${index}`));
  await arrange(context, (tx) => {
    for (const record of records) tx.certificates.put(record);
  });
  const arns = records.map(({ arn }) => ({ CertificateArn: arn }));
  await refused(
    () => elb("AddListenerCertificates", { ListenerArn, Certificates: arns }),
    "TooManyCertificatesException",
  );
  await elb("AddListenerCertificates", { ListenerArn, Certificates: arns.slice(1) });
});

test("TLS is for listeners that speak it, and asks for what it needs", async () => {
  const { elb, a, LoadBalancerArn, ListenerArn, forward, TargetGroupArn } = await secured();
  const listener = { LoadBalancerArn, Port: 9443, DefaultActions: forward };
  const Certificates = [{ CertificateArn: a }];
  const https = { ...listener, Protocol: "HTTPS" as const, Certificates };
  for (const [call, code, message] of [
    [
      () => elb("CreateListener", { ...https, Certificates: undefined }),
      "ValidationError",
      /must be specified for HTTPS/,
    ],
    [() => elb("CreateListener", { ...https, Protocol: "HTTP" }), "ValidationError", /cannot be specified for HTTP/],
    [
      () => elb("CreateListener", { ...https, SslPolicy: "ELBSecurityPolicy-2015-05" }),
      "SSLPolicyNotFoundException",
      /2015-05/,
    ],
    [() => elb("CreateListener", { ...https, AlpnPolicy: ["HTTP2Only"] }), "ALPNPolicyNotSupportedException", /TLS/],
    [() => elb("CreateListener", { ...https, Protocol: "TLS" }), "ValidationError", /not supported on Application/],
    [
      () => elb("CreateListener", { ...https, Certificates: [...Certificates, ...Certificates] }),
      "ValidationError",
      /one default certificate/,
    ],
    [
      () => elb("CreateListener", { ...https, MutualAuthentication: { Mode: "verify" } }),
      "ValidationError",
      /does not carry out MutualAuthentication/,
    ],
    [
      () =>
        elb("CreateListener", {
          ...https,
          DefaultActions: [{ Type: "redirect", RedirectConfig: { Protocol: "HTTP", StatusCode: "HTTP_301" } }],
        }),
      "InvalidLoadBalancerActionException",
      /HTTPS to HTTP/,
    ],
  ] as const)
    await refused(call, code, message);
  const plain = await elb("ModifyListener", { ListenerArn, Protocol: "HTTP" });
  assert.deepEqual([plain.Listeners?.[0]?.Certificates, plain.Listeners?.[0]?.SslPolicy], [undefined, undefined]);
  await refused(() => elb("ModifyListener", { ListenerArn, Protocol: "HTTPS" }), "ValidationError", /certificate/);
  assert.ok(TargetGroupArn);
});

test("a TLS listener takes an ALPN policy and forwards to TCP and TLS groups; a TCP listener to TCP groups alone", async () => {
  const { elb, a } = await secured();
  const network = await elb("CreateLoadBalancer", { Name: "net", Type: "network" });
  const LoadBalancerArn = network.LoadBalancers?.[0]?.LoadBalancerArn ?? "";
  const group = async (Name: string, Protocol: "TCP" | "TLS") => {
    const made = await elb("CreateTargetGroup", { Name, Protocol, Port: 443 });
    assert.equal(made.TargetGroups?.[0]?.HealthCheckProtocol, "TCP");
    return [{ Type: "forward" as const, TargetGroupArn: made.TargetGroups?.[0]?.TargetGroupArn }];
  };
  const [tcp, tls] = [await group("tcp", "TCP"), await group("tls", "TLS")];
  const secure = { LoadBalancerArn, Protocol: "TLS" as const, Certificates: [{ CertificateArn: a }] };
  const made = await elb("CreateListener", { ...secure, Port: 1, DefaultActions: tcp, AlpnPolicy: ["HTTP2Preferred"] });
  assert.deepEqual(made.Listeners?.[0]?.AlpnPolicy, ["HTTP2Preferred"]);
  await elb("CreateListener", { ...secure, Port: 2, DefaultActions: tls });
  await refused(
    () => elb("CreateListener", { LoadBalancerArn, Protocol: "TCP", Port: 3, DefaultActions: tls }),
    "IncompatibleProtocolsException",
  );
  await refused(
    () => elb("CreateListener", { ...secure, Port: 4, DefaultActions: tcp, AlpnPolicy: ["HTTP3"] }),
    "ALPNPolicyNotSupportedException",
  );
});

test("policies are described with what they allow", async () => {
  const { elb } = await secured();
  const all = await elb("DescribeSSLPolicies", {});
  assert.ok((all.SslPolicies?.length ?? 0) >= 5);
  const strict = await elb("DescribeSSLPolicies", { Names: ["ELBSecurityPolicy-TLS13-1-3-2021-06"] });
  assert.deepEqual(strict.SslPolicies?.[0]?.SslProtocols, ["TLSv1.3"]);
  assert.deepEqual(strict.SslPolicies?.[0]?.Ciphers?.[0], { Name: "TLS_AES_128_GCM_SHA256", Priority: 1 });
  await refused(() => elb("DescribeSSLPolicies", { Names: ["p"] }), "SSLPolicyNotFoundException");
});

test("an HTTPS group has HTTPS checks unless told otherwise", async () => {
  const { elb } = await secured();
  const group = async (Name: string, HealthCheckProtocol?: "HTTP" | "HTTPS") =>
    (await elb("CreateTargetGroup", { Name, Protocol: "HTTPS", Port: 443, HealthCheckProtocol })).TargetGroups?.[0];
  const made = await group("https");
  assert.deepEqual(
    [made?.HealthCheckProtocol, made?.HealthCheckTimeoutSeconds, made?.Matcher],
    ["HTTPS", 5, { HttpCode: "200" }],
  );
  assert.equal((await group("plain", "HTTP"))?.HealthCheckProtocol, "HTTP");
});
