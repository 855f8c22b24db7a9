import type { ClusterRecord } from "../../model/cluster.ts";
import type { ServiceRecord } from "../../model/service.ts";
import { deploymentIdOf, revisionArnOf, type ServiceDeploymentRecord } from "../../model/service-deployment.ts";
import type { TaskRecord } from "../../model/task.ts";
import type { BerthView } from "../../store/index.ts";
import { parseArn, parseServiceDeploymentArn } from "../../wire/arn.ts";
import type { AccountScope } from "../context.ts";
import { serviceArnOf } from "../ecs/services/resolve.ts";
import { taskArnOf } from "../ecs/tasks/resolve.ts";
import { invalidParameter, resourceNotFound } from "./errors.ts";

/** What a person may ask about. */
export type Resource =
  | { readonly kind: "SERVICE"; readonly service: ServiceRecord }
  | {
      readonly kind: "DEPLOYMENT";
      readonly service: ServiceRecord;
      readonly deploymentId: string;
      /** The newest of its history, if there is one. */
      readonly record?: ServiceDeploymentRecord;
    }
  | { readonly kind: "TASK"; readonly task: TaskRecord };

/** As long as the longest ARN here, with room to spare. */
const MAX_LENGTH = 1024;
const DEPLOYMENT_ID = /^ecs-svc\/\d{1,19}$/;

type Tables = Pick<BerthView, "services" | "serviceDeployments" | "tasks">;

/**
 * The service, deployment or task that a text means: a service's name, a task's id, a deployment's id, or the ARN of
 * a service, a service deployment or a task. A service's name comes first. Throws InvalidParameterException for an ARN of something else or of
 * another cluster, ResourceNotFoundException for what is not there.
 */
export function resolveResource(tables: Tables, scope: AccountScope, cluster: ClusterRecord, text: string): Resource {
  if (text === "" || text.length > MAX_LENGTH)
    throw invalidParameter(`resource must have 1 to ${MAX_LENGTH} characters.`);
  const found = find(tables, scope, cluster, text);
  if (found === undefined) {
    throw resourceNotFound(`Cluster ${cluster.name} has no service, deployment or task '${text}'.`);
  }
  return found;
}

function find(tables: Tables, scope: AccountScope, cluster: ClusterRecord, text: string): Resource | undefined {
  if (parseServiceDeploymentArn(text) !== undefined) return findServiceDeployment(tables, cluster, text);
  if (DEPLOYMENT_ID.test(text)) return findDeployment(tables, cluster, text);
  return findService(tables, scope, cluster, text) ?? findTask(tables, scope, cluster, text);
}

/** What an ARN is of, or undefined for what is no ARN. Throws InvalidParameterException for one of neither. */
function typeOf(text: string): "service" | "task" | undefined {
  if (!text.startsWith("arn:")) return undefined;
  const parts = parseArn(text);
  const type = parts?.service === "ecs" ? parts.resource.slice(0, parts.resource.indexOf("/")) : undefined;
  if (type !== "service" && type !== "task") {
    throw invalidParameter("The ARN must be that of a service, a service deployment or a task.");
  }
  return type;
}

function findService(tables: Tables, scope: AccountScope, cluster: ClusterRecord, text: string): Resource | undefined {
  if (typeOf(text) === "task") return undefined;
  const service = tables.services.get(serviceArnOf(scope, cluster, text));
  return service === undefined ? undefined : { kind: "SERVICE", service };
}

function findTask(tables: Tables, scope: AccountScope, cluster: ClusterRecord, text: string): Resource | undefined {
  if (typeOf(text) === "service") return undefined;
  const task = tables.tasks.get(taskArnOf(scope, cluster, text));
  return task === undefined ? undefined : { kind: "TASK", task };
}

/** One of a service's present deployments, or one whose history or tasks are still known. A task set is told of with its service. */
function findDeployment(tables: Tables, cluster: ClusterRecord, deploymentId: string): Resource | undefined {
  const services = tables.services.where("cluster", cluster.arn);
  const ofSet = services.find((s) => s.taskSets?.some((set) => set.deployment.id === deploymentId));
  if (ofSet !== undefined) return { kind: "SERVICE", service: ofSet };
  const historyOf = (s: ServiceRecord) =>
    tables.serviceDeployments.where("targetRevision", revisionArnOf(s.arn, deploymentId));
  const service =
    services.find((s) => s.deployments.some((d) => d.id === deploymentId)) ??
    services.find((s) => historyOf(s).length > 0) ??
    services.find((s) => tables.tasks.where("serviceStopped", s.arn).some((t) => t.deploymentId === deploymentId));
  if (service === undefined) return undefined;
  const [newest] = historyOf(service).toSorted((a, b) => b.createdAt - a.createdAt);
  return { kind: "DEPLOYMENT", service, deploymentId, record: newest };
}

/** The deployment of a service deployment's ARN. */
function findServiceDeployment(tables: Tables, cluster: ClusterRecord, arn: string): Resource | undefined {
  const record = tables.serviceDeployments.get(arn);
  const service = record === undefined ? undefined : tables.services.get(record.serviceArn);
  if (record === undefined || service === undefined || record.clusterArn !== cluster.arn) return undefined;
  return { kind: "DEPLOYMENT", service, deploymentId: deploymentIdOf(record.targetRevisionArn), record };
}
