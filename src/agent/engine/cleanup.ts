import type { Clock, Timer } from "../../runtime/clock.ts";
import type { Log } from "../../runtime/log.ts";
import type { TaskLimitSupport } from "../cgroup/support.ts";
import type { ContainerRuntime } from "../container-runtime.ts";
import type { AgentState } from "../state/agent-state.ts";
import { removeMetadata } from "./metadata-file.ts";
import type { EngineSettings } from "./settings.ts";
import { type TaskRecord, taskStatus } from "./task-record.ts";

const MIN_INTERVAL_MS = 1_000;
const MAX_INTERVAL_MS = 30_000;

export interface CleanerDeps {
  readonly runtime: ContainerRuntime;
  readonly state: AgentState;
  readonly clock: Clock;
  readonly log: Log;
  readonly settings: EngineSettings;
  readonly taskLimits: TaskLimitSupport;
  readonly tasks: Map<string, TaskRecord>;
}

export interface Cleaner {
  start(): void;
  close(): void;
}

/** Removes what stopped tasks left (containers, task-scoped volumes, control groups, metadata files), then forgets them. */
export function cleaner({ runtime, state, clock, log, settings, taskLimits, tasks }: CleanerDeps): {
  start(): void;
  close(): void;
} {
  let timer: Timer | undefined;
  let closed = false;

  async function clean(task: TaskRecord): Promise<void> {
    for (const container of task.containers) await runtime.remove(container.runtimeId ?? container.dockerName);
    for (const volume of task.payload.volumes ?? []) {
      const name = task.volumeNames[volume.name];
      if (name && volume.dockerVolumeConfiguration?.scope !== "shared") await runtime.removeVolume(name);
    }
    if (task.cgroup && taskLimits.kind === "supported" && !taskLimits.groups.remove(task.cgroup))
      throw new Error(`the control group ${task.cgroup} is in use`);
    if (settings.metadataDir) await removeMetadata(settings.metadataDir, task);
    tasks.delete(task.arn);
    state.deleteTask(task.arn);
  }

  async function sweep(): Promise<void> {
    for (const task of [...tasks.values()]) {
      if (closed) return;
      if (!isDue(task, clock.now(), settings.cleanupWaitMs)) continue;
      await clean(task).catch((error) =>
        log.warn({ task: task.arn, error: String(error) }, "clean-up failed; it is tried again"),
      );
    }
    schedule();
  }

  function schedule(): void {
    if (closed) return;
    const interval = Math.min(MAX_INTERVAL_MS, Math.max(MIN_INTERVAL_MS, settings.cleanupWaitMs / 2));
    timer = clock.after(interval, () => void sweep());
  }

  return {
    start: schedule,
    close() {
      closed = true;
      timer?.cancel();
    },
  };
}

/** A task is kept until its stop is acknowledged, so that nothing about it is lost, and then for the wait. */
export function isDue(task: TaskRecord, now: number, waitMs: number): boolean {
  return taskStatus(task) === "STOPPED" && task.sent.status === "STOPPED" && now >= (task.stoppedAt ?? now) + waitMs;
}
