import type { ContainerDefinition } from "@aws-sdk/client-ecs";
import { clientError } from "../../errors.ts";
import { type DefinitionInput, nameOfContainer } from "./definition-input.ts";
import { MIN_CONTAINER_MEMORY_MIB } from "./sizes.ts";

/** Source: ECS quotas. */
const MAX_CONTAINERS = 10;
/** Source: ECS API reference, ContainerDefinition.name and image. */
const CONTAINER_NAME = /^[A-Za-z0-9_-]{1,255}$/;
const IMAGE = /^[A-Za-z0-9._:/@#-]+$/;
const MAX_IMAGE = 255;
const IMAGE_DIGEST = /@sha256:[0-9a-f]{64}$/;
const MAX_ENVIRONMENT_FILES = 10;
const MAX_IGNORED_EXIT_CODES = 50;

/** Throws ClientException for the containers' own settings that ECS does not accept. */
export function checkContainers(input: DefinitionInput): void {
  const containers = input.containerDefinitions;
  if (containers.length === 0) throw clientError("Container definitions should not be empty.");
  if (containers.length > MAX_CONTAINERS) throw clientError("Too many containers.");
  const names = new Set<string>();
  for (const container of containers) {
    checkNameAndImage(container);
    const name = nameOfContainer(container);
    if (names.has(name)) throw clientError(`The container name '${name}' is used more than once.`);
    names.add(name);
    checkSizes(input, container);
    checkEnvironment(input, container);
    checkHealthCheck(container);
    checkLifecycle(container);
    checkNetworking(input, container);
    checkLinuxParameters(container);
    checkLogging(container);
    checkDevices(container);
  }
  if (!containers.some((c) => c.essential ?? true)) {
    throw clientError("At least one container of a task definition must be essential.");
  }
}

function checkNameAndImage({ name, image }: ContainerDefinition): void {
  if (name === undefined || name === "") throw clientError("Container.name should not be null or empty.");
  if (!CONTAINER_NAME.test(name)) throw clientError("Container.name contains invalid characters.");
  if (image === undefined || image === "") throw clientError("Container.image should not be null or empty.");
  if (!IMAGE.test(image)) throw clientError("Container.image contains invalid characters.");
  if (image.includes("@") && !IMAGE_DIGEST.test(image)) {
    throw clientError("Container.image has a digest that is not sha256 with 64 hexadecimal digits.");
  }
  if (image.length > MAX_IMAGE) throw clientError(`Container.image should not be longer than ${MAX_IMAGE} characters.`);
}

function checkSizes(input: DefinitionInput, container: ContainerDefinition): void {
  const name = nameOfContainer(container);
  const { cpu = 0, memory, memoryReservation } = container;
  if (cpu < 0) throw clientError(`Invalid 'cpu' setting for container '${name}'.`);
  if (memory === undefined && memoryReservation === undefined && input.memoryMiB === undefined) {
    throw clientError(
      `Invalid setting for container '${name}'. At least one of 'memory' or 'memoryReservation' must be specified.`,
    );
  }
  for (const [member, value] of Object.entries({ memory, memoryReservation })) {
    if (value !== undefined && value < MIN_CONTAINER_MEMORY_MIB) {
      throw clientError(
        `Invalid '${member}' setting for container '${name}'. It must be at least ${MIN_CONTAINER_MEMORY_MIB} MiB.`,
      );
    }
  }
  if (memory !== undefined && memoryReservation !== undefined && memoryReservation > memory) {
    throw clientError(
      `Invalid setting for container '${name}'. 'memoryReservation' must not be greater than 'memory'.`,
    );
  }
  if (input.memoryMiB !== undefined && (memory ?? memoryReservation ?? 0) > input.memoryMiB) {
    throw clientError(`The 'memory' setting for container '${name}' is greater than for the task.`);
  }
}

function checkEnvironment(input: DefinitionInput, container: ContainerDefinition): void {
  const taken = new Set<string>();
  for (const { name } of container.environment ?? []) {
    if (name === undefined || name === "") throw clientError("Container.environment.name should not be null or empty.");
    taken.add(name);
  }
  const secrets = [...(container.secrets ?? []), ...(container.logConfiguration?.secretOptions ?? [])];
  if (secrets.some((s) => !s.name || !s.valueFrom)) {
    throw clientError("A secret must have a name and a valueFrom.");
  }
  for (const { name = "" } of container.secrets ?? []) {
    if (taken.has(name)) {
      throw clientError(
        `The secret name must be unique and not shared with any new or existing environment variables set on the container, such as '${name}'.`,
      );
    }
    taken.add(name);
  }
  const needsRole: readonly [boolean, string][] = [
    [secrets.length > 0, "container secrets"],
    [container.repositoryCredentials !== undefined, "repository credentials"],
    [(container.environmentFiles ?? []).length > 0, "environment files"],
  ];
  const asks = needsRole.find(([asked]) => asked);
  if (asks !== undefined && !input.executionRoleArn) {
    throw clientError(`When you are specifying ${asks[1]}, you must also specify a value for 'executionRoleArn'.`);
  }
  if ((container.environmentFiles ?? []).length > MAX_ENVIRONMENT_FILES) {
    throw clientError(`A container can have at most ${MAX_ENVIRONMENT_FILES} environment files.`);
  }
  const file = container.environmentFiles?.find((f) => !/^arn:aws[a-z0-9-]*:s3:::.+\.env$/.test(f.value ?? ""));
  if (file !== undefined) {
    throw clientError(`The environment file '${file.value}' must be the ARN of an S3 object whose name ends in .env.`);
  }
}

function checkHealthCheck(container: ContainerDefinition): void {
  const check = container.healthCheck;
  if (check === undefined) return;
  const name = nameOfContainer(container);
  const [kind, ...rest] = check.command ?? [];
  if ((kind !== "CMD" && kind !== "CMD-SHELL") || rest.length === 0) {
    throw clientError(
      `The health check command of container '${name}' must begin with CMD or CMD-SHELL and name a command.`,
    );
  }
  inRange(name, "healthCheck.interval", check.interval, 5, 300);
  inRange(name, "healthCheck.timeout", check.timeout, 2, 60);
  inRange(name, "healthCheck.retries", check.retries, 1, 10);
  inRange(name, "healthCheck.startPeriod", check.startPeriod, 0, 300);
}

function checkLifecycle(container: ContainerDefinition): void {
  const name = nameOfContainer(container);
  inRange(name, "startTimeout", container.startTimeout, 0, 2 ** 31 - 1);
  inRange(name, "stopTimeout", container.stopTimeout, 0, 2 ** 31 - 1);
  inRange(name, "restartPolicy.restartAttemptPeriod", container.restartPolicy?.restartAttemptPeriod, 60, 1800);
  if ((container.restartPolicy?.ignoredExitCodes ?? []).length > MAX_IGNORED_EXIT_CODES) {
    throw clientError(
      `The restart policy of container '${name}' can ignore at most ${MAX_IGNORED_EXIT_CODES} exit codes.`,
    );
  }
}

function checkNetworking(input: DefinitionInput, container: ContainerDefinition): void {
  if (input.networkMode === "awsvpc") {
    const unsupported = (what: string) => clientError(`${what} is not supported on container when networkMode=awsvpc`);
    if (container.hostname) throw unsupported("hostname");
    if ((container.extraHosts ?? []).length > 0) throw unsupported("extraHosts");
    if (container.disableNetworking === true) throw unsupported("Disable Networking");
  }
  const broken = container.extraHosts?.find((h) => !h.hostname || !h.ipAddress);
  if (broken !== undefined) throw clientError("Container.extraHosts need a hostname and an ipAddress.");
}

function checkLinuxParameters(container: ContainerDefinition): void {
  const linux = container.linuxParameters;
  if (linux === undefined) return;
  const name = nameOfContainer(container);
  inRange(name, "linuxParameters.swappiness", linux.swappiness, 0, 100);
  inRange(name, "linuxParameters.maxSwap", linux.maxSwap, 0, 2 ** 31 - 1);
  inRange(name, "linuxParameters.sharedMemorySize", linux.sharedMemorySize, 1, 2 ** 31 - 1);
  for (const { containerPath, size } of linux.tmpfs ?? []) {
    if (!containerPath) throw clientError(`A tmpfs of container '${name}' has no containerPath.`);
    inRange(name, "linuxParameters.tmpfs.size", size, 1, 2 ** 31 - 1);
  }
  if (linux.devices?.some((d) => !d.hostPath)) throw clientError(`A device of container '${name}' has no hostPath.`);
}

function checkLogging(container: ContainerDefinition): void {
  const log = container.logConfiguration;
  if (log?.logDriver !== "awslogs") return;
  const absent = ["awslogs-region", "awslogs-group"].filter((option) => !log.options?.[option]);
  if (absent.length > 0) throw clientError("Log driver awslogs requires options: awslogs-region, awslogs-group");
}

function checkDevices(container: ContainerDefinition): void {
  const name = nameOfContainer(container);
  const twice = (container.ulimits ?? []).find((u, i, all) => all.findIndex((v) => v.name === u.name) !== i);
  if (twice !== undefined) throw clientError(`Container '${name}' sets the ulimit '${twice.name}' more than once.`);
  for (const { name: limit, softLimit = 0, hardLimit = 0 } of container.ulimits ?? []) {
    if (hardLimit !== -1 && (softLimit === -1 || softLimit > hardLimit)) {
      throw clientError(`The soft limit of ulimit '${limit}' of container '${name}' is greater than its hard limit.`);
    }
  }
  for (const { type, value } of container.resourceRequirements ?? []) {
    if (type === "GPU" && !/^[1-9]\d{0,3}$/.test(value ?? "")) {
      throw clientError(`Invalid value '${value ?? ""}' for resource requirement GPU of container '${name}'.`);
    }
  }
  for (const { namespace, value } of container.systemControls ?? []) {
    if (!namespace || value === undefined) {
      throw clientError(`A systemControls entry of container '${name}' needs a namespace and a value.`);
    }
  }
}

function inRange(container: string, member: string, value: number | undefined, low: number, high: number): void {
  if (value !== undefined && (value < low || value > high)) {
    throw clientError(
      `Invalid '${member}' setting for container '${container}'. It must be between ${low} and ${high}.`,
    );
  }
}
