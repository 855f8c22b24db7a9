import type { ContainerInstanceRecord } from "../model/container-instance.ts";
import type { ContainerRecord } from "../model/task.ts";
import type { ContainersHealth } from "../state/index.ts";
import type { ContainerInstanceArn } from "../wire/arn.ts";
import type { AgentSocket } from "./agent-socket.ts";
import { CLOSE_GOING_AWAY, Connection } from "./connection.ts";
import type { GatewayContext } from "./context.ts";
import type { Frame } from "./frame.ts";
import { readTcsMessage } from "./tcs-messages.ts";

/** A container's health, as an agent says it. */
interface SaidHealth {
  readonly containerName: string;
  readonly healthStatus: ContainerRecord["healthStatus"];
  readonly healthOutput?: string | null;
}

export interface TcsSessionEvents {
  readonly onHealth: (taskArn: string, health: ContainersHealth) => void;
  readonly onClosed: () => void;
}

/** Heartbeats, each with a ping, without an answer before a session is dropped. */
const MAX_UNANSWERED_HEARTBEATS = 3;

/** One agent's TCS session: takes in container health, and acknowledges metrics and instance status. */
export class TcsSession {
  readonly arn: ContainerInstanceArn;
  readonly #context: GatewayContext;
  readonly #events: TcsSessionEvents;
  readonly #connection: Connection;

  constructor(
    socket: AgentSocket,
    instance: ContainerInstanceRecord,
    context: GatewayContext,
    events: TcsSessionEvents,
  ) {
    this.arn = instance.arn;
    this.#context = context;
    this.#events = events;
    this.#connection = new Connection(socket, context, context.log.child({ instance: instance.arn, telemetry: true }), {
      onFrame: (frame) => this.#receive(frame),
      onClosed: events.onClosed,
    });
  }

  /** Also finds out whether the agent is still there. */
  heartbeat(): void {
    this.#connection.ping(MAX_UNANSWERED_HEARTBEATS);
    this.#connection.send("HeartbeatMessage", { healthy: true });
  }

  close(reason: string): void {
    this.#connection.close(CLOSE_GOING_AWAY, reason);
  }

  terminate(): void {
    this.#connection.terminate();
  }

  #receive(frame: Frame): void {
    const read = readTcsMessage(frame);
    if (typeof read === "string") {
      this.#connection.log.warn({ problem: read }, "agent's telemetry is dropped");
      return;
    }
    switch (read.type) {
      case "PublishHealthRequest":
        for (const task of read.message.tasks ?? []) this.#takeHealth(task);
        this.#connection.send("AckPublishHealth", { message: "OK" });
        return;
      case "PublishMetricsRequest":
        this.#connection.send("AckPublishMetric", { message: "OK" });
        return;
      case "PublishInstanceStatusRequest":
        this.#connection.send("AckPublishInstanceStatus", { message: "OK" });
        return;
    }
  }

  /** Only what is new about a task of this instance goes on: an agent repeats itself every few seconds. */
  #takeHealth(said: { readonly taskArn: string; readonly containers?: readonly SaidHealth[] | null }): void {
    const task = this.#context.store.view.tasks.get(said.taskArn);
    if (task === undefined || task.containerInstanceArn !== this.arn) return;
    const health = new Map(
      (said.containers ?? []).map(({ containerName, healthStatus, healthOutput }) => [
        containerName,
        { healthStatus, healthOutput: healthOutput ?? undefined },
      ]),
    );
    const isNew = task.containers.some(
      (c) => health.has(c.name) && health.get(c.name)?.healthStatus !== c.healthStatus,
    );
    if (isNew) this.#events.onHealth(task.arn, health);
  }
}
