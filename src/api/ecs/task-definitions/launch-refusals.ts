import type { ContainerDefinition, LaunchType } from "@aws-sdk/client-ecs";
import type { RegisteredDefinition } from "../../../model/task-definition.ts";
import { memberOfProblem } from "../../../scheduler/index.ts";
import { firstRefused, isGiven, nameOf, type RefusedMember } from "../../refused-member.ts";

type Row = RefusedMember<RegisteredDefinition>;

const NO_ROLES = "No credentials are made for tasks: register the task definition without it.";
const NETWORKS = "Use bridge, host or none.";
const ENVIRONMENT = "Give the values in environment.";

const some = (test: (container: ContainerDefinition) => boolean) => (definition: RegisteredDefinition) =>
  (definition.containerDefinitions ?? []).some(test);

const CONTAINER_ROWS: readonly Row[] = [
  { member: "containerDefinitions[].secrets", hint: ENVIRONMENT },
  { member: "containerDefinitions[].environmentFiles", hint: ENVIRONMENT },
  {
    member: "containerDefinitions[].repositoryCredentials",
    hint: "Log the host's Docker in to the registry, or load the image there.",
  },
  { member: "containerDefinitions[].firelensConfiguration" },
  {
    member: "containerDefinitions[].logConfiguration.logDriver",
    what: "awslogs and awsfirelens",
    when: some((c) => ["awslogs", "awsfirelens"].includes(c.logConfiguration?.logDriver ?? "")),
    hint: "Use a log driver of Docker's own, such as json-file, or none.",
  },
  { member: "containerDefinitions[].logConfiguration.secretOptions" },
  {
    member: "containerDefinitions[].resourceRequirements[].type",
    what: "other than GPU",
    when: some((c) => (c.resourceRequirements ?? []).some((r) => r.type !== "GPU")),
  },
  { member: "containerDefinitions[].credentialSpecs" },
  {
    member: "containerDefinitions[].dockerSecurityOptions[]",
    what: "credentialspec:…",
    when: some((c) => (c.dockerSecurityOptions ?? []).some((o) => o.startsWith("credentialspec"))),
  },
];

/**
 * What RegisterTaskDefinition accepts, as ECS does, and no task or service can be made of. RunTask, StartTask,
 * CreateService and UpdateService refuse it by these names.
 */
export const TASK_DEFINITION_REFUSED: readonly Row[] = [
  {
    member: "networkMode",
    what: "awsvpc",
    when: ({ networkMode }) => networkMode === "awsvpc",
    hint: NETWORKS,
  },
  { member: "taskRoleArn", hint: NO_ROLES },
  { member: "executionRoleArn", hint: NO_ROLES },
  {
    member: "runtimePlatform.operatingSystemFamily",
    what: "other than LINUX",
    when: ({ runtimePlatform }) => (runtimePlatform?.operatingSystemFamily ?? "LINUX") !== "LINUX",
  },
  { member: "pidMode", what: "task", when: ({ pidMode }) => pidMode === "task" },
  { member: "ipcMode", what: "task", when: ({ ipcMode }) => ipcMode === "task" },
  {
    member: "placementConstraints[].expression",
    what: "that cannot be read",
    when: ({ placementConstraints = [] }) =>
      placementConstraints.some((c) => memberOfProblem(c.expression ?? "") !== undefined),
    hint: "Register it again: it was accepted by a release that did not read expressions.",
  },
  { member: "proxyConfiguration" },
  { member: "inferenceAccelerators" },
  { member: "ephemeralStorage" },
  {
    member: "enableFaultInjection",
    what: "true",
    when: ({ enableFaultInjection }) => enableFaultInjection === true,
  },
  { member: "volumes[].efsVolumeConfiguration" },
  { member: "volumes[].s3filesVolumeConfiguration" },
  { member: "volumes[].fsxWindowsFileServerVolumeConfiguration" },
  {
    member: "volumes[].configuredAtLaunch",
    what: "true",
    when: ({ volumes }) => (volumes ?? []).some((v) => v.configuredAtLaunch === true),
  },
  ...CONTAINER_ROWS,
];

/**
 * Why no task of these launch types can be made of a definition, as a sentence for an error; undefined if one of them can
 * run it.
 */
export function refusalOfTaskDefinition(
  definition: RegisteredDefinition,
  launchTypes: readonly LaunchType[],
): string | undefined {
  const row = firstRefused(TASK_DEFINITION_REFUSED, definition);
  if (row === undefined) {
    return launchTypes.some((type) => supportsLaunchType(definition, type))
      ? undefined
      : `Task definition does not support launch_type ${launchTypes[0]}.`;
  }
  const names = namesOf(definition, row);
  const hint = row.hint === undefined ? "" : ` ${row.hint}`;
  return `Berth does not carry out ${nameOf(row)} of the task definition${names}.${hint}`;
}

/** False if the definition requires other launch types than this one. */
export function supportsLaunchType({ requiresCompatibilities = [] }: RegisteredDefinition, type: LaunchType): boolean {
  return requiresCompatibilities.length === 0 || requiresCompatibilities.includes(type);
}

/** Says which containers it is about, when the row is about containers. */
function namesOf(definition: RegisteredDefinition, row: Row): string {
  if (!CONTAINER_ROWS.includes(row)) return "";
  const about = (definition.containerDefinitions ?? []).filter((container) => {
    const alone: RegisteredDefinition = { ...definition, containerDefinitions: [container] };
    return isGiven(firstRefused([row], alone));
  });
  return about.length === 0 ? "" : ` (container ${about.map((c) => `'${c.name}'`).join(", ")})`;
}
