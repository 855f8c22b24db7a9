import * as v from "valibot";
import type { Log } from "../../runtime/log.ts";
import { type ManifestDeps, Manifests } from "./manifest.ts";
import {
  heartbeatMessage,
  iamRoleCredentialsMessage,
  payloadMessage,
  taskManifestMessage,
  taskStopVerificationAck,
  updateMessage,
} from "./messages.ts";
import { type PayloadDeps, receivePayload } from "./payload-message.ts";
import { type TaskLogs, taskLogsRequest } from "./task-logs.ts";

export interface AcsDeps extends PayloadDeps, ManifestDeps {
  readonly onHeartbeat: () => void;
  /** Reads a container's log. */
  readonly taskLogs: TaskLogs;
}

/** Takes in the messages of an ACS session (agent protocol, 2.3 to 2.13). A message that makes no sense is logged and dropped. */
export interface AcsReceiver {
  receive(type: string, message: unknown): Promise<void>;
}

type Handler = (message: unknown) => Promise<void> | void;

export function acsReceiver(deps: AcsDeps): AcsReceiver {
  const { log } = deps;
  const handlers = handlersOf(deps);
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

/** What is done with each type of message. */
function handlersOf(deps: AcsDeps): Readonly<Record<string, Handler>> {
  const { engine, send, log } = deps;
  const manifests = new Manifests(deps);
  const refuseUpdate = shaped(log, updateMessage, (message) => {
    const { clusterArn: cluster, containerInstanceArn: containerInstance, messageId } = message;
    send("NackRequest", { cluster, containerInstance, messageId, reason: "Updates are disabled" });
  });
  return {
    HeartbeatMessage: shaped(log, heartbeatMessage, ({ messageId }) => {
      send("HeartbeatAckRequest", { messageId });
      deps.onHeartbeat();
    }),
    PayloadMessage: shaped(log, payloadMessage, (message) => {
      manifests.passed(message.seqNum ?? 0);
      return receivePayload(deps, message);
    }),
    TaskManifestMessage: shaped(log, taskManifestMessage, (message) => manifests.receive(message)),
    TaskStopVerificationAck: shaped(log, taskStopVerificationAck, (message) => manifests.receiveVerification(message)),
    IAMRoleCredentialsMessage: shaped(log, iamRoleCredentialsMessage, ({ messageId, taskArn, roleCredentials }) => {
      // No container is handed credentials here (tasks that need them are refused), so there is nothing to renew.
      if (engine.task(taskArn)) send("IAMRoleCredentialsAckRequest", { messageId, ...roleCredentials });
    }),
    TaskLogsRequest: shaped(log, taskLogsRequest, async (request) =>
      send("TaskLogsResponse", await deps.taskLogs(request)),
    ),
    StageUpdateMessage: refuseUpdate,
    PerformUpdateMessage: refuseUpdate,
  };
}

/** A handler that is called with messages of that shape alone. */
function shaped<T>(
  log: Log,
  schema: v.GenericSchema<unknown, T>,
  handle: (message: T) => Promise<void> | void,
): Handler {
  return (message) => {
    const result = v.safeParse(schema, message);
    if (result.success) return handle(result.output);
    log.warn({ problem: v.summarize(result.issues) }, "a message of a wrong shape was dropped");
  };
}
