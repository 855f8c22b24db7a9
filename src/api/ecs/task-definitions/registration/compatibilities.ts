import type { Compatibility } from "@aws-sdk/client-ecs";
import { isGiven } from "../../../refused-member.ts";
import { clientError } from "../../errors.ts";
import type { DefinitionInput } from "./definition-input.ts";
import { fargateProblem } from "./fargate.ts";

/** Why a launch type cannot run the definition; undefined if it can. Source: ECS developer guide, launch types. */
const PROBLEMS: Readonly<Record<Compatibility, (input: DefinitionInput) => string | undefined>> = {
  EC2: () => undefined,
  EXTERNAL: externalProblem,
  FARGATE: fargateProblem,
  MANAGED_INSTANCES: managedInstancesProblem,
};

function externalProblem(input: DefinitionInput): string | undefined {
  const notSupported = (what: string) => `Tasks using the External launch type do not support ${what}.`;
  if (input.networkMode === "awsvpc") return notSupported("networkMode 'awsvpc'");
  if (input.proxyConfiguration !== undefined) return notSupported("proxyConfiguration");
  if (isGiven(input.inferenceAccelerators)) return notSupported("inferenceAccelerators");
  if (input.volumes?.some((v) => v.efsVolumeConfiguration !== undefined || v.configuredAtLaunch === true)) {
    return notSupported("EFS and EBS volumes");
  }
  return undefined;
}

const MANAGED_LOG_DRIVERS: readonly string[] = ["awslogs", "splunk", "awsfirelens", "json-file"];

function managedInstancesProblem(input: DefinitionInput): string | undefined {
  const notSupported = (what: string) => `Tasks using Amazon ECS Managed Instances do not support ${what}.`;
  if (input.networkMode !== "awsvpc" && input.networkMode !== "host") {
    return notSupported(`networkMode '${input.networkMode ?? "bridge"}'`);
  }
  if (input.volumes?.some((v) => v.dockerVolumeConfiguration !== undefined)) {
    return notSupported("dockerVolumeConfiguration");
  }
  const driver = input.containerDefinitions
    .map((c) => c.logConfiguration?.logDriver)
    .find((d) => d !== undefined && !MANAGED_LOG_DRIVERS.includes(d));
  return driver === undefined ? undefined : notSupported(`log driver ${driver}`);
}

/** Throws ClientException if a launch type that the caller requires cannot run the definition. */
export function checkCompatibilities(input: DefinitionInput): void {
  for (const required of input.requiresCompatibilities ?? []) {
    const problem = PROBLEMS[required](input);
    if (problem !== undefined) throw clientError(problem);
  }
}

/** Every launch type that can run the definition, whether the caller asked for it or not. */
export function compatibilitiesOf(input: DefinitionInput): Compatibility[] {
  return (["EC2", "FARGATE", "EXTERNAL", "MANAGED_INSTANCES"] as const).filter(
    (type) => PROBLEMS[type](input) === undefined,
  );
}
