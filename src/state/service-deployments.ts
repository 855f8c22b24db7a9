import type { ServiceDeploymentStatus } from "@aws-sdk/client-ecs";
import { breakerReport, needsDigest, returnTraffic, serviceMessages, withHooksClosed } from "../deployment/index.ts";
import { digestOf } from "../model/image-reference.ts";
import { primaryDeployment, type ServiceRecord } from "../model/service.ts";
import {
  moveServiceDeployment,
  type RevisionImage,
  revisionArnOf,
  type ServiceDeploymentRecord,
} from "../model/service-deployment.ts";
import type { TaskDefinitionRecord } from "../model/task-definition.ts";
import type { ShiftState } from "../model/traffic-shift.ts";
import type { Instant } from "../runtime/clock.ts";
import type { Random } from "../runtime/random.ts";
import type { BerthTransaction } from "../store/index.ts";
import { parseServiceArn, serviceDeploymentArn } from "../wire/arn.ts";
import { forwardsOf, setForward } from "./forwards.ts";
import { requestStop } from "./tasks.ts";

/** Why a service deployment ends before its time. */
const SUPERSEDED = "Service deployment stopped because a new deployment of the service was started.";
const DELETED = "Service deployment stopped because the service was deleted.";

/** An id for a new service deployment: 21 characters that are safe in a URL. */
export function newServiceDeploymentId(random: Random): string {
  return Buffer.from(random.hex(16), "hex").toString("base64url").slice(0, 21);
}

/**
 * Records what the service's new PRIMARY deployment is to bring, and that it has begun; what was under way is to stop.
 * Answers the service with its current service deployment. Source: ECS developer guide, service deployments.
 */
export function beginServiceDeployment(
  tx: BerthTransaction,
  service: ServiceRecord,
  definition: TaskDefinitionRecord,
  { id, now }: { readonly id: string; readonly now: Instant },
): ServiceRecord {
  const names = parseServiceArn(service.arn);
  if (names === undefined) throw new Error(`${service.arn} is not a service's ARN`);
  endUnfinished(tx, service, SUPERSEDED, now);
  const containerImages = imagesOf(definition);
  const revision = tx.serviceRevisions.put({
    arn: revisionArnOf(service.arn, primaryDeployment(service).id),
    serviceArn: service.arn,
    clusterArn: service.clusterArn,
    taskDefinitionArn: service.taskDefinitionArn,
    launchType: service.launchType,
    ...(service.capacityProviderStrategy === undefined
      ? {}
      : { capacityProviderStrategy: service.capacityProviderStrategy }),
    loadBalancers: service.loadBalancers,
    usesAlternate: primaryDeployment(service).usesAlternate,
    containerImages,
    pinning: containerImages.some(needsDigest) ? { attempts: 0 } : undefined,
    createdAt: now,
  });
  const arn = serviceDeploymentArn(names, { ...names, serviceDeploymentId: id });
  tx.serviceDeployments.put({
    arn,
    serviceArn: service.arn,
    clusterArn: service.clusterArn,
    targetRevisionArn: revision.arn,
    sourceRevisionArns: service.deployments
      .filter((d) => d.status !== "PRIMARY" && d.desiredCount > 0)
      .map((d) => revisionArnOf(service.arn, d.id)),
    status: "PENDING",
    settings: {
      minimumHealthyPercent: service.minimumHealthyPercent,
      maximumPercent: service.maximumPercent,
      circuitBreaker: service.circuitBreaker,
      shift: service.shift,
    },
    breaker: breakerReport(service),
    createdAt: now,
    updatedAt: now,
  });
  return { ...service, currentServiceDeploymentArn: arn };
}

function imagesOf({ definition }: TaskDefinitionRecord): readonly RevisionImage[] {
  return (definition.containerDefinitions ?? []).map(({ name = "", image = "", versionConsistency }) => ({
    containerName: name,
    image,
    imageDigest: digestOf(image),
    versionConsistency,
  }));
}

/** The service is deleted: what was under way is to stop. */
export function endServiceDeployments(tx: BerthTransaction, service: ServiceRecord, now: Instant): void {
  endUnfinished(tx, service, DELETED, now);
}

/** Asks for the roll-back of a service deployment that is PENDING or IN_PROGRESS. */
export function requestRollback(tx: BerthTransaction, record: ServiceDeploymentRecord, now: Instant): void {
  tx.serviceDeployments.put(moveServiceDeployment(record, "ROLLBACK_REQUESTED", now));
}

/** Where a service deployment goes that is to end: what it has begun to roll back is not stopped, it has failed. */
const ENDS: Partial<Record<ServiceDeploymentStatus, ServiceDeploymentStatus>> = {
  PENDING: "STOP_REQUESTED",
  IN_PROGRESS: "STOP_REQUESTED",
  ROLLBACK_REQUESTED: "STOPPED",
  ROLLBACK_IN_PROGRESS: "ROLLBACK_FAILED",
};

function endUnfinished(tx: BerthTransaction, service: ServiceRecord, statusReason: string, now: Instant): void {
  for (const record of tx.serviceDeployments.where("unfinished", service.arn)) {
    const to = ENDS[record.status];
    if (to === undefined) continue;
    const moved = moveServiceDeployment(record, to, now, { statusReason });
    tx.serviceDeployments.put(
      record.shift === undefined ? moved : { ...moved, shift: endHooks(tx, record.shift, now) },
    );
    if (statusReason !== SUPERSEDED) continue;
    const rules = forwardsOf(tx, service.deployments);
    for (const action of returnTraffic(service, record, rules)) setForward(tx, action);
  }
}

/** Nothing waits for the hooks of a shift any more: the tasks that they run are stopped. Rule [TS23]. */
function endHooks(tx: BerthTransaction, shift: ShiftState, now: Instant): ShiftState {
  for (const { taskArn } of shift.hooks) {
    const task = tx.tasks.get(taskArn ?? "");
    const cause = { stopCode: "ServiceSchedulerInitiated", reason: serviceMessages.HOOK_ABANDONED } as const;
    if (task !== undefined && task.lastStatus !== "STOPPED") requestStop(tx, task, cause, now);
  }
  return withHooksClosed(shift, now);
}
