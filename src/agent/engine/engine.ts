import type { Clock, Timer } from "../../runtime/clock.ts";
import type { Log } from "../../runtime/log.ts";
import type { Random } from "../../runtime/random.ts";
import type { TaskLimitSupport } from "../cgroup/support.ts";
import { type ContainerRuntime, outcomeUnknown } from "../container-runtime.ts";
import { refusalOf } from "../payload/refusal.ts";
import type { PayloadTask, TaskPayload } from "../payload/task-payload.ts";
import type { AgentState } from "../state/agent-state.ts";
import { type Cleaner, cleaner } from "./cleanup.ts";
import { decide, type TaskAction } from "./decide.ts";
import { admissible, type HostResources, needOf, tooLarge } from "./host-resources.ts";
import { imageKeeper } from "./images.ts";
import { metadataKeeper } from "./metadata-file.ts";
import { newTask } from "./new-task.ts";
import { type Observer, observer } from "./observe.ts";
import { containerOperations, type Operations } from "./operations.ts";
import type { EngineSettings, HostIdentity } from "./settings.ts";
import { groupOf, removeUnknownGroups } from "./task-group.ts";
import { type ContainerRecord, noteReason, type RangeBinding, type TaskRecord, taskStatus } from "./task-record.ts";

/** After a call whose outcome is unknown, and after one that failed without a reason to give up. */
const LOOK_AGAIN_MS = 500;
const MAX_LOOK_AGAIN_MS = 2_000;

export interface EngineDeps {
  readonly runtime: ContainerRuntime;
  readonly state: AgentState;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly settings: EngineSettings;
  readonly host: HostIdentity;
  readonly resources: HostResources;
  readonly taskLimits: TaskLimitSupport;
  /** Called after every change of a task. */
  readonly onChange: (task: TaskRecord) => void;
}

/** Turns accepted tasks into containers and keeps their records true. */
export interface TaskEngine {
  /** Takes up the saved tasks and begins to follow the engine. Does not wait for the daemon to be there. */
  start(): void;
  /**
   * Takes in tasks to start and to stop; stops first. Resolves when they are durable, so that the message they came in
   * may be acknowledged. A known task only moves forward. Returns the ARNs to stop that are not known here.
   */
  accept(tasks: readonly PayloadTask[]): Promise<{ readonly unknownStops: readonly string[] }>;
  tasks(): Iterable<TaskRecord>;
  task(arn: string): TaskRecord | undefined;
  /** True while the engine's event stream is open. */
  connected(): boolean;
  /** The control plane knows the task's latest report (`task.sent` was changed). */
  acknowledged(task: TaskRecord): void;
  /** Stops following and acting. Containers are left as they are. */
  close(): void;
}

/** Makes the engine; `start` sets it going. */
export function taskEngine(deps: EngineDeps): TaskEngine {
  return new Engine(deps);
}

class Engine implements TaskEngine {
  readonly #deps: EngineDeps;
  readonly #tasks = new Map<string, TaskRecord>();
  /** What is being done to a container, or to a task's volumes: one thing at a time. */
  readonly #busy = new Map<ContainerRecord | TaskRecord, TaskAction["kind"] | "look">();
  readonly #timers = new Map<string, Timer>();
  /** Tasks to look at in this turn. */
  readonly #woken = new Set<string>();
  readonly #operations: Operations;
  readonly #observe: Observer;
  readonly #cleanup: Cleaner;
  #sequence = 0;
  /** Messages are taken in one after the other. */
  #accepting: Promise<unknown> = Promise.resolve();
  #closed = false;

