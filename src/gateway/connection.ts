import type { WebSocket } from "ws";
import type { Log } from "../runtime/log.ts";
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

/** One websocket of an agent: frames in and out, what it was last heard, and a bound on what waits to be sent. */
export class Connection {
  readonly #socket: WebSocket;
  readonly #context: GatewayContext;
  readonly log: Log;
  #lastHeard: number;

  constructor(socket: WebSocket, context: GatewayContext, log: Log, events: ConnectionEvents) {
    this.#socket = socket;
    this.#context = context;
    this.log = log;
    this.#lastHeard = context.clock.monotonic();
    const heard = () => {
      this.#lastHeard = context.clock.monotonic();
      events.onHeard?.();
    };
    socket.on("pong", heard);
    socket.on("ping", heard);
    socket.on("message", (data, isBinary) => {
      heard();
      this.#receive(isBinary ? "" : data.toString(), events.onFrame);
    });
    socket.on("error", (error) => log.warn({ error: error.message }, "agent's session failed"));
    socket.on("close", () => events.onClosed());
  }

  get isOpen(): boolean {
    return this.#socket.readyState === this.#socket.OPEN;
  }

  /** Milliseconds since anything came. */
  get silentMs(): number {
    return this.#context.clock.monotonic() - this.#lastHeard;
  }

  send(type: string, message: object): void {
    if (!this.isOpen) return;
    this.#socket.send(writeFrame(type, message));
    this.#dropIfSlow();
  }

  /** Also drops a session that does not read, or that has been silent for too long. */
  ping(): void {
    if (!this.isOpen) return;
    if (this.silentMs > this.#context.settings.silenceMs) {
      this.log.warn({ silentMs: Math.round(this.silentMs) }, "agent is silent; its session is dropped");
      this.#socket.terminate();
      return;
    }
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
    if (this.#socket.bufferedAmount <= this.#context.settings.maxBufferedBytes) return;
    this.log.warn(
      { bytes: this.#socket.bufferedAmount },
      "agent does not read what it is sent; its session is dropped",
    );
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
