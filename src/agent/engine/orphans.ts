import type { Clock } from "../../runtime/clock.ts";
import type { Log } from "../../runtime/log.ts";
import type { TaskEngine } from "./engine.ts";
import { taskStatus } from "./task-record.ts";

/**
 * Stops every task, as a STOPPED payload would: the container instance was deregistered while nobody heard this host, so
 * the control plane has marked its tasks STOPPED and started others in their place. Says so once of
 * each task, so that it may be called at every refusal. Never rejects: what fails is left to the next call.
 */
export async function stopOrphans(engine: Pick<TaskEngine, "tasks" | "accept">, log: Log): Promise<void> {
  const orphans = [...engine.tasks()].filter((it) => taskStatus(it) !== "STOPPED");
  if (orphans.length === 0) return;
  const tasks = orphans.filter((it) => it.desiredStatus !== "STOPPED").map((it) => it.arn);
  if (tasks.length > 0)
    log.warn({ tasks }, "this container instance was deregistered: the tasks left on it are stopped");
  try {
    await engine.accept(orphans.map(({ arn }) => ({ kind: "stop", arn })));
  } catch (error) {
    log.error({ error: String(error) }, "the tasks could not be stopped; it is tried again");
  }
}

/** Between two looks whether a host is empty, each of which asks again for what could not be stopped. */
const LOOK_MS = 250;

/**
 * Stops all tasks of a deregistered host and resolves when their containers are removed and they are forgotten, or when
 * the signal is aborted: rejects then. For an engine that cleans up at once (`cleanupWaitMs` 0).
 */
export async function emptyHost(
  engine: Pick<TaskEngine, "tasks" | "accept">,
  { clock, log, signal }: { readonly clock: Clock; readonly log: Log; readonly signal: AbortSignal },
): Promise<void> {
  while ([...engine.tasks()].length > 0) {
    await stopOrphans(engine, log);
    await clock.sleep(LOOK_MS, signal);
  }
}
