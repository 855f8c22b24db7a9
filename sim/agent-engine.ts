import {
  type AgentDisk,
  type AgentTask,
  fixedPorts,
  newAgentTask,
  nextReport,
  reportOf,
  type TaskPayload,
} from "./agent-task.ts";
import { isPassing, isUnknownTask } from "./api-call.ts";
import type { Chance } from "./chance.ts";
import type { Container, Host } from "./host.ts";
import type { ProcessClock } from "./virtual-time.ts";

const FIRST_RETRY_MS = 50;
const MAX_RETRY_MS = 5_000;
/** A report that was refused and will most likely be again. */
const REFUSED_RETRY_MS = 30_000;
/** How long a stopped container is kept. */
const CLEANUP_MS = 3 * 60 * 60 * 1000;
const STOP_TIMEOUT_MS = 30_000;

export interface EngineParts {
  readonly host: Host;
  readonly disk: AgentDisk;
  readonly clock: ProcessClock;
  readonly chance: Chance;
  /** SubmitTaskStateChange. */
  readonly submit: (input: object) => Promise<unknown>;
  readonly tell: (what: string) => void;
  /** A promise of the control plane to its agents is broken. */
  readonly broken: (promise: string, what: string) => void;
  /** A task is told to stop by the control plane's word. */
  readonly onStopOrder: (taskArn: string) => void;
  /** The health of these tasks is to be published. */
  readonly onHealth: (tasks: readonly AgentTask[]) => void;
}

/** The part of a simulated agent that turns tasks into containers, and tells of them until it is acknowledged. */
export class AgentEngine {
  readonly #parts: EngineParts;
  readonly #reporting = new Set<string>();
  readonly #starting = new Set<string>();

  constructor(parts: EngineParts) {
    this.#parts = parts;
  }

  /** Takes up the tasks on disk. */
  start(): void {
    const { disk, clock } = this.#parts;
    for (const task of disk.tasks.values()) {
      if (task.status === "STOPPED") clock.after(CLEANUP_MS, () => this.#cleanUp(task.arn));
      this.#lookAtContainer(task);
      this.#advance(task);
    }
  }

  /** A container of its host exited or changed its health. */
  containerChanged(container: Container): void {
    const { clock, chance, disk, onHealth } = this.#parts;
    if (clock.isDead) return;
    clock.after(chance.between(1, 40), () => {
      const task = disk.tasks.get(container.spec.taskArn);
      if (task === undefined) return;
      this.#lookAtContainer(task);
      this.#advance(task);
      if (container.spec.checksHealth && task.status === "RUNNING") onHealth([task]);
    });
  }

  /** Every task of this host stops: its container instance is deregistered. */
  stopAll(): void {
    for (const task of this.#parts.disk.tasks.values()) {
      if (task.desired === "STOPPED") continue;
      task.desired = "STOPPED";
      this.#advance(task);
    }
  }

  /** Whether a task that runs has a health check. */
  get hasHealthChecks(): boolean {
    return [...this.#parts.disk.tasks.values()].some(
      (t) => t.status === "RUNNING" && t.payload?.containers?.[0]?.healthCheckType === "docker",
    );
  }

  startByOrder(payload: TaskPayload): void {
    const { disk, broken } = this.#parts;
    const { arn } = payload;
    const text = JSON.stringify(payload);
    const before = disk.payloads.get(arn);
    if (before !== undefined && before !== text) broken("payloads of a task are the same bytes each time", arn);
    disk.payloads.set(arn, text);
    if (disk.tasks.has(arn)) return;
    const task = newAgentTask(arn, payload);
    disk.tasks.set(arn, task);
    this.#advance(task);
  }

  stopByOrder(arn: string): void {
    const { disk, onStopOrder } = this.#parts;
    let task = disk.tasks.get(arn);
    if (task === undefined) {
      task = newAgentTask(arn, undefined);
      task.status = "STOPPED";
      task.reason = "TaskStateError: Agent could not progress task's state to stopped";
      disk.tasks.set(arn, task);
    } else if (task.status !== "STOPPED") onStopOrder(arn);
    task.desired = "STOPPED";
    this.#advance(task);
  }

  /** Does what a task needs next. Asking twice does no harm. */
  #advance(task: AgentTask): void {
    if (task.status === "STOPPED") {
      this.#report(task);
      return;
    }
    const container = this.#parts.host.containers.get(task.arn);
    if (task.desired === "STOPPED") {
      if (container?.status === "running") {
        const seconds = task.payload?.containers?.[0]?.stopTimeout;
        this.#parts.host.stop(container, seconds === undefined ? STOP_TIMEOUT_MS : seconds * 1000);
      } else if (!this.#starting.has(task.arn)) this.#end(task, undefined, undefined);
      return;
    }
    if (task.status === "RUNNING") this.#report(task);
    else if (container === undefined && this.#admit(task)) void this.#makeContainer(task);
  }

  #admit(task: AgentTask): boolean {
    if (task.admitted) return true;
    const taken = [...this.#parts.disk.tasks.values()]
      .filter((t) => t.admitted && t.status !== "STOPPED")
      .flatMap(fixedPorts);
    task.admitted = fixedPorts(task).every((port) => !taken.includes(port));
    return task.admitted;
  }

  async #makeContainer(task: AgentTask): Promise<void> {
    const spec = task.payload?.containers?.[0];
    if (spec === undefined || this.#starting.has(task.arn)) return;
    const { chance } = this.#parts;
    const behaviour = this.#parts.host.behaviour(spec.image);
    this.#starting.add(task.arn);
    task.pullStartedAt ??= this.#parts.clock.now();
    await this.#parts.clock.sleep(behaviour.pullMs * chance.between(0.5, 1.5));
    task.pullStoppedAt ??= this.#parts.clock.now();
    const failsPull = chance.is(behaviour.pullFails);
    if (!failsPull && task.desired === "RUNNING")
      await this.#parts.clock.sleep(behaviour.startMs * chance.between(0.5, 1.5));
    this.#starting.delete(task.arn);
    if (task.desired === "STOPPED") return this.#advance(task);
    if (failsPull) return this.#end(task, undefined, "CannotPullContainerError: pull access denied");
    if (chance.is(behaviour.startFails)) return this.#end(task, 128, "CannotStartContainerError: exec format error");
    const ports = (spec.portMappings ?? []).map((p) => ({
      containerPort: p.containerPort ?? 0,
      hostPort: task.payload?.networkMode === "host" ? (p.containerPort ?? 0) : (p.hostPort ?? 0),
    }));
    try {
      this.#parts.host.run({
        taskArn: task.arn,
        image: spec.image,
        ports,
        checksHealth: spec.healthCheckType === "docker",
      });
    } catch (error) {
      return this.#end(task, undefined, `CannotStartContainerError: ${(error as Error).message}`);
    }
    this.#lookAtContainer(task);
    this.#advance(task);
  }

