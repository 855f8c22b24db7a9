import type {
  Deployment,
  Service,
  ServiceField,
  ServiceRevisionSummary,
  TaskSet,
  TaskSetField,
} from "@aws-sdk/client-ecs";
import type { DeploymentRecord } from "../../../model/deployment.ts";
import type { ServiceRecord } from "../../../model/service.ts";
import { deploymentIdOf, revisionArnOf } from "../../../model/service-deployment.ts";
import type { TaskRecord } from "../../../model/task.ts";
import { computedDesiredCount, primaryTaskSet, type TaskSetRecord } from "../../../model/task-set.ts";
import type { BerthView } from "../../../store/index.ts";
import type { ServiceRevisionArn } from "../../../wire/arn.ts";
import { toWireTags } from "../tags/tags.ts";
import { toWireDeploymentConfiguration, toWireLoadBalancer } from "./wire-shift.ts";

/** A service as the API shows it. Counts are those of its tasks at this moment; events come newest first. */
export function toWireService(
  tables: Pick<BerthView, "tasks" | "serviceEvents">,
  service: ServiceRecord,
  include: readonly ServiceField[] = [],
): Service {
  const tasks = tables.tasks.where("service", service.arn);
  // Where task sets are steered from outside, the service is shown as the PRIMARY one.
  const primary = primaryTaskSet(service.taskSets)?.deployment;
  const { loadBalancers } = primary ?? service;
  const isSteered = service.deploymentController === "EXTERNAL";
  return {
    serviceArn: service.arn,
    serviceName: service.name,
    clusterArn: service.clusterArn,
    loadBalancers: loadBalancers.map(toWireLoadBalancer),
    serviceRegistries: [],
    status: service.status,
    desiredCount: service.desiredCount,
    runningCount: tasks.filter(isRunning).length,
    pendingCount: tasks.filter(isPending).length,
    ...capacityOf(service, isSteered && primary === undefined),
    taskDefinition: isSteered ? primary?.taskDefinitionArn : service.taskDefinitionArn,
    ...(isSteered ? { taskSets: (service.taskSets ?? []).map((set) => toWireTaskSet(service, set, tasks, [])) } : {}),
    deploymentConfiguration: toWireDeploymentConfiguration(service),
    deployments: service.deployments.filter((d) => isShown(d, tasks)).map((d) => toWireDeployment(service, d, tasks)),
    currentServiceDeployment: service.currentServiceDeploymentArn,
    currentServiceRevisions: service.deployments
      .filter((d) => isShown(d, tasks))
      .map((d) => revisionSummary(service, revisionArnOf(service.arn, d.id), tasks)),
    events: tables.serviceEvents
      .where("service", service.arn)
      .map(({ id, createdAt, message }) => ({ id, createdAt: new Date(createdAt), message }))
      .reverse(),
    createdAt: new Date(service.createdAt),
    placementConstraints: service.placementConstraints.map((c) => ({ ...c })),
    placementStrategy: service.placementStrategy.map((s) => ({ ...s })),
    healthCheckGracePeriodSeconds: service.healthCheckGracePeriodSeconds ?? (loadBalancers.length > 0 ? 0 : undefined),
    schedulingStrategy: service.schedulingStrategy,
    deploymentController: { type: service.deploymentController ?? "ECS" },
    createdBy: service.createdBy,
    enableECSManagedTags: service.enableECSManagedTags,
    propagateTags: service.propagateTags,
    enableExecuteCommand: false,
    availabilityZoneRebalancing: service.availabilityZoneRebalancing ?? "DISABLED",
    ...(include.includes("TAGS") ? { tags: toWireTags(service.tags) } : {}),
  };
}

/** By what tasks are placed: a strategy of capacity providers, or a launch type. */
export function capacityOf(
  { launchType, capacityProviderStrategy }: Pick<ServiceRecord, "launchType" | "capacityProviderStrategy">,
  isUnknown = false,
): Pick<Service, "launchType" | "capacityProviderStrategy"> {
  if (capacityProviderStrategy === undefined) return { launchType: isUnknown ? undefined : launchType };
  return { capacityProviderStrategy: capacityProviderStrategy.map((s) => ({ ...s })) };
}

/** One that is only kept to be rolled back to is not in the list: it would keep waiting clients waiting. */
function isShown(d: DeploymentRecord, tasks: readonly TaskRecord[]): boolean {
  if (d.status === "PRIMARY" || d.desiredCount > 0) return true;
  return tasks.some((t) => t.deploymentId === d.id && t.desiredStatus === "RUNNING");
}

/** How many tasks a revision is to have and has, of the service's tasks that are not STOPPED. */
export function revisionSummary(
  service: ServiceRecord | undefined,
  revisionArn: ServiceRevisionArn,
  tasks: readonly TaskRecord[],
): ServiceRevisionSummary {
  const id = deploymentIdOf(revisionArn);
  const mine = tasks.filter((t) => t.deploymentId === id);
  return {
    arn: revisionArn,
    requestedTaskCount: service?.deployments.find((d) => d.id === id)?.desiredCount ?? 0,
    runningTaskCount: mine.filter(isRunning).length,
    pendingTaskCount: mine.filter(isPending).length,
  };
}

function toWireDeployment(service: ServiceRecord, d: DeploymentRecord, tasks: readonly TaskRecord[]): Deployment {
  const mine = tasks.filter((t) => t.deploymentId === d.id);
  return {
    id: d.id,
    status: d.status,
    taskDefinition: d.taskDefinitionArn,
    desiredCount: d.desiredCount,
    pendingCount: mine.filter(isPending).length,
    runningCount: mine.filter(isRunning).length,
    failedTasks: d.failedTasks,
    createdAt: new Date(d.createdAt),
    updatedAt: new Date(d.updatedAt),
    ...capacityOf(service),
    rolloutState: d.rolloutState,
    rolloutStateReason: d.rolloutStateReason,
  };
}

/** A task set as the API shows it. Tags only if `include` asks for them. */
export function toWireTaskSet(
  service: ServiceRecord,
  set: TaskSetRecord,
  tasks: readonly TaskRecord[],
  include: readonly TaskSetField[],
): TaskSet {
  const { id, taskDefinitionArn, loadBalancers } = set.deployment;
  const mine = tasks.filter((t) => t.deploymentId === id);
  return {
    id,
    taskSetArn: set.arn,
    serviceArn: service.arn,
    clusterArn: service.clusterArn,
    externalId: set.externalId,
    status: set.status,
    taskDefinition: taskDefinitionArn,
    computedDesiredCount: computedDesiredCount(service.desiredCount, set),
    pendingCount: mine.filter(isPending).length,
    runningCount: mine.filter(isRunning).length,
    createdAt: new Date(set.createdAt),
    updatedAt: new Date(set.updatedAt),
    launchType: service.launchType,
    loadBalancers: loadBalancers.map((l) => ({ ...l })),
    serviceRegistries: [],
    scale: { value: set.scalePercent, unit: "PERCENT" },
    stabilityStatus: set.stabilityStatus,
    stabilityStatusAt: new Date(set.stabilityStatusAt),
    tags: include.includes("TAGS") ? toWireTags(set.tags) : [],
  };
}

const isRunning = (task: TaskRecord) => task.lastStatus === "RUNNING";

const isPending = (task: TaskRecord) =>
  task.lastStatus === "PROVISIONING" || task.lastStatus === "PENDING" || task.lastStatus === "ACTIVATING";
