import type { Clock, Instant } from "../../runtime/clock.ts";
import type { ContainerFacts, ContainerRuntime, PortBinding } from "../container-runtime.ts";
import { parsePortRange } from "./container-spec.ts";
import { restartsAfterExit } from "./decide.ts";
import { type ContainerRecord, noteReason, type TaskRecord } from "./task-record.ts";

/** What the facts ask for beyond the record: nothing, a start in place, or a stop of what should not run. */
export type AfterFacts = "nothing" | "restart" | "stop-stray";

/**
 * The daemon may say that a container exited a moment before it says that the kernel killed it for its memory: usually
 * within 50 ms, on a busy machine within half a second. An exit by SIGKILL is looked at again until then.
 */
const OOM_WORD_MS = 50;
const OOM_WORD_LOOKS = 12;

/** What the engine says of a container, once it has said all. */
export async function settledFacts(
  runtime: ContainerRuntime,
  clock: Clock,
  idOrName: string,
): Promise<ContainerFacts | undefined> {
  let facts = await runtime.inspect(idOrName);
  for (let look = 0; look < OOM_WORD_LOOKS; look++) {
    if (facts?.state !== "exited" || facts.exitCode !== 137 || facts.oomKilled) return facts;
    await clock.sleep(OOM_WORD_MS);
    facts = await runtime.inspect(idOrName);
  }
  return facts;
}

/** Brings a container's record up to what the engine says of it. Statuses only move forward. */
export function absorb(task: TaskRecord, container: ContainerRecord, facts: ContainerFacts, now: Instant): AfterFacts {
  container.runtimeId = facts.id;
  container.imageId = facts.imageId;
  container.createdAt ??= facts.createdAt ?? now;
  if (container.status === "STOPPED") {
    return facts.state === "running" ? "stop-stray" : "nothing";
  }
  noteHealth(container, facts, now);
  switch (facts.state) {
    case "created":
      // The facts may be older than a start that has succeeded since.
      if (container.status === "NONE" || container.status === "PULLED") container.status = "CREATED";
      return "nothing";
    case "running":
      container.status = "RUNNING";
      container.startedAt = facts.startedAt ?? container.startedAt ?? now;
      container.bindings = outsideRanges(container, facts.bindings);
      noteAllStarted(task);
      return "nothing";
    case "exited":
      return absorbExit(task, container, facts, now);
  }
}

function absorbExit(task: TaskRecord, container: ContainerRecord, facts: ContainerFacts, now: Instant): AfterFacts {
  container.startedAt = facts.startedAt ?? container.startedAt;
  container.exitCode = facts.exitCode;
  const finishedAt = facts.finishedAt ?? now;
  noteAllStarted(task);
  if (restartsAfterExit(task, container, { exitCode: facts.exitCode, finishedAt })) return "restart";
  container.status = "STOPPED";
  container.finishedAt = finishedAt;
  if (killedForMemory(task, container, facts))
    noteReason(container, "OutOfMemoryError: Container killed due to memory usage");
  else if (facts.error) noteReason(container, `CannotStartContainerError: ${facts.error}`);
  return "nothing";
}

/**
 * The engine's word, but where a task has a control group of its own: there cgroup v1 tells every container of an OOM kill in any of them. A
 * container that ended otherwise than by SIGKILL, or by the SIGKILL of its stop, was not the one.
 */
function killedForMemory(task: TaskRecord, container: ContainerRecord, facts: ContainerFacts): boolean {
  if (!facts.oomKilled || task.cgroup === undefined) return facts.oomKilled;
  const stopped = container.stopAskedAt !== undefined && (facts.finishedAt ?? 0) >= container.stopAskedAt;
  return facts.exitCode === 137 && !stopped;
}

/** The engine has no such container any more: it was removed by someone else. */
export function absorbVanished(container: ContainerRecord, now: Instant): void {
  if (container.status === "STOPPED") return;
  container.status = "STOPPED";
  container.finishedAt = now;
  noteReason(container, "ContainerVanishedError: No container matching saved ID found");
}

/** The control plane is told no more than this of what a health check wrote, in characters. */
const MAX_HEALTH_OUTPUT = 512;

function noteHealth(container: ContainerRecord, facts: ContainerFacts, now: Instant): void {
  if (!facts.health || facts.health.status === container.health?.status) return;
  const { status, since = now, output } = facts.health;
  container.health = { status, since, output: output?.slice(0, MAX_HEALTH_OUTPUT) };
}

function noteAllStarted(task: TaskRecord): void {
  task.reachedRunning ||= task.containers.every((it) => it.startedAt !== undefined);
}

/** The ports of a containerPortRange are reported as one range, not one by one. */
function outsideRanges(container: ContainerRecord, bindings: readonly PortBinding[]): PortBinding[] {
  return bindings.filter(
    (binding) =>
      !container.rangeBindings.some((range) => {
        const { first, last } = parsePortRange(range.containerPortRange);
        return range.protocol === binding.protocol && first <= binding.containerPort && binding.containerPort <= last;
      }),
  );
}
