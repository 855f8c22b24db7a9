import WebSocket from "ws";
import type { Clock } from "../../runtime/clock.ts";
import type { Log } from "../../runtime/log.ts";
import type { Random } from "../../runtime/random.ts";
import { Channel } from "./channel.ts";
import { MAX_BYTES_FROM_HOST, MAX_BYTES_TO_HOST } from "./messages.ts";

/** An attempt to connect that takes longer has failed: a cut network says nothing. */
const HANDSHAKE_MS = 3_000;
const FIRST_BACKOFF_MS = 250;
/** Short: there are few balancers, and the one that comes back is to carry what is wanted within two seconds. */
const MAX_BACKOFF_MS = 1_500;
const BACKOFF_FACTOR = 1.5;
/** After a refusal, which an operator has to do something about. */
const REFUSED_BACKOFF_MS = 10_000;
/** A session that lasted so long was a good one: the next failure is the first again. */
const GOOD_AFTER_MS = 10_000;
/** The same failure again and again is logged once in so many attempts. */
const SAY_EVERY = 40;
/** Bytes that may wait to be sent beside the message that is being sent. */
const MAX_WAITING_BYTES = 16 * 1024 * 1024;

export interface LinkOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly pingMs?: number;
  /** Where to connect and with which headers; asked before each attempt. */
  readonly target: () => { readonly url: URL; readonly headers: Readonly<Record<string, string>> };
  readonly onOpen: (channel: Channel) => void;
  /** One whole message. What it throws ends the session. */
  readonly onText: (text: string) => void;
  readonly onClosed: () => void;
}

/** Keeps one session with the control plane, opened again whenever it is lost, until the answer is called. */
export function keepLink(options: LinkOptions): () => void {
  const { clock, random, log } = options;
  const stop = new AbortController();
  let channel: Channel | undefined;

  const run = async (): Promise<void> => {
    let backoffMs = FIRST_BACKOFF_MS;
    let failures = 0;
    while (!stop.signal.aborted) {
      const began = clock.monotonic();
      const { reason, opened, isRefused } = await connectOnce(options, (open) => {
        channel = open;
      }).catch((error: Error) => ({ reason: error.message, opened: false, isRefused: false }));
      channel = undefined;
      if (stop.signal.aborted) return;
      failures = opened ? 0 : failures + 1;
      if (opened && clock.monotonic() - began >= GOOD_AFTER_MS) backoffMs = FIRST_BACKOFF_MS;
      if (failures % SAY_EVERY <= 1) log.warn({ reason, failures }, "no session with the control plane; trying again");
      const delayMs = isRefused ? REFUSED_BACKOFF_MS : backoffMs;
      await clock.sleep(delayMs * (0.7 + 0.3 * random.next()), stop.signal).catch(() => undefined);
      backoffMs = Math.min(MAX_BACKOFF_MS, backoffMs * BACKOFF_FACTOR);
    }
  };
  void run();
  return () => {
    stop.abort();
    channel?.close("the host is leaving");
  };
}

interface LinkEnd {
  readonly reason: string;
  readonly opened: boolean;
  /** The control plane knows better: asking again at once changes nothing. */
  readonly isRefused: boolean;
}

function connectOnce(options: LinkOptions, onChannel: (channel: Channel) => void): Promise<LinkEnd> {
  const { clock, log } = options;
  const { url, headers } = options.target();
  const socket = new WebSocket(url, {
    headers,
    handshakeTimeout: HANDSHAKE_MS,
    maxPayload: MAX_BYTES_TO_HOST,
    perMessageDeflate: false,
  });
  return new Promise<LinkEnd>((resolve) => {
    let refusal = "";
    let isRefused = false;
    let opened = false;
    socket.on("unexpected-response", (_request, response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("close", () => {
        isRefused = response.statusCode !== undefined && response.statusCode < 500;
        refusal = `HTTP ${response.statusCode}: ${Buffer.concat(chunks).toString().slice(0, 1024)}`;
        socket.terminate();
      });
    });
    const channel = new Channel(socket, {
      clock,
      log,
      pingMs: options.pingMs,
      maxMessageBytes: MAX_BYTES_FROM_HOST,
      maxWaitingBytes: MAX_WAITING_BYTES,
      onText: options.onText,
      onClosed: (reason) => {
        if (opened) options.onClosed();
        resolve({ reason: refusal || reason, opened, isRefused });
      },
    });
    onChannel(channel);
    socket.on("open", () => {
      opened = true;
      options.onOpen(channel);
    });
  });
}
