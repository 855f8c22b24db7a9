import type { ContainerInstanceRecord } from "../model/container-instance.ts";
import type { TaskRecord } from "../model/task.ts";
import { abandonTask } from "../state/index.ts";
import type { ContainerInstanceArn, TaskArn } from "../wire/arn.ts";
import { type AcsMessage, readAcsMessage } from "./acs-messages.ts";
import type { AgentSocket } from "./agent-socket.ts";
import { CLOSE_GOING_AWAY, Connection } from "./connection.ts";
import type { GatewayContext } from "./context.ts";
import type { Frame } from "./frame.ts";
import { manifestOf, tasksToStop } from "./manifest.ts";
import { type Delivery, type Order, Outbox } from "./outbox.ts";
import { stopPayload, type TaskPayload, taskPayload } from "./payload.ts";
import { reserveSequence, type SequenceRange } from "./presence.ts";
import { Sequence } from "./sequence.ts";
import { MAX_TASKS_PER_PAYLOAD } from "./settings.ts";

export interface AcsSessionEvents {
  readonly onHeard: () => void;
  readonly onClosed: () => void;
  /** The agent holds these orders durably. */
  readonly onDelivered: (deliveries: readonly Delivery[]) => void;
  readonly onTaskLogs: (answer: Extract<AcsMessage, { type: "TaskLogsResponse" }>["message"]) => void;
}

/**
 * One agent's ACS session. It tells the agent what the records say and the agent has not acknowledged: on connection,
 * and after every change. It remembers nothing that a new session would need.
 */
export class AcsSession {
  readonly arn: ContainerInstanceArn;
  readonly #clusterArn: string;
  readonly #context: GatewayContext;
  readonly #events: AcsSessionEvents;
  readonly #connection: Connection;
  readonly #outbox = new Outbox();
  /** Undefined until the connection is recorded; nothing is sent before. */
  #sequence: Sequence | undefined;
  #manifestId: string | undefined;
  #isRetired = false;
  #isResuming = false;

