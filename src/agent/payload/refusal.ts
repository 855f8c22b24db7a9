import { dependencyProblem } from "./dependencies.ts";
import { commandOverride, dockerConfigBlobs } from "./docker-config.ts";
import type { ContainerPayload, TaskPayload, VolumePayload } from "./task-payload.ts";

/**
 * Why this agent cannot run a task as it was asked, as a reason in ECS's form ("<Name>: <detail>"); undefined if it can.
 * Whatever is not carried out is refused here by name, so that no part of a task definition is silently ignored.
 * `noTaskLimits`: why a task as a whole cannot be held to limits here; absent if it can.
 */
export function refusalOf(task: TaskPayload, noTaskLimits?: string): string | undefined {
  const missing =
    unsupportedInTask(task) ??
    unsupportedLimits(task, noTaskLimits) ??
    first(task.containers, unsupportedInContainer) ??
    first(task.volumes ?? [], unsupportedVolume);
  if (missing) return `ResourceInitializationError: this agent does not support ${missing}`;
  return first(task.containers, configProblem) ?? volumeProblem(task) ?? dependencyProblem(task);
}

function first<T, R>(items: readonly T[], check: (item: T) => R | undefined): R | undefined {
  for (const item of items) {
    const found = check(item);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Go writes an absent list as null or [], an absent object as null or {}. */
function asked(value: unknown): boolean {
  if (value === undefined || value === null) return false;
  return typeof value !== "object" || Object.keys(value).length > 0;
}

const NETWORK_MODES = ["", "bridge", "host", "none"];

function unsupportedInTask(task: TaskPayload): string | undefined {
  const mode = task.networkMode ?? "";
  if (!NETWORK_MODES.includes(mode)) return `network mode "${mode}"`;
  if (asked(task.elasticNetworkInterfaces)) return "elastic network interfaces";
  if (asked(task.roleCredentials)) return "task roles (roleCredentials)";
  if (asked(task.proxyConfiguration)) return "proxyConfiguration";
  if (asked(task.associations)) return "associations (GPU, elastic inference)";
  if (asked(task.attachments)) return "attachments (EBS volumes, Service Connect)";
  if (task.enableFaultInjection) return "enableFaultInjection";
  if (!["", "host"].includes(task.pidMode ?? "")) return `pidMode "${task.pidMode}"`;
  if (!["", "host", "none"].includes(task.ipcMode ?? "")) return `ipcMode "${task.ipcMode}"`;
  return undefined;
}

function unsupportedLimits(task: TaskPayload, why: string | undefined): string | undefined {
  if (!task.cpu && !task.memory) return undefined;
  if (why !== undefined) return `limits of a task as a whole (task-level cpu and memory) here: ${why}`;
  // The id names the task's control group, so it must be a name and nothing more.
  const id = task.arn.slice(task.arn.lastIndexOf("/") + 1);
  return /^[A-Za-z0-9_-]{1,255}$/.test(id) ? undefined : `task-level cpu and memory of a task whose id is "${id}"`;
}

function unsupportedInContainer(container: ContainerPayload): string | undefined {
  const of = `of container "${container.name}"`;
  if (asked(container.environmentFiles)) return `environmentFiles ${of}`;
  if (asked(container.secrets)) return `secrets ${of}`;
  if (asked(container.registryAuthentication)) return `registryAuthentication ${of}`;
  if (container.logsAuthStrategy) return `logsAuthStrategy ${of}`;
  if (asked(container.firelensConfiguration)) return `firelensConfiguration ${of}`;
  if (asked(container.managedAgents)) return `managedAgents (execute command) ${of}`;
  if (asked(container.credentialSpecs)) return `credentialSpecs ${of}`;
  if (container.healthCheckType && container.healthCheckType !== "docker")
    return `healthCheckType "${container.healthCheckType}" ${of}`;
  return undefined;
}

function unsupportedVolume(volume: VolumePayload): string | undefined {
  const type = volume.type || (volume.host ? "host" : "");
  if (type === "host" && volume.host) return undefined;
  if (type === "docker" && volume.dockerVolumeConfiguration) return undefined;
  return `volume "${volume.name}" of type "${type || "attachment"}"`;
}

function configProblem(container: ContainerPayload): string | undefined {
  try {
    commandOverride(container);
    const { config, hostConfig } = dockerConfigBlobs(container);
    if (container.healthCheckType && !config.Healthcheck)
      return `DockerClientConfigError: container "${container.name}" has healthCheckType but no Healthcheck`;
    if ((hostConfig.LogConfig as { Type?: unknown } | undefined)?.Type === "awsfirelens")
      return `ResourceInitializationError: this agent does not support log driver awsfirelens of container "${container.name}"`;
    return undefined;
  } catch (error) {
    return `DockerClientConfigError: container "${container.name}": ${error instanceof Error ? error.message : error}`;
  }
}

function volumeProblem(task: TaskPayload): string | undefined {
  const volumes = new Set((task.volumes ?? []).map((volume) => volume.name));
  for (const container of task.containers)
    for (const mount of container.mountPoints ?? [])
      if (!volumes.has(mount.sourceVolume))
        return `InvalidVolumeError: container "${container.name}" mounts volume "${mount.sourceVolume}", which the task does not define`;
  return undefined;
}
