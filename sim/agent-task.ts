import type { Instant } from "../src/runtime/clock.ts";
import type { PortBinding } from "./host.ts";

/** The parts of a payload's task that a simulated agent goes by. */
export interface TaskPayload {
  readonly arn: string;
  readonly desiredStatus: string;
  readonly cpu?: number;
  readonly memory?: number;
  readonly containers?: readonly ContainerPayload[];
  readonly networkMode?: string;
}

export interface ContainerPayload {
  readonly name: string;
  readonly image: string;
  readonly cpu?: number;
  readonly memory?: number;
  readonly stopTimeout?: number;
  readonly healthCheckType?: string;
  readonly portMappings?: readonly { readonly containerPort?: number; readonly hostPort?: number }[];
}

/** What an agent keeps of a task on its disk. */
export interface AgentTask {
  readonly arn: string;
  /** Undefined for a task that was only ever told to stop. */
  readonly payload: TaskPayload | undefined;
  desired: "RUNNING" | "STOPPED";
  status: "NONE" | "RUNNING" | "STOPPED";
  /** Its host ports are its own; until then it waits. */
  admitted: boolean;
  reason: string | undefined;
  exitCode: number | undefined;
  bindings: readonly PortBinding[];
  runtimeId: string | undefined;
  pullStartedAt: Instant | undefined;
  pullStoppedAt: Instant | undefined;
  executionStoppedAt: Instant | undefined;
  reachedRunning: boolean;
  /** The status that the control plane has acknowledged. */
  sent: "NONE" | "RUNNING" | "STOPPED";
}

/** What survives the agent's process. */
export interface AgentDisk {
  instanceId: string;
  arn: string | undefined;
  latestSequence: number;
  readonly tasks: Map<string, AgentTask>;
  /** The bytes of each task's first payload: a repeated one must be the same. */
  readonly payloads: Map<string, string>;
}

export function newAgentDisk(instanceId: string): AgentDisk {
  return { instanceId, arn: undefined, latestSequence: 0, tasks: new Map(), payloads: new Map() };
}

export function newAgentTask(arn: string, payload: TaskPayload | undefined): AgentTask {
  return {
    arn,
    payload,
    desired: "RUNNING",
    status: "NONE",
    admitted: false,
    reason: undefined,
    exitCode: undefined,
    bindings: [],
    runtimeId: undefined,
    pullStartedAt: undefined,
    pullStoppedAt: undefined,
    executionStoppedAt: undefined,
    reachedRunning: false,
    sent: "NONE",
  };
}

/** The fixed host ports of a task. */
export function fixedPorts(task: AgentTask): readonly number[] {
  const inHostMode = task.payload?.networkMode === "host";
  return (task.payload?.containers ?? []).flatMap((c) =>
    (c.portMappings ?? []).flatMap((p) => {
      const port = inHostMode ? (p.containerPort ?? 0) : (p.hostPort ?? 0);
      return port === 0 ? [] : [port];
    }),
  );
}

/** The next report of a task, or undefined if all is told. RUNNING is told before STOPPED. */
export function nextReport(task: AgentTask): "RUNNING" | "STOPPED" | undefined {
  if (task.sent === "STOPPED") return undefined;
  if (task.reachedRunning && task.sent === "NONE") return "RUNNING";
  return task.status === "STOPPED" ? "STOPPED" : undefined;
}

/** A report as SubmitTaskStateChange's input. */
export function reportOf(cluster: string, task: AgentTask, status: "RUNNING" | "STOPPED"): object {
  const date = (at: Instant | undefined) => (at === undefined ? undefined : new Date(at));
  return {
    cluster,
    task: task.arn,
    status,
    reason: status === "STOPPED" ? task.reason : undefined,
    pullStartedAt: date(task.pullStartedAt),
    pullStoppedAt: date(task.pullStoppedAt),
    executionStoppedAt: status === "STOPPED" ? date(task.executionStoppedAt) : undefined,
    containers: (task.payload?.containers ?? []).map(({ name }, i) => ({
      containerName: name,
      runtimeId: task.runtimeId,
      status,
      exitCode: status === "STOPPED" ? task.exitCode : undefined,
      reason: status === "STOPPED" ? task.reason : undefined,
      networkBindings: i === 0 ? task.bindings : [],
    })),
  };
}
