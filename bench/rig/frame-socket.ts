import { randomBytes } from "node:crypto";
import { connect, type Socket } from "node:net";
import { signRequest } from "../../src/wire/sign.ts";
import type { Caller } from "./signed-http.ts";

const END_OF_HEAD = Buffer.from("\r\n\r\n");
const TEXT = 1;
const CLOSE = 8;
const PING = 9;
const PONG = 10;

/**
 * The agent's end of a websocket, with no more in it than a measurement needs: whole text frames both ways, pings answered.
 * Ten thousand of them must cost less than what is measured.
 */
export class FrameSocket {
  readonly #socket: Socket;
  readonly #mask = randomBytes(4);
  #buffer: Buffer = Buffer.alloc(0);
  #onText: (text: string) => void;
  #onOpen: ((error?: Error) => void) | undefined;

  /** Resolves when the server has taken the upgrade. `query` is sent signed. */
  static async open(
    caller: Caller,
    path: string,
    query: Readonly<Record<string, string>>,
    onText: (text: string) => void,
  ): Promise<FrameSocket> {
    const url = new URL(path, `http://${caller.host}:${caller.port}`);
    url.search = Object.entries(query)
      .map(([name, value]) => `${name}=${encodeURIComponent(value)}`)
      .sort()
      .join("&");
    const { region, credentials } = caller;
    const headers = signRequest({ method: "GET", url, credentials, region, service: "ecs", now: Date.now() });
    const socket = connect(caller.port, caller.host);
    const opened = new FrameSocket(socket, onText);
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    const key = randomBytes(16).toString("base64");
    socket.write(
      `GET ${url.pathname}${url.search} HTTP/1.1\r\n${lines.join("")}connection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: ${key}\r\n\r\n`,
    );
    await new Promise<void>((resolve, reject) => {
      opened.#onOpen = (error) => (error === undefined ? resolve() : reject(error));
    });
    return opened;
  }

  private constructor(socket: Socket, onText: (text: string) => void) {
    this.#socket = socket;
    this.#onText = onText;
    socket.setNoDelay(true);
    socket.on("data", (chunk: Buffer) => this.#take(chunk));
    socket.on("error", (error) => this.#ended(error));
    socket.on("close", () => this.#ended(new Error("the session was closed")));
  }

  get isOpen(): boolean {
    return !this.#socket.destroyed && this.#onOpen === undefined;
  }

  send(text: string): void {
    this.#socket.write(this.#frame(TEXT, Buffer.from(text)));
  }

  close(): void {
    this.#socket.destroy();
  }

  #ended(error: Error): void {
    this.#onOpen?.(error);
    this.#socket.destroy();
  }

  #take(chunk: Buffer): void {
    this.#buffer = this.#buffer.length === 0 ? chunk : Buffer.concat([this.#buffer, chunk]);
    if (this.#onOpen !== undefined && !this.#takeUpgrade(this.#onOpen)) return;
    let at = 0;
    for (;;) {
      const end = this.#takeFrame(at);
      if (end === at) break;
      at = end;
    }
    this.#buffer = at === this.#buffer.length ? Buffer.alloc(0) : this.#buffer.subarray(at);
  }

  #takeUpgrade(onOpen: (error?: Error) => void): boolean {
    const head = this.#buffer.indexOf(END_OF_HEAD);
    if (head < 0) return false;
    const status = this.#buffer.toString("latin1", 9, 12);
    this.#onOpen = undefined;
    if (status !== "101") {
      onOpen(new Error(`the session was refused: ${this.#buffer.toString("latin1", 0, 600)}`));
      this.#socket.destroy();
      return false;
    }
    this.#buffer = this.#buffer.subarray(head + END_OF_HEAD.length);
    onOpen();
    return true;
  }

  /** Takes the frame that begins at `at` in, and answers where the next one begins; `at` if it is not whole. */
  #takeFrame(at: number): number {
    const buffer = this.#buffer;
    if (buffer.length < at + 2) return at;
    const opcode = (buffer[at] as number) & 0x0f;
    let length = (buffer[at + 1] as number) & 0x7f;
    let from = at + 2;
    if (length === 126) {
      if (buffer.length < at + 4) return at;
      length = buffer.readUInt16BE(at + 2);
      from = at + 4;
    } else if (length === 127) {
      if (buffer.length < at + 10) return at;
      length = Number(buffer.readBigUInt64BE(at + 2));
      from = at + 10;
    }
    const end = from + length;
    if (buffer.length < end) return at;
    if (opcode === TEXT) this.#onText(buffer.toString("utf8", from, end));
    else if (opcode === PING) this.#socket.write(this.#frame(PONG, buffer.subarray(from, end)));
    else if (opcode === CLOSE) this.#socket.destroy();
    return end;
  }

  /** A whole frame, masked as a client's must be. */
  #frame(opcode: number, payload: Buffer): Buffer {
    const { length } = payload;
    const head = length < 126 ? 2 : 4;
    const frame = Buffer.allocUnsafe(head + 4 + length);
    frame[0] = 0x80 | opcode;
    frame[1] = 0x80 | Math.min(length, 126);
    if (length >= 126) frame.writeUInt16BE(length, 2);
    this.#mask.copy(frame, head);
    for (let i = 0; i < length; i++) frame[head + 4 + i] = (payload[i] as number) ^ (this.#mask[i & 3] as number);
    return frame;
  }
}
