import type { Volume } from "@aws-sdk/client-ecs";
import type { TaskRecord } from "../model/task.ts";
import type { TaskDefinitionRecord } from "../model/task-definition.ts";
import { type ContainerPayload, containerPayload } from "./payload-container.ts";

/** A task as an agent is told of it. Source: agent protocol, PayloadMessage.tasks. */
export type TaskPayload = StartPayload | StopPayload;

export interface StartPayload {
  readonly arn: string;
  readonly taskClusterArn: string;
  readonly desiredStatus: "RUNNING";
  readonly family: string;
  readonly version: string;
  readonly containers: readonly ContainerPayload[];
  readonly volumes: readonly VolumePayload[];
  /** vCPU: 0.5 is 512 units. */
  readonly cpu?: number;
  /** MiB. */
  readonly memory?: number;
  readonly networkMode: string;
  readonly pidMode?: string;
  readonly ipcMode?: string;
  /** Berth's own: the agent reports the images' digests before it fetches them, if it can. Others take no notice. */
  readonly tellImages?: boolean;
  readonly launchType: string;
  readonly serviceName?: string;
  readonly group: string;
  /** The GPUs that containers are given; absent without any. */
  readonly associations?: readonly GpuAssociation[];
}

export interface GpuAssociation {
  /** The GPU's id. */
  readonly name: string;
  readonly type: "gpu";
  readonly content: { readonly encoding: "identity"; readonly value: string };
  /** Names. */
  readonly containers: readonly string[];
}

/** Containers are left out: an agent that prepared a faulty copy of them would report a task stopped that runs. */
export interface StopPayload {
  readonly arn: string;
  readonly taskClusterArn: string;
  readonly desiredStatus: "STOPPED";
}

export interface VolumePayload {
  readonly name: string;
  readonly type: "host" | "docker";
  readonly host?: { readonly sourcePath?: string };
  readonly dockerVolumeConfiguration?: {
    readonly scope: string;
    readonly autoprovision: boolean;
    readonly driver?: string;
    readonly driverOpts: Readonly<Record<string, string>>;
    readonly labels: Readonly<Record<string, string>>;
  };
}

/**
 * What an agent is to run. The same task and definition give the same bytes each time: an agent takes a repeated
 * payload for the same task only if it is what it knows. Throws an Error for a volume that no agent of ours carries
 * out; RunTask and CreateService have refused such a definition.
 */
export function taskPayload(task: TaskRecord, record: TaskDefinitionRecord): StartPayload {
  const { definition } = record;
  const networkMode = definition.networkMode ?? "bridge";
  const overrides = new Map(task.overrides.containerOverrides.map((o) => [o.name, o]));
  const records = new Map(task.containers.map((c) => [c.name, c]));
  return {
    arn: task.arn,
    taskClusterArn: task.clusterArn,
    desiredStatus: "RUNNING",
    family: record.family,
    version: String(record.revision),
    containers: (definition.containerDefinitions ?? []).map((container) =>
      containerPayload(container, overrides.get(container.name), {
        networkMode,
        arn: records.get(container.name ?? "")?.arn,
        pinnedDigest: records.get(container.name ?? "")?.pinnedDigest,
      }),
    ),
    volumes: (definition.volumes ?? []).map(volumePayload),
    cpu: task.cpu === undefined ? undefined : Number(task.cpu) / 1024,
    memory: task.memory === undefined ? undefined : Number(task.memory),
    networkMode,
    pidMode: definition.pidMode,
    ipcMode: definition.ipcMode,
    tellImages: task.tellsImages,
    launchType: task.launchType,
    serviceName: task.serviceArn?.slice(task.serviceArn.lastIndexOf("/") + 1),
    group: task.group,
    ...gpuAssociations(task),
  };
}

function gpuAssociations(task: TaskRecord): Pick<StartPayload, "associations"> {
  const associations = task.containers.flatMap(({ name: container, gpuIds = [] }) =>
    gpuIds.map((name): GpuAssociation => {
      return { name, type: "gpu", content: { encoding: "identity", value: name }, containers: [container] };
    }),
  );
  return associations.length === 0 ? {} : { associations };
}

/** What tells an agent to stop a task, known to it or not. */
export function stopPayload(task: TaskRecord): StopPayload {
  return { arn: task.arn, taskClusterArn: task.clusterArn, desiredStatus: "STOPPED" };
}

function volumePayload(volume: Volume): VolumePayload {
  const name = volume.name ?? "";
  const docker = volume.dockerVolumeConfiguration;
  if (docker !== undefined) {
    return {
      name,
      type: "docker",
      dockerVolumeConfiguration: {
        scope: docker.scope ?? "task",
        autoprovision: docker.autoprovision ?? false,
        driver: docker.driver,
        driverOpts: docker.driverOpts ?? {},
        labels: docker.labels ?? {},
      },
    };
  }
  if (volume.efsVolumeConfiguration ?? volume.fsxWindowsFileServerVolumeConfiguration ?? volume.configuredAtLaunch) {
    throw new Error(`volume ${name} is of a kind that is not carried out`);
  }
  return {
    name,
    type: "host",
    host: volume.host?.sourcePath === undefined ? {} : { sourcePath: volume.host.sourcePath },
  };
}
