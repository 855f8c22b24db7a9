import { isDeepStrictEqual } from "node:util";
import type { TaskStopCode } from "@aws-sdk/client-ecs";
import { type ContainerRecord, mayMove, type TaskRecord, type TaskStatus, taskHealth } from "../model/task.ts";
import type { Instant } from "../runtime/clock.ts";
import type { BerthTransaction } from "../store/index.ts";

/** Why a task is stopped, in ECS's words. */
export interface StopCause {
  readonly stopCode: TaskStopCode;
  readonly reason: string;
}

/** What a host's agent says of a task: SubmitTaskStateChange with its numbers as instants. */
export interface TaskReport {
  readonly status: "PENDING" | "RUNNING" | "STOPPED";
  readonly reason?: string;
  /** Only the containers that changed; each replaces what was known of the container of that name. */
  readonly containers: readonly ContainerReport[];
  readonly pullStartedAt?: Instant;
  readonly pullStoppedAt?: Instant;
  readonly executionStoppedAt?: Instant;
}

export type ContainerReport = Pick<ContainerRecord, "name"> &
  Partial<
    Pick<ContainerRecord, "lastStatus" | "runtimeId" | "imageDigest" | "exitCode" | "reason" | "networkBindings">
  >;

/** Records a task that has been placed; from now on it holds its resources there. Throws if the instance is not there. */
export function launchTask(tx: BerthTransaction, task: TaskRecord): TaskRecord {
  if (task.containerInstanceArn !== undefined && tx.containerInstances.get(task.containerInstanceArn) === undefined)
    throw new Error(`task ${task.arn} was placed on ${task.containerInstanceArn}, which is not there`);
  return tx.tasks.put(task);
}

/**
 * Lets a task's agent be told of it, with the images by these digests (by container name), or `tellsImages` to tell them
 * first. Does nothing if the agent may be told already.
 */
export function releaseTask(
  tx: BerthTransaction,
  arn: TaskRecord["arn"],
  { digests, tellsImages }: { readonly digests: ReadonlyMap<string, string>; readonly tellsImages: boolean },
): void {
  const task = tx.tasks.get(arn);
  if (task?.awaitsImages !== true) return;
  const containers = task.containers.map((c) => ({ ...c, pinnedDigest: digests.get(c.name) }));
  tx.tasks.put({ ...task, awaitsImages: undefined, tellsImages: tellsImages || undefined, containers });
}

/**
 * Wants a task stopped. A task that the load balancer sends requests to is taken out of rotation first (DEACTIVATING)
 * and told to stop only when its targets are drained. Stopping a task twice changes nothing: the first cause stands.
 */
export function requestStop(tx: BerthTransaction, task: TaskRecord, cause: StopCause, now: Instant): TaskRecord {
  if (task.desiredStatus === "STOPPED") return task;
  const wanted: TaskRecord = {
    ...task,
    desiredStatus: "STOPPED",
    stopCode: cause.stopCode,
    stoppedReason: cause.reason,
    stoppingAt: now,
  };
  if (task.containerInstanceArn === undefined) return moveTask(tx, wanted, "STOPPED", now);
  const registered = tx.targets.count("task", task.arn) > 0;
  return moveTask(tx, wanted, registered ? "DEACTIVATING" : "STOPPING", now);
}

/** Protects a task from scale-in until then; undefined takes its protection away. */
export function protectTask(tx: BerthTransaction, task: TaskRecord, until: Instant | undefined): TaskRecord {
  return tx.tasks.put({ ...task, protectedUntil: until });
}

/** Takes in what a task's agent reported. A repeated or late report changes nothing that went further already. */
export function applyReport(tx: BerthTransaction, task: TaskRecord, report: TaskReport, now: Instant): TaskRecord {
  if (task.lastStatus === "STOPPED") return task;
  const containers = mergeContainers(task, report);
  const next: TaskRecord = {
    ...task,
    containers,
    healthStatus: taskHealth(containers),
    pullStartedAt: task.pullStartedAt ?? report.pullStartedAt,
    pullStoppedAt: task.pullStoppedAt ?? report.pullStoppedAt,
    executionStoppedAt: task.executionStoppedAt ?? report.executionStoppedAt,
    delivered: { ...task.delivered, start: true },
  };
  switch (report.status) {
    case "PENDING":
      return put(tx, task, next);
    case "RUNNING": {
      const started = { ...next, startedAt: task.startedAt ?? now };
      return mayMove(task.lastStatus, "RUNNING") ? moveTask(tx, started, "RUNNING", now) : put(tx, task, next);
    }
    case "STOPPED":
      return moveTask(tx, { ...next, ...stopOf(next, report) }, "STOPPED", now);
  }
}

/** Lets a task whose targets are drained go on to be stopped by its agent. Does nothing in any other state. */
export function finishDraining(tx: BerthTransaction, task: TaskRecord, now: Instant): TaskRecord {
  return task.lastStatus === "DEACTIVATING" ? moveTask(tx, task, "STOPPING", now) : task;
}

