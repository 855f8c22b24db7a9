import type { Log } from "../runtime/log.ts";
import type { AgentSocket } from "./agent-socket.ts";
import type { GatewayContext } from "./context.ts";
import { type Frame, readFrame, writeFrame } from "./frame.ts";

/** RFC 6455 codes. An agent connects again at once after these. */
export const CLOSE_GOING_AWAY = 1001;
export const CLOSE_INTERNAL = 1011;

export interface ConnectionEvents {
  /** A well-formed frame; its message is not looked at yet. */
  readonly onFrame: (frame: Frame) => void;
  /** Anything at all came, a pong too. */
  readonly onHeard?: () => void;
  /** Once. */
  readonly onClosed: () => void;
}

/** One connection of an agent: frames in and out, what it was last heard, and a bound on what waits to be sent. */
export class Connection {
  readonly #socket: AgentSocket;
  readonly #context: GatewayContext;
  readonly log: Log;
  /** Pings since anything came. Counted, not timed: a pause of our own is not the agent's silence. */
  #unanswered = 0;

  constructor(socket: AgentSocket, context: GatewayContext, log: Log, events: ConnectionEvents) {
    this.#socket = socket;
    this.#context = context;
    this.log = log;
    const heard = () => {
      this.#unanswered = 0;
      events.onHeard?.();
    };
    socket.listen({
      onSign: heard,
      onText: (text) => {
        heard();
        this.#receive(text, events.onFrame);
      },
      onError: (error) => log.warn({ error: error.message }, "agent's session failed"),
      onClosed: () => events.onClosed(),
    });
  }

  get isOpen(): boolean {
    return this.#socket.isOpen;
  }

  send(type: string, message: object): void {
    if (!this.isOpen) return;
    this.#socket.send(writeFrame(type, message));
    this.#dropIfSlow();
  }

  /** Also drops a session that does not read, or has left `maxUnanswered` pings without an answer. */
  ping(maxUnanswered: number): void {
    if (!this.isOpen) return;
    if (this.#unanswered >= maxUnanswered) {
      this.log.warn({ pings: this.#unanswered }, "agent is silent; its session is dropped");
      this.#socket.terminate();
      return;
    }
    this.#unanswered++;
    this.#socket.ping();
    this.#dropIfSlow();
  }

  close(code: number, reason: string): void {
    this.#socket.close(code, reason);
  }

  terminate(): void {
    this.#socket.terminate();
  }

  #dropIfSlow(): void {
    if (this.#socket.bufferedBytes <= this.#context.settings.maxBufferedBytes) return;
    this.log.warn({ bytes: this.#socket.bufferedBytes }, "agent does not read what it is sent; its session is dropped");
    this.#socket.terminate();
  }

  #receive(text: string, onFrame: (frame: Frame) => void): void {
    const frame = readFrame(text);
    if (typeof frame === "string") {
      this.log.warn({ problem: frame }, "agent's frame is dropped");
      return;
    }
    try {
      onFrame(frame);
    } catch (error) {
      const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
      this.log.error({ type: frame.type, error: message }, "agent's message failed");
      this.close(CLOSE_INTERNAL, "InternalFailure");
    }
  }
}