  /** Brings the record up to what the engine says of the container. */
  #lookAtContainer(task: AgentTask): void {
    const container = this.#parts.host.containers.get(task.arn);
    if (task.status === "STOPPED" || container === undefined) return;
    task.runtimeId = container.id;
    task.bindings = task.payload?.networkMode === "host" ? [] : container.bindings;
    task.reachedRunning = true;
    task.status = "RUNNING";
    if (container.status === "running") return;
    const reason = container.isOom ? "OutOfMemoryError: Container killed due to memory usage" : undefined;
    this.#end(task, container.exitCode, reason);
  }

  #end(task: AgentTask, exitCode: number | undefined, reason: string | undefined): void {
    task.status = "STOPPED";
    task.desired = "STOPPED";
    task.exitCode = exitCode;
    task.reason ??= reason;
    task.executionStoppedAt ??= this.#parts.clock.now();
    this.#parts.clock.after(CLEANUP_MS, () => this.#cleanUp(task.arn));
    this.#report(task);
    for (const other of this.#parts.disk.tasks.values())
      if (!other.admitted && other.status === "NONE") this.#advance(other);
  }

  #cleanUp(arn: string): void {
    const task = this.#parts.disk.tasks.get(arn);
    if (task === undefined || task.sent !== "STOPPED") return;
    this.#parts.host.remove(arn);
    this.#parts.disk.tasks.delete(arn);
    this.#parts.disk.payloads.delete(arn);
  }

  #report(task: AgentTask): void {
    if (this.#reporting.has(task.arn) || nextReport(task) === undefined) return;
    this.#reporting.add(task.arn);
    void this.#tell(task).then(() => this.#reporting.delete(task.arn));
  }

  /** Until all is told and acknowledged; one report of a task at a time. */
  async #tell(task: AgentTask): Promise<void> {
    for (let waitMs = FIRST_RETRY_MS; ; ) {
      const status = nextReport(task);
      if (status === undefined) return;
      try {
        await this.#parts.submit(reportOf(this.#parts.host.plan.cluster, task, status));
        task.sent = status;
        waitMs = FIRST_RETRY_MS;
      } catch (error) {
        if (isUnknownTask(error)) {
          this.#parts.tell(`task ${task.arn.slice(-8)} is not known; its report is dropped`);
          task.sent = status;
          continue;
        }
        const passing = isPassing(error);
        await this.#parts.clock.sleep(passing ? waitMs * this.#parts.chance.between(0.5, 1.5) : REFUSED_RETRY_MS);
        waitMs = Math.min(MAX_RETRY_MS, waitMs * 2);
      }
    }
  }
}
