import type { WebSocket } from "ws";

/** What comes over an agent's connection. */
export interface AgentSocketEvents {
  /** One whole message; "" for one that is not text. */
  readonly onText: (text: string) => void;
  /** A ping or a pong: a sign of life and no more. */
  readonly onSign: () => void;
  readonly onError: (error: Error) => void;
  /** Once, however it ends. Nothing comes after it. */
  readonly onClosed: () => void;
}

/** An agent's connection, as far as a session needs to know: messages in order, signs of life, an end. */
export interface AgentSocket {
  readonly isOpen: boolean;
  /** Bytes that were sent and that the network has not taken yet. */
  readonly bufferedBytes: number;
  /** Says to whom what comes is told. Called once, before anything can have come. */
  listen(events: AgentSocketEvents): void;
  /** Sends nothing once it is closed. */
  send(text: string): void;
  ping(): void;
  /** Asks the other end to close; until it does, the connection is not open and not closed. */
  close(code: number, reason: string): void;
  /** Cuts it. */
  terminate(): void;
}

/** A websocket as an agent's connection. */
export function websocketOf(socket: WebSocket): AgentSocket {
  return {
    get isOpen() {
      return socket.readyState === socket.OPEN;
    },
    get bufferedBytes() {
      return socket.bufferedAmount;
    },
    listen({ onText, onSign, onError, onClosed }) {
      socket.on("pong", onSign);
      socket.on("ping", onSign);
      socket.on("message", (data, isBinary) => onText(isBinary ? "" : data.toString()));
      socket.on("error", onError);
      socket.on("close", () => onClosed());
    },
    send: (text) => socket.send(text),
    ping: () => socket.ping(),
    close: (code, reason) => socket.close(code, reason),
    terminate: () => socket.terminate(),
  };
}
