import type { ServiceDeployment, ServiceDeploymentBrief, ServiceRevision } from "@aws-sdk/client-ecs";
import {
  isFinished,
  type ServiceDeploymentRecord,
  type ServiceRevisionRecord,
} from "../../../model/service-deployment.ts";
import { requestRollback } from "../../../state/index.ts";
import type { BerthView } from "../../../store/index.ts";
import { parseServiceDeploymentArn, parseServiceRevisionArn } from "../../../wire/arn.ts";
import type { EcsOperations } from "../../../wire/models/ecs.ts";
import { EcsError, invalidParameter } from "../errors.ts";
import type { Operation } from "../operation.ts";
import { page } from "../page.ts";
import { type RefusedMembers, refuseMembers } from "../refuse.ts";
import { resolveCluster } from "../resolve.ts";
import { resolveService, resolveServiceDeployment } from "./resolve.ts";
import { capacityOf, revisionSummary } from "./wire.ts";
import {
  toWireDeploymentConfiguration,
  toWireLoadBalancer,
  toWireResolved,
  toWireStage,
  toWireWeights,
} from "./wire-shift.ts";

/** Source: ECS API reference, DescribeServiceDeployments and DescribeServiceRevisions. */
const MAX_DESCRIBED = 20;
/** Source: ECS API reference, ListServiceDeployments. */
const LIST_PAGE = { default: 20, max: 100 } as const;
/** Later than any instant: newest first is oldest first, counted from here. */
const END_OF_TIME = 9_999_999_999_999;

export const STOP_SERVICE_DEPLOYMENT_REFUSED: RefusedMembers<"StopServiceDeployment"> = [
  {
    member: "stopType",
    what: "ABORT",
    when: ({ stopType }) => stopType === "ABORT",
    hint: "Use stopType ROLLBACK, or update the service.",
  },
];

/** A service's deployments of the last 90 days, newest first. */
export const listServiceDeployments: Operation<"ListServiceDeployments"> = (context, input) => {
  const { view } = context.store;
  const cluster = resolveCluster(view, context.scope, input.cluster);
  const service = resolveService(view, context.scope, cluster, input.service);
  const { createdAt: { after, before } = {}, status = [] } = input;
  const found = view.serviceDeployments
    .where("service", service.arn)
    // Those of an earlier service of that name went with it.
    .filter((d) => d.createdAt >= service.createdAt)
    .filter((d) => status.length === 0 || status.includes(d.status))
    .filter((d) => after === undefined || d.createdAt >= after.getTime())
    .filter((d) => before === undefined || d.createdAt <= before.getTime());
  const filters = { service: service.arn, status, after: after?.getTime(), before: before?.getTime() };
  const key = (d: ServiceDeploymentRecord) => `${String(END_OF_TIME - d.createdAt).padStart(13, "0")}|${d.arn}`;
  const { items, nextToken } = page(context, found, key, input, LIST_PAGE, filters);
  return { serviceDeployments: items.map(toBrief), nextToken };
};

/** Service deployments by ARN; what is not there is a failure MISSING. */
export const describeServiceDeployments: Operation<"DescribeServiceDeployments"> = ({ store }, input) => {
  const answer: EcsOperations["DescribeServiceDeployments"]["output"] = { serviceDeployments: [], failures: [] };
  checkCount("serviceDeploymentArns", input.serviceDeploymentArns);
  for (const arn of new Set(input.serviceDeploymentArns)) {
    if (parseServiceDeploymentArn(arn) === undefined) throw invalidParameter("The ARN provided is invalid.");
    const found = store.view.serviceDeployments.get(arn);
    if (found === undefined) answer.failures?.push({ arn, reason: "MISSING" });
    else answer.serviceDeployments?.push(toWire(store.view, found));
  }
  return answer;
};

/** Service revisions by ARN; what is not there is a failure MISSING. */
export const describeServiceRevisions: Operation<"DescribeServiceRevisions"> = ({ store }, input) => {
  const answer: EcsOperations["DescribeServiceRevisions"]["output"] = { serviceRevisions: [], failures: [] };
  checkCount("serviceRevisionArns", input.serviceRevisionArns);
  for (const arn of new Set(input.serviceRevisionArns)) {
    if (parseServiceRevisionArn(arn) === undefined) throw invalidParameter("The ARN provided is invalid.");
    const found = store.view.serviceRevisions.get(arn);
    if (found === undefined) answer.failures?.push({ arn, reason: "MISSING" });
    else answer.serviceRevisions?.push(toWireRevision(found));
  }
  return answer;
};

