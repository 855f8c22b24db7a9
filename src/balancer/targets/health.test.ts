import assert from "node:assert/strict";
import { test } from "node:test";
import type { ServerRow } from "../process/statistics.ts";
import type { HealthCheckState } from "../state.ts";
import { assess, firstHealth, type Health, verdictOf } from "./health.ts";

const check: HealthCheckState = {
  enabled: true,
  protocol: "HTTP",
  port: "traffic-port",
  path: "/",
  intervalSeconds: 30,
  timeoutSeconds: 5,
  healthyThreshold: 5,
  unhealthyThreshold: 3,
  matcher: "200",
};

function row(status: string, checkStatus = "", more: Partial<ServerRow> = {}): ServerRow {
  return { backend: "tg.g", name: "s:0", status, sessions: 0, checkStatus, checkCode: "", markDowns: 0, ...more };
}

const initial: Health = { phase: "initial", markDowns: 0 };

test("each way to fail a check has ELB's reason and words", () => {
  const cases = [
    ["L7STS", "503", "Target.ResponseCodeMismatch", "Health checks failed with these codes: [503]"],
    ["L7TOUT", "", "Target.Timeout", "Request timed out"],
    ["L4TOUT", "", "Target.Timeout", "Request timed out"],
    ["L4CON", "", "Target.FailedHealthChecks", "Health checks failed"],
    ["L7RSP", "", "Target.FailedHealthChecks", "Health checks failed"],
    ["SOCKERR", "", "Target.FailedHealthChecks", "Health checks failed"],
  ] as const;
  for (const [checkStatus, checkCode, reason, description] of cases)
    assert.deepEqual(verdictOf(row("DOWN", checkStatus, { checkCode })), { reason, description });
});

test("a new target is raised by its first good check, HTTP or TCP", () => {
  for (const status of ["L7OK", "L4OK"]) {
    const { health, order } = assess(initial, row("DOWN 1/5", status), check, 0);
    assert.equal(order, "raise");
    assert.equal(health.phase, "healthy");
  }
});

test("a new target that was not checked yet stays new", () => {
  assert.deepEqual(assess(initial, row("DOWN", "INI"), check, 1_000_000), { health: initial });
});

test("a new target is unhealthy once it fails for as long as the unhealthy threshold of checks takes, not sooner", () => {
  const failing = row("DOWN", "L4CON");
  const at = (health: Health, ms: number) => assess(health, failing, check, ms).health;
  const first = at(initial, 1000);
  assert.equal(first.phase, "initial");
  // Three checks 30 s apart: the third is 60 s after the first.
  assert.equal(at(first, 60_999).phase, "initial");
  assert.equal(at(first, 61_000).phase, "unhealthy");
});

test("a healthy target whose checks fail is unhealthy", () => {
  const { health, order } = assess(
    { phase: "healthy", markDowns: 4 },
    row("DOWN", "L7TOUT", { markDowns: 4 }),
    check,
    0,
  );
  assert.equal(order, undefined);
  assert.equal(health.phase, "unhealthy");
  assert.equal(health.verdict?.reason, "Target.Timeout");
});

test("a healthy target that refused connections is replaced to be checked at once, and is judged by those checks", () => {
  const before: Health = { phase: "healthy", markDowns: 4 };
  const down = assess(before, row("DOWN", "HANA", { markDowns: 5 }), check, 0);
  assert.equal(down.order, "replace");
  assert.equal(down.health.phase, "suspect");
  assert.equal(assess(down.health, row("DOWN 1/5", "L7OK"), check, 500).order, "raise");
  const failing = assess(down.health, row("DOWN", "L4CON"), check, 500).health;
  assert.equal(failing.phase, "suspect");
  assert.equal(assess(failing, row("DOWN", "L4CON"), check, 60_500).health.phase, "unhealthy");
});

test("an unhealthy target comes back when HAProxy says so, and keeps the newest verdict until then", () => {
  const bad: Health = { phase: "unhealthy", markDowns: 0, verdict: verdictOf(row("DOWN", "L4CON")) };
  const passing = assess(bad, row("DOWN 2/5", "L7OK"), check, 0);
  assert.equal(passing.order, undefined);
  assert.deepEqual(passing.health, bad);
  assert.equal(assess(bad, row("DOWN", "L7TOUT"), check, 0).health.verdict?.reason, "Target.Timeout");
  assert.equal(assess(bad, row("UP", "L7OK"), check, 0).health.phase, "healthy");
});

test("a server on its way down is still up", () => {
  assert.equal(assess({ phase: "healthy", markDowns: 0 }, row("UP 1/3", "L4CON"), check, 0).health.phase, "healthy");
});

test("a server of which nothing is remembered is taken for what HAProxy makes of it", () => {
  assert.equal(firstHealth(row("UP", "L7OK"), true).phase, "healthy");
  assert.equal(firstHealth(row("DOWN", "L4CON"), true).phase, "unhealthy");
  assert.equal(firstHealth(row("DOWN", "L4CON"), false).phase, "initial");
});
