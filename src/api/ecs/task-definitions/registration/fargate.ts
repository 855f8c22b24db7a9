import type { ContainerDefinition } from "@aws-sdk/client-ecs";
import { isGiven } from "../../../refused-member.ts";
import { type DefinitionInput, nameOfContainer } from "./definition-input.ts";
import { isFargateSize } from "./sizes.ts";

/** Source: ECS developer guide, task definition differences for Fargate. */
const LOG_DRIVERS: readonly string[] = ["awslogs", "splunk", "awsfirelens"];
const MAX_TIMEOUT_SECONDS = 120;
const EPHEMERAL_GIB = { low: 21, high: 200 } as const;

/** Images of a private registry on ECR, which only the execution role may pull. */
export const ECR_IMAGE = /^\d{12}\.dkr[.-]ecr(-fips)?\.[a-z0-9-]+\.(amazonaws\.com(\.cn)?|on\.aws)\//;

/** Why Fargate cannot run the definition, in ECS's words; undefined if it can. */
export function fargateProblem(input: DefinitionInput): string | undefined {
  return taskProblem(input) ?? roleProblem(input) ?? volumeProblem(input) ?? containersProblem(input);
}

function taskProblem(input: DefinitionInput): string | undefined {
  if (input.networkMode !== "awsvpc") return "Fargate only supports network mode ‘awsvpc’.";
  if (input.cpu === undefined) return "Fargate requires that 'cpu' be defined at the task level.";
  if (input.memoryMiB === undefined) return "Fargate requires that 'memory' be defined at the task level.";
  if (!isFargateSize(input.cpu, input.memoryMiB)) return "No Fargate configuration exists for given values.";
  if (input.pidMode !== undefined && input.pidMode !== "task") {
    return `Tasks using the Fargate launch type do not support pidMode '${input.pidMode}'. The supported value for pidMode is 'task'.`;
  }
  if (input.ipcMode !== undefined) return notSupported("ipcMode");
  if (isGiven(input.placementConstraints)) return "Fargate does not support task placement constraints.";
  if (isGiven(input.inferenceAccelerators)) return notSupported("inferenceAccelerators");
  return undefined;
}

function roleProblem(input: DefinitionInput): string | undefined {
  if (input.executionRoleArn) return undefined;
  const needs = "Fargate requires task definition to have execution role ARN to support";
  if (input.containerDefinitions.some((c) => ECR_IMAGE.test(c.image ?? ""))) return `${needs} ECR images.`;
  if (input.containerDefinitions.some((c) => c.logConfiguration?.logDriver === "awslogs")) {
    return `${needs} log driver awslogs.`;
  }
  return undefined;
}

function volumeProblem(input: DefinitionInput): string | undefined {
  for (const volume of input.volumes ?? []) {
    if (volume.host?.sourcePath !== undefined) return "host.sourcePath should not be set for volumes in Fargate.";
    if (volume.dockerVolumeConfiguration !== undefined) return notSupported("dockerVolumeConfiguration");
    if (volume.fsxWindowsFileServerVolumeConfiguration !== undefined) {
      return notSupported("fsxWindowsFileServerVolumeConfiguration");
    }
  }
  return undefined;
}

function containersProblem(input: DefinitionInput): string | undefined {
  for (const container of input.containerDefinitions) {
    const found = settingsProblem(container) ?? linuxProblem(container) ?? loggingProblem(container);
    if (found !== undefined) return found;
  }
  return undefined;
}

function settingsProblem(container: ContainerDefinition): string | undefined {
  const refused = (
    ["privileged", "dockerSecurityOptions", "links", "dnsServers", "dnsSearchDomains", "credentialSpecs"] as const
  ).find((member) => isGiven(container[member]) && container[member] !== false);
  if (refused !== undefined) return notSupported(refused);
  if (container.resourceRequirements?.some((r) => r.type === "GPU")) return notSupported("GPU");
  for (const [member, name] of [
    ["stopTimeout", "stop"],
    ["startTimeout", "start"],
  ] as const) {
    if ((container[member] ?? 0) > MAX_TIMEOUT_SECONDS) {
      return `Tasks using the Fargate launch type must have a container ${name} timeout of less than 120 seconds.`;
    }
  }
  return undefined;
}

function linuxProblem(container: ContainerDefinition): string | undefined {
  const linux = container.linuxParameters;
  if (linux === undefined) return undefined;
  const refused = (["devices", "sharedMemorySize", "maxSwap", "swappiness"] as const).find((m) => isGiven(linux[m]));
  if (refused !== undefined) return notSupported(`linuxParameters.${refused}`);
  const capability = linux.capabilities?.add?.find((name) => name !== "SYS_PTRACE");
  return capability === undefined ? undefined : notSupported(`the added Linux capability ${capability}`);
}

function loggingProblem(container: ContainerDefinition): string | undefined {
  const log = container.logConfiguration;
  if (log !== undefined && !LOG_DRIVERS.includes(log.logDriver ?? "")) {
    return `The log driver '${log.logDriver}' of container '${nameOfContainer(container)}' is not supported for tasks using the Fargate launch type.`;
  }
  if (log?.logDriver === "awslogs" && !log.options?.["awslogs-stream-prefix"]) {
    return "Log driver awslogs requires option awslogs-stream-prefix for tasks using the Fargate launch type.";
  }
  if (container.firelensConfiguration?.options?.["config-file-type"] === "s3") {
    return "Fargate launch type does not support FirelensConfiguration config file from 's3'";
  }
  return undefined;
}

function notSupported(what: string): string {
  return `Tasks using the Fargate launch type do not support ${what}.`;
}

/** Why the definition's ephemeral storage is not acceptable, for any launch type. */
export function ephemeralStorageProblem(input: DefinitionInput): string | undefined {
  const size = input.ephemeralStorage?.sizeInGiB;
  if (size === undefined || (size >= EPHEMERAL_GIB.low && size <= EPHEMERAL_GIB.high)) return undefined;
  return `The ephemeral storage size must be between ${EPHEMERAL_GIB.low} and ${EPHEMERAL_GIB.high} GiB.`;
}
