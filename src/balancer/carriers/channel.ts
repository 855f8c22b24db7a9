import type { WebSocket } from "ws";
import type { Clock, Timer } from "../../runtime/clock.ts";
import type { Log } from "../../runtime/log.ts";

/** Between pings, each way, in milliseconds. */
export const PING_MS = 2_000;
/** Pings without any answer before the connection is given up. Counted, not timed: a pause of our own is not the other's silence. */
const MAX_UNANSWERED = 3;
/** How long the other end has to answer a close before the connection is cut. */
const CLOSE_PATIENCE_MS = 1_000;

/** RFC 6455 codes. */
const GOING_AWAY = 1001;
const POLICY_VIOLATION = 1008;

export interface ChannelOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** Bytes of one message that is sent. */
  readonly maxMessageBytes: number;
  /** Between pings; PING_MS if left out. */
  readonly pingMs?: number;
  /** Bytes that may wait to be sent: with more, the other end does not read, and the connection is given up. */
  readonly maxWaitingBytes: number;
  /** One whole message. What it throws ends the connection. */
  readonly onText: (text: string) => void;
  /** Once, however it ends. */
  readonly onClosed: (reason: string) => void;
}

/** One open websocket between a balancer's host and the control plane; the two ends are alike. */
export class Channel {
  readonly #socket: WebSocket;
  readonly #options: ChannelOptions;
  readonly #pings: Timer;
  #unanswered = 0;
  #reason = "";

  constructor(socket: WebSocket, options: ChannelOptions) {
    this.#socket = socket;
    this.#options = options;
    this.#pings = options.clock.every(options.pingMs ?? PING_MS, () => this.#ping());
    const heard = () => {
      this.#unanswered = 0;
    };
    socket.on("ping", heard);
    socket.on("pong", heard);
    socket.on("message", (data, isBinary) => {
      heard();
      this.#receive(isBinary ? "" : data.toString());
    });
    socket.on("error", (error) => {
      this.#reason ||= error.message;
    });
    socket.on("close", (code, text) => {
      this.#pings.cancel();
      options.onClosed(this.#reason || `closed with ${code} ${text}`.trim());
    });
  }

  get isOpen(): boolean {
    return this.#socket.readyState === this.#socket.OPEN;
  }

  /** Sends nothing once it is closed. Throws a RangeError for a message that is too large. */
  send(message: object): void {
    if (!this.isOpen) return;
    const text = JSON.stringify(message);
    const bytes = Buffer.byteLength(text);
    if (bytes > this.#options.maxMessageBytes)
      throw new RangeError(`a message of ${bytes} bytes is more than ${this.#options.maxMessageBytes}`);
    this.#socket.send(text);
    if (this.#socket.bufferedAmount > this.#options.maxWaitingBytes + bytes)
      this.#giveUp(`${this.#socket.bufferedAmount} bytes wait to be read`);
  }

  close(reason: string): void {
    this.#reason ||= reason;
    this.#socket.close(GOING_AWAY, reason.slice(0, 120));
    this.#options.clock.after(CLOSE_PATIENCE_MS, () => this.#socket.terminate());
  }

  #ping(): void {
    if (!this.isOpen) return;
    if (this.#unanswered < MAX_UNANSWERED) this.#socket.ping();
    else this.#giveUp(`no answer to ${this.#unanswered} pings`);
    this.#unanswered++;
  }

  #giveUp(reason: string): void {
    this.#reason ||= reason;
    this.#socket.terminate();
  }

  #receive(text: string): void {
    if (!this.isOpen) return;
    try {
      this.#options.onText(text);
    } catch (error) {
      this.#reason ||= (error as Error).message;
      this.#options.log.error({ err: error }, "a message could not be taken; the session ends");
      this.#socket.close(POLICY_VIOLATION, this.#reason.slice(0, 120));
      this.#options.clock.after(CLOSE_PATIENCE_MS, () => this.#socket.terminate());
    }
  }
}