  constructor(deps: EngineDeps) {
    this.#deps = deps;
    const { runtime, clock, log, settings, host, state } = deps;
    const images = imageKeeper({ runtime, clock, log, behaviour: settings.pullBehaviour, pulled: state.pulledImages });
    const metadata = metadataKeeper(settings, host, log);
    this.#operations = containerOperations({ ...deps, images, metadata, usedRanges: () => this.#usedRanges() });
    this.#observe = observer({
      ...deps,
      metadata,
      task: (arn) => this.#tasks.get(arn),
      tasks: () => this.#tasks.values(),
      isBusy: (container) => this.#busy.has(container),
      changed: (task) => this.#changed(task),
      restart: (task, container) => this.#restart(task, container),
    });
    this.#cleanup = cleaner({ ...deps, tasks: this.#tasks });
  }

  start(): void {
    for (const task of this.#deps.state.loadTasks()) {
      this.#tasks.set(task.arn, task);
      this.#sequence = Math.max(this.#sequence, task.sequence);
    }
    for (const task of this.#tasks.values()) this.#deps.onChange(task);
    removeUnknownGroups(this.#deps, this.#tasks.values());
    this.#observe.start();
    this.#cleanup.start();
    this.#admit();
  }

  accept(entries: readonly PayloadTask[]): Promise<{ readonly unknownStops: readonly string[] }> {
    const accepted = this.#accepting.then(() => this.#acceptNow(entries));
    this.#accepting = accepted.catch(() => undefined);
    return accepted;
  }

  tasks(): Iterable<TaskRecord> {
    return this.#tasks.values();
  }

  task(arn: string): TaskRecord | undefined {
    return this.#tasks.get(arn);
  }

  connected(): boolean {
    return this.#observe.connected();
  }

  acknowledged(task: TaskRecord): void {
    if (this.#tasks.get(task.arn) === task) this.#deps.state.saveTask(task);
  }

  close(): void {
    this.#closed = true;
    this.#observe.close();
    this.#cleanup.close();
    for (const timer of this.#timers.values()) timer.cancel();
  }

  #usedRanges(): RangeBinding[] {
    return [...this.#tasks.values()]
      .filter((it) => taskStatus(it) !== "STOPPED")
      .flatMap((it) => it.containers.flatMap((container) => container.rangeBindings));
  }

  #changed(task: TaskRecord): void {
    if (this.#tasks.get(task.arn) !== task) return; // Cleaned up meanwhile: saving it would bring it back.
    if (taskStatus(task) === "STOPPED" && task.stoppedAt === undefined) {
      task.stoppedAt = this.#deps.clock.now();
      task.executionStoppedAt ??= Math.max(...task.containers.map((it) => it.finishedAt ?? 0)) || task.stoppedAt;
      this.#admit();
    }
    this.#deps.state.saveTask(task);
    this.#deps.onChange(task);
    this.#wake(task.arn);
  }

  /** Asks for a look at the task. Many changes in one turn are one look. */
  #wake(arn: string): void {
    if (this.#closed) return;
    if (this.#woken.size === 0) queueMicrotask(() => this.#drain());
    this.#woken.add(arn);
  }

  #drain(): void {
    const arns = [...this.#woken];
    this.#woken.clear();
    for (const arn of arns) {
      const task = this.#tasks.get(arn);
      if (task && !this.#closed && this.#observe.settled()) this.#look(task);
    }
  }

  #look(task: TaskRecord): void {
    this.#timers.get(task.arn)?.cancel();
    this.#timers.delete(task.arn);
    for (const action of decide(task, this.#deps.clock.now())) this.#perform(task, action);
  }

  #perform(task: TaskRecord, action: TaskAction): void {
    switch (action.kind) {
      case "stop-task":
        task.desiredStatus = "STOPPED";
        task.executionStoppedAt ??= this.#deps.clock.now();
        this.#changed(task);
        return;
      case "look-again":
        this.#timers.get(task.arn)?.cancel();
        this.#timers.set(
          task.arn,
          this.#deps.clock.after(Math.max(0, action.at - this.#deps.clock.now()), () => this.#wake(task.arn)),
        );
        return;
      case "look-up-images":
        this.#run(task, task, action.kind, () => this.#operations.lookUpImages(task));
        return;
      case "make-volumes":
        this.#run(task, task, action.kind, () => this.#operations.makeVolumes(task));
        return;
      default: {
        const container = task.containers.find((it) => it.name === action.container)!;
        if (action.kind === "give-up") this.#giveUp(task, container, action);
        else this.#run(task, container, action.kind, () => this.#operations[action.kind](task, container));
      }
    }
  }

  /** A pull may go on without the container that asked for it; anything else must end first. */
  #giveUp(task: TaskRecord, container: ContainerRecord, action: Extract<TaskAction, { kind: "give-up" }>): void {
    const doing = this.#busy.get(container);
    if (doing !== undefined && doing !== "pull") return;
    container.status = "STOPPED";
    container.finishedAt = this.#deps.clock.now();
    container.exitCode ??= action.exitCode;
    if (action.reason) noteReason(container, action.reason);
    this.#changed(task);
  }

  /** Runs one operation at a time per container. Whatever comes of it, the task is looked at again. */
  #run(task: TaskRecord, on: ContainerRecord | TaskRecord, kind: TaskAction["kind"], work: () => Promise<void>): void {
    if (this.#busy.has(on)) return;
    this.#busy.set(on, kind);
    work().then(
      () => {
        this.#busy.delete(on);
        this.#changed(task);
      },
      (error) => {
        this.#deps.log.warn(
          { task: task.arn, operation: kind, error: String(error) },
          "an operation did not end; looking at what came of it",
        );
        void this.#lookUp(task, on, LOOK_AGAIN_MS);
      },
    );
  }

  /** Finds out what an operation did, for as long as that takes; until then nothing else is done to the container. */
  async #lookUp(task: TaskRecord, on: ContainerRecord | TaskRecord, delayMs: number): Promise<void> {
    this.#busy.set(on, "look");
    await this.#deps.clock.sleep(delayMs);
    if (this.#closed) return;
    try {
      if (on === task) await this.#deps.runtime.ping();
      else await this.#observe.lookAt(task, on as ContainerRecord);
      if (this.#busy.get(on) === "look") this.#busy.delete(on);
      this.#changed(task);
    } catch (error) {
      if (!outcomeUnknown(error))
        this.#deps.log.error({ task: task.arn, error: String(error) }, "a container could not be inspected");
      void this.#lookUp(task, on, Math.min(delayMs * 2, MAX_LOOK_AGAIN_MS));
    }
  }

  /** Starts an exited container again in place. A look at it may be what found that out, and is over then. */
  #restart(task: TaskRecord, container: ContainerRecord): void {
    if (this.#busy.get(container) === "look") this.#busy.delete(container);
    this.#run(task, container, "start", async () => {
      container.restartCount++;
      container.exitCode = undefined;
      const { restartCount } = container;
      this.#deps.log.info(
        { task: task.arn, container: container.name, restartCount },
        "restarting container by its policy",
      );
      await this.#operations.start(task, container);
    });
  }

  #admit(): void {
    for (const task of admissible(this.#tasks.values(), this.#deps.resources)) {
      task.admitted = true;
      this.#deps.state.saveTask(task);
      this.#wake(task.arn);
    }
  }

  #take(payload: TaskPayload): TaskRecord {
    const { taskLimits, random, resources } = this.#deps;
    const noTaskLimits = taskLimits.kind === "unsupported" ? taskLimits.why : undefined;
    const refusal = refusalOf(payload, noTaskLimits) ?? tooLarge(needOf(payload), resources);
    const group = refusal === undefined ? groupOf(payload, taskLimits) : undefined;
    const task = newTask(payload, ++this.#sequence, random, group);
    if (refusal) {
      this.#deps.log.warn({ task: task.arn, reason: refusal }, "task refused");
      task.reason = refusal.slice(0, 1024);
      task.desiredStatus = "STOPPED";
      task.stoppedAt = this.#deps.clock.now();
      for (const container of task.containers) {
        container.status = "STOPPED";
        noteReason(container, refusal);
      }
    }
    return task;
  }

  async #acceptNow(entries: readonly PayloadTask[]): Promise<{ readonly unknownStops: readonly string[] }> {
    const unknownStops: string[] = [];
    const touched = new Map<string, TaskRecord>();
    for (const entry of entries) {
      if (entry.kind !== "stop") continue;
      const task = this.#tasks.get(entry.arn);
      if (!task) unknownStops.push(entry.arn);
      else if (task.desiredStatus !== "STOPPED" || taskStatus(task) !== "STOPPED") {
        // Also one that is to stop already: it may have been told so when that could not be made durable.
        task.desiredStatus = "STOPPED";
        touched.set(task.arn, task);
      }
    }
    for (const entry of entries)
      if (entry.kind === "start" && !this.#tasks.has(entry.arn) && !touched.has(entry.arn))
        touched.set(entry.arn, this.#take(entry.task));
    for (const task of touched.values()) this.#deps.state.saveTask(task);
    // Nothing is done for a task before it is durable: a crash must not leave a container that nobody knows.
    await this.#deps.state.flush();
    for (const task of touched.values()) this.#tasks.set(task.arn, task);
    this.#admit();
    for (const task of touched.values()) {
      this.#deps.onChange(task);
      this.#wake(task.arn);
    }
    return { unknownStops };
  }
}
