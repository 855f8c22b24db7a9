import assert from "node:assert/strict";
import { test } from "node:test";
import type { CertificateOrder, CertificateRequest, RequestedCertificate } from "../../model/certificate.ts";
import { certificateArn } from "../../wire/arn.ts";
import {
  backoffMs,
  type CertificateStep,
  type CertificateWorld,
  certificateStep,
  MAX_ORDERS,
  pollMs,
  renewalAt,
} from "./certificate-steps.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** When the certificate was requested. */
const T0 = Date.UTC(2026, 0, 1);
const ARN = certificateArn({ region: "us-east-1", accountId: "000000000000" }, { certificateId: "c1" });
const DIRECTORY = "https://acme.test/directory";

const order: CertificateOrder = {
  directory: DIRECTORY,
  url: "https://acme.test/order/1",
  startedAt: T0,
  sealedPrivateKey: "",
  challenges: [],
};
const record = { name: "_acme-challenge.a.example", value: "v", certificateArn: ARN, orderUrl: order.url } as const;

const WORLD: CertificateWorld = {
  isShown: true,
  directory: DIRECTORY,
  hasHook: true,
  httpPort: 80,
  hasHttpListener: true,
  orders: 0,
  validationRecords: [],
  renewBeforeMs: undefined,
};

const requested = (given: Partial<CertificateRequest>, facts?: { notBefore: number; notAfter: number }) =>
  ({
    arn: ARN,
    tags: {},
    createdAt: T0,
    request: {
      names: ["a.example"],
      validation: "HTTP",
      keyAlgorithm: "RSA_2048",
      status: "PENDING_VALIDATION",
      failures: 0,
      ...given,
    },
    facts,
  }) as RequestedCertificate;

/** Issued at T0 for 90 days. */
const issued = (given: Partial<CertificateRequest> = {}, days = 90) =>
  requested({ status: "ISSUED", ...given }, { notBefore: T0, notAfter: T0 + days * DAY });

type Row = readonly [
  rule: string,
  title: string,
  record: RequestedCertificate | undefined,
  world: Partial<CertificateWorld>,
  now: number,
  step: Partial<CertificateStep>,
];

const wait = (until?: number) => ({ kind: "wait", until }) as const;
const NO_LISTENER = "no HTTP listener on port 80: create one, or use DNS validation";

