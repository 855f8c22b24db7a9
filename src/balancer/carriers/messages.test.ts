import assert from "node:assert/strict";
import { test } from "node:test";
import { readMessageFromHost, readMessageToHost } from "./messages.ts";

const REPORT = { targetGroupId: "g", targetId: "t", state: "healthy", sessions: 0 };

for (const message of [
  { type: "taken", number: 1 },
  { type: "settled", number: 1, problem: "no" },
  { type: "reports", isWhole: true, reports: [REPORT] },
  { type: "status", status: { pid: 1, version: "2.6", generation: 1, failedListeners: [] } },
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
