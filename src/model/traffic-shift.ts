import type {
  DeploymentLifecycleHook,
  DeploymentLifecycleHookAction,
  DeploymentLifecycleHookStage,
  DeploymentLifecycleHookStatus,
  DeploymentLifecycleHookTargetType,
  DeploymentStrategy,
  ServiceDeploymentLifecycleStage,
} from "@aws-sdk/client-ecs";
import type { Instant } from "../runtime/clock.ts";
import type { ServiceRevisionArn, TaskArn, TaskDefinitionArn } from "../wire/arn.ts";

/**
 * Where a deployment that shifts traffic is. The API reference has PRE_PRODUCTION_TRAFFIC_SHIFT among the values of
 * ServiceDeployment.lifecycleStage, which the model's list lacks.
 */
export type LifecycleStage = ServiceDeploymentLifecycleStage | "PRE_PRODUCTION_TRAFFIC_SHIFT";

/**
 * The stages in ECS's order, and where each goes on to. The two around a shift of production traffic are passed once for each
 * step. A deployment that is rolled back stays in the stage in which that was decided.
 * Source: ECS developer guide, deployment lifecycle stages.
 */
export const LIFECYCLE_MOVES = {
  RECONCILE_SERVICE: ["PRE_SCALE_UP"],
  PRE_SCALE_UP: ["SCALE_UP"],
  SCALE_UP: ["POST_SCALE_UP"],
  POST_SCALE_UP: ["TEST_TRAFFIC_SHIFT"],
  TEST_TRAFFIC_SHIFT: ["POST_TEST_TRAFFIC_SHIFT"],
  POST_TEST_TRAFFIC_SHIFT: ["PRE_PRODUCTION_TRAFFIC_SHIFT"],
  PRE_PRODUCTION_TRAFFIC_SHIFT: ["PRODUCTION_TRAFFIC_SHIFT"],
  PRODUCTION_TRAFFIC_SHIFT: ["PRE_PRODUCTION_TRAFFIC_SHIFT", "POST_PRODUCTION_TRAFFIC_SHIFT"],
  POST_PRODUCTION_TRAFFIC_SHIFT: ["BAKE_TIME"],
  BAKE_TIME: ["CLEAN_UP"],
  CLEAN_UP: [],
} as const satisfies Record<LifecycleStage, readonly LifecycleStage[]>;

/** True if `from` may become `to` in one move. */
export function mayEnter(from: LifecycleStage, to: LifecycleStage): boolean {
  return (LIFECYCLE_MOVES[from] as readonly LifecycleStage[]).includes(to);
}

/** Times and shares of a linear shift. Source: ECS API reference, LinearConfiguration. */
export interface LinearShift {
  /** 3.0..100.0 by 0.1. */
  readonly stepPercent: number;
  /** 0..1440. */
  readonly stepBakeTimeMinutes: number;
}

/** Times and shares of a canary. Source: ECS API reference, CanaryConfiguration. */
export interface CanaryShift {
  /** 0.1..100.0 by 0.1. */
  readonly canaryPercent: number;
  /** 0..1440. */
  readonly canaryBakeTimeMinutes: number;
}

/** Something that a deployment waits for in some of its stages. Source: ECS API reference, DeploymentLifecycleHook. */
export interface LifecycleHook {
  readonly targetType: DeploymentLifecycleHookTargetType;
  /** The task definition that is run once; absent for PAUSE. */
  readonly taskDefinitionArn?: TaskDefinitionArn;
  readonly roleArn?: string;
  /** Handed to the task as it is. */
  readonly hookDetails?: DeploymentLifecycleHook["hookDetails"];
  /** One or more, each once. */
  readonly stages: readonly DeploymentLifecycleHookStage[];
  /** 1..20160. */
  readonly timeoutMinutes: number;
  readonly timeoutAction: DeploymentLifecycleHookAction;
}

/** How a service's deployments shift its traffic. A service without it is deployed with the strategy ROLLING. */
export interface ShiftSettings {
  readonly strategy: Exclude<DeploymentStrategy, "ROLLING">;
  /** Between the last shift of production traffic and the end of the earlier revision. 0..1440. */
  readonly bakeTimeMinutes: number;
  readonly linear?: LinearShift;
  readonly canary?: CanaryShift;
  readonly hooks: readonly LifecycleHook[];
}

/** One hook in one passage of one stage. */
export interface HookRun {
  /** `ecs-pause-` or `ecs-task-`, the digits of the deployment's id, and a number that rises with each hook. */
  readonly id: string;
  /** Its place in the settings' list. */
  readonly hook: number;
  readonly stage: DeploymentLifecycleHookStage;
  /** How many steps of production traffic had been taken. */
  readonly step: number;
  readonly status: DeploymentLifecycleHookStatus;
  readonly expiresAt: Instant;
  /** When it was resolved. */
  readonly endedAt?: Instant;
  /** The task that it runs, once that has found a place: there is never a second one. */
  readonly taskArn?: TaskArn;
}

/** How far a deployment is in shifting traffic to its revision. */
export interface ShiftState {
  readonly stage: LifecycleStage;
  readonly since: Instant;
  /** The revision that had the traffic before. */
  readonly source?: ServiceRevisionArn;
  /** Steps of production traffic that have been taken. */
  readonly step: number;
  /** Percent of production and of test traffic that the new revision is to have; the earlier one has the rest. */
  readonly production: number;
  readonly test: number;
  /** The latest run of each hook in each stage. */
  readonly hooks: readonly HookRun[];
  /** How many runs there have been. */
  readonly hooksBegun: number;
  /** Why it is given up; absent where the circuit breaker or a call says why. */
  readonly fault?: string;
}

/** The state in its next stage. Throws for a move that is not in the table. */
export function enterStage(
  state: ShiftState,
  to: LifecycleStage,
  now: Instant,
  over: Partial<Pick<ShiftState, "step" | "production" | "test">> = {},
): ShiftState {
  if (!mayEnter(state.stage, to)) throw new Error(`a deployment cannot go from ${state.stage} to ${to}`);
  return { ...state, ...over, stage: to, since: now };
}
