import assert from "node:assert/strict";
import { test } from "node:test";
import type { CertificateMaterial, CertificateRequest } from "../../model/certificate.ts";
import { beginOrder, endRequest, failAttempt, issueCertificate } from "../../state/index.ts";
import { parseCertificateArn } from "../../wire/arn.ts";
import type { AcmOperations } from "../../wire/models/acm.ts";
import type { CertificateFacts } from "../context.ts";
import { arrange, refused, TEST_CALL, TEST_START, testContext } from "../ecs/testing.ts";
import { createAcmService } from "./service.ts";
import { makeCertificate } from "./testing.ts";

type Input<K extends keyof AcmOperations> = AcmOperations[K]["input"];
type Output<K extends keyof AcmOperations> = AcmOperations[K]["output"];

const CALL = { ...TEST_CALL, signal: new AbortController().signal };
const HOUR = 3_600_000;
const DAY = 24 * HOUR;

async function start(certificates: CertificateFacts = { hasAcmeServer: true, hasDnsHook: true }) {
  const context = { ...(await testContext()), certificates };
  const service = createAcmService(context);
  const acm = <K extends keyof AcmOperations>(operation: K, input: Input<K>): Promise<Output<K>> =>
    service.call(operation, input, CALL) as Promise<Output<K>>;
  const ask = async (input: Partial<Input<"RequestCertificate">>) =>
    (await acm("RequestCertificate", { DomainName: "a.example", ...input })).CertificateArn ?? "";
  const requestOf = (arn: string): CertificateRequest =>
    context.store.view.certificates.get(arn)?.request ?? assert.fail("it is not there");
  const describe = async (CertificateArn: string) =>
    (await acm("DescribeCertificate", { CertificateArn })).Certificate ?? assert.fail();
  return { context, acm, ask, requestOf, describe };
}

const order = {
  directory: "https://acme.test",
  url: "https://acme.test/order/1",
  startedAt: TEST_START,
  sealedPrivateKey: "sealed",
  challenges: [{ name: "a.example", url: "u", token: "t", answer: "t.thumb" }],
};
const made = makeCertificate(["a.example"]);
const material = (notAfter: number): CertificateMaterial => ({
  certificate: made.certificate,
  sealedPrivateKey: "sealed",
  facts: {
    ...{
      domainName: "a.example",
      subjectAlternativeNames: ["a.example"],
      serial: "01",
      subject: "CN=a.example",
      issuer: "CN=ca",
    },
    ...{ keyAlgorithm: "RSA_2048", signatureAlgorithm: "SHA256WITHRSA", extendedKeyUsages: [] },
    ...{ notBefore: TEST_START, notAfter },
  },
});
const arnOf = (arn: string) => parseCertificateArn(arn)?.arn ?? assert.fail(arn);

const REFUSED: readonly [Partial<Input<"RequestCertificate">>, RegExp][] = [
  [{ ValidationMethod: "EMAIL" }, /ValidationMethod EMAIL\. Use HTTP or DNS/],
  [{ DomainValidationOptions: [{ DomainName: "a.example", ValidationDomain: "example" }] }, /DomainValidationOptions/],
  [
    { CertificateAuthorityArn: "arn:aws:acm-pca:us-east-1:000000000000:certificate-authority/x" },
    /CertificateAuthorityArn/,
  ],
  [{ KeyAlgorithm: "RSA_4096" }, /KeyAlgorithm other than/],
  [
    { Options: { CertificateTransparencyLoggingPreference: "DISABLED" } },
    /CertificateTransparencyLoggingPreference DISABLED/,
  ],
  [{ Options: { Export: "ENABLED" } }, /Options\.Export ENABLED/],
  [{ DomainName: "nas", Options: { CertificateTransparencyLoggingPreference: "ENABLED" } }, /in no public log/],
  [{ ManagedBy: "CLOUDFRONT" }, /ManagedBy/],
  [{ DomainName: "10.0.0.1" }, /'10\.0\.0\.1' is not a domain name/],
  [{ SubjectAlternativeNames: ["a..example"] }, /'a\.\.example' is not a domain name/],
  [{ SubjectAlternativeNames: Array.from({ length: 100 }, (_, i) => `n${i}.example`) }, /at most 100 names/],
  [{ DomainName: "*.a.example", ValidationMethod: "HTTP" }, /wildcard, which only DNS/],
  [{ DomainName: "*.localhost" }, /no wildcard as wide as '\*\.localhost'.*'\*\.app\.localhost'/],
];

