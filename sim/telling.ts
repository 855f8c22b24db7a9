import type { BerthSchema, Change } from "../src/store/index.ts";
import { type Story, short } from "./story.ts";

/** Tells what a committed change is about, as far as a reader of the story wants to know. */
export function tellChange(story: Story, { puts }: Change<BerthSchema>): void {
  for (const put of puts) {
    switch (put.table) {
      case "tasks": {
        const { before, after } = put;
        const isSame = (name: "lastStatus" | "desiredStatus" | "healthStatus") => before?.[name] === after[name];
        if (isSame("lastStatus") && isSame("desiredStatus") && isSame("healthStatus")) break;
        const state = `${after.lastStatus}/${after.desiredStatus} ${after.healthStatus} ${after.stoppedReason ?? ""}`;
        story.tell("task", `${short(after.arn)} of ${after.group} on ${short(after.containerInstanceArn)}: ${state}`);
        break;
      }
      case "serviceEvents":
        story.tell("event", put.after.message);
        break;
      case "targets": {
        const { id, port, taskArn, state } = put.after;
        if (put.before?.state !== state) story.tell("target", `${id}:${port} of ${short(taskArn)} ${state}`);
        break;
      }
      case "containerInstances": {
        const { before, after } = put;
        if (before?.agentConnected === after.agentConnected && before.status === after.status) break;
        const connection = after.agentConnected ? "connected" : "not connected";
        story.tell("instance", `${short(put.key)} ${after.status} ${connection}`);
        break;
      }
    }
  }
}

/** What comes too often to be told. */
const UNTOLD = /^\{"type":"(Heartbeat|PublishHealth|AckPublish)/;

/** Whether a frame belongs into the story. */
export function isWorthTelling(text: string): boolean {
  return !UNTOLD.test(text);
}

/** A frame for the story. */
export function brief(text: string): string {
  const { type, message } = JSON.parse(text) as { readonly type: string; readonly message: Record<string, unknown> };
  const tasks = ((message.tasks ?? message.stopTasks ?? message.stopCandidates ?? []) as Record<string, string>[]).map(
    (t) => `${short(t.arn ?? t.taskArn)}/${t.desiredStatus}`,
  );
  return `${type} ${short(String(message.messageId ?? ""))} ${String(message.seqNum ?? message.timeline ?? "")} ${tasks.join(" ")}`;
}
