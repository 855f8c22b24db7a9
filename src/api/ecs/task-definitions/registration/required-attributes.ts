import type { Attribute, ContainerDefinition } from "@aws-sdk/client-ecs";
import { isGiven } from "../../../refused-member.ts";
import type { DefinitionInput } from "./definition-input.ts";
import { ECR_IMAGE } from "./fargate.ts";

const OLD = "com.amazonaws.ecs.capability.";
const NEW = "ecs.capability.";
const dockerApi = (version: string) => `${OLD}docker-remote-api.${version}`;

/** The Docker API that first had a log driver. Source: the ECS agent's capabilities. */
const LOG_DRIVER_API: Readonly<Record<string, string>> = {
  awslogs: "1.19",
  fluentd: "1.20",
  gelf: "1.20",
  journald: "1.19",
  "json-file": "1.18",
  splunk: "1.22",
  syslog: "1.18",
};

/**
 * What a container instance must have registered to run the definition, sorted by name. The names are those that ECS
 * agents register. Source: DescribeTaskDefinition's requiresAttributes and the ECS agent's capabilities.
 */
export function requiredAttributes(input: DefinitionInput): Attribute[] {
  const names = new Set([
    ...taskAttributes(input),
    ...volumeAttributes(input),
    ...input.containerDefinitions.flatMap((container) => [
      ...containerAttributes(container),
      ...roleAttributes(input, container),
      ...secretAttributes(container),
    ]),
  ]);
  return [...names].sort().map((name) => ({ name }));
}

type Rule = readonly [asked: boolean, names: readonly string[]];

function asked(rules: readonly Rule[]): string[] {
  return rules.flatMap(([is, names]) => (is ? names : []));
}

function taskAttributes(input: DefinitionInput): string[] {
  const role = input.networkMode === "host" ? `${OLD}task-iam-role-network-host` : `${OLD}task-iam-role`;
  return asked([
    [isGiven(input.taskRoleArn), [dockerApi("1.17"), role]],
    [input.networkMode === "awsvpc", [dockerApi("1.18"), `${NEW}task-eni`]],
    [input.pidMode === "task" || input.ipcMode === "task", [`${NEW}pid-ipc-namespace-sharing`]],
    [input.cpu !== undefined || input.memoryMiB !== undefined, [`${NEW}task-cpu-mem-limit`]],
    [input.proxyConfiguration !== undefined, [`${NEW}aws-appmesh`]],
    [isGiven(input.inferenceAccelerators), [`${NEW}task-eia`]],
    [input.enableFaultInjection === true, [`${NEW}fault-injection`]],
  ]);
}

function volumeAttributes(input: DefinitionInput): string[] {
  return (input.volumes ?? []).flatMap((volume) => {
    const docker = volume.dockerVolumeConfiguration;
    const efs = volume.efsVolumeConfiguration;
    const efsAuth = efs?.authorizationConfig !== undefined || efs?.transitEncryption === "ENABLED";
    return asked([
      [docker !== undefined, [`${NEW}docker-plugin.${docker?.driver ?? "local"}`]],
      [efs !== undefined, [dockerApi("1.25"), `${NEW}efs`]],
      [efsAuth, [`${NEW}efsAuth`]],
      [volume.s3filesVolumeConfiguration !== undefined, [`${NEW}storage.s3-files`]],
      [volume.fsxWindowsFileServerVolumeConfiguration !== undefined, [`${NEW}fsxWindowsFileServer`]],
      [volume.configuredAtLaunch === true, [`${NEW}storage.ebs-task-volume-attach`]],
    ]);
  });
}

function containerAttributes(container: ContainerDefinition): string[] {
  const log = container.logConfiguration;
  const driver = log?.logDriver;
  const driverApi = LOG_DRIVER_API[driver ?? ""];
  const security = container.dockerSecurityOptions ?? [];
  const firelens = container.firelensConfiguration;
  const ordered =
    isGiven(container.dependsOn) || container.startTimeout !== undefined || container.stopTimeout !== undefined;
  return asked([
    [isGiven(container.dockerLabels), [dockerApi("1.18")]],
    [driver !== undefined, [`${OLD}logging-driver.${driver}`]],
    [driverApi !== undefined, [dockerApi(driverApi ?? "")]],
    [
      log?.options?.["log-driver-buffer-limit"] !== undefined,
      [`${NEW}logging-driver.awsfirelens.log-driver-buffer-limit`],
    ],
    [container.memory === undefined && container.memoryReservation !== undefined, [dockerApi("1.21")]],
    [container.linuxParameters?.initProcessEnabled === true, [dockerApi("1.25")]],
    [container.privileged === true, [`${OLD}privileged-container`]],
    [container.healthCheck !== undefined, [dockerApi("1.24"), `${NEW}container-health-check`]],
    [ordered, [`${NEW}container-ordering`]],
    [container.restartPolicy?.enabled === true, [`${NEW}container-restart-policy`]],
    [(container.portMappings ?? []).some((m) => m.containerPortRange), [`${NEW}network.container-port-range`]],
    [container.repositoryCredentials !== undefined, [`${NEW}private-registry-authentication.secretsmanager`]],
    [isGiven(container.environmentFiles), [`${NEW}env-files.s3`]],
    [security.some((o) => o.startsWith("label:")), [`${OLD}selinux`]],
    [security.some((o) => o.startsWith("apparmor:")), [`${OLD}apparmor`]],
    [isGiven(container.credentialSpecs), [`${NEW}gmsa`]],
    [firelens !== undefined, [`${NEW}firelens.${firelens?.type}`]],
    [
      firelens?.options?.["config-file-type"] !== undefined,
      [`${NEW}firelens.options.config.${firelens?.options?.["config-file-type"]}`],
    ],
  ]);
}

/**
 * ECS asks for `ecr-auth` as well for an image on ECR. Berth gives agents no login to ECR: a host pulls with what its Docker
 * is logged in to, or has the image already, and so no attribute says whether it can.
 */
function roleAttributes(input: DefinitionInput, container: ContainerDefinition): string[] {
  const ecr = ECR_IMAGE.test(container.image ?? "");
  const role = isGiven(input.executionRoleArn);
  return asked([
    [ecr && role, [`${NEW}execution-role-ecr-pull`]],
    [container.logConfiguration?.logDriver === "awslogs" && role, [`${NEW}execution-role-awslogs`]],
  ]);
}

function secretAttributes(container: ContainerDefinition): string[] {
  const store = (valueFrom = "") => (/^arn:[^:]+:secretsmanager:/.test(valueFrom) ? "asm" : "ssm");
  return [
    ...(container.secrets ?? []).map((s) => `${NEW}secrets.${store(s.valueFrom)}.environment-variables`),
    ...(container.logConfiguration?.secretOptions ?? []).map(
      (s) => `${NEW}secrets.${store(s.valueFrom)}.bootstrap.log-driver`,
    ),
  ];
}
