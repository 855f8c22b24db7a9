import { Agent, request } from "node:https";
import { AcmeError } from "./acme-server.ts";

/** How long one exchange may take. */
const TIMEOUT_MS = 30_000;
/** The longest answer that is read: a directory, an order with a hundred names and a chain all fit many times. */
const MAX_ANSWER_BYTES = 1024 * 1024;

export interface HttpsAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body: string;
}

/** Sends requests over HTTPS to servers that the machine's roots, and `ca` (PEM), vouch for. */
export class HttpsExchange {
  readonly #agent: Agent;

  constructor(ca: string | undefined) {
    this.#agent = new Agent({ keepAlive: true, maxSockets: 4, ...(ca === undefined ? {} : { ca }) });
  }

  /** One request with its whole answer, whatever its status. Throws AcmeError, or the signal's reason. */
  send(
    method: "GET" | "HEAD" | "POST",
    url: string,
    body: string | undefined,
    signal: AbortSignal,
  ): Promise<HttpsAnswer> {
    return new Promise((resolve, reject) => {
      const fail = (error: Error) => {
        const { code } = error as NodeJS.ErrnoException;
        const why = error.message === "" ? (code ?? error.name) : error.message;
        reject(signal.aborted ? signal.reason : new AcmeError(`${url} cannot be reached: ${why}`, { cause: error }));
      };
      const headers = {
        "user-agent": "berth",
        ...(body === undefined ? {} : { "content-type": "application/jose+json" }),
      };
      const timeout = AbortSignal.timeout(TIMEOUT_MS);
      const sent = request(url, { method, headers, agent: this.#agent, signal: AbortSignal.any([signal, timeout]) });
      sent.on("error", (error) => fail(timeout.aborted ? new Error(`no answer within ${TIMEOUT_MS} ms`) : error));
      sent.on("response", (answer) => {
        const chunks: Buffer[] = [];
        let bytes = 0;
        answer.on("error", fail);
        answer.on("data", (chunk: Buffer) => {
          bytes += chunk.length;
          if (bytes > MAX_ANSWER_BYTES) sent.destroy(new Error(`an answer of more than ${MAX_ANSWER_BYTES} bytes`));
          else chunks.push(chunk);
        });
        answer.on("end", () =>
          resolve({
            status: answer.statusCode ?? 0,
            headers: answer.headers,
            body: Buffer.concat(chunks).toString("utf8"),
          }),
        );
      });
      sent.end(body);
    });
  }
}
