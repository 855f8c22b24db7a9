import { type ClusterRecord, DEFAULT_CLUSTER } from "../../model/cluster.ts";
import type { TaskDefinitionRecord } from "../../model/task-definition.ts";
import type { BerthView } from "../../store/index.ts";
import { clusterArn, parseArn, parseClusterArn, taskDefinitionArn } from "../../wire/arn.ts";
import type { AccountScope } from "../context.ts";
import { clientError, clusterNotFound, EcsError, invalidParameter } from "./errors.ts";

/** What a cluster and a service may be named. Source: ECS API reference, CreateCluster. */
const NAME = /^[A-Za-z0-9_-]{1,255}$/;
/** Source: ECS API reference, RegisterTaskDefinition. */
const FAMILY = /^[A-Za-z0-9_-]{1,255}$/;

/** Throws InvalidParameterException for what no cluster can be named. */
export function checkClusterName(name: string): void {
  if (!NAME.test(name)) throw invalidParameter(`Cluster must match ^[a-zA-Z0-9\\-_]{1,255}$, but was ${name}`);
}

export function isFamilyName(family: string): boolean {
  return FAMILY.test(family);
}

/**
 * The ACTIVE cluster that a call means by a name or an ARN, `default` when it gives none. Throws ClusterNotFoundException
 * for one that does not exist, was deleted, or belongs to another account or region, and InvalidParameterException for a text
 * that can be neither name nor ARN.
 */
export function resolveCluster(
  tables: Pick<BerthView, "clusters">,
  scope: AccountScope,
  nameOrArn: string | undefined,
): ClusterRecord {
  const found = findCluster(tables, scope, nameOrArn);
  if (found === undefined) throw clusterNotFound();
  if (found.status !== "ACTIVE") {
    throw new EcsError("ClusterNotFoundException", "The referenced cluster was inactive.");
  }
  return found;
}

/** As `resolveCluster`, but a deleted cluster is found too, and one that was never there is undefined. */
export function findCluster(
  tables: Pick<BerthView, "clusters">,
  scope: AccountScope,
  nameOrArn: string | undefined,
): ClusterRecord | undefined {
  const given = nameOrArn === undefined || nameOrArn === "" ? DEFAULT_CLUSTER : nameOrArn;
  if (!given.startsWith("arn:")) {
    checkClusterName(given);
    return tables.clusters.get(clusterArn(scope, { clusterName: given }));
  }
  const parsed = parseClusterArn(given);
  if (parsed === undefined) throw invalidParameter("The ARN provided is invalid.");
  return tables.clusters.get(parsed.arn);
}

/** The ARN of a cluster that a call names, whether it exists or not; for `failures`. */
export function clusterArnOf(scope: AccountScope, nameOrArn: string): string {
  return nameOrArn.startsWith("arn:") ? nameOrArn : arnText(scope, `cluster/${nameOrArn}`);
}

/** Any ECS ARN made of a requested name that was never validated. */
export function arnText(scope: AccountScope, resource: string): string {
  return `arn:${scope.partition}:ecs:${scope.region}:${scope.accountId}:${resource}`;
}

/**
 * Throws InvalidParameterException if an ARN with a cluster's name in it (a task's, a service's, a container instance's) is
 * of another cluster than the call's.
 */
export function checkClusterOf(cluster: ClusterRecord, clusterNameInArn: string): void {
  if (clusterNameInArn !== cluster.name) {
    throw invalidParameter(
      `Invalid identifier: Identifier is for cluster ${clusterNameInArn}. Your cluster is ${cluster.name}`,
    );
  }
}

/** What a call may mean by a task definition. `revision` is undefined for "the latest ACTIVE one". */
export interface TaskDefinitionReference {
  readonly family: string;
  readonly revision?: number;
  /** False for the ARN of another account or region, of which there is nothing here. */
  readonly ours: boolean;
}

/**
 * Takes `family`, `family:revision`, or an ARN of either apart. Throws InvalidParameterException for a revision that is no
 * number, and ClientException for what is none of these.
 */
export function parseTaskDefinitionReference(scope: AccountScope, reference: string): TaskDefinitionReference {
  let name = reference;
  let ours = true;
  if (reference.startsWith("arn:")) {
    const parts = parseArn(reference);
    if (parts === undefined || parts.service !== "ecs" || !parts.resource.startsWith("task-definition/")) {
      throw invalidParameter("The ARN provided is invalid.");
    }
    name = parts.resource.slice("task-definition/".length);
    ours = parts.region === scope.region && parts.accountId === scope.accountId && parts.partition === scope.partition;
  }
  const at = name.indexOf(":");
  const family = at < 0 ? name : name.slice(0, at);
  if (family === "") throw clientError("Task definition can not be blank.");
  if (!isFamilyName(family)) throw clientError("Family contains invalid characters.");
  if (at < 0) return { family, ours };
  const revision = name.slice(at + 1);
  if (!/^[1-9][0-9]{0,9}$/.test(revision)) throw invalidParameter(`Invalid revision number. Number: ${revision}`);
  return { family, revision: Number(revision), ours };
}

type DefinitionTables = Pick<BerthView, "taskDefinitions" | "taskDefinitionFamilies">;

/**
 * The task definition that a call means, of any status; for a family, its latest ACTIVE revision. Undefined if there is
 * none. Throws as `parseTaskDefinitionReference` does.
 */
export function findTaskDefinition(
  tables: DefinitionTables,
  scope: AccountScope,
  reference: string,
): TaskDefinitionRecord | undefined {
  const { family, revision, ours } = parseTaskDefinitionReference(scope, reference);
  if (!ours) return undefined;
  if (revision !== undefined) return tables.taskDefinitions.get(taskDefinitionArn(scope, { family, revision }));
  return latestActive(tables, scope, family);
}

/** From the newest revision down: the newest is nearly always the one, and only deregistered ones are passed over. */
function latestActive(tables: DefinitionTables, scope: AccountScope, family: string): TaskDefinitionRecord | undefined {
  const last = tables.taskDefinitionFamilies.get(family)?.lastRevision ?? 0;
  for (let revision = last; revision > 0; revision--) {
    const found = tables.taskDefinitions.get(taskDefinitionArn(scope, { family, revision }));
    if (found?.status === "ACTIVE") return found;
  }
  return undefined;
}

/**
 * The task definition that a call means, of any status; for a family, its latest ACTIVE revision. Throws ClientException
 * if there is none.
 */
export function resolveTaskDefinition(
  tables: DefinitionTables,
  scope: AccountScope,
  reference: string,
): TaskDefinitionRecord {
  const found = findTaskDefinition(tables, scope, reference);
  if (found === undefined) throw clientError("TaskDefinition not found.");
  return found;
}

/**
 * The task definition that a new task or service is to be made from: as `resolveTaskDefinition`, and it must be ACTIVE.
 * Throws ClientException otherwise.
 */
export function resolveActiveTaskDefinition(
  tables: DefinitionTables,
  scope: AccountScope,
  reference: string,
): TaskDefinitionRecord {
  const found = resolveTaskDefinition(tables, scope, reference);
  if (found.status !== "ACTIVE") throw clientError("TaskDefinition is inactive");
  return found;
}
