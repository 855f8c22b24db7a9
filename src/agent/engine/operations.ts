import type { Clock } from "../../runtime/clock.ts";
import type { Log } from "../../runtime/log.ts";
import type { Random } from "../../runtime/random.ts";
import type { TaskLimitSupport } from "../cgroup/support.ts";
import { type ContainerRuntime, type ImageFacts, outcomeUnknown, RuntimeError } from "../container-runtime.ts";
import { absorb, settledFacts } from "./absorb.ts";
import { CONTAINER_NAME_LABEL, containerSpec, TASK_ARN_LABEL } from "./container-spec.ts";
import { CannotPullContainerError, type Images } from "./images.ts";
import { limiter } from "./limiter.ts";
import type { MetadataKeeper } from "./metadata-file.ts";
import { pickRanges } from "./port-ranges.ts";
import type { EngineSettings, HostIdentity } from "./settings.ts";
import { makeGroup, outsideGroup, ResourceInitializationError, runsOutsideGroup } from "./task-group.ts";
import {
  type ContainerRecord,
  imageReferenceOf,
  noteReason,
  payloadOf,
  type RangeBinding,
  type TaskRecord,
} from "./task-record.ts";

/** Creates and starts at once. More only make the daemon's own queue longer. */
const PARALLEL_STARTS = 16;
const STOP_TRIES = 5;
const STOP_RETRY_MS = 1_000;
/** How often host ranges for a containerPortRange are picked again when a port of them turns out to be taken. */
const RANGE_TRIES = 5;

export interface OperationsDeps {
  readonly runtime: ContainerRuntime;
  readonly images: Images;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly settings: EngineSettings;
  readonly host: HostIdentity;
  readonly metadata: MetadataKeeper;
  readonly taskLimits: TaskLimitSupport;
  /** Host ranges that other containers hold. */
  readonly usedRanges: () => RangeBinding[];
}

/**
 * What can be done to one container. Each brings the record up to date. A refusal by the daemon ends in the record as
 * STOPPED with a reason; an outcome that is not known (daemon gone) is thrown, and must be looked up.
 */
export interface Operations {
  pull(task: TaskRecord, container: ContainerRecord): Promise<void>;
  create(task: TaskRecord, container: ContainerRecord): Promise<void>;
  start(task: TaskRecord, container: ContainerRecord): Promise<void>;
  stop(task: TaskRecord, container: ContainerRecord): Promise<void>;
  /** Finds out which images the containers will have, as far as that can be known before they are fetched. */
  lookUpImages(task: TaskRecord): Promise<void>;
  /** Makes the task's volumes, or ends the task with a reason. */
  makeVolumes(task: TaskRecord): Promise<void>;
}

export function containerOperations(deps: OperationsDeps): Operations {
  return new ContainerOperations(deps);
}

class ContainerOperations implements Operations {
  readonly #deps: OperationsDeps;
  readonly #limited = limiter(PARALLEL_STARTS);
  /** From the pull to the create; after a restart in between it is looked up again. */
  readonly #imageOf = new WeakMap<ContainerRecord, ImageFacts>();
  readonly #rangeTries = new WeakMap<ContainerRecord, number>();

  constructor(deps: OperationsDeps) {
    this.#deps = deps;
  }

  create(task: TaskRecord, container: ContainerRecord): Promise<void> {
    return this.#limited(() => this.#create(task, container));
  }

  start(task: TaskRecord, container: ContainerRecord): Promise<void> {
    return this.#limited(() => this.#start(task, container));
  }

