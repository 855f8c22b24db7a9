import type { LastLines, LogReader } from "./controllers/index.ts";
import { type Gateway, TASK_LOGS_ATTRIBUTE } from "./gateway/index.ts";
import { attributeValue } from "./model/container-instance.ts";
import type { BerthStore } from "./store/index.ts";

/** What the controllers read logs with: the gateway's sessions with the agents. */
export function lastLinesReader(store: BerthStore, gateway: Pick<Gateway, "requestTaskLogs">): LogReader {
  return {
    lastLines: async (arn, { taskArn, containerName, limit }): Promise<LastLines> => {
      const instance = store.view.containerInstances.get(arn);
      if (instance !== undefined && attributeValue(instance, TASK_LOGS_ATTRIBUTE) === undefined) {
        return { kind: "never", why: `its agent does not have the attribute ${TASK_LOGS_ATTRIBUTE}` };
      }
      const answer = await gateway.requestTaskLogs(arn, { taskArn, containerName, last: true, limit });
      switch (answer.kind) {
        case "events":
          return { kind: "lines", lines: answer.events.map((event) => event.message) };
        case "disconnected":
          return { kind: "later", why: "its agent is not connected" };
        case "timeout":
          return { kind: "later", why: "its agent did not answer in time" };
        case "busy":
          return { kind: "later", why: "its agent is asked for too many logs at once" };
        case "failed":
          return { kind: "later", why: answer.message };
        case "not-found":
        case "unreadable":
          return { kind: "never", why: answer.message };
      }
    },
  };
}
