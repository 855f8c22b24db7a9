import type {
  ServiceDeploymentRollbackMonitorsStatus,
  ServiceDeploymentStatus,
  VersionConsistency,
} from "@aws-sdk/client-ecs";
import type { Instant } from "../runtime/clock.ts";
import {
  type ClusterArn,
  parseServiceArn,
  type ServiceArn,
  type ServiceDeploymentArn,
  type ServiceRevisionArn,
  serviceRevisionArn,
  type TaskArn,
  type TaskDefinitionArn,
} from "../wire/arn.ts";
import type { ServiceLoadBalancer } from "./deployment.ts";
import type { ServiceRecord } from "./service.ts";
import type { ShiftState } from "./traffic-shift.ts";

/**
 * Who may move a service deployment's status, and to what. A move that is not here is a bug, and is refused.
 * `api`: asked for by a call; `controller`: found out by looking at the service.
 * Source: ECS API reference, ServiceDeployment.status; the developer guide, service deployment states.
 */
export const SERVICE_DEPLOYMENT_MOVES = {
  PENDING: { IN_PROGRESS: "controller", ROLLBACK_REQUESTED: "api", STOP_REQUESTED: "api", STOPPED: "api" },
  IN_PROGRESS: {
    SUCCESSFUL: "controller",
    STOP_REQUESTED: "api",
    ROLLBACK_REQUESTED: "api",
    ROLLBACK_IN_PROGRESS: "controller",
    STOPPED: "controller",
  },
  STOP_REQUESTED: { STOPPED: "controller" },
  ROLLBACK_REQUESTED: { ROLLBACK_IN_PROGRESS: "controller", SUCCESSFUL: "controller", STOPPED: "controller" },
  ROLLBACK_IN_PROGRESS: { ROLLBACK_SUCCESSFUL: "controller", ROLLBACK_FAILED: "controller" },
  SUCCESSFUL: {},
  STOPPED: {},
  ROLLBACK_SUCCESSFUL: {},
  ROLLBACK_FAILED: {},
} as const satisfies Record<ServiceDeploymentStatus, Partial<Record<ServiceDeploymentStatus, "api" | "controller">>>;

/** True for a status that is left no more. */
export function isFinished(status: ServiceDeploymentStatus): boolean {
  return Object.keys(SERVICE_DEPLOYMENT_MOVES[status]).length === 0;
}

/** What the circuit breaker says of a service deployment. */
export interface BreakerReport {
  readonly status: ServiceDeploymentRollbackMonitorsStatus;
  readonly failureCount: number;
  readonly threshold: number;
}

/** A failure of which the service's events are to tell. */
export interface FailedTask {
  readonly taskArn: TaskArn;
  readonly since: Instant;
  /** True once an event tells of it, or nothing is left to tell. */
  readonly isTold: boolean;
}

/** One change of a service from what runs to another revision: what the service's `deployments` are to a history. */
export interface ServiceDeploymentRecord {
  readonly arn: ServiceDeploymentArn;
  readonly serviceArn: ServiceArn;
  readonly clusterArn: ClusterArn;
  readonly targetRevisionArn: ServiceRevisionArn;
  /** What ran when it was made; newest first. */
  readonly sourceRevisionArns: readonly ServiceRevisionArn[];
  readonly status: ServiceDeploymentStatus;
  readonly statusReason?: string;
  /** The service's settings when it was made. */
  readonly settings: Pick<ServiceRecord, "minimumHealthyPercent" | "maximumPercent" | "circuitBreaker" | "shift">;
  /** How far it is, in one that shifts traffic; absent before its first look. */
  readonly shift?: ShiftState;
  readonly breaker: BreakerReport;
  readonly rollback?: {
    readonly reason: string;
    readonly startedAt: Instant;
    readonly revisionArn: ServiceRevisionArn;
  };
  /** The task whose failure made the circuit breaker trip; absent where none did, such as for want of a place. */
  readonly failedTask?: FailedTask;
  readonly createdAt: Instant;
  /** When it left PENDING. */
  readonly startedAt?: Instant;
  /** When it reached a status that is left no more. */
  readonly finishedAt?: Instant;
  /** When it was STOPPED. */
  readonly stoppedAt?: Instant;
  readonly updatedAt: Instant;
}

/** The image of one container of a revision. */
export interface RevisionImage {
  readonly containerName: string;
  /** As the task definition names it. */
  readonly image: string;
  /** `sha256:…`; absent if it has none, or none is known. */
  readonly imageDigest?: string;
  /** The container's own setting: with `disabled` each task may have another image of that name. */
  readonly versionConsistency?: VersionConsistency;
}

/** How far a revision is in fixing what its images are. */
export interface ImagePinning {
  /** Tasks that stopped before they told. */
  readonly attempts: number;
  /** True once it is known, or given up: no further task waits. */
  readonly isSettled?: boolean;
}

/** All of what a service was to be at one time. It never changes, but that the digests of its images are filled in. */
export interface ServiceRevisionRecord {
  readonly arn: ServiceRevisionArn;
  readonly serviceArn: ServiceArn;
  readonly clusterArn: ClusterArn;
  readonly taskDefinitionArn: TaskDefinitionArn;
  readonly launchType: ServiceRecord["launchType"];
  readonly loadBalancers: readonly ServiceLoadBalancer[];
  /** True if its tasks are in the alternate target groups. */
  readonly usesAlternate?: boolean;
  readonly capacityProviderStrategy?: ServiceRecord["capacityProviderStrategy"];
  readonly containerImages: readonly RevisionImage[];
  /** Until no task waits any more for what the images are. */
  readonly pinning?: ImagePinning;
  readonly createdAt: Instant;
}

/** How long service deployments stay describable, with their revisions. Source: ECS developer guide, service deployments. */
export const SERVICE_DEPLOYMENT_RETENTION_MS = 90 * 24 * 60 * 60 * 1000;

/**
 * The revision that a deployment brings. Both have the same digits, as in ECS: clients find the service deployment of a
 * PRIMARY deployment by them.
 */
export function revisionArnOf(serviceArn: ServiceArn, deploymentId: string): ServiceRevisionArn {
  const parsed = parseServiceArn(serviceArn);
  if (parsed === undefined) throw new Error(`${serviceArn} is not a service's ARN`);
  const { clusterName, serviceName } = parsed;
  const serviceRevisionId = deploymentId.slice(deploymentId.lastIndexOf("/") + 1);
  return serviceRevisionArn(parsed, { clusterName, serviceName, serviceRevisionId });
}

/** The deployment (`ecs-svc/<digits>`) that brings a revision. */
export function deploymentIdOf(revisionArn: ServiceRevisionArn): string {
  return `ecs-svc/${revisionArn.slice(revisionArn.lastIndexOf("/") + 1)}`;
}

/** The record in its next status. Throws for a move that is not in the table. */
export function moveServiceDeployment(
  record: ServiceDeploymentRecord,
  to: ServiceDeploymentStatus,
  now: Instant,
  over: Partial<Pick<ServiceDeploymentRecord, "statusReason" | "breaker" | "rollback" | "failedTask">> = {},
): ServiceDeploymentRecord {
  if (!(to in SERVICE_DEPLOYMENT_MOVES[record.status])) {
    throw new Error(`service deployment ${record.arn} cannot go from ${record.status} to ${to}`);
  }
  return {
    ...record,
    ...over,
    status: to,
    startedAt: record.startedAt ?? (to === "IN_PROGRESS" ? now : undefined),
    finishedAt: isFinished(to) ? now : undefined,
    stoppedAt: to === "STOPPED" ? now : undefined,
    updatedAt: now,
  };
}
