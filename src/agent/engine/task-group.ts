import type { Log } from "../../runtime/log.ts";
import type { TaskLimitSupport } from "../cgroup/support.ts";
import type { ContainerFacts, ContainerRuntime } from "../container-runtime.ts";
import type { TaskPayload } from "../payload/task-payload.ts";
import { type TaskRecord, taskId } from "./task-record.ts";

/** The task's control group cannot be made. Its name is what the stopped container's reason begins with. */
export class ResourceInitializationError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "ResourceInitializationError";
  }
}

/** Where a task's control group is to be; undefined of a task without limits of its own, or where there can be none. */
export function groupOf(task: TaskPayload, support: TaskLimitSupport): string | undefined {
  if (support.kind === "unsupported" || !(task.cpu || task.memory)) return undefined;
  return support.groups.pathOf(taskId(task.arn));
}

/** Groups of tasks that nobody knows any more, in which nothing runs, are removed; what cannot be removed is left for the next start. */
export function removeUnknownGroups(
  { taskLimits, log }: { readonly taskLimits: TaskLimitSupport; readonly log: Log },
  tasks: Iterable<TaskRecord>,
): void {
  if (taskLimits.kind === "unsupported") return;
  const known = new Set([...tasks].flatMap((task) => task.cgroup ?? []));
  try {
    const removed = taskLimits.groups.removeUnknown(known);
    if (removed.length > 0) log.info({ removed }, "removed the control groups of tasks that are not known");
  } catch (error) {
    log.warn({ error: String(error) }, "control groups of unknown tasks could not be removed");
  }
}

/**
 * Makes the control group of a task that has limits of its own; if it is there, its limits are set anew. Needed before each start, not only the
 * first: the groups of a machine end with it. Throws ResourceInitializationError.
 */
export function makeGroup(support: TaskLimitSupport, task: TaskRecord): void {
  if (task.cgroup === undefined) return;
  const failed = (detail: string, cause?: unknown) =>
    new ResourceInitializationError(`the control group ${task.cgroup} cannot be made: ${detail}`, { cause });
  if (support.kind === "unsupported") throw failed(support.why);
  try {
    support.groups.make(task.cgroup, { cpu: task.payload.cpu, memoryMiB: task.payload.memory });
  } catch (error) {
    throw failed(error instanceof Error ? error.message : String(error), error);
  }
}

/**
 * True of a running container that the task's limits do not bind: the engine has another view of the control groups than this agent (one of them is in
 * a container, say). Such a container must not go on as if it were limited.
 */
export async function runsOutsideGroup(
  deps: { readonly runtime: ContainerRuntime; readonly taskLimits: TaskLimitSupport },
  task: TaskRecord,
  facts: ContainerFacts | undefined,
): Promise<boolean> {
  const { runtime, taskLimits } = deps;
  if (task.cgroup === undefined || taskLimits.kind === "unsupported" || facts?.state !== "running") return false;
  if (taskLimits.groups.holds(task.cgroup, facts.id)) return false;
  const now = await runtime.inspect(facts.id); // It may have exited since, and its group with it.
  return now?.state === "running" && !taskLimits.groups.holds(task.cgroup, facts.id);
}

export function outsideGroup(task: TaskRecord): string {
  return `ResourceInitializationError: the Docker Engine runs the container outside the task's control group ${task.cgroup}, so the task's limits would not hold`;
}
