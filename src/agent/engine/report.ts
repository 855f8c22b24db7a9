import type { Instant } from "../../runtime/clock.ts";
import type { PortBinding } from "../container-runtime.ts";
import { type ContainerRecord, type RangeBinding, type TaskRecord, taskStatus } from "./task-record.ts";

export interface ContainerReport {
  readonly containerName: string;
  readonly runtimeId?: string;
  readonly imageDigest?: string;
  /** PENDING: nothing but its image's digest is known of it. */
  readonly status: "PENDING" | "RUNNING" | "STOPPED";
  readonly exitCode?: number;
  readonly reason?: string;
  readonly bindings: readonly PortBinding[];
  readonly rangeBindings: readonly RangeBinding[];
}

/** What the control plane is told of a task: its whole present state, so that a repeated or a skipped report does no harm. */
export interface TaskReport {
  readonly task: string;
  readonly status: "PENDING" | "RUNNING" | "STOPPED";
  readonly reason: string;
  readonly pullStartedAt?: Instant;
  readonly pullStoppedAt?: Instant;
  readonly executionStoppedAt?: Instant;
  readonly containers: readonly ContainerReport[];
}

/**
 * The next report to send, or undefined if the control plane knows all there is. A task that ran and stopped before
 * RUNNING was told is first reported RUNNING: the statuses are told in order.
 */
export function nextReport(task: TaskRecord): TaskReport | undefined {
  if (task.sent.status === "STOPPED") return undefined;
  const status = taskStatus(task);
  if (task.reachedRunning && task.sent.status === "NONE") return reportAs(task, "RUNNING");
  if (status === "STOPPED") return reportAs(task, "STOPPED");
  const report = reportAs(task, task.sent.status === "RUNNING" ? "RUNNING" : "PENDING");
  if (report.status === "PENDING" && report.containers.length === 0) return undefined;
  return fingerprint(report) === task.sent.fingerprint ? undefined : report;
}

/** The report as text, to see whether anything in it is new. */
export function fingerprint(report: TaskReport): string {
  return JSON.stringify(report);
}

function reportAs(task: TaskRecord, status: TaskReport["status"]): TaskReport {
  const firstRunning = status === "RUNNING" && task.sent.status === "NONE";
  return {
    task: task.arn,
    status,
    reason: task.reason ?? "",
    pullStartedAt: task.pullStartedAt,
    pullStoppedAt: task.pullStoppedAt,
    executionStoppedAt: status === "STOPPED" ? task.executionStoppedAt : undefined,
    containers: task.containers
      .filter((it) => it.status === "RUNNING" || it.status === "STOPPED" || isTold(task, it))
      .map((it) => containerReport(it, firstRunning ? "RUNNING" : undefined)),
  };
}

/** Its image is told before it is fetched. */
function isTold(task: TaskRecord, container: ContainerRecord): boolean {
  return task.imagesLookedUp === true && container.imageDigest !== undefined;
}

function containerReport(container: ContainerRecord, as: "RUNNING" | undefined): ContainerReport {
  const stopped = container.status === "STOPPED" && as === undefined;
  return {
    containerName: container.name,
    runtimeId: container.runtimeId,
    imageDigest: container.imageDigest,
    status: stopped
      ? "STOPPED"
      : as === "RUNNING" || container.status === "RUNNING" || container.status === "STOPPED"
        ? "RUNNING"
        : "PENDING",
    exitCode: stopped ? container.exitCode : undefined,
    reason: stopped ? container.reason : undefined,
    bindings: container.bindings,
    rangeBindings: container.rangeBindings,
  };
}
