import type { Explanation, Finding, FindingCode } from "./explanation.ts";

/** What a finding means for the whole: the worst one decides. */
const STATES: Readonly<Record<FindingCode, Explanation["state"]>> = {
  DELETED: "MOVING",
  FAILED: "FAILING",
  PLACEMENT: "WAITING",
  THROTTLED: "FAILING",
  HOST: "WAITING",
  HEALTH: "FAILING",
  LIMITS: "WAITING",
  PROTECTED: "WAITING",
  STARTING: "MOVING",
  CHECKING: "MOVING",
  PAUSED: "WAITING",
  HOOK: "MOVING",
  BAKING: "MOVING",
  DRAINING: "MOVING",
  REPLACING: "MOVING",
  REBALANCING: "WELL",
  STOPPING: "WELL",
  STOPPED: "ENDED",
};

/** How a thing is of which this was found. */
export function stateOf(findings: readonly Finding[]): Explanation["state"] {
  const states = new Set(findings.map((f) => STATES[f.code]));
  return (["FAILING", "WAITING", "MOVING"] as const).find((s) => states.has(s)) ?? "WELL";
}
