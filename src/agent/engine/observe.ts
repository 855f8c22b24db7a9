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
  return new EngineObserver(deps);
}

class EngineObserver implements Observer {
  readonly #deps: ObserverDeps;
  readonly #limited = limiter(PARALLEL_LOOKS);
  readonly #label: string;
  #stopWatching: (() => void) | undefined;
  #timer: Timer | undefined;
  #connected = false;
  #settled = false;
  #closed = false;
  /** Counts openings of the stream: a comparison that began before the latest one does not count. */
  #opening = 0;
  readonly #looking = new Map<ContainerRecord, { again: boolean }>();

  constructor(deps: ObserverDeps) {
    this.#deps = deps;
    this.#label = `${OWNER_LABEL}=${deps.host.instanceId}`;
  }

  start(): void {
    const { runtime, log } = this.#deps;
    this.#stopWatching = runtime.watch(this.#label, {
      onConnected: () => {
        this.#connected = true;
        void this.#reconcile(++this.#opening);
      },
      onLost: (error) => {
        this.#connected = false;
        log.warn({ error: error.message }, "the Docker daemon is gone; containers are left as they were last known");
      },
      onEvent: (event) => this.#onEvent(event),
    });
    this.#schedule();
  }

  connected(): boolean {
    return this.#connected;
  }

  settled(): boolean {
    return this.#settled;
  }

  close(): void {
    this.#closed = true;
    this.#stopWatching?.();
    this.#timer?.cancel();
  }

  async lookAt(task: TaskRecord, container: ContainerRecord): Promise<void> {
    const id = container.runtimeId;
    const facts = await settledFacts(this.#deps.runtime, this.#deps.clock, id ?? container.dockerName);
    if (container.runtimeId !== id) return; // An operation has since made or replaced it, and says what it found.
    if (!facts) {
      if (id) absorbVanished(container, this.#deps.clock.now());
      return this.#deps.changed(task);
    }
    const asked = absorb(task, container, facts, this.#deps.clock.now());
    await this.#deps.metadata.complete(task, container, facts);
    switch (asked) {
      case "restart":
        this.#deps.restart(task, container);
        break;
      case "stop-stray":
        this.#deps.log.warn(
          { task: task.arn, container: container.name, id: facts.id },
          "a container of a stopped task runs; stopping it",
        );
        void this.#deps.runtime
          .stop(facts.id, 1)
          .catch((error: unknown) =>
            this.#deps.log.warn({ id: facts.id, error: String(error) }, "it could not be stopped"),
          );
        break;
      case "nothing":
        break;
    }
    this.#deps.changed(task);
  }

  /** Looks because of an event. One look at a time per container; an event during a look means one more. */
  async #lookSoon(task: TaskRecord, container: ContainerRecord): Promise<void> {
    const already = this.#looking.get(container);
    if (already) {
      already.again = true;
      return;
    }
    const mark = { again: true };
    this.#looking.set(container, mark);
    try {
      while (mark.again && !this.#closed) {
        mark.again = false;
        await this.#limited(() => this.lookAt(task, container));
      }
    } catch (error) {
      this.#deps.log.warn(
        { task: task.arn, container: container.name, error: String(error) },
        "inspection after an event failed",
      );
      void this.#reconcile(++this.#opening); // The event is lost otherwise.
    } finally {
      this.#looking.delete(container);
    }
  }

  #onEvent(event: ContainerEvent): void {
    if (event.action === "create") return; // Only the agent creates, and it waits for the answer.
    for (const task of this.#deps.tasks())
      for (const container of task.containers)
        if (container.runtimeId === event.id) {
          const ownStart = event.action === "start" && this.#deps.isBusy(container);
          if (!ownStart) void this.#lookSoon(task, container);
          return;
        }
  }

  /** Compares everything the engine has with everything that is known. Repeats until it got through. */
  async #reconcile(turn: number): Promise<void> {
    while (!this.#closed && turn === this.#opening) {
      try {
        const listed = await this.#deps.runtime.list(this.#label);
        await this.#adoptAndLook(listed);
        await this.#removeUnknown(listed);
        if (turn !== this.#opening) return;
        this.#settled = true;
        for (const task of this.#deps.tasks()) this.#deps.changed(task);
        return;
      } catch (error) {
        this.#deps.log.warn({ error: String(error) }, "comparing with the engine failed; trying again");
        await this.#deps.clock.sleep(RECONCILE_RETRY_MS);
      }
    }
  }

  async #adoptAndLook(listed: readonly ListedContainer[]): Promise<void> {
    const byName = new Map(listed.map((it) => [it.name, it]));
    const looks: Promise<void>[] = [];
    for (const task of this.#deps.tasks())
      for (const container of task.containers) {
        const found = byName.get(container.dockerName);
        const alive = container.status !== "STOPPED" && (found !== undefined || container.runtimeId !== undefined);
        const stray = container.status === "STOPPED" && found?.state === "running";
        if ((alive || stray) && !this.#deps.isBusy(container))
          looks.push(this.#limited(() => this.lookAt(task, container)));
      }
    await Promise.all(looks);
  }

  /** Containers of this agent that belong to no task it knows would run for ever. */
  async #removeUnknown(listed: readonly ListedContainer[]): Promise<void> {
    for (const it of listed) {
      const task = this.#deps.task(it.labels[TASK_ARN_LABEL] ?? "");
      if (task?.containers.some((container) => container.dockerName === it.name)) continue;
      this.#deps.log.warn({ id: it.id, name: it.name }, "removing a container that belongs to no known task");
      await this.#deps.runtime.remove(it.id);
    }
  }

  #schedule(): void {
    const delay = REINSPECT_MS + (this.#deps.random.next() * 2 - 1) * REINSPECT_JITTER_MS;
    this.#timer = this.#deps.clock.after(delay, () => {
      if (this.#connected) void this.#reconcile(++this.#opening);
      this.#schedule();
    });
  }
}