/**
 * Rolls a service deployment back that is under way, whether its circuit breaker would or not; the services controller
 * does it. One that stops or rolls back already goes on. Throws ServiceDeploymentNotFoundException, ConflictException for
 * one that is over, and InvalidParameterException.
 */
export const stopServiceDeployment: Operation<"StopServiceDeployment"> = async ({ store, clock }, input) => {
  refuseMembers(STOP_SERVICE_DEPLOYMENT_REFUSED, input);
  const { serviceDeploymentArn } = input;
  const now = clock.now();
  await store.transact("StopServiceDeployment", (tx) => {
    const record = resolveServiceDeployment(tx, serviceDeploymentArn);
    if (isFinished(record.status)) {
      throw new EcsError("ConflictException", `The service deployment is ${record.status} and cannot be stopped.`);
    }
    if (record.status === "PENDING" || record.status === "IN_PROGRESS") requestRollback(tx, record, now);
  });
  return { serviceDeploymentArn };
};

function checkCount(member: string, arns: readonly string[]): void {
  if (arns.length === 0) throw invalidParameter(`${member} cannot be empty.`);
  if (arns.length > MAX_DESCRIBED) {
    throw invalidParameter(`${member} cannot have more than ${MAX_DESCRIBED} elements.`);
  }
}

function toBrief(record: ServiceDeploymentRecord): ServiceDeploymentBrief {
  const { arn, serviceArn, clusterArn, status, statusReason, targetRevisionArn } = record;
  const { createdAt, startedAt, finishedAt } = datesOf(record);
  return {
    serviceDeploymentArn: arn,
    serviceArn,
    clusterArn,
    targetServiceRevisionArn: targetRevisionArn,
    status,
    statusReason,
    createdAt,
    startedAt,
    finishedAt,
  };
}

function toWire(tables: Pick<BerthView, "tasks" | "services">, record: ServiceDeploymentRecord): ServiceDeployment {
  const { arn, serviceArn, clusterArn, status, statusReason, rollback, breaker } = record;
  const service = tables.services.get(serviceArn);
  const tasks = tables.tasks.where("service", serviceArn);
  return {
    serviceDeploymentArn: arn,
    serviceArn,
    clusterArn,
    status,
    statusReason,
    ...datesOf(record),
    sourceServiceRevisions: record.sourceRevisionArns.map((source) => ({
      ...revisionSummary(service, source, tasks),
      ...toWireWeights(record, source === record.shift?.source ? "source" : "other"),
    })),
    targetServiceRevision: {
      ...revisionSummary(service, record.targetRevisionArn, tasks),
      ...toWireWeights(record, "target"),
    },
    ...toWireStage(record),
    deploymentConfiguration: toWireDeploymentConfiguration(record.settings),
    rollback: rollback && {
      reason: rollback.reason,
      startedAt: new Date(rollback.startedAt),
      serviceRevisionArn: rollback.revisionArn,
    },
    deploymentCircuitBreaker: { ...breaker },
    alarms: { status: "DISABLED" },
  };
}

function datesOf(record: ServiceDeploymentRecord) {
  const date = (at: number | undefined) => (at === undefined ? undefined : new Date(at));
  return {
    createdAt: date(record.createdAt),
    startedAt: date(record.startedAt),
    finishedAt: date(record.finishedAt),
    stoppedAt: date(record.stoppedAt),
    updatedAt: date(record.updatedAt),
  };
}

function toWireRevision(record: ServiceRevisionRecord): ServiceRevision {
  return {
    serviceRevisionArn: record.arn,
    serviceArn: record.serviceArn,
    clusterArn: record.clusterArn,
    taskDefinition: record.taskDefinitionArn,
    ...capacityOf(record),
    loadBalancers: record.loadBalancers.map(toWireLoadBalancer),
    ...(record.loadBalancers.length === 0 ? {} : { resolvedConfiguration: toWireResolved(record) }),
    serviceRegistries: [],
    containerImages: record.containerImages.map(({ containerName, image, imageDigest }) => ({
      containerName,
      image,
      imageDigest,
    })),
    guardDutyEnabled: false,
    createdAt: new Date(record.createdAt),
  };
}
