import type { Instant } from "../../runtime/clock.ts";
import { type Dependency, dependenciesOf } from "../payload/dependencies.ts";
import { type ContainerRecord, isEssential, payloadOf, type TaskRecord, taskStatus } from "./task-record.ts";

/** Seconds a container must have run before its restart policy starts it again, unless it says otherwise (ECS's default). */
const DEFAULT_RESTART_ATTEMPT_PERIOD_S = 300;

/** What to do next for a task. Each names a container by its name in the task. */
export type TaskAction =
  /** An essential container is gone: the whole task must stop. */
  | { readonly kind: "stop-task" }
  | { readonly kind: "look-up-images" }
  | { readonly kind: "make-volumes" }
  | { readonly kind: "pull" | "create" | "start" | "stop"; readonly container: string }
  /** It can never run: its record becomes STOPPED. No container of the engine's is touched. */
  | { readonly kind: "give-up"; readonly container: string; readonly reason?: string; readonly exitCode?: number }
  /** Nothing happens by itself until then, but the answer changes. */
  | { readonly kind: "look-again"; readonly at: Instant };

/**
 * What a task needs, from what is known of it. Level-triggered: asking twice gives the same answer, and no memory of
 * earlier events is needed, so it is right after a restart too. Rules: agent protocol, 6.1 to 6.3.
 */
export function decide(task: TaskRecord, now: Instant): readonly TaskAction[] {
  if (taskStatus(task) === "STOPPED") return [];
  if (task.desiredStatus === "STOPPED") return task.containers.flatMap((container) => stopping(task, container));
  const lost = task.containers.some((it) => it.status === "STOPPED" && isEssential(payloadOf(task, it)));
  if (lost) return [{ kind: "stop-task" }];
  if (!task.admitted) return [];
  if (task.payload.tellImages === true && task.imagesLookedUp !== true) return [{ kind: "look-up-images" }];
  if (!task.volumesReady) return [{ kind: "make-volumes" }];
  return task.containers.flatMap((container) => starting(task, container, now));
}

function stopping(task: TaskRecord, container: ContainerRecord): TaskAction[] {
  switch (container.status) {
    case "NONE":
    case "PULLED":
    case "CREATED":
      return [{ kind: "give-up", container: container.name }];
    case "RUNNING":
      return dependants(task, container).every((it) => it.status === "STOPPED")
        ? [{ kind: "stop", container: container.name }]
        : [];
    case "STOPPED":
      return [];
  }
}

/** Those that must be stopped before it: the containers that name it in dependsOn. */
function dependants(task: TaskRecord, container: ContainerRecord): ContainerRecord[] {
  return task.containers.filter((it) =>
    payloadOf(task, it).dependsOn?.some((dependency) => dependency.containerName === container.name),
  );
}

function starting(task: TaskRecord, container: ContainerRecord, now: Instant): TaskAction[] {
  if (container.status === "RUNNING" || container.status === "STOPPED") return [];
  const waits: TaskAction[] = [];
  let ready = true;
  for (const dependency of dependenciesOf(payloadOf(task, container))) {
    const state = dependencyState(task, container, dependency, now);
    if (state.kind === "never") {
      const reason = `CannotStartContainerError: ${state.why}`;
      return [{ kind: "give-up", container: container.name, reason, exitCode: 143 }];
    }
    if (state.kind === "not-yet") ready = false;
    if (state.kind === "not-yet" && state.until !== undefined) waits.push({ kind: "look-again", at: state.until });
  }
  if (!ready) return waits;
  const kind = ({ NONE: "pull", PULLED: "create", CREATED: "start" } as const)[container.status];
  return [{ kind, container: container.name }];
}

type DependencyState =
  | { readonly kind: "met" }
  /** `until`: when it turns into "never" unless something happens. */
  | { readonly kind: "not-yet"; readonly until?: Instant }
  | { readonly kind: "never"; readonly why: string };

function dependencyState(
  task: TaskRecord,
  waiter: ContainerRecord,
  dependency: Dependency,
  now: Instant,
): DependencyState {
  const on = task.containers.find((it) => it.name === dependency.on)!;
  const { condition } = dependency;
  const created = on.status === "CREATED" || on.status === "RUNNING" || on.runtimeId !== undefined;
  const started = on.startedAt !== undefined;
  const stopped = on.status === "STOPPED";
  if (condition === "CREATED" && created) return { kind: "met" };
  if (condition === "START" && (on.status === "RUNNING" || (stopped && started))) return { kind: "met" };
  if (condition === "HEALTHY" && on.status === "RUNNING" && on.health?.status === "HEALTHY") return { kind: "met" };
  if (condition === "COMPLETE" && stopped && on.exitCode !== undefined && started) return { kind: "met" };
  if (condition === "SUCCESS" && stopped && on.exitCode === 0) return { kind: "met" };
  if (stopped)
    return {
      kind: "never",
      why: `container "${waiter.name}" needs "${on.name}" to be ${condition}, but it ${fate(on)}`,
    };
  return withinStartTimeout(task, waiter, on, condition, now);
}

function fate(container: ContainerRecord): string {
  if (container.startedAt === undefined) return "never started";
  return container.exitCode === undefined ? "stopped" : `exited with code ${container.exitCode}`;
}

/** startTimeout belongs to the container waited for and runs from its start. */
function withinStartTimeout(
  task: TaskRecord,
  waiter: ContainerRecord,
  on: ContainerRecord,
  condition: Dependency["condition"],
  now: Instant,
): DependencyState {
  const timeoutSeconds = payloadOf(task, on).startTimeout;
  if (!timeoutSeconds || on.startedAt === undefined || condition === "START" || condition === "CREATED")
    return { kind: "not-yet" };
  const until = on.startedAt + timeoutSeconds * 1000;
  if (now < until) return { kind: "not-yet", until };
  const why = `container "${waiter.name}" needs "${on.name}" to be ${condition}, which it was not within its startTimeout of ${timeoutSeconds} seconds`;
  return { kind: "never", why };
}

/**
 * Whether a container that has just exited is started again in place: its policy is on, the exit code is not one of
 * those to accept, the task is to run, and it ran for at least restartAttemptPeriod (agent protocol, 6.3).
 */
export function restartsAfterExit(
  task: TaskRecord,
  container: ContainerRecord,
  exit: { exitCode?: number; finishedAt: Instant },
): boolean {
  const policy = payloadOf(task, container).restartPolicy;
  if (!policy?.enabled || task.desiredStatus === "STOPPED" || container.startedAt === undefined) return false;
  if (exit.exitCode !== undefined && policy.ignoredExitCodes?.includes(exit.exitCode)) return false;
  const periodMs = (policy.restartAttemptPeriod ?? DEFAULT_RESTART_ATTEMPT_PERIOD_S) * 1000;
  return exit.finishedAt - container.startedAt >= periodMs;
}
