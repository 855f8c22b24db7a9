import type { DeploymentConfiguration } from "@aws-sdk/client-ecs";
import type { CanaryShift, LifecycleHook, LinearShift, ShiftSettings } from "../../../model/traffic-shift.ts";
import { invalidParameter, notCarriedOut } from "../errors.ts";

/** Source: ECS API reference, DeploymentConfiguration, LinearConfiguration, CanaryConfiguration. */
const MAX_BAKE_MINUTES = 1440;
const LINEAR = { min: 3, default: 10, bakeDefault: 6 };
const CANARY = { min: 0.1, default: 5, bakeDefault: 10 };

type StrategyMember = "bakeTimeInMinutes" | "lifecycleHooks" | "linearConfiguration" | "canaryConfiguration";
const ONLY_FOR: Record<StrategyMember, readonly string[]> = {
  bakeTimeInMinutes: ["BLUE_GREEN", "LINEAR", "CANARY"],
  lifecycleHooks: ["BLUE_GREEN", "LINEAR", "CANARY"],
  linearConfiguration: ["LINEAR"],
  canaryConfiguration: ["CANARY"],
};

/**
 * How traffic is shifted: what is given, else what was before; undefined with the strategy ROLLING. `hooks` are the given ones,
 * resolved. Throws InvalidParameterException. Source: ECS API reference, DeploymentConfiguration.
 */
export function shiftOf(
  given: DeploymentConfiguration | undefined,
  before: ShiftSettings | undefined,
  hooks: readonly LifecycleHook[] | undefined,
): ShiftSettings | undefined {
  const strategy = given?.strategy ?? before?.strategy ?? "ROLLING";
  for (const member of Object.keys(ONLY_FOR) as StrategyMember[]) checkStrategyOf(given, member, strategy);
  if (strategy === "ROLLING") return undefined;
  const bakeTimeMinutes = given?.bakeTimeInMinutes ?? before?.bakeTimeMinutes;
  if (bakeTimeMinutes === undefined && strategy === "BLUE_GREEN") {
    throw invalidParameter("bakeTimeInMinutes must be given for the deployment strategy BLUE_GREEN.");
  }
  return {
    strategy,
    bakeTimeMinutes: minutes("bakeTimeInMinutes", bakeTimeMinutes ?? 0),
    ...(strategy === "LINEAR" ? { linear: linearOf(given?.linearConfiguration, before?.linear) } : {}),
    ...(strategy === "CANARY" ? { canary: canaryOf(given?.canaryConfiguration, before?.canary) } : {}),
    hooks: hooks ?? before?.hooks ?? [],
  };
}

/** What a strategy has no use for is refused, unless it asks for nothing. */
function checkStrategyOf(given: DeploymentConfiguration | undefined, member: StrategyMember, strategy: string): void {
  const value = given?.[member];
  if (value === undefined || value === 0 || (Array.isArray(value) && value.length === 0)) return;
  if (ONLY_FOR[member].includes(strategy)) return;
  throw notCarriedOut(
    `deploymentConfiguration.${member} with the strategy ${strategy}`,
    `It goes with ${ONLY_FOR[member].join(", ")}.`,
  );
}

function linearOf(given: DeploymentConfiguration["linearConfiguration"], before: LinearShift | undefined): LinearShift {
  if (given === undefined && before !== undefined) return before;
  const { stepPercent = LINEAR.default, stepBakeTimeInMinutes = LINEAR.bakeDefault } = given ?? {};
  return {
    stepPercent: percent("stepPercent", stepPercent, LINEAR.min),
    stepBakeTimeMinutes: minutes("stepBakeTimeInMinutes", stepBakeTimeInMinutes),
  };
}

function canaryOf(given: DeploymentConfiguration["canaryConfiguration"], before: CanaryShift | undefined): CanaryShift {
  if (given === undefined && before !== undefined) return before;
  const { canaryPercent = CANARY.default, canaryBakeTimeInMinutes = CANARY.bakeDefault } = given ?? {};
  return {
    canaryPercent: percent("canaryPercent", canaryPercent, CANARY.min),
    canaryBakeTimeMinutes: minutes("canaryBakeTimeInMinutes", canaryBakeTimeInMinutes),
  };
}

function minutes(member: string, value: number): number {
  if (value < 0 || value > MAX_BAKE_MINUTES) {
    throw invalidParameter(`${member} must be between 0 and ${MAX_BAKE_MINUTES}.`);
  }
  return value;
}

function percent(member: string, value: number, min: number): number {
  const tenths = Math.round(value * 10);
  if (!(value >= min && value <= 100) || Math.abs(value * 10 - tenths) > 1e-9) {
    throw invalidParameter(`${member} must be a multiple of 0.1 from ${min} to 100.`);
  }
  return tenths / 10;
}