test("what is asked for and not carried out is refused by its name and changes nothing", async () => {
  const { context, ask } = await start();
  const { revision } = context.store;
  for (const [input, message] of REFUSED) await refused(() => ask(input), "InvalidParameterException", message);
  await refused(() => ask({ Tags: [{ Key: "aws:x" }] }), "InvalidTagException");
  assert.equal(context.store.revision, revision);
});

const WAYS: readonly [
  string[],
  "HTTP" | "DNS" | undefined,
  Partial<CertificateFacts>,
  CertificateRequest["validation"] | RegExp,
][] = [
  [["a.example"], undefined, {}, "HTTP"],
  [["a.example"], "HTTP", {}, "HTTP"],
  [["a.example", "*.a.example"], "DNS", {}, "DNS"],
  [["app.localhost"], undefined, {}, "LOCAL"],
  [["app.localhost"], "DNS", { hasAcmeServer: false, hasDnsHook: false }, "LOCAL"],
  [["nas", "db.internal", "*.x.test"], undefined, {}, "LOCAL"],
  [["db.internal"], "HTTP", {}, "HTTP"],
  [["localhost", "a.example"], undefined, {}, "HTTP"],
  [
    ["localhost", "a.example"],
    undefined,
    { hasAcmeServer: false },
    /nobody to issue a certificate for 'a\.example'\. Start the server with --acme-directory/,
  ],
  [["a.example"], "DNS", { hasDnsHook: false }, /--dns-hook PROGRAM/],
];

test("local names are issued by the local authority, others by the ACME server, if there is one", async () => {
  for (const [[DomainName = "", ...SubjectAlternativeNames], ValidationMethod, facts, expected] of WAYS) {
    const { ask, requestOf } = await start({ hasAcmeServer: true, hasDnsHook: true, ...facts });
    const asked = () => ask({ DomainName, SubjectAlternativeNames, ValidationMethod });
    if (expected instanceof RegExp) await refused(asked, "InvalidParameterException", expected);
    else assert.equal(requestOf(await asked()).validation, expected, DomainName);
  }
});

test("names are kept once and in lower case; a token makes one request of several calls for an hour", async () => {
  const { context, acm, ask, requestOf } = await start();
  const input = {
    DomainName: "A.Example",
    SubjectAlternativeNames: ["a.example", "b.example"],
    IdempotencyToken: "one",
  };
  const arn = await ask(input);
  assert.deepEqual(requestOf(arn).names, ["a.example", "b.example"]);
  assert.equal(await ask(input), arn);
  await refused(
    () => ask({ ...input, KeyAlgorithm: "EC_prime256v1" }),
    "InvalidParameterException",
    /IdempotencyToken/,
  );
  assert.notEqual(await ask({ ...input, IdempotencyToken: "two" }), arn);
  context.clock.advance(HOUR);
  const later = await ask(input);
  assert.notEqual(later, arn);
  await acm("DeleteCertificate", { CertificateArn: later });
  assert.notEqual(await ask(input), later);
});

