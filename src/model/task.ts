import type { Attribute, ContainerOverride, HealthStatus, NetworkBinding, TaskStopCode } from "@aws-sdk/client-ecs";
import type { Instant } from "../runtime/clock.ts";
import type {
  ClusterArn,
  ContainerArn,
  ContainerInstanceArn,
  ServiceArn,
  TaskArn,
  TaskDefinitionArn,
} from "../wire/arn.ts";
import type { Resources } from "./resources.ts";
import type { Tags } from "./tags.ts";

/** What was last reported of a task, in the order a task goes through them. */
export const TASK_STATUSES = [
  "PROVISIONING",
  "PENDING",
  "ACTIVATING",
  "RUNNING",
  "DEACTIVATING",
  "STOPPING",
  "DEPROVISIONING",
  "STOPPED",
] as const;
export type TaskStatus = (typeof TASK_STATUSES)[number];

/** What is wanted of a task. */
export type DesiredStatus = "RUNNING" | "STOPPED";

/**
 * Who may move a task's lastStatus, and to what. A move that is not here is a bug, and is refused.
 * `agent`: reported by the host; `server`: decided by the control plane.
 * Source: ECS developer guide, task lifecycle.
 */
export const TASK_MOVES = {
  PROVISIONING: { PENDING: "server", STOPPED: "server" },
  PENDING: { ACTIVATING: "server", RUNNING: "agent", STOPPING: "server", STOPPED: "agent" },
  ACTIVATING: { RUNNING: "agent", DEACTIVATING: "server", STOPPING: "server", STOPPED: "agent" },
  RUNNING: { DEACTIVATING: "server", STOPPING: "server", STOPPED: "agent" },
  DEACTIVATING: { STOPPING: "server", STOPPED: "agent" },
  STOPPING: { DEPROVISIONING: "server", STOPPED: "agent" },
  DEPROVISIONING: { STOPPED: "server" },
  STOPPED: {},
} as const satisfies Record<TaskStatus, Partial<Record<TaskStatus, "server" | "agent">>>;

/** True if `from` may become `to` in one move. */
export function mayMove(from: TaskStatus, to: TaskStatus): boolean {
  return to in TASK_MOVES[from];
}

/** One container of a task, as last reported. */
export interface ContainerRecord {
  readonly arn: ContainerArn;
  readonly name: string;
  readonly image: string;
  readonly imageDigest?: string;
  /** The digest by which its agent is told to take the image, in place of the tag. */
  readonly pinnedDigest?: string;
  readonly runtimeId?: string;
  readonly lastStatus: "PENDING" | "RUNNING" | "STOPPED";
  readonly exitCode?: number;
  /** At most 1024 characters. */
  readonly reason?: string;
  readonly networkBindings: readonly NetworkBinding[];
  readonly healthStatus: HealthStatus;
  /** What the health check wrote that made it UNHEALTHY, if its agent tells: at most 1024 characters. */
  readonly healthOutput?: string;
  readonly essential: boolean;
  /** True if the task definition gives this container a health check: only then its health counts. */
  readonly checksHealth: boolean;
  /** Units; as in the task definition, with overrides. */
  readonly cpu: number;
  readonly memoryMiB?: number;
  readonly memoryReservationMiB?: number;
  /** The GPUs of its instance that it was given. */
  readonly gpuIds?: readonly string[];
}

/** A target group that a task's container is to be registered with while it runs. */
export interface TaskLoadBalancer {
  readonly targetGroupArn: string;
  readonly containerName: string;
  readonly containerPort: number;
}

/** A task is moved to where it is started, from an instance on which one will be stopped for it. */
export interface TaskMove {
  readonly from: ContainerInstanceArn;
  /** What is evened out: a field of the spread strategy. */
  readonly field: string;
}

