import assert from "node:assert/strict";
import { createPrivateKey, X509Certificate } from "node:crypto";
import { test } from "node:test";
import { isDeclaredError } from "../../wire/common-errors.ts";
import { AwsError } from "../../wire/errors.ts";
import type { AcmOperations } from "../../wire/models/acm.ts";
import { refused, TEST_CALL, testContext } from "../ecs/testing.ts";
import { inputsOf } from "../sample-inputs.ts";
import { createAcmService } from "./service.ts";
import { type MadeCertificate, makeCertificate } from "./testing.ts";

type Input<K extends keyof AcmOperations> = AcmOperations[K]["input"];
type Output<K extends keyof AcmOperations> = AcmOperations[K]["output"];

const CALL = { ...TEST_CALL, signal: new AbortController().signal };
const authority = makeCertificate(["authority.test"]);
const web = makeCertificate(["web.test", "*.web.test"], { issuer: authority, key: "rsa" });

/** An empty store a minute after the certificates were made. */
async function start() {
  const context = await testContext();
  const made = new X509Certificate(web.certificate).validFromDate.getTime();
  context.clock.advance(made + 60_000 - context.clock.now());
  const service = createAcmService(context);
  const acm = <K extends keyof AcmOperations>(operation: K, input: Input<K>): Promise<Output<K>> =>
    service.call(operation, input, CALL) as Promise<Output<K>>;
  return { context, acm };
}

const given = ({ certificate, privateKey }: MadeCertificate, chain?: MadeCertificate) => ({
  Certificate: Buffer.from(certificate),
  PrivateKey: Buffer.from(privateKey),
  CertificateChain: chain === undefined ? undefined : Buffer.from(chain.certificate),
});

test("an imported certificate is described by what it says of itself, and its key is nowhere to be read", async () => {
  const { context, acm } = await start();
  const { CertificateArn = "" } = await acm("ImportCertificate", given(web, authority));
  assert.match(CertificateArn, /^arn:aws:acm:us-east-1:000000000000:certificate\/[0-9a-f-]{36}$/);
  const { Certificate: detail } = await acm("DescribeCertificate", { CertificateArn });
  const x509 = new X509Certificate(web.certificate);
  assert.deepEqual(detail, {
    CertificateArn,
    DomainName: "web.test",
    SubjectAlternativeNames: ["web.test", "*.web.test"],
    Status: "ISSUED",
    Type: "IMPORTED",
    KeyAlgorithm: "RSA_2048",
    SignatureAlgorithm: "SHA256WITHECDSA",
    Serial: x509.serialNumber.toLowerCase().match(/../g)?.join(":"),
    Subject: "CN=web.test",
    Issuer: "CN=authority.test",
    NotBefore: x509.validFromDate,
    NotAfter: x509.validToDate,
    CreatedAt: new Date(context.clock.now()),
    ImportedAt: new Date(context.clock.now()),
    RenewalEligibility: "INELIGIBLE",
    CertificateKeyPairOrigin: "CUSTOMER_PROVIDED",
    InUseBy: [],
    ExtendedKeyUsages: [],
    Options: { CertificateTransparencyLoggingPreference: "DISABLED" },
  });
  assert.deepEqual(await acm("GetCertificate", { CertificateArn }), {
    Certificate: web.certificate,
    CertificateChain: authority.certificate,
  });
  const record = context.store.view.certificates.get(CertificateArn);
  assert.ok(!/PRIVATE KEY/.test(JSON.stringify(record)));
  const key = context.sealer.open(record?.sealedPrivateKey ?? "", CertificateArn);
  assert.ok(x509.checkPrivateKey(createPrivateKey(key)));
});

