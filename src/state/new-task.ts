import type { ContainerDefinition, ContainerOverride, PropagateTags } from "@aws-sdk/client-ecs";
import { attributeValue, freeGpus, type OccupiedInstance } from "../model/container-instance.ts";
import type { Tags } from "../model/tags.ts";
import type { ContainerRecord, TaskLoadBalancer, TaskRecord } from "../model/task.ts";
import type { TaskDefinitionRecord } from "../model/task-definition.ts";
import type { Instant } from "../runtime/clock.ts";
import type { Random } from "../runtime/random.ts";
import { gpuCountOf, type NeedOverrides, needOf } from "../scheduler/index.ts";
import {
  type ArnScope,
  type ClusterArn,
  containerArn,
  parseClusterArn,
  type ServiceArn,
  taskArn,
} from "../wire/arn.ts";

/** All that a new task is made from. Names in overrides must have been checked against the definition. */
export interface TaskOrder {
  readonly clusterArn: ClusterArn;
  readonly definition: TaskDefinitionRecord;
  /** Where it was placed. */
  readonly instance: OccupiedInstance;
  readonly overrides?: NeedOverrides;
  readonly group: string;
  readonly startedBy?: string;
  /** The capacity provider by which it was placed, if it was by one. */
  readonly capacityProviderName?: string;
  /** For a service's task only. */
  readonly serviceArn?: ServiceArn;
  readonly deploymentId?: string;
  readonly loadBalancers?: readonly TaskLoadBalancer[];
  /** For a task that a lifecycle hook runs: the service that is being deployed. */
  readonly hookOf?: ServiceArn;
  readonly enableExecuteCommand?: boolean;
  /** By container name: the digest by which its image is to be taken. */
  readonly imageDigests?: ReadonlyMap<string, string>;
  /** True if its agent is to tell first which images these are. */
  readonly tellsImages?: boolean;
  /** True if its agent is not to be told of it yet. */
  readonly awaitsImages?: boolean;
  /** As `tagsOfNewTask` gives them. */
  readonly tags: Tags;
}

/** A task that has just been placed: PENDING, with a new id. Recording it is `launchTask`'s part. */
export function newTask(order: TaskOrder, at: { readonly now: Instant; readonly random: Random }): TaskRecord {
  const { definition, instance, overrides = {} } = order;
  const containers = definition.definition.containerDefinitions ?? [];
  const place = placeOf(order.clusterArn);
  const taskId = at.random.hex(16);
  const given = new Map((overrides.containerOverrides ?? []).map((o) => [o.name, o]));
  const { gpuCount: _, ...need } = needOf(definition.definition, overrides);
  const gpus = gpusFor(containers, given, instance);
  const architecture = attributeValue(instance, "ecs.cpu-architecture");
  return {
    arn: taskArn(place.scope, { clusterName: place.clusterName, taskId }),
    clusterArn: order.clusterArn,
    taskDefinitionArn: definition.arn,
    containerInstanceArn: instance.arn,
    availabilityZone: attributeValue(instance, "ecs.availability-zone"),
    launchType: "EC2",
    ...(order.capacityProviderName === undefined ? {} : { capacityProviderName: order.capacityProviderName }),
    group: order.group,
    startedBy: order.startedBy,
    serviceArn: order.serviceArn,
    deploymentId: order.deploymentId,
    ...(order.hookOf === undefined ? {} : { hookOf: order.hookOf }),
    desiredStatus: "RUNNING",
    lastStatus: "PENDING",
    containers: containers.map((c) =>
      newContainer(c, given.get(c.name), {
        ...place,
        taskId,
        random: at.random,
        gpuIds: gpus.get(c.name),
        pinnedDigest: order.imageDigests?.get(c.name ?? ""),
      }),
    ),
    healthStatus: "UNKNOWN",
    resources: { ...need, ...(gpus.size === 0 ? {} : { gpus: [...gpus.values()].flat() }) },
    overrides: {
      containerOverrides: containers.map((c) => given.get(c.name) ?? { name: c.name }),
      cpu: overrides.cpu,
      memory: overrides.memory,
    },
    cpu: overrides.cpu ?? definition.definition.cpu,
    memory: overrides.memory ?? definition.definition.memory,
    attributes: architecture === undefined ? [] : [{ name: "ecs.cpu-architecture", value: architecture }],
    loadBalancers: order.loadBalancers ?? [],
    enableExecuteCommand: order.enableExecuteCommand ?? false,
    createdAt: at.now,
    version: 1,
    tags: order.tags,
    tellsImages: order.tellsImages,
    awaitsImages: order.awaitsImages,
    delivered: { start: false, stop: false },
  };
}