/** A task: one running copy of a task definition. */
export interface TaskRecord {
  readonly arn: TaskArn;
  readonly clusterArn: ClusterArn;
  readonly taskDefinitionArn: TaskDefinitionArn;
  readonly containerInstanceArn?: ContainerInstanceArn;
  readonly availabilityZone?: string;
  readonly launchType: "EC2" | "EXTERNAL";
  /** The capacity provider by which it was placed; absent if it was placed by launch type. */
  readonly capacityProviderName?: string;
  /** `service:<name>` for a service's task, otherwise the caller's or `family:<family>`. */
  readonly group: string;
  /** The deployment id for a service's task, otherwise the caller's. */
  readonly startedBy?: string;
  /** Set for a service's task only. */
  readonly serviceArn?: ServiceArn;
  /** The deployment (`ecs-svc/<19 digits>`) that this task belongs to; set for a service's task only. */
  readonly deploymentId?: string;
  /** Set for a task that a lifecycle hook runs: the service that is being deployed. */
  readonly hookOf?: ServiceArn;
  readonly desiredStatus: DesiredStatus;
  readonly lastStatus: TaskStatus;
  readonly containers: readonly ContainerRecord[];
  readonly healthStatus: HealthStatus;
  /** What the task holds on its instance until it is STOPPED. */
  readonly resources: Resources;
  readonly overrides: {
    readonly containerOverrides: readonly ContainerOverride[];
    readonly cpu?: string;
    readonly memory?: string;
  };
  /** Task-level limits as the API shows them: CPU units and MiB, as strings. */
  readonly cpu?: string;
  readonly memory?: string;
  readonly attributes: readonly Attribute[];
  readonly loadBalancers: readonly TaskLoadBalancer[];
  readonly enableExecuteCommand: boolean;
  /** Until when a service's task is protected from scale-in: see isProtected. */
  readonly protectedUntil?: Instant;
  /** While the task is on its way to take the place of another: what it was started for. See moving.ts in deployment/. */
  readonly move?: TaskMove;
  readonly stopCode?: TaskStopCode;
  readonly stoppedReason?: string;
  readonly createdAt: Instant;
  readonly pullStartedAt?: Instant;
  readonly pullStoppedAt?: Instant;
  readonly startedAt?: Instant;
  readonly stoppingAt?: Instant;
  readonly executionStoppedAt?: Instant;
  readonly stoppedAt?: Instant;
  /** 1 at first; rises by one with every change that a watcher of ECS would see. */
  readonly version: number;
  readonly tags: Tags;
  /** True if its agent is asked to tell which images these are before it fetches them: the first task of its deployment. */
  readonly tellsImages?: boolean;
  /** True while its agent is not told of it: an earlier task of its deployment is to tell which images these are. */
  readonly awaitsImages?: boolean;
  /** What the host's agent has acknowledged of this task; what it has not is sent again on its next connection. */
  readonly delivered: { readonly start: boolean; readonly stop: boolean };
  /** True once a STOPPED task of a service has been counted (or found not to count) in its deployment's failures. */
  readonly accounted?: boolean;
  /** True once its bad health has been counted as a failure of its deployment, which may be before it is STOPPED. */
  readonly failureCounted?: boolean;
}

/** Where the task holds its resources: the instance on which it was placed, until it is STOPPED. */
export function heldInstance(
  task: Pick<TaskRecord, "containerInstanceArn" | "desiredStatus" | "lastStatus">,
): ContainerInstanceArn | undefined {
  return task.lastStatus === "STOPPED" ? undefined : task.containerInstanceArn;
}

/** The 32 hex characters at the end of a task's ARN. */
export function taskId(task: { readonly arn: TaskArn }): string {
  return task.arn.slice(task.arn.lastIndexOf("/") + 1);
}

/**
 * True when the host's agent should be told to stop the task: it is to stop, and its targets have been drained
 * (DEACTIVATING is left only then).
 */
export function agentShouldStop(task: TaskRecord): boolean {
  return task.desiredStatus === "STOPPED" && task.lastStatus !== "DEACTIVATING" && task.lastStatus !== "STOPPED";
}

/** The shortest, longest and usual time for which a task is protected from scale-in. Source: ECS API reference, UpdateTaskProtection. */
export const PROTECTION_MINUTES = { min: 1, max: 2880, default: 120 } as const;

/** True while a task is protected from scale-in. The time itself ends it: nothing has to be written for that. */
export function isProtected(task: Pick<TaskRecord, "protectedUntil">, now: Instant): boolean {
  return task.protectedUntil !== undefined && now < task.protectedUntil;
}

/**
 * A task's health over its essential containers that have a health check: any UNHEALTHY makes it UNHEALTHY, else any
 * UNKNOWN makes it UNKNOWN, else it is HEALTHY; without such a container it is UNKNOWN.
 * Source: ECS developer guide, container health checks.
 */
export function taskHealth(containers: readonly ContainerRecord[]): HealthStatus {
  const checked = containers.filter((c) => c.essential && c.checksHealth);
  if (checked.some((c) => c.healthStatus === "UNHEALTHY")) return "UNHEALTHY";
  if (checked.length === 0 || checked.some((c) => c.healthStatus !== "HEALTHY")) return "UNKNOWN";
  return "HEALTHY";
}

/** ListTasks names stopped tasks this long. Source: ECS API reference, ListTasks and DescribeTasks ("at least one hour"). */
export const STOPPED_TASK_LISTED_MS = 60 * 60 * 1000;
