import { TASK_LOGS_ATTRIBUTE, type TaskLogEvent, type TaskLogsRequest } from "../../gateway/index.ts";
import { attributeValue, hostName } from "../../model/container-instance.ts";
import type { ContainerRecord, TaskRecord } from "../../model/task.ts";
import { assertNever } from "../../runtime/assert-never.ts";
import type { ApiContext } from "../context.ts";
import { invalidParameter, logStreamNotFound, unavailable } from "./errors.ts";

export interface ReadEvents {
  readonly events: readonly TaskLogEvent[];
  /** How many events of the first one's millisecond come before it in the log. */
  readonly offset: number;
}

const NOTHING: ReadEvents = { events: [], offset: 0 };

/**
 * Reads from the engine of the task's host, which keeps a container's log until the container is cleaned up. Nothing is
 * there of a task that has no host or no container yet. Throws ResourceNotFoundException for a log that is gone,
 * InvalidParameterException for one that can never be read, and ServiceUnavailableException, which names the host, for one
 * that cannot be read now.
 */
export async function readTaskLog(
  { store, taskLogs }: ApiContext,
  task: TaskRecord,
  container: ContainerRecord,
  request: TaskLogsRequest,
): Promise<ReadEvents> {
  if (task.containerInstanceArn === undefined) return NOTHING;
  const instance = store.view.containerInstances.get(task.containerInstanceArn);
  if (instance === undefined || instance.status === "INACTIVE") throw logStreamNotFound();
  const host = hostName(instance);
  if (attributeValue(instance, TASK_LOGS_ATTRIBUTE) === undefined) {
    throw invalidParameter(
      `The agent of host ${host} cannot read logs: it does not have the attribute ${TASK_LOGS_ATTRIBUTE}.`,
    );
  }
  // A session may still look open when its host is silent: the record knows first.
  const answer = instance.agentConnected
    ? await taskLogs.read(instance.arn, request)
    : ({ kind: "disconnected" } as const);
  switch (answer.kind) {
    case "events":
      return answer;
    case "not-found":
      // A new task's agent may not have heard of it yet.
      if (task.lastStatus !== "STOPPED" && container.runtimeId === undefined) return NOTHING;
      throw logStreamNotFound();
    case "unreadable":
      throw invalidParameter(`The log of container ${container.name} cannot be read: ${answer.message}.`);
    case "disconnected":
      throw unavailable(`The agent of host ${host}, which keeps this log, is not connected.`);
    case "timeout":
      throw unavailable(`The agent of host ${host}, which keeps this log, did not read it in time.`);
    case "busy":
      throw unavailable(`The agent of host ${host}, which keeps this log, is asked for too many logs at once.`);
    case "failed":
      throw unavailable(`Host ${host}, which keeps this log, cannot read it: ${answer.message}`);
    default:
      return assertNever(answer, "answer about a task's log");
  }
}
