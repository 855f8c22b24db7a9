import type { ClusterRecord } from "../../model/cluster.ts";
import type { ContainerRecord, TaskRecord } from "../../model/task.ts";
import { clusterArn, parseArn, parseTaskArn, parseTaskDefinitionArn, taskArn } from "../../wire/arn.ts";
import type { AccountScope, ApiContext } from "../context.ts";
import { invalidParameter, logGroupNotFound, logStreamNotFound } from "./errors.ts";

/** Each cluster is a log group, `/berth/<cluster>`. */
const GROUP_PREFIX = "/berth/";
const CLUSTER_NAME = /^[A-Za-z0-9_-]{1,255}$/;
const TASK_ID = /^[A-Za-z0-9-]{1,64}$/;
const GROUP_RESOURCE = /^log-group:(?<name>[^:*]+)(:\*)?$/;

export function logGroupName(cluster: ClusterRecord): string {
  return GROUP_PREFIX + cluster.name;
}

/** The ARN of a log group, without the `:*` that stands for its streams. */
export function logGroupArn({ partition, region, accountId }: AccountScope, name: string): string {
  return `arn:${partition}:logs:${region}:${accountId}:log-group:${name}`;
}

/** Each container of a task is a log stream, `<family>/<container>/<task id>`, as the awslogs driver names them. */
export function logStreamName(task: TaskRecord, container: ContainerRecord): string {
  const family = parseTaskDefinitionArn(task.taskDefinitionArn)?.family ?? "";
  return `${family}/${container.name}/${parseTaskArn(task.arn)?.taskId ?? ""}`;
}

/** A log group's name from its name or its ARN. Undefined for the ARN of something else or of another account. */
export function groupNameOf(scope: AccountScope, nameOrArn: string): string | undefined {
  if (!nameOrArn.startsWith("arn:")) return nameOrArn;
  const parts = parseArn(nameOrArn);
  if (parts?.service !== "logs" || parts.region !== scope.region || parts.accountId !== scope.accountId)
    return undefined;
  return GROUP_RESOURCE.exec(parts.resource)?.groups?.name;
}

/**
 * The cluster that a call means by its log group. Throws InvalidParameterException if it gives none or two, and
 * ResourceNotFoundException if there is none.
 */
export function resolveGroup(
  { store, scope }: ApiContext,
  input: { readonly logGroupName?: string; readonly logGroupIdentifier?: string },
): ClusterRecord {
  const { logGroupName: name, logGroupIdentifier: identifier } = input;
  if ((name === undefined) === (identifier === undefined))
    throw invalidParameter("Exactly one of logGroupName and logGroupIdentifier must be given.");
  const group = name ?? groupNameOf(scope, identifier ?? "") ?? "";
  const clusterName = group.startsWith(GROUP_PREFIX) ? group.slice(GROUP_PREFIX.length) : "";
  if (!CLUSTER_NAME.test(clusterName)) throw logGroupNotFound();
  const cluster = store.view.clusters.get(clusterArn(scope, { clusterName }));
  if (cluster === undefined) throw logGroupNotFound();
  return cluster;
}

/** The task's container that a log stream's name means. Throws ResourceNotFoundException if there is none. */
export function resolveStream(
  { store, scope }: ApiContext,
  cluster: ClusterRecord,
  streamName: string,
): { readonly task: TaskRecord; readonly container: ContainerRecord } {
  const taskId = streamName.slice(streamName.lastIndexOf("/") + 1);
  if (!TASK_ID.test(taskId)) throw logStreamNotFound();
  const task = store.view.tasks.get(taskArn(scope, { clusterName: cluster.name, taskId }));
  const container = task?.containers.find((it) => logStreamName(task, it) === streamName);
  if (task === undefined || container === undefined) throw logStreamNotFound();
  return { task, container };
}
