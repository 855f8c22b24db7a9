import type { Instant } from "../../runtime/clock.ts";
import type { HealthStatus, PortBinding } from "../container-runtime.ts";
import type { ContainerPayload, TaskPayload } from "../payload/task-payload.ts";

/** In the order a container goes through them; STOPPED may follow any. */
export const CONTAINER_STATUSES = ["NONE", "PULLED", "CREATED", "RUNNING", "STOPPED"] as const;
export type ContainerStatus = (typeof CONTAINER_STATUSES)[number];
export type TaskStatus = ContainerStatus;

/** A contiguous containerPortRange and where it was published. */
export interface RangeBinding {
  readonly containerPortRange: string;
  readonly hostPortRange: string;
  readonly protocol: "tcp" | "udp";
}

/** What the agent knows of one container of a task. */
export interface ContainerRecord {
  readonly name: string;
  /** Chosen and saved before the container exists, so that one made just before a crash is found again by this name. */
  readonly dockerName: string;
  /** The directory name under which the container sees its metadata file; a UUID, chosen like dockerName. */
  readonly metadataId: string;
  status: ContainerStatus;
  runtimeId?: string;
  imageId?: string;
  imageDigest?: string;
  /** By which its image is fetched, once its digest was looked up; otherwise the payload's. */
  imageReference?: string;
  createdAt?: Instant;
  /** Of the latest start. Absent: never started. */
  startedAt?: Instant;
  finishedAt?: Instant;
  /** When the engine was first asked to stop it. */
  stopAskedAt?: Instant;
  exitCode?: number;
  /** Why it stopped or never ran, "<Name>: <detail>". The first one sticks. */
  reason?: string;
  restartCount: number;
  /** `output`: what the check wrote that made it UNHEALTHY, at most 512 characters. */
  health?: { readonly status: HealthStatus; readonly since: Instant; readonly output?: string };
  bindings: readonly PortBinding[];
  rangeBindings: readonly RangeBinding[];
}

/** What was last acknowledged by the control plane about a task. */
export interface SentReport {
  readonly status: "NONE" | "RUNNING" | "STOPPED";
  /** The whole report as text: equal means there is nothing new to say. */
  readonly fingerprint: string;
}

/** A task that was accepted from the control plane. Saved before the payload is acknowledged. */
export interface TaskRecord {
  readonly arn: string;
  readonly payload: TaskPayload;
  /** Order of acceptance; the waiting queue is served by it. */
  readonly sequence: number;
  desiredStatus: "RUNNING" | "STOPPED";
  /** Its resources are counted as used. A task waits, with nothing done for it, until they are free. */
  admitted: boolean;
  readonly containers: readonly ContainerRecord[];
  /** Real names of task-scoped volumes, by the payload's names. Chosen like dockerName. */
  readonly volumeNames: Readonly<Record<string, string>>;
  volumesReady: boolean;
  /** True when the images' digests were looked up, for a task that is asked to tell them. */
  imagesLookedUp?: boolean;
  /** Its control group, "/ecs/<task id>"; chosen like dockerName. Absent: it has no limits of its own as a whole. */
  readonly cgroup?: string;
  /** Why the whole task cannot run. */
  reason?: string;
  pullStartedAt?: Instant;
  pullStoppedAt?: Instant;
  executionStoppedAt?: Instant;
  stoppedAt?: Instant;
  /** It was RUNNING once, so the control plane is told of that even if it has stopped since. */
  reachedRunning: boolean;
  sent: SentReport;
}

/** The last segment of the ARN. */
export function taskId(arn: string): string {
  return arn.slice(arn.lastIndexOf("/") + 1);
}

/** The least advanced of its containers (agent protocol, 6.1); so STOPPED only when all are. */
export function taskStatus(task: TaskRecord): TaskStatus {
  return (
    CONTAINER_STATUSES[Math.min(...task.containers.map((it) => CONTAINER_STATUSES.indexOf(it.status)))] ?? "STOPPED"
  );
}

export function isEssential(container: ContainerPayload): boolean {
  return container.essential ?? true;
}

export function payloadOf(task: TaskRecord, container: ContainerRecord): ContainerPayload {
  const found = task.payload.containers.find((it) => it.name === container.name);
  if (!found) throw new Error(`container ${container.name} is not in the payload of ${task.arn}`);
  return found;
}

/** By which the container's image is fetched. */
export function imageReferenceOf(task: TaskRecord, container: ContainerRecord): string {
  return container.imageReference ?? payloadOf(task, container).image;
}

/** The first reason sticks (agent protocol, 3.6). Reasons are at most 1024 characters on the wire. */
export function noteReason(container: ContainerRecord, reason: string): void {
  container.reason ??= reason.slice(0, 1024);
}
