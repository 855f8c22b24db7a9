import { Agent, type IncomingMessage, type RequestOptions, request } from "node:http";
import { RuntimeError, type RuntimeErrorKind } from "../container-runtime.ts";
import type { DockerEndpoint } from "./endpoint.ts";

/** Idle connections kept to the daemon; more than the engine's parallel starts so that a burst opens few new ones. */
const KEPT_SOCKETS = 32;
/** Largest answer read whole. Lists of thousands of containers stay well below. */
const MAX_ANSWER_BYTES = 64 * 1024 * 1024;

export interface DockerRequest {
  readonly method: "GET" | "POST" | "DELETE";
  /** With the query, without the version prefix. */
  readonly path: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** No answer for so long is a timeout. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

/** Requests to one Docker daemon. Failures of any kind are RuntimeErrors. */
export interface DockerHttp {
  /** The answer's JSON (undefined if it has no body); rejects unless the status is 2xx or 304. */
  json(options: DockerRequest): Promise<unknown>;
  text(options: DockerRequest): Promise<Buffer>;
  /** The open answer, to be read as it comes. */
  stream(options: DockerRequest): Promise<IncomingMessage>;
  close(): void;
}

const KIND_OF_STATUS: Readonly<Record<number, RuntimeErrorKind>> = { 404: "not-found", 409: "conflict" };

/** Talks plain HTTP over the daemon's socket or TCP port. */
export function dockerHttp(endpoint: DockerEndpoint): DockerHttp {
  const agent = new Agent({ keepAlive: true, maxFreeSockets: KEPT_SOCKETS });
  const target: RequestOptions =
    endpoint.kind === "socket"
      ? { socketPath: endpoint.path, headers: { host: "docker" } }
      : { host: endpoint.host, port: endpoint.port };

  function open(options: DockerRequest, mayRetry: boolean): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const body = options.body === undefined ? undefined : Buffer.from(JSON.stringify(options.body));
      const headers: Record<string, string | number> = { host: "docker", ...options.headers };
      if (body) headers["content-type"] = "application/json";
      if (body || options.method === "POST") headers["content-length"] = body?.length ?? 0;
      const call = request({
        ...target,
        agent,
        method: options.method,
        path: options.path,
        headers,
        signal: options.signal,
      });
      call.setTimeout(options.timeoutMs, () =>
        call.destroy(new RuntimeError("timeout", `no answer from the Docker daemon within ${options.timeoutMs} ms`)),
      );
      call.on("response", resolve);
      call.on("error", (error: NodeJS.ErrnoException) => {
        if (error instanceof RuntimeError) return reject(error);
        // A kept connection may have been closed under us; every call here may be made twice.
        if (mayRetry && call.reusedSocket && error.code === "ECONNRESET") return resolve(open(options, false));
        reject(new RuntimeError("unreachable", `cannot reach the Docker daemon: ${error.message}`, { cause: error }));
      });
      call.end(body);
    });
  }

  async function answer(options: DockerRequest): Promise<Buffer> {
    const response = await open(options, true);
    const body = await readAll(response);
    refuseFailure(response.statusCode ?? 0, body);
    return body;
  }

  return {
    json: async (options) => {
      const body = await answer(options);
      return body.length === 0 ? undefined : parseJson(body);
    },
    text: answer,
    stream: async (options) => {
      const response = await open(options, true);
      if ((response.statusCode ?? 0) >= 300) refuseFailure(response.statusCode ?? 0, await readAll(response));
      return response;
    },
    close: () => agent.destroy(),
  };
}

function refuseFailure(status: number, body: Buffer): void {
  if ((status >= 200 && status < 300) || status === 304) return;
  throw new RuntimeError(KIND_OF_STATUS[status] ?? "failed", `Error response from daemon: ${messageOf(body)}`);
}

function messageOf(body: Buffer): string {
  try {
    const parsed: unknown = JSON.parse(body.toString());
    if (parsed && typeof parsed === "object" && "message" in parsed) return String(parsed.message).trim();
  } catch {
    // Not JSON: a proxy's page or plain text; shown as it is.
  }
  return body.toString().trim().slice(0, 1000) || "no reason given";
}

function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString());
  } catch (cause) {
    throw new RuntimeError("failed", "the Docker daemon's answer is not JSON", { cause });
  }
}

async function readAll(response: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > MAX_ANSWER_BYTES) throw new RuntimeError("failed", "the Docker daemon's answer is too long");
      chunks.push(chunk);
    }
  } catch (cause) {
    if (cause instanceof RuntimeError) throw cause;
    throw new RuntimeError("unreachable", "the Docker daemon's answer broke off", { cause });
  }
  return Buffer.concat(chunks);
}
