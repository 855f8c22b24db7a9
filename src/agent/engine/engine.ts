import type { Clock, Timer } from "../../runtime/clock.ts";
import type { Log } from "../../runtime/log.ts";
import type { Random } from "../../runtime/random.ts";
import { type ContainerRuntime, outcomeUnknown } from "../container-runtime.ts";
import { refusalOf } from "../payload/refusal.ts";
import type { PayloadTask, TaskPayload } from "../payload/task-payload.ts";
import type { AgentState } from "../state/agent-state.ts";
import { cleaner } from "./cleanup.ts";
import { decide, type TaskAction } from "./decide.ts";
import { admissible, type HostResources, needOf, tooLarge } from "./host-resources.ts";
import { imageKeeper } from "./images.ts";
import { metadataKeeper } from "./metadata-file.ts";
import { newTask } from "./new-task.ts";
import { observer } from "./observe.ts";
import { containerOperations } from "./operations.ts";
import type { EngineSettings, HostIdentity } from "./settings.ts";
import { type ContainerRecord, noteReason, type TaskRecord, taskStatus } from "./task-record.ts";

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

export function taskEngine(deps: EngineDeps): TaskEngine {
  const { runtime, state, clock, random, log, settings, host, resources } = deps;
  const tasks = new Map<string, TaskRecord>();
  const images = imageKeeper({ runtime, clock, log, behaviour: settings.pullBehaviour, pulled: state.pulledImages });
  const usedRanges = () =>
    [...tasks.values()]
      .filter((it) => taskStatus(it) !== "STOPPED")
      .flatMap((it) => it.containers.flatMap((c) => c.rangeBindings));
  const metadata = metadataKeeper(settings, host, log);
  const operations = containerOperations({ runtime, images, clock, random, log, settings, host, usedRanges, metadata });
  const busy = new Map<ContainerRecord | TaskRecord, TaskAction["kind"] | "look">();
  const timers = new Map<string, Timer>();
  const woken = new Set<string>();
  let sequence = 0;
  /** Messages are taken in one after the other. */
  let accepting: Promise<unknown> = Promise.resolve();
  let closed = false;

  const observe = observer({
    runtime,
    clock,
    random,
    log,
    host,
    task: (arn) => tasks.get(arn),
    tasks: () => tasks.values(),
    isBusy: (container) => busy.has(container),
    metadata,
    changed,
    restart: (task, container) => run(task, container, "start", () => restart(task, container)),
  });
  const cleanup = cleaner({ ...deps, tasks });

  function changed(task: TaskRecord): void {
    if (tasks.get(task.arn) !== task) return; // Cleaned up meanwhile: saving it would bring it back.
    if (taskStatus(task) === "STOPPED" && task.stoppedAt === undefined) {
      task.stoppedAt = clock.now();
      task.executionStoppedAt ??= Math.max(...task.containers.map((it) => it.finishedAt ?? 0)) || task.stoppedAt;
      admit();
    }
    state.saveTask(task);
    deps.onChange(task);
    wake(task.arn);
  }

  /** Asks for a look at the task. Many changes in one turn are one look. */
  function wake(arn: string): void {
    if (closed) return;
    if (woken.size === 0) queueMicrotask(drain);
    woken.add(arn);
  }

  function drain(): void {
    const arns = [...woken];
    woken.clear();
    for (const arn of arns) {
      const task = tasks.get(arn);
      if (task && !closed && observe.settled()) look(task);
    }
  }

  function look(task: TaskRecord): void {
    timers.get(task.arn)?.cancel();
    timers.delete(task.arn);
    for (const action of decide(task, clock.now())) perform(task, action);
  }

  function perform(task: TaskRecord, action: TaskAction): void {
    switch (action.kind) {
      case "stop-task":
        task.desiredStatus = "STOPPED";
        task.executionStoppedAt ??= clock.now();
        changed(task);
        return;
      case "look-again":
        timers.get(task.arn)?.cancel();
        timers.set(
          task.arn,
          clock.after(Math.max(0, action.at - clock.now()), () => wake(task.arn)),
        );
        return;
      case "make-volumes":
        run(task, task, action.kind, () => operations.makeVolumes(task));
        return;
      default: {
        const container = task.containers.find((it) => it.name === action.container)!;
        if (action.kind === "give-up") giveUp(task, container, action);
        else run(task, container, action.kind, () => operations[action.kind](task, container));
      }
    }
  }

  /** A pull may go on without the container that asked for it; anything else must end first. */
  function giveUp(
    task: TaskRecord,
    container: ContainerRecord,
    action: Extract<TaskAction, { kind: "give-up" }>,
  ): void {
    const doing = busy.get(container);
    if (doing !== undefined && doing !== "pull") return;
    container.status = "STOPPED";
    container.finishedAt = clock.now();
    container.exitCode ??= action.exitCode;
    if (action.reason) noteReason(container, action.reason);
    changed(task);
  }

  /** Runs one operation at a time per container. Whatever comes of it, the task is looked at again. */
  function run(
    task: TaskRecord,
    on: ContainerRecord | TaskRecord,
    kind: TaskAction["kind"],
    work: () => Promise<void>,
  ): void {
    if (busy.has(on)) return;
    busy.set(on, kind);
    work().then(
      () => {
        busy.delete(on);
        changed(task);
      },
      (error) => {
        log.warn(
          { task: task.arn, operation: kind, error: String(error) },
          "an operation did not end; looking at what came of it",
        );
        void lookUp(task, on, LOOK_AGAIN_MS);
      },
    );
  }

  /** Finds out what an operation did, for as long as that takes; until then nothing else is done to the container. */
  async function lookUp(task: TaskRecord, on: ContainerRecord | TaskRecord, delayMs: number): Promise<void> {
    busy.set(on, "look");
    await clock.sleep(delayMs);
    if (closed) return;
    try {
      if (on === task) await runtime.ping();
      else await observe.lookAt(task, on as ContainerRecord);
      busy.delete(on);
      changed(task);
    } catch (error) {
      if (!outcomeUnknown(error))
        log.error({ task: task.arn, error: String(error) }, "a container could not be inspected");
      void lookUp(task, on, Math.min(delayMs * 2, MAX_LOOK_AGAIN_MS));
    }
  }

  async function restart(task: TaskRecord, container: ContainerRecord): Promise<void> {
    container.restartCount++;
    container.exitCode = undefined;
    log.info(
      { task: task.arn, container: container.name, restartCount: container.restartCount },
      "restarting container by its policy",
    );
    await operations.start(task, container);
  }

  function admit(): void {
    for (const task of admissible(tasks.values(), resources)) {
      task.admitted = true;
      state.saveTask(task);
      wake(task.arn);
    }
  }

  function take(payload: TaskPayload): TaskRecord {
    const task = newTask(payload, ++sequence, random);
    const refusal = refusalOf(payload) ?? tooLarge(needOf(payload), resources);
    if (refusal) {
      log.warn({ task: task.arn, reason: refusal }, "task refused");
      task.reason = refusal.slice(0, 1024);
      task.desiredStatus = "STOPPED";
      task.stoppedAt = clock.now();
      for (const container of task.containers) {
        container.status = "STOPPED";
        noteReason(container, refusal);
      }
    }
    return task;
  }

  async function acceptNow(entries: readonly PayloadTask[]): Promise<{ readonly unknownStops: readonly string[] }> {
    const unknownStops: string[] = [];
    const touched = new Map<string, TaskRecord>();
    for (const entry of entries) {
      if (entry.kind !== "stop") continue;
      const task = tasks.get(entry.arn);
      if (!task) unknownStops.push(entry.arn);
      else if (task.desiredStatus !== "STOPPED") {
        task.desiredStatus = "STOPPED";
        touched.set(task.arn, task);
      }
    }
    for (const entry of entries)
      if (entry.kind === "start" && !tasks.has(entry.arn) && !touched.has(entry.arn))
        touched.set(entry.arn, take(entry.task));
    for (const task of touched.values()) state.saveTask(task);
    // Nothing is done for a task before it is durable: a crash must not leave a container that nobody knows.
    await state.flush();
    for (const task of touched.values()) tasks.set(task.arn, task);
    admit();
    for (const task of touched.values()) {
      deps.onChange(task);
      wake(task.arn);
    }
    return { unknownStops };
  }

  return {
    start() {
      for (const task of state.loadTasks()) {
        tasks.set(task.arn, task);
        sequence = Math.max(sequence, task.sequence);
      }
      for (const task of tasks.values()) deps.onChange(task);
      observe.start();
      cleanup.start();
      admit();
    },
    accept(entries) {
      const accepted = accepting.then(() => acceptNow(entries));
      accepting = accepted.catch(() => undefined);
      return accepted;
    },
    tasks: () => tasks.values(),
    task: (arn) => tasks.get(arn),
    connected: observe.connected,
    acknowledged: (task) => state.saveTask(task),
    close() {
      closed = true;
      observe.close();
      cleanup.close();
      for (const timer of timers.values()) timer.cancel();
    },
  };
}
