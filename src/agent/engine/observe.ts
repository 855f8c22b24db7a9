import type { Clock, Timer } from "../../runtime/clock.ts";
import type { Log } from "../../runtime/log.ts";
import type { Random } from "../../runtime/random.ts";
import type { ContainerEvent, ContainerRuntime, ListedContainer } from "../container-runtime.ts";
import { absorb, absorbVanished, settledFacts } from "./absorb.ts";
import { OWNER_LABEL, TASK_ARN_LABEL } from "./container-spec.ts";
import { limiter } from "./limiter.ts";
import type { MetadataKeeper } from "./metadata-file.ts";
import type { HostIdentity } from "./settings.ts";
import type { ContainerRecord, TaskRecord } from "./task-record.ts";

/** Running containers are inspected anyway from time to time, against an event that never came: 5 min ± 30 s. */
const REINSPECT_MS = 5 * 60_000;
const REINSPECT_JITTER_MS = 30_000;
const RECONCILE_RETRY_MS = 1_000;
const PARALLEL_LOOKS = 8;

export interface ObserverDeps {
  readonly runtime: ContainerRuntime;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly host: HostIdentity;
  readonly task: (arn: string) => TaskRecord | undefined;
  readonly tasks: () => Iterable<TaskRecord>;
  /** An operation is under way on it, which will tell what came of it. */
  readonly isBusy: (container: ContainerRecord) => boolean;
  readonly metadata: MetadataKeeper;
  readonly changed: (task: TaskRecord) => void;
  readonly restart: (task: TaskRecord, container: ContainerRecord) => void;
}

/** Keeps records true to what the engine says, by its events and by comparing everything after each loss of them. */
export interface Observer {
  start(): void;
  /** Brings one container's record up to date. Rejects if the daemon does not answer. */
  lookAt(task: TaskRecord, container: ContainerRecord): Promise<void>;
  /** The event stream is open. */
  connected(): boolean;
  /** Everything has been compared since the stream was last opened, so it is safe to act on the records. */
  settled(): boolean;
  close(): void;
}

export function observer(deps: ObserverDeps): Observer {
  const { runtime, clock, random, log, host } = deps;
  const limited = limiter(PARALLEL_LOOKS);
  const label = `${OWNER_LABEL}=${host.instanceId}`;
  let stopWatching: (() => void) | undefined;
  let timer: Timer | undefined;
  let connected = false;
  let settled = false;
  let closed = false;
  /** Counts openings of the stream: a comparison that began before the latest one does not count. */
  let opening = 0;
  const looking = new Map<ContainerRecord, { again: boolean }>();

  async function lookAt(task: TaskRecord, container: ContainerRecord): Promise<void> {
    const id = container.runtimeId;
    const facts = await settledFacts(runtime, clock, id ?? container.dockerName);
    if (!facts) {
      if (id && container.runtimeId === id) absorbVanished(container, clock.now());
      return deps.changed(task);
    }
    const asked = absorb(task, container, facts, clock.now());
    await deps.metadata.complete(task, container, facts);
    switch (asked) {
      case "restart":
        deps.restart(task, container);
        break;
      case "stop-stray":
        log.warn(
          { task: task.arn, container: container.name, id: facts.id },
          "a container of a stopped task runs; stopping it",
        );
        void runtime
          .stop(facts.id, 1)
          .catch((error) => log.warn({ id: facts.id, error: String(error) }, "it could not be stopped"));
        break;
      case "nothing":
        break;
    }
    deps.changed(task);
  }

  /** Looks because of an event. One look at a time per container; an event during a look means one more. */
  async function lookSoon(task: TaskRecord, container: ContainerRecord): Promise<void> {
    const already = looking.get(container);
    if (already) {
      already.again = true;
      return;
    }
    const mark = { again: true };
    looking.set(container, mark);
    try {
      while (mark.again && !closed) {
        mark.again = false;
        await limited(() => lookAt(task, container));
      }
    } catch (error) {
      log.warn({ task: task.arn, container: container.name, error: String(error) }, "inspection after an event failed");
      void reconcile(++opening); // The event is lost otherwise.
    } finally {
      looking.delete(container);
    }
  }

  function onEvent(event: ContainerEvent): void {
    if (event.action === "create") return; // Only the agent creates, and it waits for the answer.
    for (const task of deps.tasks())
      for (const container of task.containers)
        if (container.runtimeId === event.id) {
          const ownStart = event.action === "start" && deps.isBusy(container);
          if (!ownStart) void lookSoon(task, container);
          return;
        }
  }

  /** Compares everything the engine has with everything that is known. Repeats until it got through. */
  async function reconcile(turn: number): Promise<void> {
    while (!closed && turn === opening) {
      try {
        const listed = await runtime.list(label);
        await adoptAndLook(listed);
        await removeUnknown(listed);
        if (turn !== opening) return;
        settled = true;
        for (const task of deps.tasks()) deps.changed(task);
        return;
      } catch (error) {
        log.warn({ error: String(error) }, "comparing with the engine failed; trying again");
        await clock.sleep(RECONCILE_RETRY_MS);
      }
    }
  }

  async function adoptAndLook(listed: readonly ListedContainer[]): Promise<void> {
    const byName = new Map(listed.map((it) => [it.name, it]));
    const looks: Promise<void>[] = [];
    for (const task of deps.tasks())
      for (const container of task.containers) {
        const found = byName.get(container.dockerName);
        const alive = container.status !== "STOPPED" && (found !== undefined || container.runtimeId !== undefined);
        const stray = container.status === "STOPPED" && found?.state === "running";
        if ((alive || stray) && !deps.isBusy(container)) looks.push(limited(() => lookAt(task, container)));
      }
    await Promise.all(looks);
  }

  /** Containers of this agent that belong to no task it knows would run for ever. */
  async function removeUnknown(listed: readonly ListedContainer[]): Promise<void> {
    for (const it of listed) {
      const task = deps.task(it.labels[TASK_ARN_LABEL] ?? "");
      if (task?.containers.some((container) => container.dockerName === it.name)) continue;
      log.warn({ id: it.id, name: it.name }, "removing a container that belongs to no known task");
      await runtime.remove(it.id);
    }
  }

  function schedule(): void {
    const delay = REINSPECT_MS + (random.next() * 2 - 1) * REINSPECT_JITTER_MS;
    timer = clock.after(delay, () => {
      if (connected) void reconcile(++opening);
      schedule();
    });
  }

  return {
    start() {
      stopWatching = runtime.watch(label, {
        onConnected: () => {
          connected = true;
          void reconcile(++opening);
        },
        onLost: (error) => {
          connected = false;
          log.warn({ error: error.message }, "the Docker daemon is gone; containers are left as they were last known");
        },
        onEvent,
      });
      schedule();
    },
    lookAt,
    connected: () => connected,
    settled: () => settled,
    close() {
      closed = true;
      stopWatching?.();
      timer?.cancel();
    },
  };
}