const ROWS: readonly Row[] = [
  ["CE1", "a new request is ordered", requested({}), {}, T0, { kind: "order" }],
  ["CE1", "one that was not validated in 72 hours is given up", requested({}), {}, T0 + 72 * HOUR, { kind: "give-up" }],
  [
    "CE1",
    "one with an order, too",
    requested({ order: { ...order, startedAt: T0 + 71.9 * HOUR } }),
    {},
    T0 + 72 * HOUR,
    { kind: "give-up" },
  ],
  ["CE1", "not a moment before", requested({}), {}, T0 + 72 * HOUR - 1, { kind: "order" }],
  ["CE1", "what failed is not looked at again", requested({ status: "FAILED" }), {}, T0 + DAY, wait()],
  ["CE1", "nor what timed out", requested({ status: "VALIDATION_TIMED_OUT" }), {}, T0 + 4 * DAY, wait()],
  [
    "CE2",
    "local names are issued at once",
    requested({ validation: "LOCAL" }),
    { directory: undefined },
    T0,
    { kind: "issue-locally" },
  ],
  ["CE2", "ten orders are under way: it waits for room", requested({}), { orders: MAX_ORDERS }, T0, wait(T0 + 5000)],
  ["CE2", "nine are: it need not", requested({}), { orders: MAX_ORDERS - 1 }, T0, { kind: "order" }],
  [
    "CE2",
    "an order under way goes on however many there are",
    requested({ order }),
    { orders: MAX_ORDERS },
    T0,
    { kind: "advance", order },
  ],
  [
    "CE3",
    "a TXT record is set before the ACME server is asked",
    requested({ order, validation: "DNS" }),
    { validationRecords: [record] },
    T0,
    { kind: "set-record", record },
  ],
  [
    "CE3",
    "when all are set it is",
    requested({ order, validation: "DNS" }),
    { validationRecords: [{ ...record, isSet: true }] },
    T0,
    { kind: "advance", order },
  ],
  [
    "CE4",
    "HTTP without a listener waits, and says so",
    requested({}),
    { hasHttpListener: false },
    T0,
    { kind: "hold", message: NO_LISTENER, until: T0 + 72 * HOUR },
  ],
  [
    "CE4",
    "a renewal does, too, without an end",
    issued(),
    { hasHttpListener: false },
    T0 + 61 * DAY,
    { kind: "hold", message: NO_LISTENER, until: undefined },
  ],
  ["CE4", "DNS needs no listener", requested({ validation: "DNS" }), { hasHttpListener: false }, T0, { kind: "order" }],
  [
    "CE4",
    "DNS without a hook program waits",
    requested({ validation: "DNS" }),
    { hasHook: false },
    T0,
    { kind: "hold" },
  ],
  ["CE4", "without an ACME server everything waits", requested({}), { directory: undefined }, T0, { kind: "hold" }],
  [
    "CE4",
    "an order whose hook program is gone is abandoned",
    requested({ order, validation: "DNS" }),
    { hasHook: false, validationRecords: [record] },
    T0,
    { kind: "abandon" },
  ],
  [
    "CE4",
    "an order at another ACME server is abandoned",
    requested({ order }),
    { directory: "https://other.test" },
    T0,
    { kind: "abandon" },
  ],
  [
    "CE5",
    "after a failure the next attempt waits",
    requested({ failures: 1, nextAttemptAt: T0 + MINUTE }),
    {},
    T0,
    wait(T0 + MINUTE),
  ],
  [
    "CE5",
    "until its time has come",
    requested({ failures: 1, nextAttemptAt: T0 + MINUTE }),
    {},
    T0 + MINUTE,
    { kind: "order" },
  ],
  [
    "CE5",
    "but is given up in time all the same",
    requested({ failures: 9, nextAttemptAt: T0 + 99 * HOUR }),
    {},
    T0,
    wait(T0 + 72 * HOUR),
  ],
  ["CE5", "an order of an hour is abandoned", requested({ order }), {}, T0 + HOUR, { kind: "abandon" }],
  [
    "CE6",
    "while the ACME server wants silence nothing is ordered",
    requested({}),
    { silentUntil: T0 + HOUR },
    T0,
    wait(T0 + HOUR),
  ],
  [
    "CE6",
    "what is ordered goes on, and what is local",
    requested({ order }),
    { silentUntil: T0 + HOUR },
    T0,
    { kind: "advance", order },
  ],
  [
    "CE6",
    "local names are no concern of the ACME server",
    requested({ validation: "LOCAL" }),
    { silentUntil: T0 + HOUR },
    T0,
    { kind: "issue-locally" },
  ],
  ["CE7", "a shown certificate is renewed when a third is left", issued(), {}, T0 + 60 * DAY, { kind: "order" }],
  ["CE7", "and not before", issued(), {}, T0 + 60 * DAY - 1, wait(T0 + 60 * DAY)],
  ["CE7", "or by days, if that is said", issued(), { renewBeforeMs: 10 * DAY }, T0 + 79 * DAY, wait(T0 + 80 * DAY)],
  [
    "CE7",
    "but not before a third of a short life is over",
    issued({}, 6),
    { renewBeforeMs: 30 * DAY },
    T0,
    wait(T0 + 2 * DAY),
  ],
  ["CE7", "one that nobody shows is not", issued(), { isShown: false }, T0 + 89 * DAY, wait()],
  ["CE7", "unless somebody asked for it", issued({ renewNow: true }), { isShown: false }, T0 + DAY, { kind: "order" }],
  ["CE7", "an expired one is renewed still", issued(), {}, T0 + 91 * DAY, { kind: "order" }],
  ["CE7", "local ones are renewed, too", issued({ validation: "LOCAL" }), {}, T0 + 60 * DAY, { kind: "issue-locally" }],
  ["CE7", "at their time", issued({ validation: "LOCAL" }), {}, T0 + DAY, wait(T0 + 60 * DAY)],
  [
    "CE8",
    "a record of no order is removed",
    requested({}),
    { validationRecords: [record] },
    T0,
    { kind: "remove-record", record },
  ],
  [
    "CE8",
    "also when the certificate is gone",
    undefined,
    { validationRecords: [record] },
    T0,
    { kind: "remove-record", record },
  ],
  [
    "CE8",
    "one that could not be removed is tried again",
    undefined,
    { validationRecords: [{ ...record, nextRemovalAt: T0 + MINUTE }] },
    T0,
    wait(T0 + MINUTE),
  ],
  [
    "CE8",
    "and holds nothing up",
    requested({}),
    { validationRecords: [{ ...record, nextRemovalAt: T0 + MINUTE }] },
    T0,
    { kind: "order" },
  ],
  ["CE8", "a certificate that is gone leaves nothing to do", undefined, {}, T0, wait()],
];

for (const [rule, title, given, world, now, expected] of ROWS)
  test(`[${rule}] ${title}`, () => {
    const step = certificateStep(given, { ...WORLD, ...world }, now);
    for (const [member, value] of Object.entries(expected))
      assert.deepEqual(step[member as keyof typeof step], value, JSON.stringify(step));
  });

test("[CE5] the pause doubles from one minute to four hours, or is what the server asked for", () => {
  assert.deepEqual(
    [1, 2, 3, 8, 9, 50].map((n) => backoffMs(n) / MINUTE),
    [1, 2, 4, 128, 240, 240],
  );
  assert.equal(backoffMs(1, 7 * HOUR), 7 * HOUR);
  assert.equal(backoffMs(4, MINUTE), 8 * MINUTE);
  // Let's Encrypt takes five failed validations of a name in an hour, and one more each twelve minutes.
  let at = 0;
  for (let failures = 1; failures <= 20; failures++) {
    assert.ok(failures <= 5 + at / (12 * MINUTE), `attempt ${failures} after ${at / MINUTE} minutes`);
    at += backoffMs(failures);
  }
});

test("[CE7] renewal is due between a third of the lifetime and its end", () => {
  for (const days of [1, 6, 90, 398])
    for (const before of [undefined, 0, DAY, 30 * DAY, 365 * DAY]) {
      const at = renewalAt(T0, T0 + days * DAY, before) - T0;
      assert.ok(at >= Math.floor((days * DAY) / 3) && at <= days * DAY, `${days} ${before} ${at}`);
    }
});

test("an order is looked at often at first, then every half minute, and when its server says so", () => {
  assert.deepEqual(
    [0, 8000, HOUR].map((age) => pollMs(T0, T0 + age)),
    [250, 1000, 30_000],
  );
  assert.equal(pollMs(T0, T0, 3000), 3000);
});
