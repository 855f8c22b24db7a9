import type { ContainerInstanceRecord } from "../model/container-instance.ts";
import type { ServiceRecord } from "../model/service.ts";
import {
  revisionArnOf,
  type ServiceDeploymentRecord,
  type ServiceRevisionRecord,
} from "../model/service-deployment.ts";
import type { TaskDefinitionRecord } from "../model/task-definition.ts";
import { parseServiceArn, serviceDeploymentArn } from "../wire/arn.ts";
import type { Migration, StoredTables } from "./load.ts";

/** What brings records of earlier releases to the form of SCHEMA, oldest first. Only ever append. */
export const MIGRATIONS: readonly Migration[] = [recordServiceDeployments, forgetUsedResources];

/** Services had deployments and no history of them: each gets its revisions, and a service deployment for its PRIMARY. */
function recordServiceDeployments(tables: StoredTables): void {
  const services = tables.get("services") ?? new Map<string, object>();
  const revisions = new Map<string, object>(tables.get("serviceRevisions"));
  const deployments = new Map<string, object>(tables.get("serviceDeployments"));
  for (const [key, stored] of services) {
    const service = stored as ServiceRecord;
    if (service.status === "INACTIVE") continue;
    for (const deployment of service.deployments) {
      const revision = revisionOf(service, deployment, tables.get("taskDefinitions"));
      revisions.set(revision.arn, revision);
    }
    const current = currentDeploymentOf(service);
    if (current === undefined) continue;
    deployments.set(current.arn, current);
    services.set(key, { ...service, currentServiceDeploymentArn: current.arn });
  }
  tables.set("serviceRevisions", revisions);
  tables.set("serviceDeployments", deployments);
}

/** Container instances said what their tasks hold, which the tasks themselves say. */
function forgetUsedResources(tables: StoredTables): void {
  const instances = tables.get("containerInstances") ?? new Map<string, object>();
  for (const [key, stored] of instances) {
    const { used: _, ...record } = stored as ContainerInstanceRecord & { readonly used?: unknown };
    instances.set(key, record);
  }
}

function revisionOf(
  service: ServiceRecord,
  { id, taskDefinitionArn, loadBalancers, createdAt }: ServiceRecord["deployments"][number],
  definitions: ReadonlyMap<string, object> | undefined,
): ServiceRevisionRecord {
  const found = definitions?.get(taskDefinitionArn) as TaskDefinitionRecord | undefined;
  return {
    arn: revisionArnOf(service.arn, id),
    serviceArn: service.arn,
    clusterArn: service.clusterArn,
    taskDefinitionArn,
    launchType: service.launchType,
    loadBalancers,
    containerImages: (found?.definition.containerDefinitions ?? []).map(({ name = "", image = "" }) => ({
      containerName: name,
      image,
    })),
    createdAt,
  };
}

function currentDeploymentOf(service: ServiceRecord): ServiceDeploymentRecord | undefined {
  const names = parseServiceArn(service.arn);
  const primary = service.deployments.find((d) => d.status === "PRIMARY");
  if (names === undefined || primary === undefined) return undefined;
  const isOver = primary.rolloutState === "COMPLETED";
  // 21 characters, as every service deployment's id has.
  const serviceDeploymentId = primary.id.slice(primary.id.lastIndexOf("/") + 1).padStart(21, "0");
  return {
    arn: serviceDeploymentArn(names, { ...names, serviceDeploymentId }),
    serviceArn: service.arn,
    clusterArn: service.clusterArn,
    targetRevisionArn: revisionArnOf(service.arn, primary.id),
    sourceRevisionArns: service.deployments
      .filter((d) => d !== primary && d.desiredCount > 0)
      .map((d) => revisionArnOf(service.arn, d.id)),
    status: isOver ? "SUCCESSFUL" : "IN_PROGRESS",
    settings: {
      minimumHealthyPercent: service.minimumHealthyPercent,
      maximumPercent: service.maximumPercent,
    },
    breaker: { status: "DISABLED", failureCount: 0, threshold: 0 },
    createdAt: primary.createdAt,
    startedAt: primary.createdAt,
    finishedAt: isOver ? primary.updatedAt : undefined,
    updatedAt: primary.updatedAt,
  };
}