test("what does not belong together, or may not be used, is refused and changes nothing", async () => {
  const { context, acm } = await start();
  const { revision } = context.store;
  const other = makeCertificate(["other.test"]);
  const text = (value: string) => Buffer.from(value);
  for (const [input, message] of [
    [{ ...given(web), PrivateKey: text(other.privateKey) }, /does not match/],
    [given(web, other), /Could not validate the certificate with the certificate chain/],
    [{ ...given(web), Certificate: text(`${web.certificate}\n${authority.certificate}`) }, /exactly one/],
    [{ ...given(web), Certificate: text("hello") }, /not PEM-encoded/],
    [
      { ...given(web), Certificate: text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----") },
      /cannot be parsed/,
    ],
    [{ ...given(web), PrivateKey: text("hello") }, /not a PEM-encoded private key/],
    [{ ...given(web), PrivateKey: text("-----BEGIN ENCRYPTED PRIVATE KEY-----") }, /is encrypted/],
    [{ ...given(web), Certificate: Buffer.alloc(40_000, "a") }, /at most 32768 bytes/],
    [given(makeCertificate(["small.test"], { key: "rsa1024" })), /key must be RSA of 2048/],
  ] as const)
    await refused(() => acm("ImportCertificate", input), "ValidationException", message);
  context.clock.advance(3 * 86_400_000);
  await refused(() => acm("ImportCertificate", given(web)), "ValidationException", /has expired/);
  context.clock.advance(-30 * 86_400_000);
  await refused(() => acm("ImportCertificate", given(web)), "ValidationException", /not valid yet/);
  assert.equal(context.store.revision, revision);
});

test("importing under an ARN puts the new one in the old one's place", async () => {
  const { context, acm } = await start();
  const { CertificateArn = "" } = await acm("ImportCertificate", { ...given(web), Tags: [{ Key: "a", Value: "1" }] });
  const created = new Date(context.clock.now());
  context.clock.advance(1000);
  const other = makeCertificate(["other.test"]);
  assert.deepEqual(await acm("ImportCertificate", { ...given(other), CertificateArn }), { CertificateArn });
  const { Certificate: detail } = await acm("DescribeCertificate", { CertificateArn });
  assert.deepEqual(
    [detail?.DomainName, detail?.KeyAlgorithm, detail?.CreatedAt, detail?.ImportedAt],
    ["other.test", "EC_prime256v1", created, new Date(context.clock.now())],
  );
  assert.deepEqual((await acm("ListTagsForCertificate", { CertificateArn })).Tags, [{ Key: "a", Value: "1" }]);
  await refused(
    () => acm("ImportCertificate", { ...given(web), CertificateArn, Tags: [{ Key: "b" }] }),
    "ValidationException",
    /not permitted on re-import/,
  );
  await refused(
    () => acm("ImportCertificate", { ...given(web), CertificateArn: `${CertificateArn.slice(0, -4)}0000` }),
    "ResourceNotFoundException",
  );
});

test("listings go by age and pages, and without key types only RSA is listed", async () => {
  const { context, acm } = await start();
  const arns: string[] = [];
  for (const made of [web, makeCertificate(["b.test"], { key: "rsa" }), makeCertificate(["c.test"])]) {
    context.clock.advance(1000);
    arns.push((await acm("ImportCertificate", given(made))).CertificateArn ?? "");
  }
  const list = async (input: Input<"ListCertificates">) => {
    const { CertificateSummaryList: found = [], NextToken } = await acm("ListCertificates", input);
    return { arns: found.map((one) => one.CertificateArn), NextToken };
  };
  assert.deepEqual((await list({})).arns, arns.slice(0, 2));
  const keyTypes = ["RSA_2048" as const, "EC_prime256v1" as const];
  const first = await list({ Includes: { keyTypes }, MaxItems: 2 });
  assert.deepEqual(first.arns, arns.slice(0, 2));
  const second = await list({ Includes: { keyTypes }, MaxItems: 2, NextToken: first.NextToken });
  assert.deepEqual([second.arns, second.NextToken], [arns.slice(2), undefined]);
  const newest = await list({ Includes: { keyTypes }, SortBy: "CREATED_AT", SortOrder: "DESCENDING" });
  assert.deepEqual(newest.arns, arns.toReversed());
  assert.deepEqual((await list({ CertificateStatuses: ["EXPIRED"] })).arns, []);
  context.clock.advance(3 * 86_400_000);
  assert.equal((await list({ CertificateStatuses: ["EXPIRED"] })).arns.length, 2);
  await refused(() => list({ Includes: { managedBy: "CLOUDFRONT" } }), "ValidationException", /does not carry out/);
  await refused(() => list({ MaxItems: 1001 }), "ValidationException");
});

test("tags come and go, a deleted certificate is gone", async () => {
  const { acm } = await start();
  const { CertificateArn = "" } = await acm("ImportCertificate", given(web));
  const Tags = [{ Key: "a", Value: "1" }, { Key: "b", Value: "2" }, { Key: "c" }];
  await acm("AddTagsToCertificate", { CertificateArn, Tags });
  const gone = [{ Key: "a", Value: "2" }, { Key: "b", Value: "2" }, { Key: "c" }];
  await acm("RemoveTagsFromCertificate", { CertificateArn, Tags: gone });
  assert.deepEqual((await acm("ListTagsForCertificate", { CertificateArn })).Tags, [{ Key: "a", Value: "1" }]);
  const tag = (Key: string) => acm("AddTagsToCertificate", { CertificateArn, Tags: [{ Key }] });
  await refused(() => tag("aws:x"), "InvalidTagException");
  await refused(() => tag(""), "InvalidTagException");
  const many = Array.from({ length: 50 }, (_, i) => ({ Key: `k${i}` }));
  await refused(() => acm("AddTagsToCertificate", { CertificateArn, Tags: many }), "TooManyTagsException");
  await acm("DeleteCertificate", { CertificateArn });
  await refused(() => acm("DescribeCertificate", { CertificateArn }), "ResourceNotFoundException");
  await refused(() => acm("DescribeCertificate", { CertificateArn: "web" }), "InvalidArnException");
});

test("whatever an operation is called with, it answers or refuses with an exception that its model lists", async () => {
  let refusals = 0;
  const { context, acm } = await start();
  const { CertificateArn = "" } = await acm("ImportCertificate", given(web));
  const service = createAcmService(context);
  for (const operation of service.model.operations.values())
    for (const input of inputsOf(operation))
      for (const tried of [input, { ...(input as object), CertificateArn }])
        try {
          await service.call(operation.name, tried, CALL);
        } catch (error) {
          assert.ok(error instanceof AwsError, `${operation.name}: ${(error as Error).stack}`);
          assert.ok(isDeclaredError(service.model, operation, error), `${operation.name}: ${error.code}`);
          refusals++;
        }
  assert.ok(refusals > 10, String(refusals));
});
