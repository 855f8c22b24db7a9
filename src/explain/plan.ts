import { assertNever } from "../runtime/assert-never.ts";
import type { BerthShape } from "../wire/models/berth.ts";
import type { Finding } from "./explanation.ts";
import { counted, listed } from "./words.ts";

/** What a rehearsal came to. */
export interface PlanOutcome {
  readonly end: BerthShape<"PlanEnd">;
  readonly steps: number;
  /** Tasks by `family:revision`. */
  readonly starts: ReadonlyMap<string, number>;
  readonly stops: ReadonlyMap<string, number>;
  /** What stands in the way at the end. */
  readonly obstacle?: Finding;
}

/** A plan in one sentence. */
export function summarizePlan({ end, steps, starts, stops, obstacle }: PlanOutcome): string {
  const moves = listed([...amounts(starts, "starts", "start"), ...amounts(stops, "stops", "stop")], 8);
  switch (end) {
    case "NOTHING_TO_DO":
      return "Nothing would start or stop: all is as it would be.";
    case "COMPLETE":
      return `It takes ${counted(steps, "step")}: ${moves}${starts.size === 0 ? "" : "; every task finds its place"}.`;
    case "CUT_OFF":
      return `It takes more than ${counted(steps, "step")}, and only these were worked out: ${moves}.`;
    case "STUCK": {
      const why = obstacle?.text ?? "it would not come to its end";
      return steps === 0
        ? `Nothing would start or stop: ${why}.`
        : `It ends after ${counted(steps, "step")} (${moves}): ${why}.`;
    }
    default:
      return assertNever(end, "end of a plan");
  }
}

function amounts(tasks: ReadonlyMap<string, number>, one: string, many: string): readonly string[] {
  return [...tasks].map(([name, count]) => `${counted(count, "task")} of ${name} ${count === 1 ? one : many}`);
}
