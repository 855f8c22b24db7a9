import WebSocket from "ws";
import type { Clock, Timer } from "../../runtime/clock.ts";
import type { Log } from "../../runtime/log.ts";
import type { Random } from "../../runtime/random.ts";

/** Handshake and dial limit (agent protocol, 2.1). */
const HANDSHAKE_MS = 30_000;
const MAX_MESSAGE_BYTES = 16 * 1024 * 1024;
/** Short, so that a restarted control plane has its hosts back within seconds. */
const FIRST_BACKOFF_MS = 250;
const MAX_BACKOFF_MS = 10_000;
const BACKOFF_FACTOR = 1.5;
/** A session that lasted so long was a good one: the next failure starts with the first back-off. */
const GOOD_AFTER_MS = 10_000;
/** While a deregistered instance waits for the operator. */
const INACTIVE_BACKOFF_MS = 60_000;
/** Our own pings find a connection that is cut without a word; the protocol's own timer takes a minute or two. */
const PING_MS = 5_000;
const MUTE_MS = 20_000;
/** No message of the protocol for a random time between these: the session is closed and opened anew. */
const MIN_INACTIVE_MS = 60_000;
const MAX_INACTIVE_MS = 120_000;
/** A process that was stopped finds all its timers due at once; what the sockets hold is read first. */
const SECOND_LOOK_MS = 1_000;

export interface SessionOptions {
  /** For the log: "ACS" or "TCS". */
  readonly name: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Where to connect and with which headers; asked before each attempt. */
  readonly target: () => Promise<{ readonly url: URL; readonly headers: Readonly<Record<string, string>> }>;
  /** An attempt failed or a session broke. */
  readonly onFailure?: () => void;
  /** The control plane ended or refused a session because the container instance is deregistered. Called each time. */
  readonly onInactive?: () => void;
  readonly onOpen?: () => void;
  readonly onMessage: (type: string, message: unknown) => void;
}

/** A websocket to the control plane that is opened again whenever it is lost. */
export interface Session {
  /** Sends a text frame if the session is open; false if not. */
  send(text: string): boolean;
  isOpen(): boolean;
  close(): void;
}

export function keepSession(options: SessionOptions): Session {
  const { name, clock, random, log } = options;
  let socket: WebSocket | undefined;
  let closed = false;
  const stop = new AbortController();

  async function run(): Promise<void> {
    let backoffMs = FIRST_BACKOFF_MS;
    while (!closed) {
      const began = clock.monotonic();
      const end = await connectOnce().catch((error): SessionEnd => ({ reason: String(error), opened: false }));
      if (closed) return;
      options.onFailure?.();
      if (end.opened && clock.monotonic() - began >= GOOD_AFTER_MS) backoffMs = FIRST_BACKOFF_MS;
      const inactive = /InactiveInstanceException/.test(end.reason);
      if (inactive) options.onInactive?.();
      const delayMs = (inactive ? INACTIVE_BACKOFF_MS : backoffMs) * (0.8 + 0.4 * random.next());
      log.warn({ session: name, reason: end.reason, retryMs: Math.round(delayMs) }, "session lost");
      backoffMs = Math.min(MAX_BACKOFF_MS, backoffMs * BACKOFF_FACTOR);
      await clock.sleep(delayMs, stop.signal).catch(() => undefined);
    }
  }

  async function connectOnce(): Promise<SessionEnd> {
    const { url, headers } = await options.target();
    if (closed) return { reason: "closed", opened: false };
    const mine = new WebSocket(url, {
      headers,
      handshakeTimeout: HANDSHAKE_MS,
      maxPayload: MAX_MESSAGE_BYTES,
      perMessageDeflate: false,
    });
    socket = mine;
    const life = liveness(mine, options);
    let reason = "";
    let opened = false;
    mine.on("open", () => {
      opened = true;
      log.info({ session: name, host: url.host }, "session open");
      life.begin();
      options.onOpen?.();
    });
    mine.on("message", (data) => {
      const frame = readFrame(String(data));
      if (!frame) return log.warn({ session: name }, "a frame that is not a message was dropped");
      life.heard();
      options.onMessage(frame.type, frame.message);
    });
    mine.on("unexpected-response", (_request, response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("close", () => {
        reason = `HTTP ${response.statusCode}: ${Buffer.concat(chunks).toString().slice(0, 1024)}`;
        mine.terminate();
      });
    });
    mine.on("error", (error) => {
      reason ||= error.message;
    });
    return new Promise((resolve) => {
      mine.on("close", (code, text) => {
        life.end();
        resolve({ reason: reason || `closed with ${code} ${text}`.trim(), opened });
      });
    });
  }

  void run();
  return {
    send(text) {
      if (socket?.readyState !== WebSocket.OPEN) return false;
      socket.send(text);
      return true;
    },
    isOpen: () => socket?.readyState === WebSocket.OPEN,
    close() {
      closed = true;
      stop.abort();
      socket?.close(1000);
      const last = socket;
      clock.after(500, () => last?.terminate());
    },
  };
}

interface SessionEnd {
  readonly reason: string;
  readonly opened: boolean;
}

/** Notices a session on which nothing comes any more, and ends it. */
function liveness(socket: WebSocket, { clock, random, log, name }: SessionOptions) {
  let lastBytes = clock.monotonic();
  let pinger: Timer | undefined;
  let inactivity: Timer | undefined;
  let messages = 0;

  const bytes = () => {
    lastBytes = clock.monotonic();
  };
  socket.on("ping", bytes);
  socket.on("pong", bytes);

  function armInactivity(): void {
    inactivity?.cancel();
    const afterMs = MIN_INACTIVE_MS + random.next() * (MAX_INACTIVE_MS - MIN_INACTIVE_MS);
    inactivity = clock.after(afterMs, () => {
      const before = messages;
      inactivity = clock.after(SECOND_LOOK_MS, () => {
        if (messages !== before) return;
        log.warn({ session: name }, "no message for too long; the session is opened anew");
        socket.close(1000, "inactive");
        clock.after(SECOND_LOOK_MS, () => socket.terminate());
      });
    });
  }
  function ping(): void {
    const before = lastBytes;
    const silent = clock.monotonic() - lastBytes;
    if (silent > MUTE_MS) {
      pinger = clock.after(SECOND_LOOK_MS, () => {
        if (lastBytes === before) {
          log.warn({ session: name, silentMs: Math.round(silent) }, "the connection is mute; it is opened anew");
          socket.terminate();
        } else ping();
      });
      return;
    }
    if (socket.readyState === WebSocket.OPEN) socket.ping();
    pinger = clock.after(PING_MS, ping);
  }

  return {
    begin(): void {
      bytes();
      armInactivity();
      ping();
    },
    heard(): void {
      messages++;
      bytes();
      armInactivity();
    },
    end(): void {
      pinger?.cancel();
      inactivity?.cancel();
    },
  };
}

function readFrame(text: string): { readonly type: string; readonly message: unknown } | undefined {
  try {
    const frame: unknown = JSON.parse(text);
    if (!frame || typeof frame !== "object" || !("type" in frame) || typeof frame.type !== "string") return undefined;
    return { type: frame.type, message: "message" in frame ? frame.message : {} };
  } catch {
    return undefined;
  }
}
