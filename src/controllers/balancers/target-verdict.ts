import type { TargetReport } from "../../balancer/index.ts";
import type { TargetRecord } from "../../model/load-balancer.ts";

/** What one balancer says of a target. */
export type Opinion = Pick<TargetReport, "state" | "reason" | "description">;

/** What is to be recorded of a target. */
export type Verdict =
  | { readonly kind: "keep" }
  | { readonly kind: "remove" }
  | { readonly kind: "record"; readonly health: Pick<TargetRecord, "state" | "reason" | "description"> };

const KEEP: Verdict = { kind: "keep" };

/** Makes one answer of what the balancers that count say, in the order of their names; undefined: nothing yet. Rules BC5 to BC11. */
export function targetVerdict(
  target: Pick<TargetRecord, "state" | "drainingSince">,
  opinions: readonly (Opinion | undefined)[],
): Verdict {
  if (opinions.length === 0) return KEEP;
  if (target.drainingSince !== undefined)
    return opinions.every((opinion) => opinion?.state === "drained") ? { kind: "remove" } : KEEP;
  const judged = opinions.filter((opinion) => opinion !== undefined).filter(isJudgement);
  if (judged.length === 0 || (target.state === "initial" && judged.length < opinions.length))
    return record("initial", opinions);
  const against = judged.filter(({ state }) => state === "unhealthy").length;
  if (against * 2 > judged.length) return record("unhealthy", judged);
  return record(judged.some(({ state }) => state === "healthy") ? "healthy" : "unavailable", judged);
}

function isJudgement({ state }: Opinion): boolean {
  return state === "healthy" || state === "unhealthy" || state === "unavailable";
}

function record(
  state: "initial" | "healthy" | "unhealthy" | "unavailable",
  opinions: readonly (Opinion | undefined)[],
): Verdict {
  const first = opinions.find((opinion) => opinion?.state === state);
  if (first === undefined) return KEEP;
  return { kind: "record", health: { state, reason: first.reason, description: first.description } };
}
