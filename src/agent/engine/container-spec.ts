import type { ContainerSpec, ImageFacts, Mount, PortWish } from "../container-runtime.ts";
import { commandOverride, dockerConfigBlobs } from "../payload/docker-config.ts";
import type { ContainerPayload } from "../payload/task-payload.ts";
import { METADATA_FILE, metadataDirOf, metadataMountOf } from "./metadata-file.ts";
import type { EngineSettings, HostIdentity } from "./settings.ts";
import {
  type ContainerRecord,
  imageReferenceOf,
  payloadOf,
  type RangeBinding,
  type TaskRecord,
} from "./task-record.ts";

/** Marks a container as this agent's. Its value is the instance id. */
export const OWNER_LABEL = "berth.instance-id";
export const TASK_ARN_LABEL = "com.amazonaws.ecs.task-arn";
export const CONTAINER_NAME_LABEL = "com.amazonaws.ecs.container-name";

const MIN_CPU_SHARES = 2;
const MAX_CPU_SHARES = 262_144;
/** The least memory Docker 20.10 accepts. */
const MIN_MEMORY_MIB = 6;

/** What to ask of the engine for one container of a task (agent protocol, 2.8, 2.9, 5.5 and 6.6). */
export function containerSpec(
  task: TaskRecord,
  container: ContainerRecord,
  image: ImageFacts,
  settings: EngineSettings,
  host: HostIdentity,
): ContainerSpec {
  const payload = payloadOf(task, container);
  const { config, hostConfig } = dockerConfigBlobs(payload);
  const dockerNameOf = (name: string) => task.containers.find((it) => it.name === name)!.dockerName;
  return {
    name: container.dockerName,
    image: imageReferenceOf(task, container),
    labels: labelsOf(task, container, settings, host),
    environment: environmentOf(payload, container, image, settings),
    command: commandOverride(payload) ?? payload.command,
    entryPoint: payload.entryPoint,
    cpuShares: Math.min(MAX_CPU_SHARES, Math.max(MIN_CPU_SHARES, payload.cpu ?? 0)),
    cpuLimit: task.payload.cpu || undefined, // For what reads its own limit: the task's group bounds the sum.
    memoryMiB: memoryOf(task, payload),
    cgroupParent: task.cgroup,
    ports: portWishes(task, container),
    mounts: [...mountsOf(task, payload), ...metadataMount(task, container, settings)],
    volumesFrom: (payload.volumesFrom ?? []).map((it) => ({
      container: dockerNameOf(it.sourceContainer),
      readOnly: it.readOnly ?? false,
    })),
    links: (payload.links ?? []).map((link) => {
      const [name = link, alias = name] = link.split(":");
      return { container: dockerNameOf(name), alias };
    }),
    networkMode: task.payload.networkMode || undefined,
    pidMode: task.payload.pidMode || undefined,
    ipcMode: task.payload.ipcMode || undefined,
    overlay: { config, hostConfig },
  };
}

function labelsOf(task: TaskRecord, container: ContainerRecord, settings: EngineSettings, host: HostIdentity) {
  return {
    [TASK_ARN_LABEL]: task.arn,
    [CONTAINER_NAME_LABEL]: container.name,
    "com.amazonaws.ecs.task-definition-family": task.payload.family ?? "",
    "com.amazonaws.ecs.task-definition-version": task.payload.version ?? "",
    "com.amazonaws.ecs.cluster": settings.cluster,
    [OWNER_LABEL]: host.instanceId,
  };
}

function environmentOf(
  payload: ContainerPayload,
  container: ContainerRecord,
  image: ImageFacts,
  settings: EngineSettings,
) {
  const given = { ...payload.environment };
  const fromImage = new Set(image.environment.map((line) => line.split("=")[0]));
  for (const name of ["AWS_REGION", "AWS_DEFAULT_REGION"])
    if (!(name in given) && !fromImage.has(name)) given[name] = settings.region;
  if (settings.metadataDir) given.ECS_CONTAINER_METADATA_FILE = `${metadataMountOf(container)}/${METADATA_FILE}`;
  return given;
}

/**
 * The smaller of its own limit and its task's. The task's group holds it to the latter anyway; said of the container too, programs that size
 * themselves by the limit they see do not take the machine for theirs, and the engine knows of an OOM kill for sure.
 */
function memoryOf(task: TaskRecord, payload: ContainerPayload): number | undefined {
  const limits = [payload.memory, task.payload.memory].filter((it): it is number => !!it);
  return limits.length > 0 ? Math.max(MIN_MEMORY_MIB, Math.min(...limits)) : undefined;
}

/** Only in bridge mode are ports published; elsewhere the container has the host's network, or none. */
export function publishesPorts(task: TaskRecord, container: ContainerRecord): boolean {
  const mode = dockerConfigBlobs(payloadOf(task, container)).hostConfig.NetworkMode ?? task.payload.networkMode ?? "";
  return ["", "bridge", "default"].includes(String(mode));
}

function portWishes(task: TaskRecord, container: ContainerRecord): PortWish[] {
  if (!publishesPorts(task, container)) return [];
  const wishes: PortWish[] = [];
  for (const mapping of payloadOf(task, container).portMappings ?? [])
    if (mapping.containerPort)
      wishes.push({
        containerPort: mapping.containerPort,
        protocol: mapping.protocol ?? "tcp",
        hostPort: mapping.hostPort || undefined,
      });
  for (const range of container.rangeBindings) wishes.push(...rangeWishes(range));
  return wishes;
}

function rangeWishes(range: RangeBinding): PortWish[] {
  const inside = parsePortRange(range.containerPortRange);
  const outside = parsePortRange(range.hostPortRange);
  return Array.from({ length: inside.last - inside.first + 1 }, (_, index) => ({
    containerPort: inside.first + index,
    hostPort: outside.first + index,
    protocol: range.protocol,
  }));
}

/** "8000-8010", both ends included. */
export function parsePortRange(text: string): { readonly first: number; readonly last: number } {
  const [first = 0, last = 0] = text.split("-").map(Number);
  return { first, last };
}

function mountsOf(task: TaskRecord, payload: ContainerPayload): Mount[] {
  return (payload.mountPoints ?? []).map((point) => {
    const volume = task.payload.volumes?.find((it) => it.name === point.sourceVolume);
    return {
      source: volume?.host?.sourcePath || (task.volumeNames[point.sourceVolume] ?? point.sourceVolume),
      target: point.containerPath,
      readOnly: point.readOnly ?? false,
    };
  });
}

function metadataMount(task: TaskRecord, container: ContainerRecord, settings: EngineSettings): Mount[] {
  if (!settings.metadataDir) return [];
  const source = metadataDirOf(settings.metadataDir, task, container);
  return [{ source, target: metadataMountOf(container), readOnly: true }];
}
