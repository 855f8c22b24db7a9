import http from "node:http";
import https from "node:https";
import type { Clock } from "../runtime/clock.ts";

/** Nobody answered, or not in time, or not as an AWS service does. The message names the endpoint. */
export class UnreachableError extends Error {
  readonly endpoint: string;
  constructor(endpoint: string, why: string, cause?: unknown) {
    super(`cannot reach ${endpoint}: ${why}`, { cause });
    this.name = "UnreachableError";
    this.endpoint = endpoint;
  }
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface Exchange {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** From the first byte sent to the last byte received. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

/**
 * POSTs over kept-alive connections. An idle connection is given up a second before the server said it would close it
 * (Node's agent heeds the Keep-Alive header); a request that was lost all the same is not sent twice.
 */
export interface HttpPoster {
  /** @throws UnreachableError; or the signal's reason, if it is aborted first */
  post(exchange: Exchange): Promise<HttpAnswer>;
  /** Closes idle connections. */
  close(): void;
}

/** The largest answer that is read: a page of 100 described tasks is below 1 MiB. */
const MAX_ANSWER_BYTES = 64 * 1024 * 1024;

/** @param ca certificates to trust beside the system's own, as PEM */
export function createPoster(endpoint: URL, clock: Clock, ca?: string): HttpPoster {
  const secure = endpoint.protocol === "https:";
  const agent = secure ? new https.Agent({ keepAlive: true, ca }) : new http.Agent({ keepAlive: true });
  const request = secure ? https.request : http.request;

  const post = (exchange: Exchange) =>
    new Promise<HttpAnswer>((resolve, reject) => {
      const { url, headers, body, signal } = exchange;
      signal?.throwIfAborted();
      const outgoing = request(url, {
        method: "POST",
        agent,
        headers: { ...headers, "content-length": Buffer.byteLength(body) },
      });
      const timer = clock.after(exchange.timeoutMs, () =>
        outgoing.destroy(new UnreachableError(endpoint.origin, `no answer within ${exchange.timeoutMs} ms`)),
      );
      const onAbort = () => outgoing.destroy(signal?.reason);
      signal?.addEventListener("abort", onAbort, { once: true });
      const fail = (error: NodeJS.ErrnoException) => {
        if (signal?.aborted) reject(signal.reason);
        else if (error instanceof UnreachableError) reject(error);
        else
          reject(
            new UnreachableError(endpoint.origin, error.message || (error.code ?? "the connection failed"), error),
          );
      };
      outgoing.on("error", fail);
      outgoing.on("response", (response) => collect(response, endpoint, outgoing).then(resolve, fail));
      outgoing.on("close", () => {
        timer.cancel();
        signal?.removeEventListener("abort", onAbort);
      });
      outgoing.end(body);
    });

  return {
    post,
    close: () => agent.destroy(),
  };
}

async function collect(
  response: http.IncomingMessage,
  endpoint: URL,
  outgoing: http.ClientRequest,
): Promise<HttpAnswer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_ANSWER_BYTES) {
      outgoing.destroy();
      throw new UnreachableError(endpoint.origin, `its answer is larger than ${MAX_ANSWER_BYTES} bytes`);
    }
    chunks.push(chunk);
  }
  return { status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) };
}
