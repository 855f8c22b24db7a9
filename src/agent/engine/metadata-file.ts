import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Log } from "../../runtime/log.ts";
import type { ContainerFacts } from "../container-runtime.ts";
import type { EngineSettings, HostIdentity } from "./settings.ts";
import { type ContainerRecord, payloadOf, type TaskRecord, taskId } from "./task-record.ts";

/** The file's name, in ECS's words. */
export const METADATA_FILE = "ecs-container-metadata.json";

/** Where the directory with a container's metadata file is on the host. */
export function metadataDirOf(base: string, task: TaskRecord, container: ContainerRecord): string {
  return join(base, taskId(task.arn), container.dockerName);
}

/** Where the container sees that directory. */
export function metadataMountOf(container: ContainerRecord): string {
  return `/opt/ecs/metadata/${container.metadataId}`;
}

/**
 * What a container may read about itself, in the fields of ECS's container metadata file. Without `facts`, what is
 * known before it exists; with them the whole, and MetadataFileStatus says READY.
 */
export function metadataOf(
  task: TaskRecord,
  container: ContainerRecord,
  settings: EngineSettings,
  host: HostIdentity,
  facts?: ContainerFacts,
): Record<string, unknown> {
  const before = {
    Cluster: settings.cluster,
    ContainerInstanceARN: host.containerInstanceArn,
    TaskARN: task.arn,
    TaskDefinitionFamily: task.payload.family ?? "",
    TaskDefinitionRevision: task.payload.version ?? "",
    ContainerName: container.name,
    DockerContainerName: container.dockerName,
    ImageName: payloadOf(task, container).image,
    ...(container.imageId ? { ImageID: container.imageId } : {}),
    AvailabilityZone: host.availabilityZone,
    HostPrivateIPv4Address: host.privateIp,
    HostName: host.hostName,
  };
  if (!facts) return before;
  return {
    ...before,
    ContainerID: facts.id,
    ImageID: facts.imageId,
    PortMappings: facts.bindings.map((it) => ({
      ContainerPort: it.containerPort,
      HostPort: it.hostPort,
      BindIp: it.bindIP,
      Protocol: it.protocol,
    })),
    Networks: facts.networks.map((it) => ({ NetworkMode: it.name, IPv4Addresses: it.ipv4 ? [it.ipv4] : [] })),
    MetadataFileStatus: "READY",
  };
}

/** Writes and removes metadata files; does nothing where the feature is off. */
export interface MetadataKeeper {
  /** Before the container is created, so that the file is there when it starts. */
  prepare(task: TaskRecord, container: ContainerRecord): Promise<void>;
  /** Whenever the container is seen running; writes once per start. A failure is logged. */
  complete(task: TaskRecord, container: ContainerRecord, facts: ContainerFacts): Promise<void>;
}

export function metadataKeeper(settings: EngineSettings, host: HostIdentity, log: Log): MetadataKeeper {
  const completed = new WeakMap<ContainerRecord, number | undefined>();
  const base = settings.metadataDir;
  if (!base) return { prepare: async () => undefined, complete: async () => undefined };
  return {
    prepare: (task, container) =>
      writeMetadata(metadataDirOf(base, task, container), metadataOf(task, container, settings, host)),
    async complete(task, container, facts) {
      if (facts.state !== "running" || (completed.has(container) && completed.get(container) === facts.startedAt))
        return;
      completed.set(container, facts.startedAt);
      try {
        await writeMetadata(metadataDirOf(base, task, container), metadataOf(task, container, settings, host, facts));
      } catch (error) {
        completed.delete(container);
        log.warn({ task: task.arn, error: String(error) }, "the metadata file could not be completed");
      }
    },
  };
}

/** Writes the file so that a reader sees the old one or the new one, never a part. Any user may read it. */
async function writeMetadata(dir: string, metadata: Record<string, unknown>): Promise<void> {
  await mkdir(dir, { recursive: true, mode: 0o755 });
  const path = join(dir, METADATA_FILE);
  await writeFile(`${path}.new`, `${JSON.stringify(metadata, undefined, 2)}\n`, { mode: 0o644 });
  await rename(`${path}.new`, path);
}

export async function removeMetadata(base: string, task: TaskRecord): Promise<void> {
  await rm(join(base, taskId(task.arn)), { recursive: true, force: true });
}