/** Gives a task up whose host is gone: it is STOPPED in the records, whatever still runs there. */
export function abandonTask(tx: BerthTransaction, task: TaskRecord, cause: StopCause, now: Instant): TaskRecord {
  if (task.lastStatus === "STOPPED") return task;
  const containers = task.containers.map((c) => ({ ...c, lastStatus: "STOPPED" as const }));
  const stopped: TaskRecord = {
    ...task,
    containers,
    desiredStatus: "STOPPED",
    stopCode: task.stopCode ?? cause.stopCode,
    stoppedReason: task.stoppedReason ?? cause.reason,
    stoppingAt: task.stoppingAt ?? now,
  };
  return moveTask(tx, stopped, "STOPPED", now);
}

/** The health of a task's containers, by name. */
export type ContainersHealth = ReadonlyMap<string, Pick<ContainerRecord, "healthStatus" | "healthOutput">>;

/**
 * Sets a container's health as its agent saw it; the task's health follows. Does nothing for an unknown container, nor where
 * only the output is another one: it would change with each check.
 */
export function applyHealth(tx: BerthTransaction, task: TaskRecord, health: ContainersHealth): TaskRecord {
  if (task.lastStatus === "STOPPED") return task;
  const containers = task.containers.map((c) => {
    const seen = health.get(c.name);
    if (seen === undefined || seen.healthStatus === c.healthStatus) return c;
    return { ...c, healthStatus: seen.healthStatus, healthOutput: seen.healthOutput };
  });
  if (containers.every((c, i) => c === task.containers[i])) return task;
  return put(tx, task, { ...task, containers, healthStatus: taskHealth(containers) });
}

function moveTask(tx: BerthTransaction, task: TaskRecord, to: TaskStatus, now: Instant): TaskRecord {
  const before = tx.tasks.get(task.arn) ?? task;
  if (before.lastStatus !== to && !isLegal(before.lastStatus, to)) {
    throw new Error(`task ${task.arn} cannot go from ${before.lastStatus} to ${to}`);
  }
  const stopping = to === "STOPPED";
  return put(tx, before, {
    ...task,
    lastStatus: to,
    ...(stopping ? { desiredStatus: "STOPPED" as const, stoppingAt: task.stoppingAt ?? now, stoppedAt: now } : {}),
  });
}

/** STOPPED is reached from every status: an agent reports it, or the server gives a lost task up. */
function isLegal(from: TaskStatus, to: TaskStatus): boolean {
  return mayMove(from, to) || (to === "STOPPED" && from !== "STOPPED");
}

/** Stores `after` with the next version if a watcher of ECS would see a difference. */
function put(tx: BerthTransaction, before: TaskRecord, after: TaskRecord): TaskRecord {
  const visible =
    before.lastStatus !== after.lastStatus ||
    before.desiredStatus !== after.desiredStatus ||
    before.healthStatus !== after.healthStatus ||
    before.containers !== after.containers;
  return tx.tasks.put(visible ? { ...after, version: before.version + 1 } : after);
}

/**
 * The containers with what was reported of them; the very same list if it says nothing new. A container never goes back
 * to an earlier status, and its first reason stays.
 */
function mergeContainers(task: TaskRecord, report: TaskReport): readonly ContainerRecord[] {
  const reported = new Map(report.containers.map((c) => [c.name, c]));
  const merged = task.containers.map((known) => {
    const news = { ...reported.get(known.name), ...(report.status === "STOPPED" ? { lastStatus: "STOPPED" } : {}) };
    const given = Object.entries(news).filter(
      ([name, value]) => value !== undefined && !isDeepStrictEqual(value, known[name as keyof ContainerRecord]),
    );
    if (given.length === 0) return known;
    const next: ContainerRecord = { ...known, ...Object.fromEntries(given), reason: known.reason ?? news.reason };
    return isLater(next.lastStatus, known.lastStatus) ? next : { ...next, lastStatus: known.lastStatus };
  });
  return merged.every((container, i) => container === task.containers[i]) ? task.containers : merged;
}

const CONTAINER_STATUSES = ["PENDING", "RUNNING", "STOPPED"] as const;

function isLater(one: ContainerRecord["lastStatus"], other: ContainerRecord["lastStatus"]): boolean {
  return CONTAINER_STATUSES.indexOf(one) > CONTAINER_STATUSES.indexOf(other);
}

/** The cause of a stop that nobody asked for, worked out from what the agent reported. Source: ECS stopped task codes. */
function stopOf(task: TaskRecord, report: TaskReport): Partial<Pick<TaskRecord, "stopCode" | "stoppedReason">> {
  if (task.stopCode !== undefined) return {};
  const ofContainer = task.containers.find((c) => c.reason !== undefined && c.reason !== "")?.reason;
  const said = report.reason === undefined || report.reason === "" ? undefined : report.reason;
  if (task.startedAt === undefined) {
    return { stopCode: "TaskFailedToStart", stoppedReason: said ?? ofContainer ?? "Task failed to start" };
  }
  return { stopCode: "EssentialContainerExited", stoppedReason: said ?? "Essential container in task exited" };
}
