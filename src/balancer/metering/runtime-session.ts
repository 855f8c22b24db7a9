import { connect, type Socket } from "node:net";
import type { Clock } from "../../runtime/clock.ts";
import { type Endpoint, RuntimeUnreachable } from "../process/runtime.ts";

const ANSWER_TIMEOUT_MS = 5000;

/** The most that one answer may hold: statistics are some 500 bytes for a server. */
const MAX_ANSWER_BYTES = 64 * 1024 * 1024;

/** Stands behind every answer of an interactive session, and at the start of no line of one. */
const PROMPT = "\n> ";

/**
 * A conversation with one worker that lasts: it goes on when a reload retires the worker, and while it lasts the worker does not
 * end. One question at a time.
 */
export class RuntimeSession {
  readonly #socket: Socket;
  readonly #clock: Clock;
  #chunks: Buffer[] = [];
  #bytes = 0;
  #waiting: { resolve: (answer: string) => void; reject: (error: Error) => void } | undefined;
  #ended: Error | undefined;

  constructor(endpoint: Endpoint, clock: Clock) {
    this.#clock = clock;
    this.#socket = connect(endpoint);
    this.#socket.on("data", (chunk) => this.#take(Buffer.from(chunk)));
    this.#socket.on("error", (error) => this.#end(error));
    this.#socket.on("close", () => this.#end(new Error("the worker ended the session")));
  }

  /** Makes the session interactive. Must be first. */
  async open(): Promise<void> {
    await this.ask("prompt");
  }

  /** Runs one command. Throws RuntimeUnreachable, and then the session is over. */
  async ask(command: string): Promise<string> {
    if (/[\r\n;]/.test(command)) throw new Error(`not one command: ${JSON.stringify(command)}`);
    if (this.#waiting !== undefined) throw new Error("the session has a question already");
    const timer = this.#clock.after(ANSWER_TIMEOUT_MS, () => this.#end(new Error("no answer")));
    try {
      const answer = await new Promise<string>((resolve, reject) => {
        if (this.#ended !== undefined) return reject(this.#ended);
        this.#waiting = { resolve, reject };
        this.#socket.write(`${command}\n`);
      });
      return answer.trim();
    } catch (error) {
      const why = (error as Error).message;
      throw new RuntimeUnreachable(`HAProxy's session: ${why}`, why === "no answer", { cause: error });
    } finally {
      timer.cancel();
    }
  }

  close(): void {
    this.#end(new Error("the session was closed"));
  }

  #take(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    if (this.#bytes > MAX_ANSWER_BYTES) {
      this.#end(new Error(`an answer of more than ${MAX_ANSWER_BYTES} bytes`));
      return;
    }
    const tail = Buffer.concat(this.#chunks.slice(-PROMPT.length)).subarray(-PROMPT.length);
    if (tail.toString("latin1") !== PROMPT) return;
    const answer = Buffer.concat(this.#chunks).subarray(0, -PROMPT.length).toString("utf8");
    this.#chunks = [];
    this.#bytes = 0;
    const { resolve } = this.#waiting ?? {};
    this.#waiting = undefined;
    resolve?.(answer);
  }

  #end(error: Error): void {
    if (this.#ended !== undefined) return;
    this.#ended = error;
    this.#socket.destroy();
    this.#waiting?.reject(error);
    this.#waiting = undefined;
  }
}

/** What is left of a line that does not end is dropped past this length. */
const LONGEST_LINE = 64 * 1024;

/** Runs a command that goes on telling, and calls `onLine` with each line; `onEnd` when it has ended. Returns what ends it. */
export function followLines(
  endpoint: Endpoint,
  command: string,
  onLine: (line: string) => void,
  onEnd: () => void,
): () => void {
  const socket = connect(endpoint);
  let rest = "";
  socket.setEncoding("utf8");
  socket.on("connect", () => socket.write(`${command}\n`));
  socket.on("data", (chunk: string) => {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    if (rest.length > LONGEST_LINE) rest = "";
    for (const line of lines) onLine(line);
  });
  socket.on("error", () => {}); // `close` follows
  socket.on("close", onEnd);
  return () => socket.destroy();
}
