import assert from "node:assert/strict";
import { test } from "node:test";
import type { AccessRecord } from "../access-record.ts";
import type { TrafficSample } from "../metering/traffic-sample.ts";
import { readMessageFromHost, readMessageToHost } from "./messages.ts";
import { MAX_TARGETS_IN_SAMPLE, sampleToSend } from "./traffic-message.ts";

const REPORT = { targetGroupId: "g", targetId: "t", state: "healthy", sessions: 0 };

const CODES = { "2xx": 1, "3xx": 0, "4xx": 0, "5xx": 0 };
const CARRIED = {
  requests: 1,
  connections: 0,
  bytesIn: 80,
  bytesOut: 100,
  answers: CODES,
  connectionErrors: 0,
  responseErrors: 0,
  latency: { sumMs: 17, buckets: { 16: 1 } },
  active: 0,
};
const SAMPLE = {
  at: 1,
  durationMs: 1000,
  listeners: [
    {
      listenerId: "l",
      requests: 1,
      connections: 1,
      bytesIn: 80,
      bytesOut: 100,
      answers: CODES,
      badRequests: 0,
      latency: CARRIED.latency,
      activeConnections: 1,
    },
  ],
  targetGroups: [
    {
      targetGroupId: "g",
      ...CARRIED,
      targetAnswers: CODES,
      ownAnswers: CODES,
      targets: [{ targetId: "t", ...CARRIED }],
    },
  ],
} satisfies TrafficSample;

const RECORD: AccessRecord = {
  listenerId: "l",
  targetGroupId: "g",
  targetId: "t",
  targetAddress: "10.0.0.1:80",
  ruleKey: "r1",
  at: 1,
  receiveMs: 0,
  queueMs: -1,
  connectMs: -1,
  targetMs: -1,
  totalMs: 0,
  status: -1,
  bytesIn: 0,
  bytesOut: 0,
  client: "[::1]:1",
  method: "M".repeat(64),
  uri: "/".repeat(2048),
  version: "",
  host: "h".repeat(256),
  userAgent: "a".repeat(512),
  traceId: "t".repeat(256),
  location: "l".repeat(1024),
  tlsVersion: "",
  tlsCipher: "",
  serverName: "s".repeat(256),
};

for (const message of [
  { type: "taken", number: 1 },
  { type: "settled", number: 1, problem: "no" },
  { type: "reports", isWhole: true, reports: [REPORT] },
  { type: "status", status: { pid: 1, version: "2.6", generation: 1, failedListeners: [] } },
  { type: "traffic", sample: SAMPLE },
  { type: "access", records: [RECORD] },
  { type: "bind-answer", question: 3, problem: "taken" },
])
  test(`a host may say ${message.type}`, () => {
    assert.deepEqual(readMessageFromHost(JSON.stringify(message)), message);
  });

for (const [what, text, problem] of [
  ["nothing", "", /not JSON/],
  ["no message", "[]", /malformed/],
  ["a number that is none", '{"type":"taken","number":-1}', /malformed/],
  [
    "more reports than may be in one message",
    JSON.stringify({ type: "reports", isWhole: true, reports: Array(1001).fill(REPORT) }),
    /malformed/,
  ],
  [
    "a state that there is not",
    JSON.stringify({ type: "reports", isWhole: true, reports: [{ ...REPORT, state: "fine" }] }),
    /malformed/,
  ],
  ["a count that is none", JSON.stringify({ type: "traffic", sample: { ...SAMPLE, durationMs: -1 } }), /malformed/],
] as const)
  test(`a host that says ${what} is not understood`, () => {
    assert.throws(() => readMessageFromHost(text), problem);
  });

test("what a later release says beside is passed over", () => {
  assert.deepEqual(readMessageFromHost('{"type":"weather","sunny":true}'), { type: "unknown" });
  assert.deepEqual(readMessageToHost('{"type":"weather"}'), { type: "unknown" });
  assert.deepEqual(readMessageToHost('{"type":"check-bind","question":1,"port":80,"address":"::"}'), {
    type: "check-bind",
    question: 1,
    port: 80,
  });
});

test("of more targets than fit into a message, only what their groups carried is told", () => {
  const many = Array.from({ length: MAX_TARGETS_IN_SAMPLE + 1 }, (_, n) => ({ targetId: String(n), ...CARRIED }));
  const [group] = SAMPLE.targetGroups;
  assert.equal(sampleToSend(SAMPLE), SAMPLE);
  const sent = sampleToSend({ ...SAMPLE, targetGroups: [{ ...group!, targets: many }] });
  assert.deepEqual(sent.targetGroups, [{ ...group, targets: [] }]);
});
