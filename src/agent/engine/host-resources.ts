import { dockerConfigBlobs } from "../payload/docker-config.ts";
import type { TaskPayload } from "../payload/task-payload.ts";
import { type TaskRecord, taskStatus } from "./task-record.ts";

/** What a host has, or what a task takes of it. */
export interface HostResources {
  /** CPU units: 1024 is one processor. */
  readonly cpu: number;
  readonly memoryMiB: number;
  /** Of the host: reserved ports. Of a task: the static ones it publishes. As "8080/tcp". */
  readonly ports: ReadonlySet<string>;
}

const BYTES_PER_MIB = 1024 * 1024;

/** A payload never changes, and every admission asks for the need of every task. */
const knownNeeds = new WeakMap<TaskPayload, HostResources>();

/** What a task takes: its own size, else the sum of its containers' (agent protocol, 6.5). */
export function needOf(task: TaskPayload): HostResources {
  const known = knownNeeds.get(task);
  if (known) return known;
  const need = computeNeed(task);
  knownNeeds.set(task, need);
  return need;
}

function computeNeed(task: TaskPayload): HostResources {
  // A Fargate task has its host to itself, made to its measure: nothing is counted (agent protocol, 2.7).
  if (task.launchType === "FARGATE") return { cpu: 0, memoryMiB: 0, ports: new Set() };
  const ports = new Set<string>();
  let cpu = 0;
  let memoryMiB = 0;
  for (const container of task.containers) {
    cpu += container.cpu ?? 0;
    memoryMiB += reservationMiB(container) ?? container.memory ?? 0;
    for (const mapping of container.portMappings ?? []) {
      const port = task.networkMode === "host" ? mapping.hostPort || mapping.containerPort : mapping.hostPort;
      if (port && task.networkMode !== "none") ports.add(`${port}/${mapping.protocol ?? "tcp"}`);
    }
  }
  return { cpu: task.cpu ? Math.round(task.cpu * 1024) : cpu, memoryMiB: task.memory || memoryMiB, ports };
}

function reservationMiB(container: TaskPayload["containers"][number]): number | undefined {
  const bytes = dockerConfigBlobs(container).hostConfig.MemoryReservation;
  return typeof bytes === "number" && bytes > 0 ? Math.round(bytes / BYTES_PER_MIB) : undefined;
}

/** Why a task could not run here even if the host were empty, as a reason; undefined if it could. */
export function tooLarge(need: HostResources, host: HostResources): string | undefined {
  if (need.cpu > host.cpu)
    return `ResourceInitializationError: the task needs ${need.cpu} CPU units; the host has ${host.cpu}`;
  if (need.memoryMiB > host.memoryMiB)
    return `ResourceInitializationError: the task needs ${need.memoryMiB} MiB of memory; the host has ${host.memoryMiB}`;
  for (const port of need.ports)
    if (host.ports.has(port)) return `ResourceInitializationError: the task needs host port ${port}, which is reserved`;
  return undefined;
}

/**
 * Which waiting tasks may start now, in order of acceptance: the first that does not fit holds up all behind it.
 * A task's resources are free again when it is STOPPED.
 */
export function admissible(tasks: Iterable<TaskRecord>, host: HostResources): TaskRecord[] {
  let { cpu, memoryMiB } = host;
  const ports = new Set(host.ports);
  const take = (need: HostResources) => {
    cpu -= need.cpu;
    memoryMiB -= need.memoryMiB;
    for (const port of need.ports) ports.add(port);
  };
  const waiting: TaskRecord[] = [];
  for (const task of tasks) {
    if (taskStatus(task) === "STOPPED") continue;
    if (task.admitted) take(needOf(task.payload));
    else if (task.desiredStatus === "RUNNING") waiting.push(task);
  }
  const admitted: TaskRecord[] = [];
  for (const task of waiting.sort((a, b) => a.sequence - b.sequence)) {
    const need = needOf(task.payload);
    if (need.cpu > cpu || need.memoryMiB > memoryMiB || !ports.isDisjointFrom(need.ports)) break;
    take(need);
    admitted.push(task);
  }
  return admitted;
}
