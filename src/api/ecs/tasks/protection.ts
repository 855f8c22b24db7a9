import type { Failure, ProtectedTask } from "@aws-sdk/client-ecs";
import { isProtected, PROTECTION_MINUTES, type TaskRecord } from "../../../model/task.ts";
import type { Instant } from "../../../runtime/clock.ts";
import { protectTask } from "../../../state/index.ts";
import type { BerthView } from "../../../store/index.ts";
import { invalidParameter } from "../errors.ts";
import type { Operation } from "../operation.ts";
import { resolveCluster } from "../resolve.ts";
import { taskArnOf } from "./resolve.ts";

/** Source: ECS API reference, GetTaskProtection and UpdateTaskProtection. */
const MAX_ASKED = 100;
const MAX_UPDATED = 10;

/**
 * Whether tasks of services are protected from scale-in, and until when. The tasks must be named: ECS does not say what an
 * empty list would mean. What is not there is a failure MISSING, what no service has started a failure TASK_NOT_VALID.
 */
export const getTaskProtection: Operation<"GetTaskProtection"> = ({ store, scope, clock }, input) => {
  const now = clock.now();
  const cluster = resolveCluster(store.view, scope, input.cluster);
  const arns = namedTasks(input.tasks ?? [], MAX_ASKED, (task) => taskArnOf(scope, cluster, task));
  const answer = { protectedTasks: [] as ProtectedTask[], failures: [] as Failure[] };
  for (const arn of arns) {
    const task = store.view.tasks.get(arn);
    const failure = failureOf(arn, task);
    if (task === undefined || failure !== undefined) answer.failures.push(failure ?? { arn, reason: "MISSING" });
    else answer.protectedTasks.push(toWire(task, now));
  }
  return answer;
};

/**
 * Protects tasks of services from scale-in for `expiresInMinutes` (1..2880, 120 if not given) from now, or takes their protection
 * away. Beside GetTaskProtection's failures there is DEPLOYMENT_BLOCKED: while a deployment waits, no more tasks may be protected
 * than the service is to have. Source: ECS API reference, UpdateTaskProtection.
 */
export const updateTaskProtection: Operation<"UpdateTaskProtection"> = async ({ store, scope, clock }, input) => {
  const { protectionEnabled, expiresInMinutes: minutes = PROTECTION_MINUTES.default } = input;
  if (minutes < PROTECTION_MINUTES.min || minutes > PROTECTION_MINUTES.max) {
    throw invalidParameter(
      `expiresInMinutes must be between ${PROTECTION_MINUTES.min} and ${PROTECTION_MINUTES.max} minutes.`,
    );
  }
  const now = clock.now();
  const until = protectionEnabled ? now + minutes * 60_000 : undefined;
  return store.transact("UpdateTaskProtection", (tx) => {
    const cluster = resolveCluster(tx, scope, input.cluster);
    const arns = namedTasks(input.tasks, MAX_UPDATED, (task) => taskArnOf(scope, cluster, task));
    const answer = { protectedTasks: [] as ProtectedTask[], failures: [] as Failure[] };
    for (const arn of arns) {
      const task = tx.tasks.get(arn);
      const failure = failureOf(arn, task) ?? (protectionEnabled && task ? blockedBy(tx, task, now) : undefined);
      if (task === undefined || failure !== undefined) answer.failures.push(failure ?? { arn, reason: "MISSING" });
      else answer.protectedTasks.push(toWire(protectTask(tx, task, until), now));
    }
    return answer;
  });
};

function namedTasks(tasks: readonly string[], max: number, arnOf: (task: string) => string): ReadonlySet<string> {
  if (tasks.length === 0) throw invalidParameter("Tasks cannot be empty.");
  if (tasks.length > max) throw invalidParameter(`Tasks cannot have more than ${max} elements.`);
  return new Set(tasks.map(arnOf));
}

/** Why a task has no protection at all. A task that is to stop has none to give. */
function failureOf(arn: string, task: TaskRecord | undefined): Failure | undefined {
  if (task === undefined) return { arn, reason: "MISSING" };
  if (task.serviceArn === undefined) {
    return { arn, reason: "TASK_NOT_VALID", detail: "The task is not part of an Amazon ECS service." };
  }
  if (task.desiredStatus === "STOPPED") {
    return { arn, reason: "TASK_NOT_VALID", detail: "The task is stopping or has stopped." };
  }
  return undefined;
}

/** DEPLOYMENT_BLOCKED if a deployment waits and with this task more would be protected than the service is to have. */
function blockedBy(tables: Pick<BerthView, "services" | "tasks">, task: TaskRecord, now: Instant): Failure | undefined {
  const service = task.serviceArn === undefined ? undefined : tables.services.get(task.serviceArn);
  if (service === undefined || !service.deployments.some((d) => d.rolloutState === "IN_PROGRESS")) return undefined;
  const others = tables.tasks
    .where("service", service.arn)
    .filter((t) => t.arn !== task.arn && t.desiredStatus === "RUNNING" && isProtected(t, now)).length;
  if (others + 1 <= service.desiredCount) return undefined;
  const detail = `${others} other tasks are protected, and the service's deployment waits for all but ${service.desiredCount}.`;
  return { arn: task.arn, reason: "DEPLOYMENT_BLOCKED", detail };
}

function toWire(task: TaskRecord, now: Instant): ProtectedTask {
  const { protectedUntil } = task;
  const isOn = isProtected(task, now) && protectedUntil !== undefined;
  return {
    taskArn: task.arn,
    protectionEnabled: isOn,
    ...(isOn ? { expirationDate: new Date(protectedUntil) } : {}),
  };
}
