import type * as v from "valibot";
import type { Log } from "../../runtime/log.ts";
import type { TaskEngine } from "../engine/engine.ts";
import { taskStatus } from "../engine/task-record.ts";
import type { AgentState } from "../state/agent-state.ts";
import type { taskManifestMessage, taskStopVerificationAck } from "./messages.ts";

export interface ManifestDeps {
  readonly engine: TaskEngine;
  readonly state: AgentState;
  readonly log: Log;
  /** Sends a message to the control plane; lost if the session is not open (it then sends its own again). */
  readonly send: (type: string, message: object) => void;
}

/** Sheds what the control plane's list of tasks does not name, after asking about it (agent protocol, 2.11). */
export class Manifests {
  readonly #deps: ManifestDeps;
  /** The highest number seen in payloads and manifests: an older manifest says nothing. */
  #latestSeqNum: number;
  /** The manifest whose stop candidates were asked about. */
  #askedAbout: { readonly messageId: string; readonly candidates: ReadonlySet<string> } | undefined;

  constructor(deps: ManifestDeps) {
    this.#deps = deps;
    this.#latestSeqNum = deps.state.identity().latestSeqNum ?? 0;
  }

  /** A payload of that number has come: manifests made before it are outdated. */
  passed(seqNum: number): void {
    this.#latestSeqNum = Math.max(this.#latestSeqNum, seqNum);
  }

  /** Resolves when the tasks of every payload that came before it are known here, and were held against its list. */
  async receive(message: v.InferOutput<typeof taskManifestMessage>): Promise<void> {
    const { engine, state, log, send } = this.#deps;
    const { messageId, timeline, clusterArn, containerInstanceArn } = message;
    if (timeline <= this.#latestSeqNum) {
      log.info({ timeline, latestSeqNum: this.#latestSeqNum }, "an outdated manifest was dropped");
      return;
    }
    this.#latestSeqNum = timeline;
    state.setIdentity({ latestSeqNum: timeline });
    // A payload that came just before may still be on its way to disk: its tasks are to be held against the list, too.
    await engine.accept([]);
    const wanted = new Set(message.tasks.filter((it) => it.desiredStatus === "RUNNING").map((it) => it.taskArn));
    const candidates = [...engine.tasks()]
      .filter((it) => it.desiredStatus === "RUNNING" && taskStatus(it) !== "STOPPED" && !wanted.has(it.arn))
      .map((it) => it.arn);
    send("AckRequest", { cluster: clusterArn, containerInstance: containerInstanceArn, messageId });
    if (candidates.length === 0) return;
    this.#askedAbout = { messageId, candidates: new Set(candidates) };
    send("TaskStopVerificationMessage", {
      messageId,
      stopCandidates: candidates.map((taskArn) => ({ taskArn, taskClusterArn: clusterArn, desiredStatus: "STOPPED" })),
    });
  }

  /** Stops the tasks that were asked about, as far as the answer says so. */
  async receiveVerification(message: v.InferOutput<typeof taskStopVerificationAck>): Promise<void> {
    const asked = this.#askedAbout;
    if (asked?.messageId !== message.messageId) {
      this.#deps.log.warn({ messageId: message.messageId }, "a stop verification that was not asked for was dropped");
      return;
    }
    this.#askedAbout = undefined;
    const stops = message.stopTasks.filter((it) => it.desiredStatus === "STOPPED" && asked.candidates.has(it.taskArn));
    await this.#deps.engine.accept(stops.map((it) => ({ kind: "stop", arn: it.taskArn })));
  }
}
