import { enterStage, type LifecycleStage, type ShiftSettings, type ShiftState } from "../model/traffic-shift.ts";
import { assertNever } from "../runtime/assert-never.ts";
import type { Instant } from "../runtime/clock.ts";

export const MINUTE_MS = 60_000;

/** A stage that waits longer than this for tasks is given up. Source: ECS developer guide, deployment lifecycle stages. */
export const STAGE_LIMIT_MS = 24 * 60 * MINUTE_MS;

/** A deployment that takes longer than this is given up. Source: ECS developer guide, service deployments. */
export const DEPLOYMENT_LIMIT_MS = 30 * 24 * 60 * MINUTE_MS;

/** What a stage may have to wait for. */
export interface ShiftSight {
  /** No task is left of revisions that are neither the one that has the traffic nor the new one. */
  readonly isReconciled: boolean;
  /** The new revision has its full count, all healthy, and every rule that is to send it traffic is there. */
  readonly isReady: boolean;
  /** True if there is a revision that has traffic to shift from. */
  readonly isGradual: boolean;
}

/** What a stage says: the next state, or until when it waits; neither if it waits for something else than time. */
export type StageAnswer =
  | { readonly kind: "enter"; readonly state: ShiftState }
  | { readonly kind: "wait"; readonly until: Instant; readonly isFault: boolean };

/**
 * The percentages of production traffic that the new revision has after each step. BLUE_GREEN: 100. CANARY 10: 10, 100.
 * LINEAR 30: 30, 60, 90, 100. With nothing to shift from it is one step. Rule [TS5].
 */
export function shiftSteps({ strategy, linear, canary }: ShiftSettings, isGradual: boolean): readonly number[] {
  const percent =
    strategy === "LINEAR" ? linear?.stepPercent : strategy === "CANARY" ? canary?.canaryPercent : undefined;
  if (percent === undefined || percent >= 100 || !isGradual) return [100];
  if (strategy === "CANARY") return [percent, 100];
  // In tenths, so that 3.3 added up does not become 9.899999999999999.
  const tenths = Math.round(percent * 10);
  const count = Math.ceil(1000 / tenths);
  return Array.from({ length: count }, (_, i) => Math.min(1000, tenths * (i + 1)) / 10);
}

/** How long a step of less than 100 % is kept. */
function stepBakeMs({ strategy, linear, canary }: ShiftSettings): number {
  const minutes = strategy === "LINEAR" ? linear?.stepBakeTimeMinutes : canary?.canaryBakeTimeMinutes;
  return (minutes ?? 0) * MINUTE_MS;
}

/** Until when a stage is kept though nothing else is waited for; undefined for one that is not. Rules [TS6], [TS7]. */
export function bakesUntil({ stage, since, production }: ShiftState, settings: ShiftSettings): Instant | undefined {
  if (stage === "BAKE_TIME") return since + settings.bakeTimeMinutes * MINUTE_MS;
  return stage === "PRODUCTION_TRAFFIC_SHIFT" && production < 100 ? since + stepBakeMs(settings) : undefined;
}

/**
 * Where a deployment goes whose hooks in this stage are all resolved; the last of them at `resolvedAt`. One stage at a time.
 * Production traffic grows by the steps and by nothing else. Rules [TS3] to [TS8].
 */
export function nextStage(
  state: ShiftState,
  settings: ShiftSettings,
  sight: ShiftSight,
  { resolvedAt, now }: { readonly resolvedAt: Instant; readonly now: Instant },
): StageAnswer {
  const enter = (to: LifecycleStage, over?: Partial<Pick<ShiftState, "step" | "production" | "test">>) =>
    ({ kind: "enter", state: enterStage(state, to, now, over) }) as const;
  const limit = { kind: "wait", until: resolvedAt + STAGE_LIMIT_MS, isFault: true } as const;
  const baked = (to: LifecycleStage) => {
    const until = bakesUntil(state, settings) ?? now;
    return now >= until ? enter(to) : ({ kind: "wait", until, isFault: false } as const);
  };
  switch (state.stage) {
    case "RECONCILE_SERVICE":
      return sight.isReconciled ? enter("PRE_SCALE_UP") : limit;
    case "PRE_SCALE_UP":
      return enter("SCALE_UP");
    case "SCALE_UP":
      return sight.isReady ? enter("POST_SCALE_UP") : limit;
    case "POST_SCALE_UP":
      return sight.isReady ? enter("TEST_TRAFFIC_SHIFT", { test: 100 }) : limit;
    case "TEST_TRAFFIC_SHIFT":
      return enter("POST_TEST_TRAFFIC_SHIFT");
    case "POST_TEST_TRAFFIC_SHIFT":
      return enter("PRE_PRODUCTION_TRAFFIC_SHIFT");
    case "PRE_PRODUCTION_TRAFFIC_SHIFT": {
      if (!sight.isReady) return limit;
      const production = shiftSteps(settings, sight.isGradual)[state.step] ?? 100;
      return enter("PRODUCTION_TRAFFIC_SHIFT", { production, step: state.step + 1 });
    }
    case "PRODUCTION_TRAFFIC_SHIFT":
      return state.production >= 100 ? enter("POST_PRODUCTION_TRAFFIC_SHIFT") : baked("PRE_PRODUCTION_TRAFFIC_SHIFT");
    case "POST_PRODUCTION_TRAFFIC_SHIFT":
      return enter("BAKE_TIME");
    case "BAKE_TIME":
      return baked("CLEAN_UP");
    case "CLEAN_UP":
      return { kind: "wait", until: Number.POSITIVE_INFINITY, isFault: false };
    default:
      return assertNever(state.stage, "lifecycle stage");
  }
}
