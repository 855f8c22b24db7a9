import type { DeploymentConfiguration, PlacementStrategy } from "@aws-sdk/client-ecs";
import { invalidParameter } from "../errors.ts";

/** Percentages when none are given. Source: ECS API reference, DeploymentConfiguration. */
const REPLICA_PERCENTS = { minimumHealthyPercent: 100, maximumPercent: 200 };
const DAEMON_PERCENTS = { minimumHealthyPercent: 0, maximumPercent: 100 };

export const defaultPercents = (strategy: "REPLICA" | "DAEMON") =>
  strategy === "DAEMON" ? DAEMON_PERCENTS : REPLICA_PERCENTS;

/** Throws InvalidParameterException for what a DAEMON service cannot have. Source: ECS developer guide, daemon scheduling strategy. */
export function checkDaemonInput(input: {
  readonly desiredCount?: number;
  readonly placementStrategy?: readonly PlacementStrategy[];
  readonly deploymentConfiguration?: DeploymentConfiguration;
}): void {
  const doesNotSupport = (what: string, remedy: string) =>
    invalidParameter(`The daemon scheduling strategy does not support ${what} for services. ${remedy} and try again.`);
  if (input.desiredCount !== undefined) throw doesNotSupport("a desired count", "Remove the desired count value");
  if ((input.placementStrategy ?? []).length > 0) {
    throw doesNotSupport("a placement strategy", "Remove the placement strategy");
  }
  const { maximumPercent = 100 } = input.deploymentConfiguration ?? {};
  if (maximumPercent !== 100) throw doesNotSupport("a maximumPercent other than 100", "Remove maximumPercent");
}
