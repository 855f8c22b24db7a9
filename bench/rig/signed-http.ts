import { createHmac, hash } from "node:crypto";
import { connect, type Socket } from "node:net";
import { signingKey } from "../../src/wire/canonical-request.ts";
import type { Credentials } from "../../src/wire/sign.ts";

/** Where calls go and how they are signed. */
export interface Caller {
  readonly host: string;
  readonly port: number;
  readonly region: string;
  readonly credentials: Credentials;
}

export interface HttpAnswer {
  readonly status: number;
  readonly body: string;
}

const SIGNED = "content-type;host;x-amz-date;x-amz-target";
const TYPE = "application/x-amz-json-1.1";
const END_OF_HEAD = Buffer.from("\r\n\r\n");

/**
 * Writes ECS calls as bytes. A measurement's own side must cost as little as can be, so the parts of the signature that
 * stay (key, date, header lines) are made once a second and not once a call.
 */
export class CallWriter {
  readonly #caller: Caller;
  #second = -1;
  #amzDate = "";
  #scope = "";
  #key: Buffer = Buffer.alloc(0);

  constructor(caller: Caller) {
    this.#caller = caller;
  }

  write(operation: string, body: string): string {
    this.#renew();
    const { host, port, credentials } = this.#caller;
    const target = `AmazonEC2ContainerServiceV20141113.${operation}`;
    const date = this.#amzDate;
    const canonical = `POST\n/\n\ncontent-type:${TYPE}\nhost:${host}:${port}\nx-amz-date:${date}\nx-amz-target:${target}\n\n${SIGNED}\n${hash("sha256", body)}`;
    const text = `AWS4-HMAC-SHA256\n${date}\n${this.#scope}\n${hash("sha256", canonical)}`;
    const signature = createHmac("sha256", this.#key).update(text).digest("hex");
    return `POST / HTTP/1.1\r\nhost: ${host}:${port}\r\ncontent-type: ${TYPE}\r\nx-amz-target: ${target}\r\nx-amz-date: ${date}\r\nauthorization: AWS4-HMAC-SHA256 Credential=${credentials.accessKeyId}/${this.#scope}, SignedHeaders=${SIGNED}, Signature=${signature}\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
  }

  #renew(): void {
    const now = Date.now();
    const second = Math.floor(now / 1000);
    if (second === this.#second) return;
    this.#second = second;
    this.#amzDate = new Date(second * 1000).toISOString().replaceAll(/[-:]|\.\d+/g, "");
    const { region, credentials } = this.#caller;
    const scope = { date: this.#amzDate.slice(0, 8), region, service: "ecs" };
    const text = `${scope.date}/${region}/ecs/aws4_request`;
    if (text === this.#scope) return;
    this.#scope = text;
    this.#key = signingKey(credentials.secretAccessKey, scope);
  }
}

interface Waiting {
  readonly operation: string;
  readonly body: string;
  resolve(answer: HttpAnswer): void;
  reject(error: Error): void;
}

/** One kept-alive connection, opened with its first call; calls go one after the other. */
export class SignedConnection {
  readonly #caller: Caller;
  readonly #writer: CallWriter;
  readonly #waiting: Waiting[] = [];
  #current: Waiting | undefined;
  #socket: Socket | undefined;
  #buffer: Buffer = Buffer.alloc(0);
  /** Whether the connection has answered before: the server may close one that was idle, as a call is on its way. */
  #isKept = false;

  constructor(caller: Caller, writer: CallWriter) {
    this.#caller = caller;
    this.#writer = writer;
  }

  /** Rejects if the connection fails; any answer, a refusal too, resolves. */
  post(operation: string, body: string): Promise<HttpAnswer> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ operation, body, resolve, reject });
      this.#next();
    });
  }

  /** Posts, and throws an Error with the answer unless it is 200. */
  async call<T>(operation: string, input: object): Promise<T> {
    const { status, body } = await this.post(operation, JSON.stringify(input));
    if (status !== 200) throw new Error(`${operation}: HTTP ${status} ${body.slice(0, 500)}`);
    return JSON.parse(body) as T;
  }

  close(): void {
    this.#socket?.destroy();
  }

  #next(): void {
    if (this.#current !== undefined) return;
    this.#current = this.#waiting.shift();
    if (this.#current === undefined) return;
    this.#socket ??= this.#open();
    this.#socket.write(this.#writer.write(this.#current.operation, this.#current.body));
  }

  #open(): Socket {
    const socket = connect(this.#caller.port, this.#caller.host);
    socket.setNoDelay(true);
    socket.on("data", (chunk: Buffer) => this.#take(chunk));
    const failed = (error: Error) => {
      if (this.#socket !== socket) return;
      this.#socket = undefined;
      this.#buffer = Buffer.alloc(0);
      if (this.#isKept && this.#current !== undefined) {
        this.#waiting.unshift(this.#current);
        this.#current = undefined;
        this.#isKept = false;
        this.#next();
        return;
      }
      this.#isKept = false;
      const lost = [...(this.#current === undefined ? [] : [this.#current]), ...this.#waiting.splice(0)];
      this.#current = undefined;
      for (const { reject } of lost) reject(error);
    };
    socket.on("error", failed);
    socket.on("close", () => failed(new Error("the connection was closed")));
    return socket;
  }

  #take(chunk: Buffer): void {
    this.#buffer = this.#buffer.length === 0 ? chunk : Buffer.concat([this.#buffer, chunk]);
    const head = this.#buffer.indexOf(END_OF_HEAD);
    if (head < 0) return;
    const text = this.#buffer.toString("latin1", 0, head);
    const length = Number(/content-length: (\d+)/i.exec(text)?.[1] ?? 0);
    const end = head + END_OF_HEAD.length + length;
    if (this.#buffer.length < end) return;
    const body = this.#buffer.toString("utf8", head + END_OF_HEAD.length, end);
    this.#buffer = this.#buffer.subarray(end);
    this.#isKept = true;
    const done = this.#current;
    this.#current = undefined;
    done?.resolve({ status: Number(text.slice(9, 12)), body });
    this.#next();
  }
}
