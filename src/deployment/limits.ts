import type { ServiceRecord } from "../model/service.ts";

/**
 * How many tasks a rolling deployment may hold: at least `floor` healthy, at most `ceiling` that run, are about to, or
 * are being stopped. minimumHealthyPercent rounds up, maximumPercent rounds down: desiredCount 3 at 50..150 % gives 2..4.
 * Source: ECS API reference, DeploymentConfiguration; rule [DP1].
 */
export function rollingLimits(
  service: Pick<ServiceRecord, "desiredCount" | "minimumHealthyPercent" | "maximumPercent">,
): { readonly floor: number; readonly ceiling: number } {
  return {
    floor: Math.ceil((service.desiredCount * service.minimumHealthyPercent) / 100),
    ceiling: Math.floor((service.desiredCount * service.maximumPercent) / 100),
  };
}
