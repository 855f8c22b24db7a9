import assert from "node:assert/strict";
import { test } from "node:test";
import { explanationLines, fitTable } from "./explanation.ts";

test("an explanation is its sentence, what else was found, and what helps", () => {
  const told = explanationLines({
    summary: "Service web runs 1 of 2 tasks (web:1): 1 task fits on no host.",
    findings: [
      { code: "PLACEMENT", text: "1 task fits on no host" },
      { code: "STOPPING", text: "2 tasks are being stopped" },
    ],
    fixes: ["a task fits if 10 MiB are freed on host-1", "see `berth why x`"],
  });
  assert.equal(
    told,
    [
      "Service web runs 1 of 2 tasks (web:1): 1 task fits on no host.",
      "",
      "- 2 tasks are being stopped.",
      "",
      "What helps:",
      "- A task fits if 10 MiB are freed on host-1.",
      "- See `berth why x`",
      "",
    ].join("\n"),
  );
});

test("a thing that is well is one line, and without instances there is no table", () => {
  assert.equal(explanationLines({ summary: "All is well.", findings: [], fixes: [] }), "All is well.\n");
  assert.equal(fitTable([], false), "");
});

test("every host of the table says what it lacks", () => {
  const instance = { containerInstanceArn: "arn", fits: false, lacks: ["needs 2 MiB", "port 80/tcp is in use"] };
  assert.equal(
    fitTable(
      [
        { ...instance, host: "host-1" },
        { ...instance, host: "h2", fits: true, lacks: [] },
      ],
      false,
    ),
    "HOST    FITS  LACKS\nhost-1  no    needs 2 MiB; port 80/tcp is in use\nh2      yes   -\n",
  );
});
