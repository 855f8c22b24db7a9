import type { ClusterRecord } from "../../model/cluster.ts";
import type { ServiceRecord } from "../../model/service.ts";
import type { TaskRecord } from "../../model/task.ts";
import type { BerthView } from "../../store/index.ts";
import { parseArn } from "../../wire/arn.ts";
import type { AccountScope } from "../context.ts";
import { serviceArnOf } from "../ecs/services/resolve.ts";
import { taskArnOf } from "../ecs/tasks/resolve.ts";
import { invalidParameter, resourceNotFound } from "./errors.ts";

/** What a person may ask about. */
export type Resource =
  | { readonly kind: "SERVICE"; readonly service: ServiceRecord }
  | { readonly kind: "DEPLOYMENT"; readonly service: ServiceRecord; readonly deploymentId: string }
  | { readonly kind: "TASK"; readonly task: TaskRecord };

/** As long as the longest ARN here, with room to spare. */
const MAX_LENGTH = 1024;
const DEPLOYMENT_ID = /^ecs-svc\/\d{1,19}$/;

type Tables = Pick<BerthView, "services" | "tasks">;

/**
 * The service, deployment or task that a text means: a service's name, a task's id, a deployment's id, or an ARN of a
 * service or a task. A service's name comes first. Throws InvalidParameterException for an ARN of something else or of
 * another cluster, ResourceNotFoundException for what is not there.
 */
export function resolveResource(tables: Tables, scope: AccountScope, cluster: ClusterRecord, text: string): Resource {
  if (text === "" || text.length > MAX_LENGTH)
    throw invalidParameter(`resource must have 1 to ${MAX_LENGTH} characters.`);
  const found = DEPLOYMENT_ID.test(text)
    ? findDeployment(tables, cluster, text)
    : (findService(tables, scope, cluster, text) ?? findTask(tables, scope, cluster, text));
  if (found === undefined) {
    throw resourceNotFound(`Cluster ${cluster.name} has no service, deployment or task '${text}'.`);
  }
  return found;
}

/** What an ARN is of, or undefined for what is no ARN. Throws InvalidParameterException for one of neither. */
function typeOf(text: string): "service" | "task" | undefined {
  if (!text.startsWith("arn:")) return undefined;
  const parts = parseArn(text);
  const type = parts?.service === "ecs" ? parts.resource.slice(0, parts.resource.indexOf("/")) : undefined;
  if (type !== "service" && type !== "task") {
    throw invalidParameter(
      "The ARN must be that of a service or a task; a deployment is given by its id, ecs-svc/<number>.",
    );
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

/** One of a service's present deployments, or one of whose tasks something is still known. */
function findDeployment(tables: Tables, cluster: ClusterRecord, deploymentId: string): Resource | undefined {
  const services = tables.services.where("cluster", cluster.arn);
  const service =
    services.find((s) => s.deployments.some((d) => d.id === deploymentId)) ??
    services.find((s) => tables.tasks.where("serviceStopped", s.arn).some((t) => t.deploymentId === deploymentId));
  return service === undefined ? undefined : { kind: "DEPLOYMENT", service, deploymentId };
}