  constructor(
    socket: AgentSocket,
    instance: ContainerInstanceRecord,
    context: GatewayContext,
    events: AcsSessionEvents,
  ) {
    this.arn = instance.arn;
    this.#clusterArn = instance.clusterArn;
    this.#context = context;
    this.#events = events;
    this.#connection = new Connection(socket, context, context.log.child({ instance: instance.arn }), {
      onFrame: (frame) => this.#receive(frame),
      onHeard: events.onHeard,
      onClosed: events.onClosed,
    });
  }

  get isOpen(): boolean {
    return this.#connection.isOpen;
  }

  /** The connection is recorded: says all that is to be said. */
  begin(range: SequenceRange): void {
    const reserve = () =>
      reserveSequence(this.#context.store, this.arn).catch((error: unknown) => {
        this.#connection.log.error({ error: String(error) }, "no more sequence numbers; the session is dropped");
        this.terminate();
        return undefined;
      });
    this.#sequence = new Sequence(range, reserve, () => this.flush());
    this.resume();
  }

  /** True once for each `resume` that is to follow: the session has begun, and no other is about to resume it. */
  mayResume(): boolean {
    if (this.#sequence === undefined || this.#isResuming) return false;
    this.#isResuming = true;
    return true;
  }

  /** Says all again that the agent may have missed while it was not heard. */
  resume(): void {
    this.#isResuming = false;
    if (this.#sequence === undefined || this.#isRetired) return;
    this.#sendManifest();
    const tasks = this.#context.store.view.tasks.where("containerInstance", this.arn);
    for (const task of tasks.toSorted((a, b) => a.createdAt - b.createdAt)) this.#outbox.notice(task);
    this.flush();
  }

  /** Sends a message that has no part in what the session keeps. */
  say(type: string, message: object): void {
    this.#connection.send(type, message);
  }

  /** A task of this instance has changed. `flush` says what there is to say. */
  notice(task: TaskRecord): void {
    this.#outbox.notice(task);
  }

  forget(arn: TaskArn): void {
    this.#outbox.forget(arn);
  }

  /** Sends what waits, in payloads of several tasks, while the agent keeps up with acknowledging them. */
  flush(): void {
    const { store, settings } = this.#context;
    while (this.isOpen && !this.#isRetired && this.#outbox.unacknowledged < settings.maxUnacknowledged) {
      const owed = this.#outbox.take((arn) => store.view.tasks.get(arn), MAX_TASKS_PER_PAYLOAD);
      if (owed.length === 0) return;
      const seqNum = this.#sequence?.take();
      if (seqNum === undefined) {
        for (const { task } of owed) this.#outbox.notice(task);
        return;
      }
      this.#sendPayload(owed, seqNum);
    }
  }

  /** The instance is deregistered: its agent learns that nothing is to run there, and is then let go. */
  retire(): void {
    if (this.#isRetired) return;
    this.#sendManifest();
    this.#isRetired = true;
    this.#context.clock.after(this.#context.settings.retireMs, () => this.#endRetired());
  }

  ping(): void {
    this.#connection.ping(this.#context.settings.maxUnansweredPings);
  }

  heartbeat(): void {
    this.#connection.send("HeartbeatMessage", { healthy: true, messageId: this.#context.random.uuid() });
  }

  close(reason: string): void {
    this.#connection.close(CLOSE_GOING_AWAY, reason);
  }

  terminate(): void {
    this.#connection.terminate();
  }

  #endRetired(): void {
    this.close("InactiveInstanceException: the container instance is deregistered");
  }

  #sendManifest(): void {
    const timeline = this.#sequence?.take();
    if (timeline === undefined) return;
    const { store, random, clock } = this.#context;
    this.#manifestId = random.uuid();
    this.#connection.send("TaskManifestMessage", {
      clusterArn: this.#clusterArn,
      containerInstanceArn: this.arn,
      messageId: this.#manifestId,
      generatedAt: clock.now(),
      timeline,
      tasks: manifestOf(store.view, this.arn),
    });
  }

  #sendPayload(owed: readonly { readonly task: TaskRecord; readonly order: Order }[], seqNum: number): void {
    const tasks: TaskPayload[] = [];
    const deliveries: Delivery[] = [];
    for (const { task, order } of owed) {
      const payload = this.#payloadOf(task, order);
      if (payload === undefined) continue;
      tasks.push(payload);
      deliveries.push({ taskArn: task.arn, order });
    }
    if (tasks.length === 0) return;
    const messageId = this.#context.random.uuid();
    this.#outbox.sent(messageId, deliveries);
    this.#connection.send("PayloadMessage", {
      clusterArn: this.#clusterArn,
      containerInstanceArn: this.arn,
      messageId,
      seqNum,
      generatedAt: this.#context.clock.now(),
      tasks,
    });
  }

  #payloadOf(task: TaskRecord, order: Order): TaskPayload | undefined {
    if (order === "stop") return stopPayload(task);
    const definition = this.#context.store.view.taskDefinitions.get(task.taskDefinitionArn);
    try {
      if (definition === undefined) throw new Error(`${task.taskDefinitionArn} is gone`);
      return taskPayload(task, definition);
    } catch (error) {
      void this.#fail(task.arn, error instanceof Error ? error.message : String(error));
      return undefined;
    }
  }

  /** A task that cannot even be told to an agent has failed to start. */
  async #fail(arn: TaskArn, problem: string): Promise<void> {
    const { store, clock } = this.#context;
    const now = clock.now();
    const reason = `InternalError: the task cannot be given to an agent: ${problem}`;
    try {
      await store.transact("task without payload", (tx) => {
        const task = tx.tasks.get(arn);
        if (task !== undefined) abandonTask(tx, task, { stopCode: "TaskFailedToStart", reason }, now);
      });
    } catch (error) {
      this.#connection.log.error({ task: arn, problem, error: String(error) }, "task could not be failed");
    }
  }

  #receive(frame: Frame): void {
    const read = readAcsMessage(frame);
    if (typeof read === "string") {
      this.#connection.log.warn({ problem: read }, "agent's message is dropped");
      return;
    }
    switch (read.type) {
      case "AckRequest":
        this.#acknowledged(read.message.messageId);
        return;
      case "NackRequest":
        this.#connection.log.warn({ reason: read.message.reason }, "agent refuses a message");
        return;
      case "TaskStopVerificationMessage":
        this.#verifyStops(
          read.message.messageId,
          read.message.stopCandidates.map((c) => c.taskArn),
        );
        return;
      case "TaskLogsResponse":
        this.#events.onTaskLogs(read.message);
        return;
      case "HeartbeatAckRequest":
      case "IAMRoleCredentialsAckRequest":
        return;
    }
  }

  #acknowledged(messageId: string): void {
    const deliveries = this.#outbox.acknowledge(messageId);
    if (deliveries === undefined) return;
    this.#events.onDelivered(deliveries);
    this.flush();
  }

  /** The agent takes one answer for each manifest, and stops only what the answer names. */
  #verifyStops(messageId: string, candidates: readonly string[]): void {
    if (messageId !== this.#manifestId) {
      this.#connection.log.warn({ messageId }, "agent asks about a manifest that is not the last");
      return;
    }
    const { store, clock } = this.#context;
    const stopTasks = tasksToStop(store.view, this.arn, candidates);
    if (stopTasks.length > 0) this.#connection.log.info({ stopTasks }, "agent is told to stop tasks not to run there");
    this.#connection.send("TaskStopVerificationAck", {
      generatedAt: clock.now(),
      messageId,
      stopTasks: stopTasks.map((taskArn) => ({ taskArn, taskClusterArn: this.#clusterArn, desiredStatus: "STOPPED" })),
    });
    if (this.#isRetired) this.#endRetired();
  }
}
