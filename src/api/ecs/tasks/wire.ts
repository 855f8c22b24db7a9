import type { Container, Task, TaskField, TaskOverride } from "@aws-sdk/client-ecs";
import type { ContainerRecord, TaskRecord } from "../../../model/task.ts";
import type { BerthView } from "../../../store/index.ts";
import { toWireTags } from "../tags/tags.ts";

/** A task as the API shows it. Tags only if `include` asks for them. */
export function toWireTask(
  tables: Pick<BerthView, "containerInstances">,
  task: TaskRecord,
  include: readonly TaskField[] = [],
): Task {
  const instance =
    task.containerInstanceArn === undefined ? undefined : tables.containerInstances.get(task.containerInstanceArn);
  return {
    taskArn: task.arn,
    clusterArn: task.clusterArn,
    taskDefinitionArn: task.taskDefinitionArn,
    containerInstanceArn: task.containerInstanceArn,
    availabilityZone: task.availabilityZone,
    launchType: task.launchType,
    ...(task.capacityProviderName === undefined ? {} : { capacityProviderName: task.capacityProviderName }),
    group: task.group,
    startedBy: task.startedBy,
    desiredStatus: task.desiredStatus,
    lastStatus: task.lastStatus,
    healthStatus: task.healthStatus,
    containers: task.containers.map((container) => toWireContainer(task, container)),
    overrides: toWireOverrides(task),
    attachments: [],
    inferenceAccelerators: [],
    attributes: task.attributes.map((a) => ({ ...a })),
    // Without a size of its own a task shows what its containers add up to.
    cpu: task.cpu ?? String(task.resources.cpu),
    memory: task.memory ?? String(task.resources.memoryMiB),
    enableExecuteCommand: task.enableExecuteCommand,
    connectivity: instance?.agentConnected === false ? "DISCONNECTED" : "CONNECTED",
    connectivityAt: new Date(Math.max(task.createdAt, instance?.connectivityChangedAt ?? 0)),
    stopCode: task.stopCode,
    stoppedReason: task.stoppedReason,
    createdAt: new Date(task.createdAt),
    pullStartedAt: dateOf(task.pullStartedAt),
    pullStoppedAt: dateOf(task.pullStoppedAt),
    startedAt: dateOf(task.startedAt),
    stoppingAt: dateOf(task.stoppingAt),
    executionStoppedAt: dateOf(task.executionStoppedAt),
    stoppedAt: dateOf(task.stoppedAt),
    version: task.version,
    tags: include.includes("TAGS") ? toWireTags(task.tags) : [],
  };
}

function toWireContainer(task: TaskRecord, container: ContainerRecord): Container {
  return {
    containerArn: container.arn,
    taskArn: task.arn,
    name: container.name,
    image: container.image,
    imageDigest: container.imageDigest,
    runtimeId: container.runtimeId,
    lastStatus: container.lastStatus,
    exitCode: container.exitCode,
    reason: container.reason,
    networkBindings: container.networkBindings.map((b) => ({ ...b })),
    networkInterfaces: [],
    healthStatus: container.healthStatus,
    cpu: String(container.cpu),
    memory: container.memoryMiB === undefined ? undefined : String(container.memoryMiB),
    memoryReservation:
      container.memoryReservationMiB === undefined ? undefined : String(container.memoryReservationMiB),
    ...(container.gpuIds === undefined ? {} : { gpuIds: [...container.gpuIds] }),
  };
}

function toWireOverrides({ overrides }: TaskRecord): TaskOverride {
  return {
    containerOverrides: overrides.containerOverrides.map((o) => ({ ...o })),
    inferenceAcceleratorOverrides: [],
    cpu: overrides.cpu,
    memory: overrides.memory,
  };
}

function dateOf(instant: number | undefined): Date | undefined {
  return instant === undefined ? undefined : new Date(instant);
}