  makeVolumes(task: TaskRecord): Promise<void> {
    return makeVolumes(this.#deps, task);
  }

  async lookUpImages(task: TaskRecord): Promise<void> {
    await Promise.all(
      task.containers.map(async (container) => {
        const { image } = payloadOf(task, container);
        const digest = await this.#deps.images.digestOf(image);
        if (digest === undefined) return;
        container.imageDigest = digest;
        container.imageReference = byDigest(image, digest);
      }),
    );
    task.imagesLookedUp = true;
  }

  #giveUp(container: ContainerRecord, name: string, error: unknown): void {
    const timedOut = error instanceof RuntimeError && error.kind === "timeout";
    if (!timedOut && outcomeUnknown(error)) throw error;
    noteReason(
      container,
      `${timedOut ? "DockerTimeoutError" : name}: ${error instanceof Error ? error.message : error}`,
    );
    container.status = "STOPPED";
    container.finishedAt = this.#deps.clock.now();
  }

  async #create(task: TaskRecord, container: ContainerRecord): Promise<void> {
    const image = this.#imageOf.get(container) ?? (await this.#deps.runtime.image(imageReferenceOf(task, container)));
    if (!image) {
      container.status = "NONE"; // Removed since it was pulled: it is fetched again.
      return;
    }
    try {
      if (container.rangeBindings.length === 0)
        container.rangeBindings = pickRanges(task, container, this.#deps.usedRanges(), this.#deps.random);
      const spec = containerSpec(task, container, image, this.#deps.settings, this.#deps.host);
      makeGroup(this.#deps.taskLimits, task);
      await this.#deps.metadata.prepare(task, container);
      container.runtimeId = await this.#deps.runtime.create(spec).catch((error) => this.#adopt(task, container, error));
    } catch (error) {
      return this.#giveUp(container, nameOf(error, "CannotCreateContainerError"), error);
    }
    container.createdAt ??= this.#deps.clock.now();
    if (container.status !== "STOPPED") container.status = "CREATED";
  }

  /** The name is taken: by this very container, made before a restart or by a call whose answer was lost. */
  async #adopt(task: TaskRecord, container: ContainerRecord, error: unknown): Promise<string> {
    if (!(error instanceof RuntimeError) || error.kind !== "conflict") throw error;
    const facts = await this.#deps.runtime.inspect(container.dockerName);
    const ours = facts?.labels[TASK_ARN_LABEL] === task.arn && facts.labels[CONTAINER_NAME_LABEL] === container.name;
    if (!facts || !ours) throw error;
    return facts.id;
  }

  async #start(task: TaskRecord, container: ContainerRecord): Promise<void> {
    const id = container.runtimeId!;
    try {
      makeGroup(this.#deps.taskLimits, task); // Gone if the machine was started anew since.
      await this.#deps.runtime.start(id);
    } catch (error) {
      if (await this.#pickedTakenPort(container, error)) return;
      return this.#giveUp(container, nameOf(error, "CannotStartContainerError"), error);
    }
    let facts = await settledFacts(this.#deps.runtime, this.#deps.clock, id);
    if (await runsOutsideGroup(this.#deps, task, facts)) {
      noteReason(container, outsideGroup(task));
      await this.#deps.runtime.stop(id, 1);
      facts = await this.#deps.runtime.inspect(id);
    }
    if (!facts) throw new RuntimeError("unreachable", `container ${id} is absent right after its start`);
    absorb(task, container, facts, this.#deps.clock.now());
    await this.#deps.metadata.complete(task, container, facts);
  }

  /** A host range that we picked holds a port that someone else has: pick another and make the container anew. */
  async #pickedTakenPort(container: ContainerRecord, error: unknown): Promise<boolean> {
    const taken =
      error instanceof RuntimeError && /port is already allocated|address already in use/.test(error.message);
    const tries = (this.#rangeTries.get(container) ?? 0) + 1;
    if (!taken || container.rangeBindings.length === 0 || tries > RANGE_TRIES) return false;
    this.#rangeTries.set(container, tries);
    await this.#deps.runtime.remove(container.runtimeId!);
    container.runtimeId = undefined;
    container.rangeBindings = [];
    container.status = "PULLED";
    return true;
  }

  async stop(task: TaskRecord, container: ContainerRecord): Promise<void> {
    const id = container.runtimeId!;
    const timeoutSeconds = Math.max(
      1,
      payloadOf(task, container).stopTimeout ?? this.#deps.settings.stopTimeoutSeconds,
    );
    container.stopAskedAt ??= this.#deps.clock.now();
    for (let attempt = 1; ; attempt++) {
      try {
        await this.#deps.runtime.stop(id, timeoutSeconds);
        break;
      } catch (error) {
        if (error instanceof RuntimeError && error.kind === "not-found") break;
        if (outcomeUnknown(error) || attempt >= STOP_TRIES) throw error;
        this.#deps.log.warn(
          { task: task.arn, container: container.name, attempt, error: String(error) },
          "stop failed; trying again",
        );
        await this.#deps.clock.sleep(STOP_RETRY_MS * attempt);
      }
    }
    const facts = await this.#deps.runtime.inspect(id);
    if (facts?.state === "running") throw new RuntimeError("failed", `container ${id} still runs after its stop`);
    if (facts) absorb(task, container, facts, this.#deps.clock.now());
    else {
      container.status = "STOPPED";
      container.finishedAt = this.#deps.clock.now();
    }
  }

  async pull(task: TaskRecord, container: ContainerRecord): Promise<void> {
    try {
      const ready = await this.#deps.images.ensure(imageReferenceOf(task, container));
      task.pullStartedAt ??= ready.pullStartedAt;
      task.pullStoppedAt = ready.pullStoppedAt;
      if (container.status !== "NONE") return; // The task was stopped meanwhile.
      this.#imageOf.set(container, ready.image);
      container.imageId = ready.image.id;
      // What was looked up, and told, stays.
      if (container.imageReference === undefined) container.imageDigest = ready.image.repoDigests[0];
      container.status = "PULLED";
    } catch (error) {
      const failure = error instanceof CannotPullContainerError ? error.cause : error;
      if (failure instanceof RuntimeError && failure.kind === "unreachable") throw failure; // The daemon, not a registry.
      if (container.status !== "NONE") return;
      noteReason(
        container,
        (error instanceof CannotPullContainerError ? error : new CannotPullContainerError(error)).message,
      );
      container.status = "STOPPED";
      container.finishedAt = this.#deps.clock.now();
      if (this.#deps.settings.pullBehaviour === "always") task.desiredStatus = "STOPPED"; // Even if it is not essential (6.4).
    }
  }
}

/** The image of that digest in the reference's repository. */
function byDigest(reference: string, digest: string): string {
  const repository = reference.split("@")[0] ?? "";
  const colon = repository.lastIndexOf(":");
  return `${colon > repository.lastIndexOf("/") ? repository.slice(0, colon) : repository}@${digest}`;
}

function nameOf(error: unknown, otherwise: string): string {
  return error instanceof ResourceInitializationError ? error.name : otherwise;
}

async function makeVolumes({ runtime, host, clock }: OperationsDeps, task: TaskRecord): Promise<void> {
  for (const volume of task.payload.volumes ?? []) {
    const name = task.volumeNames[volume.name];
    if (!name) continue;
    const asked = volume.dockerVolumeConfiguration;
    const shared = asked?.scope === "shared";
    try {
      if (shared && (await runtime.hasVolume(name))) continue;
      if (shared && !asked.autoprovision)
        throw new Error(`shared volume "${name}" does not exist, and autoprovision is off`);
      await runtime.createVolume({
        name,
        driver: asked?.driver || "local",
        driverOptions: asked?.driverOpts ?? {},
        labels: {
          ...asked?.labels,
          ...(shared ? {} : { "com.amazonaws.ecs.task-arn": task.arn, "berth.instance-id": host.instanceId }),
        },
      });
    } catch (error) {
      if (outcomeUnknown(error)) throw error;
      task.reason = `CannotCreateVolumeError: ${error instanceof Error ? error.message : error}`.slice(0, 1024);
      task.desiredStatus = "STOPPED";
      for (const container of task.containers) if (container.status === "NONE") noteReason(container, task.reason);
      task.executionStoppedAt ??= clock.now();
      return;
    }
  }
  task.volumesReady = true;
}
