import * as v from "valibot";
import type { Log } from "../../runtime/log.ts";
import type { TaskEngine } from "../engine/engine.ts";
import { taskStatus } from "../engine/task-record.ts";
import { type PayloadTask, readPayloadTask } from "../payload/task-payload.ts";
import type { AgentState } from "../state/agent-state.ts";
import {
  executionRole,
  heartbeatMessage,
  iamRoleCredentialsMessage,
  payloadMessage,
  taskManifestMessage,
  taskStopVerificationAck,
  updateMessage,
} from "./messages.ts";
import { type TaskLogs, taskLogsRequest } from "./task-logs.ts";

export interface AcsDeps {
  readonly engine: TaskEngine;
  readonly state: AgentState;
  readonly log: Log;
  /** Sends a message to the control plane; lost if the session is not open (it then sends its own again). */
  readonly send: (type: string, message: object) => void;
  /** Tells that a task is STOPPED which the engine does not keep. */
  readonly tellStopped: (arn: string, reason: string) => void;
  readonly onHeartbeat: () => void;
  /** Reads a container's log. */
  readonly taskLogs: TaskLogs;
}

/** Takes in the messages of an ACS session (agent protocol, 2.3 to 2.13). A message that makes no sense is logged and dropped. */
export interface AcsReceiver {
  receive(type: string, message: unknown): Promise<void>;
}

export function acsReceiver(deps: AcsDeps): AcsReceiver {
  const { engine, state, log, send } = deps;
  /** The highest number seen in payloads and manifests: an older manifest says nothing. */
  let latestSeqNum = state.identity().latestSeqNum ?? 0;
  /** The manifest whose stop candidates were asked about. */
  let askedAbout: { readonly messageId: string; readonly candidates: ReadonlySet<string> } | undefined;

  const handlers: Readonly<Record<string, (message: unknown) => Promise<void> | void>> = {
    HeartbeatMessage: handler(heartbeatMessage, ({ messageId }) => {
      send("HeartbeatAckRequest", { messageId });
      deps.onHeartbeat();
    }),
    PayloadMessage: handler(payloadMessage, receivePayload),
    TaskManifestMessage: handler(taskManifestMessage, receiveManifest),
    TaskStopVerificationAck: handler(taskStopVerificationAck, receiveStopVerification),
    IAMRoleCredentialsMessage: handler(iamRoleCredentialsMessage, ({ messageId, taskArn, roleCredentials }) => {
      // No container is handed credentials here (tasks that need them are refused), so there is nothing to renew.
      if (engine.task(taskArn)) send("IAMRoleCredentialsAckRequest", { messageId, ...roleCredentials });
    }),
    TaskLogsRequest: handler(taskLogsRequest, async (request) =>
      send("TaskLogsResponse", await deps.taskLogs(request)),
    ),
    StageUpdateMessage: handler(updateMessage, refuseUpdate),
    PerformUpdateMessage: handler(updateMessage, refuseUpdate),
  };

  async function receivePayload(message: v.InferOutput<typeof payloadMessage>): Promise<void> {
    latestSeqNum = Math.max(latestSeqNum, message.seqNum ?? 0);
    const entries = message.tasks.map(readPayloadTask);
    const { unknownStops } = await engine.accept(entries);
    for (const arn of unknownStops)
      deps.tellStopped(arn, "TaskStateError: Agent could not progress task's state to stopped");
    const unrecognised = entries.filter(
      (it): it is Extract<PayloadTask, { kind: "unrecognised" }> => it.kind === "unrecognised",
    );
    for (const { arn, problem } of unrecognised) {
      log.error({ task: arn, problem }, "a task of a payload cannot be understood");
      // ECS's own spelling, which servers look for.
      if (arn && !engine.task(arn)) deps.tellStopped(arn, `UnrecogniedTaskError: Error loading task - ${problem}`);
    }
    if (unrecognised.length > 0) return; // Not acknowledged: the STOPPED reports stand for it.
    send("AckRequest", {
      cluster: message.clusterArn,
      containerInstance: message.containerInstanceArn,
      messageId: message.messageId,
    });
    for (const task of message.tasks) {
      const role = v.safeParse(executionRole, task);
      if (role.success)
        send("IAMRoleCredentialsAckRequest", { messageId: message.messageId, ...role.output.executionRoleCredentials });
    }
  }

  function receiveManifest(message: v.InferOutput<typeof taskManifestMessage>): void {
    if (message.timeline <= latestSeqNum) {
      log.info({ timeline: message.timeline, latestSeqNum }, "an outdated manifest was dropped");
      return;
    }
    latestSeqNum = message.timeline;
    state.setIdentity({ latestSeqNum });
    const wanted = new Set(message.tasks.filter((it) => it.desiredStatus === "RUNNING").map((it) => it.taskArn));
    const candidates = [...engine.tasks()].filter(
      (it) => it.desiredStatus === "RUNNING" && taskStatus(it) !== "STOPPED" && !wanted.has(it.arn),
    );
    send("AckRequest", {
      cluster: message.clusterArn,
      containerInstance: message.containerInstanceArn,
      messageId: message.messageId,
    });
    if (candidates.length === 0) return;
    askedAbout = { messageId: message.messageId, candidates: new Set(candidates.map((it) => it.arn)) };
    send("TaskStopVerificationMessage", {
      messageId: message.messageId,
      stopCandidates: candidates.map((it) => ({
        taskArn: it.arn,
        taskClusterArn: message.clusterArn,
        desiredStatus: "STOPPED",
      })),
    });
  }

  async function receiveStopVerification(message: v.InferOutput<typeof taskStopVerificationAck>): Promise<void> {
    const asked = askedAbout;
    if (asked?.messageId !== message.messageId) {
      log.warn({ messageId: message.messageId }, "a stop verification that was not asked for was dropped");
      return;
    }
    askedAbout = undefined;
    const stops = message.stopTasks.filter((it) => it.desiredStatus === "STOPPED" && asked.candidates.has(it.taskArn));
    await engine.accept(stops.map((it) => ({ kind: "stop", arn: it.taskArn })));
  }

  function refuseUpdate(message: v.InferOutput<typeof updateMessage>): void {
    const { clusterArn: cluster, containerInstanceArn: containerInstance, messageId } = message;
    send("NackRequest", { cluster, containerInstance, messageId, reason: "Updates are disabled" });
  }

  function handler<T>(schema: v.GenericSchema<unknown, T>, handle: (message: T) => Promise<void> | void) {
    return (message: unknown) => {
      const result = v.safeParse(schema, message);
      if (result.success) return handle(result.output);
      log.warn({ problem: v.summarize(result.issues) }, "a message of a wrong shape was dropped");
    };
  }

  return {
    async receive(type, message) {
      const handle = Object.hasOwn(handlers, type) ? handlers[type] : undefined;
      if (!handle) return log.warn({ type }, "a message of a type that is not carried out was dropped");
      try {
        await handle(message);
      } catch (error) {
        log.error({ type, error: String(error) }, "a message could not be carried out; it is not acknowledged");
      }
    },
  };
}
