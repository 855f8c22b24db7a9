import type { DeploymentLifecycleHookStage, DeploymentLifecycleHookStatus } from "@aws-sdk/client-ecs";
import { type TaskRecord, taskId } from "../model/task.ts";
import type { HookRun, LifecycleHook, ShiftSettings, ShiftState } from "../model/traffic-shift.ts";
import type { Instant } from "../runtime/clock.ts";
import type { TaskArn } from "../wire/arn.ts";
import { MINUTE_MS } from "./lifecycle.ts";
import * as messages from "./messages.ts";

/** How the hooks of the stage are. */
export interface HookLook {
  /** With the runs of this stage; the same object if nothing is new. */
  readonly state: ShiftState;
  /** True when nothing is left to wait for. */
  readonly isDone: boolean;
  /** Why the deployment is to be given up. */
  readonly fault?: string;
  /** When the next of them is out of time. */
  readonly expiresAt?: Instant;
  readonly events: readonly string[];
}

/**
 * Begins the hooks of the stage that have not begun and looks how the others are. A hook begins once in each passage of its
 * stage, whatever happens in between. Rules [TS20] to [TS24].
 */
export function lookAtHooks(
  state: ShiftState,
  settings: ShiftSettings,
  deploymentId: string,
  tasks: ReadonlyMap<string, TaskRecord>,
  now: Instant,
): HookLook {
  let { hooks, hooksBegun } = state;
  const events: string[] = [];
  let fault: string | undefined;
  let isDone = true;
  let expiresAt: Instant | undefined;
  for (const [index, hook] of settings.hooks.entries()) {
    const stage = hook.stages.find((s) => s === state.stage);
    if (stage === undefined) continue;
    const known = hooks.find((run) => run.hook === index && run.stage === stage && run.step === state.step);
    const run =
      known === undefined ? begin(hook, { index, stage, state, deploymentId, number: ++hooksBegun }, now) : known;
    const next = resolve(run, hook, tasks, now);
    if (known === undefined) events.push(messages.hookBegun(deploymentId, next, hook.targetType));
    if (next !== known) hooks = [...hooks.filter((r) => !(r.hook === index && r.stage === stage)), next];
    const isFailed = next.status === "FAILED" || (next.status === "TIMED_OUT" && hook.timeoutAction === "ROLLBACK");
    if (isFailed) fault ??= whyFailed(next, tasks);
    if (isFailed || isOpen(next)) isDone = false;
    if (isOpen(next)) expiresAt = Math.min(next.expiresAt, expiresAt ?? next.expiresAt);
  }
  return { state: hooks === state.hooks ? state : { ...state, hooks, hooksBegun }, isDone, fault, expiresAt, events };
}

/** True while a hook is waited for. */
export const isOpen = ({ status }: HookRun) => status === "AWAITING_ACTION" || status === "IN_PROGRESS";

function begin(
  hook: LifecycleHook,
  as: {
    readonly index: number;
    readonly stage: DeploymentLifecycleHookStage;
    readonly state: ShiftState;
    readonly deploymentId: string;
    readonly number: number;
  },
  now: Instant,
): HookRun {
  const digits = as.deploymentId.slice(as.deploymentId.lastIndexOf("/") + 1);
  return {
    id: `${hook.targetType === "PAUSE" ? "ecs-pause" : "ecs-task"}-${digits}-${as.number}`,
    hook: as.index,
    stage: as.stage,
    step: as.state.step,
    status: hook.targetType === "PAUSE" ? "AWAITING_ACTION" : "IN_PROGRESS",
    expiresAt: now + hook.timeoutMinutes * MINUTE_MS,
  };
}

/** The run as it is now; the same object if nothing is new. A task's end counts even if it is seen only after the time is over. */
function resolve(run: HookRun, hook: LifecycleHook, tasks: ReadonlyMap<string, TaskRecord>, now: Instant): HookRun {
  if (!isOpen(run)) return run;
  const end = (status: DeploymentLifecycleHookStatus): HookRun => ({ ...run, status, endedAt: now });
  if (hook.targetType !== "PAUSE" && run.taskArn !== undefined) {
    const task = tasks.get(run.taskArn);
    // A task that is forgotten has stopped long ago, and nobody knows how.
    if (task === undefined) return end("FAILED");
    if (task.lastStatus === "STOPPED") return end(isSuccess(task) ? "SUCCEEDED" : "FAILED");
  }
  return now >= run.expiresAt ? end("TIMED_OUT") : run;
}

/** It came to its end by itself, and none of its essential containers says otherwise. */
function isSuccess({ stopCode, containers }: TaskRecord): boolean {
  return stopCode === "EssentialContainerExited" && containers.every((c) => !c.essential || c.exitCode === 0);
}

function whyFailed(run: HookRun, tasks: ReadonlyMap<string, TaskRecord>): string {
  const task = tasks.get(run.taskArn ?? "");
  const what = `lifecycle hook ${run.id} at ${run.stage}`;
  if (run.status === "TIMED_OUT") return `${what} was not resolved in time`;
  if (task === undefined) return `${what} was refused`;
  const code = task.containers.find((c) => c.essential && c.exitCode !== undefined && c.exitCode !== 0)?.exitCode;
  return `${what} failed: (task ${taskId(task)}) ${code === undefined ? "did not complete" : `exited with code ${code}`}`;
}

/** The task whose failure made a hook fail. */
export function failedHookTask({ hooks }: ShiftState): TaskArn | undefined {
  return hooks.find((run) => run.status === "FAILED" && run.taskArn !== undefined)?.taskArn;
}

/** Tasks that hooks run which are not waited for any more. */
export function abandonedHookTasks(state: ShiftState, tasks: ReadonlyMap<string, TaskRecord>): readonly TaskRecord[] {
  return state.hooks.flatMap((run) => {
    const task = tasks.get(run.taskArn ?? "");
    return task === undefined || isOpen(run) || task.desiredStatus === "STOPPED" ? [] : [task];
  });
}

/** The state in which nothing is waited for: hooks that were are FAILED. The same object if none was. */
export function withHooksClosed(state: ShiftState, now: Instant): ShiftState {
  if (!state.hooks.some(isOpen)) return state;
  const hooks = state.hooks.map((run) => (isOpen(run) ? { ...run, status: "FAILED" as const, endedAt: now } : run));
  return { ...state, hooks };
}