/** The GPUs that each container is given: the first ones that are free, container by container. Throws if there are too few. */
function gpusFor(
  containers: readonly ContainerDefinition[],
  overrides: ReadonlyMap<string | undefined, ContainerOverride>,
  instance: OccupiedInstance,
): ReadonlyMap<string | undefined, readonly string[]> {
  const free = [...freeGpus(instance)];
  const given = new Map<string | undefined, readonly string[]>();
  for (const container of containers) {
    const count = gpuCountOf(container, overrides.get(container.name));
    if (count === 0) continue;
    const ids = free.splice(0, count);
    if (ids.length < count) throw new Error(`a task was placed on ${instance.arn}, which has too few GPUs for it`);
    given.set(container.name, ids);
  }
  return given;
}

function newContainer(
  definition: ContainerDefinition,
  override: ContainerOverride | undefined,
  of: {
    scope: ArnScope;
    clusterName: string;
    taskId: string;
    random: Random;
    pinnedDigest: string | undefined;
    gpuIds: readonly string[] | undefined;
  },
): ContainerRecord {
  const { clusterName, taskId } = of;
  return {
    arn: containerArn(of.scope, { clusterName, taskId, containerId: of.random.uuid() }),
    name: definition.name ?? "",
    image: definition.image ?? "",
    pinnedDigest: of.pinnedDigest,
    lastStatus: "PENDING",
    networkBindings: [],
    healthStatus: "UNKNOWN",
    essential: definition.essential ?? true,
    checksHealth: definition.healthCheck !== undefined,
    cpu: override?.cpu ?? definition.cpu ?? 0,
    memoryMiB: override?.memory ?? definition.memory,
    memoryReservationMiB: override?.memoryReservation ?? definition.memoryReservation,
    ...(of.gpuIds === undefined ? {} : { gpuIds: of.gpuIds }),
  };
}

function placeOf(arn: ClusterArn): { readonly scope: ArnScope; readonly clusterName: string } {
  const parsed = parseClusterArn(arn);
  if (parsed === undefined) throw new Error(`${arn} is not a cluster's ARN`);
  return { scope: parsed, clusterName: parsed.clusterName };
}

/** Where a new task's tags may come from. */
export interface TagSources {
  readonly clusterArn: ClusterArn;
  /** The tags of the call; they win over propagated ones. */
  readonly own?: Tags;
  readonly propagateTags?: PropagateTags;
  readonly definition: TaskDefinitionRecord;
  /** The service that starts the task. */
  readonly service?: { readonly name: string; readonly tags: Tags };
  readonly enableECSManagedTags?: boolean;
}

/** A new task's tags: propagated ones, its own, and ECS's managed ones. Source: ECS developer guide, tagging. */
export function tagsOfNewTask(sources: TagSources): Tags {
  const { own, propagateTags, definition, service, enableECSManagedTags } = sources;
  const propagated =
    propagateTags === "TASK_DEFINITION" ? definition.tags : propagateTags === "SERVICE" ? service?.tags : undefined;
  const managed: Record<string, string> = {};
  if (enableECSManagedTags === true) {
    managed["aws:ecs:clusterName"] = placeOf(sources.clusterArn).clusterName;
    if (service !== undefined) managed["aws:ecs:serviceName"] = service.name;
  }
  return { ...propagated, ...own, ...managed };
}
