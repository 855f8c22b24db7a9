import type { ServerRow } from "../process/statistics.ts";
import type { HealthCheckState, TargetReport } from "../state.ts";

/**
 * Where a target is on its way, as ELB sees it:
 * - `initial`: down in HAProxy until one check passes, then raised at once. Failing for as long as the unhealthy threshold
 *   of checks would take makes it `unhealthy`, though HAProxy checks it each second meanwhile.
 * - `healthy`: up.
 * - `suspect`: was healthy; connections to it failed and HAProxy took it out. Its checks decide, as for `initial`; it still
 *   counts as healthy, since ELB judges by checks alone and a burst of refused connections must not cost a task its life.
 * - `unhealthy`: down by its checks; HAProxy brings it back after the healthy threshold of good ones.
 */
export type Phase = "initial" | "healthy" | "suspect" | "unhealthy";

/** Why checks fail, in ELB's words. */
export type Verdict = Required<Pick<TargetReport, "reason" | "description">>;

export interface Health {
  readonly phase: Phase;
  /** When checks were first seen to fail in this phase, monotonic ms. */
  readonly failingSinceMs?: number;
  /** The row's `markDowns` when the target was last seen up. */
  readonly markDowns: number;
  /** Of the last failed check. */
  readonly verdict?: Verdict;
}

export interface Assessment {
  readonly health: Health;
  /** `raise`: the server may take traffic now. `replace`: it needs a fresh start, with its checks at once. */
  readonly order?: "raise" | "replace";
}

export const isUp = (row: ServerRow): boolean => /^(UP|DRAIN|NOLB|no check)/.test(row.status);

const passed = (row: ServerRow) => /^L[467]OK/.test(row.checkStatus);

/** Whether the last check failed; failed connections (HANA) and no check yet (INI) say nothing about checks. */
const failed = (row: ServerRow) => !passed(row) && !["", "INI", "HANA", "UNK", "CHECKED"].includes(row.checkStatus);

/** ELB's reason for what HAProxy's check met. */
export function verdictOf(row: ServerRow): Verdict {
  if (row.checkStatus === "L7STS")
    return {
      reason: "Target.ResponseCodeMismatch",
      description: `Health checks failed with these codes: [${row.checkCode}]`,
    };
  if (row.checkStatus.endsWith("TOUT")) return { reason: "Target.Timeout", description: "Request timed out" };
  return { reason: "Target.FailedHealthChecks", description: "Health checks failed" };
}

/** What to take a server for of which nothing is remembered. `open`: its unchecked copy is in use, so it is past `initial`. */
export function firstHealth(row: ServerRow, open: boolean): Health {
  if (isUp(row)) return { phase: "healthy", markDowns: row.markDowns };
  if (!open) return { phase: "initial", markDowns: row.markDowns };
  return { phase: "unhealthy", markDowns: row.markDowns, verdict: verdictOf(row) };
}

/** How long checks must fail before a target that is not up in HAProxy is unhealthy. First and last check are this far apart. */
const failingSpanMs = (check: HealthCheckState) => (check.unhealthyThreshold - 1) * check.intervalSeconds * 1000;

function assessDown(health: Health, row: ServerRow, check: HealthCheckState, nowMs: number): Assessment {
  if (passed(row)) return { health: { phase: "healthy", markDowns: row.markDowns }, order: "raise" };
  if (!failed(row)) return { health };
  const failingSinceMs = health.failingSinceMs ?? nowMs;
  const verdict = verdictOf(row);
  if (nowMs - failingSinceMs < failingSpanMs(check)) return { health: { ...health, failingSinceMs, verdict } };
  return { health: { phase: "unhealthy", markDowns: row.markDowns, verdict } };
}

/** What one look at a server's row says about its target. */
export function assess(health: Health, row: ServerRow, check: HealthCheckState, nowMs: number): Assessment {
  if (isUp(row)) return { health: { phase: "healthy", markDowns: row.markDowns } };
  switch (health.phase) {
    case "initial":
    case "suspect":
      return assessDown(health, row, check, nowMs);
    case "healthy":
      if (row.markDowns > health.markDowns)
        return { health: { phase: "suspect", markDowns: row.markDowns }, order: "replace" };
      return { health: { phase: "unhealthy", markDowns: row.markDowns, verdict: verdictOf(row) } };
    case "unhealthy":
      return { health: failed(row) ? { ...health, verdict: verdictOf(row) } : health };
  }
}
