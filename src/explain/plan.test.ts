import assert from "node:assert/strict";
import { test } from "node:test";
import { type PlanOutcome, summarizePlan } from "./plan.ts";

const none = new Map<string, number>();
const two = new Map([["web:2", 2]]);
const one = new Map([["web:1", 1]]);

const ROWS: readonly (readonly [PlanOutcome, string])[] = [
  [
    { end: "NOTHING_TO_DO", steps: 0, starts: none, stops: none },
    "Nothing would start or stop: all is as it would be.",
  ],
  [
    { end: "COMPLETE", steps: 2, starts: two, stops: one },
    "It takes 2 steps: 2 tasks of web:2 start and 1 task of web:1 stops; every task finds its place.",
  ],
  [{ end: "COMPLETE", steps: 1, starts: none, stops: one }, "It takes 1 step: 1 task of web:1 stops."],
  [
    {
      end: "STUCK",
      steps: 1,
      starts: two,
      stops: none,
      obstacle: { code: "PLACEMENT", text: "1 task fits on no host" },
    },
    "It ends after 1 step (2 tasks of web:2 start): 1 task fits on no host.",
  ],
  [
    { end: "STUCK", steps: 0, starts: none, stops: none, obstacle: { code: "LIMITS", text: "nothing may be stopped" } },
    "Nothing would start or stop: nothing may be stopped.",
  ],
  [{ end: "STUCK", steps: 0, starts: none, stops: none }, "Nothing would start or stop: it would not come to its end."],
  [
    { end: "CUT_OFF", steps: 100, starts: two, stops: none },
    "It takes more than 100 steps, and only these were worked out: 2 tasks of web:2 start.",
  ],
];

for (const [outcome, says] of ROWS)
  test(`a plan in one sentence: ${says}`, () => assert.equal(summarizePlan(outcome), says));
