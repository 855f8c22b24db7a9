import * as v from "valibot";
import type { Log } from "../../runtime/log.ts";
import type { TaskEngine } from "../engine/engine.ts";
import { type PayloadTask, readPayloadTask } from "../payload/task-payload.ts";
import { executionRole, type payloadMessage } from "./messages.ts";

export interface PayloadDeps {
  readonly engine: TaskEngine;
  readonly log: Log;
  /** Sends a message to the control plane; lost if the session is not open (it then sends its own again). */
  readonly send: (type: string, message: object) => void;
  /** Tells that a task is STOPPED which the engine does not keep. */
  readonly tellStopped: (arn: string, reason: string) => void;
}

type PayloadMessage = v.InferOutput<typeof payloadMessage>;

/** Takes in a payload's tasks and acknowledges it once they are durable. Rejects if they could not be made so. */
export async function receivePayload(deps: PayloadDeps, message: PayloadMessage): Promise<void> {
  const entries = message.tasks.map(readPayloadTask);
  const { unknownStops } = await deps.engine.accept(entries);
  for (const arn of unknownStops)
    deps.tellStopped(arn, "TaskStateError: Agent could not progress task's state to stopped");
  const unrecognised = entries.filter((it) => it.kind === "unrecognised");
  tellUnrecognised(deps, unrecognised);
  if (unrecognised.length > 0) return; // Not acknowledged: the STOPPED reports stand for it.
  acknowledge(deps, message);
}

function tellUnrecognised(
  { engine, log, tellStopped }: PayloadDeps,
  tasks: readonly Extract<PayloadTask, { kind: "unrecognised" }>[],
): void {
  for (const { arn, problem } of tasks) {
    log.error({ task: arn, problem }, "a task of a payload cannot be understood");
    // ECS's own spelling, which servers look for.
    if (arn && !engine.task(arn)) tellStopped(arn, `UnrecogniedTaskError: Error loading task - ${problem}`);
  }
}

function acknowledge({ send }: PayloadDeps, message: PayloadMessage): void {
  const { clusterArn: cluster, containerInstanceArn: containerInstance, messageId } = message;
  send("AckRequest", { cluster, containerInstance, messageId });
  for (const task of message.tasks) {
    const role = v.safeParse(executionRole, task);
    if (role.success) send("IAMRoleCredentialsAckRequest", { messageId, ...role.output.executionRoleCredentials });
  }
}