test("a request is described from its first moment to its renewal", async () => {
  const { context, acm, ask, describe } = await start();
  const arn = await ask({ ValidationMethod: "DNS", Tags: [{ Key: "a", Value: "1" }] });
  const pending = await describe(arn);
  assert.deepEqual(pending, {
    CertificateArn: arn,
    DomainName: "a.example",
    SubjectAlternativeNames: ["a.example"],
    Status: "PENDING_VALIDATION",
    Type: "AMAZON_ISSUED",
    KeyAlgorithm: "RSA_2048",
    CreatedAt: new Date(TEST_START),
    RenewalEligibility: "INELIGIBLE",
    CertificateKeyPairOrigin: "AWS_MANAGED",
    InUseBy: [],
    Options: { CertificateTransparencyLoggingPreference: "ENABLED" },
    DomainValidationOptions: [
      {
        DomainName: "a.example",
        ValidationDomain: "a.example",
        ValidationStatus: "PENDING_VALIDATION",
        ValidationMethod: "DNS",
      },
    ],
    ...{
      NotBefore: undefined,
      NotAfter: undefined,
      IssuedAt: undefined,

      Serial: undefined,
      Subject: undefined,
    },
    ...{ Issuer: undefined, SignatureAlgorithm: undefined, ExtendedKeyUsages: undefined, FailureReason: undefined },
  });
  await refused(
    () => acm("GetCertificate", { CertificateArn: arn }),
    "RequestInProgressException",
    /has not been issued yet/,
  );
  await refused(() => acm("RenewCertificate", { CertificateArn: arn }), "RequestInProgressException");
  await arrange(context, (tx) => beginOrder(tx, arnOf(arn), order, []));
  const [{ ResourceRecord: record } = {}] = (await describe(arn)).DomainValidationOptions ?? [];
  assert.deepEqual(
    [record?.Name, record?.Type as string, record?.Value?.length],
    ["_acme-challenge.a.example.", "TXT", 43],
  );
  const trouble = { reason: "CAA_ERROR", message: "a.example: CAA forbids it", at: TEST_START } as const;
  await arrange(context, (tx) =>
    failAttempt(tx, arnOf(arn), order.url, { trouble, nextAttemptAt: TEST_START + 60_000 }),
  );
  assert.equal((await describe(arn)).FailureReason as string, "CAA_ERROR: a.example: CAA forbids it");
  await arrange(context, (tx) =>
    issueCertificate(tx, arnOf(arn), undefined, material(TEST_START + 90 * DAY), TEST_START + 5),
  );
  const issued = await describe(arn);
  assert.deepEqual(
    [
      issued.Status,
      issued.IssuedAt,
      issued.FailureReason,
      issued.RenewalSummary,
      issued.DomainValidationOptions?.[0]?.ValidationStatus,
    ],
    ["ISSUED", new Date(TEST_START + 5), undefined, undefined, "SUCCESS"],
  );
  assert.equal((await acm("GetCertificate", { CertificateArn: arn })).Certificate, made.certificate);
  const statuses = async () =>
    (await acm("ListCertificates", {})).CertificateSummaryList?.map((one) => [one.Status, one.Type]);
  assert.deepEqual(await statuses(), [["ISSUED", "AMAZON_ISSUED"]]);
  await acm("RenewCertificate", { CertificateArn: arn });
  assert.equal((await describe(arn)).RenewalSummary?.RenewalStatus, "PENDING_AUTO_RENEWAL");
  await arrange(context, (tx) => failAttempt(tx, arnOf(arn), undefined, { trouble, nextAttemptAt: TEST_START }));
  const failing = (await describe(arn)).RenewalSummary;
  assert.deepEqual(
    [failing?.RenewalStatus, failing?.RenewalStatusReason as string],
    ["PENDING_VALIDATION", "CAA_ERROR: a.example: CAA forbids it"],
  );
  context.clock.advance(91 * DAY);
  assert.deepEqual(
    [(await describe(arn)).Status, (await describe(arn)).RenewalSummary?.RenewalStatus],
    ["EXPIRED", "FAILED"],
  );
  await arrange(context, (tx) =>
    issueCertificate(tx, arnOf(arn), undefined, material(TEST_START + 180 * DAY), TEST_START + 91 * DAY),
  );
  assert.deepEqual(
    [(await describe(arn)).Status, (await describe(arn)).RenewalSummary?.RenewalStatus],
    ["ISSUED", "SUCCESS"],
  );
  assert.deepEqual((await acm("ListTagsForCertificate", { CertificateArn: arn })).Tags, [{ Key: "a", Value: "1" }]);
});

test("what will not be issued says so for good; nothing is imported over a request, or renewed that was imported", async () => {
  const { context, acm, ask, describe } = await start();
  const arn = await ask({});
  const trouble = { reason: "DOMAIN_NOT_ALLOWED", message: "forbidden by policy", at: TEST_START } as const;
  await arrange(context, (tx) => endRequest(tx, arnOf(arn), "FAILED", trouble));
  const failed = await describe(arn);
  assert.deepEqual(
    [failed.Status, failed.FailureReason as string, failed.DomainValidationOptions?.[0]?.ValidationStatus],
    ["FAILED", "DOMAIN_NOT_ALLOWED: forbidden by policy", "FAILED"],
  );
  await refused(
    () => acm("RenewCertificate", { CertificateArn: arn }),
    "ValidationException",
    /is FAILED: request another/,
  );
  context.clock.advance(Date.now() - TEST_START);
  const given = { Certificate: Buffer.from(made.certificate), PrivateKey: Buffer.from(made.privateKey) };
  await refused(
    () => acm("ImportCertificate", { ...given, CertificateArn: arn }),
    "ValidationException",
    /was requested/,
  );
  const { CertificateArn: imported = "" } = await acm("ImportCertificate", given);
  await refused(() => acm("RenewCertificate", { CertificateArn: imported }), "ValidationException", /was imported/);
  await acm("DeleteCertificate", { CertificateArn: arn });
  await refused(() => describe(arn), "ResourceNotFoundException");
});
