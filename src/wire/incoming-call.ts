import type { IncomingMessage, ServerResponse } from "node:http";
import { TLSSocket } from "node:tls";
import { CallerGoneError } from "./request-body.ts";
import type { WireCall } from "./wire-service.ts";

/** One call as its request has it. What few operations ask for is made when it is asked for: thousands come in a second. */
export class IncomingCall<Principal> implements WireCall<Principal> {
  readonly principal: Principal;
  readonly requestId: string;
  readonly host: string;
  readonly userAgent: string;
  readonly secure: boolean;
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  #gone: AbortController | undefined;

  constructor(request: IncomingMessage, response: ServerResponse, principal: Principal, requestId: string) {
    this.principal = principal;
    this.requestId = requestId;
    this.host = request.headers.host ?? "";
    this.userAgent = request.headers["user-agent"] ?? "";
    this.secure = request.socket instanceof TLSSocket;
    this.#request = request;
    this.#response = response;
  }

  get sourceIp(): string {
    return this.#request.socket.remoteAddress ?? "";
  }

  get signal(): AbortSignal {
    if (this.#gone === undefined) {
      const gone = new AbortController();
      this.#gone = gone;
      const abort = () => {
        if (!this.#response.writableFinished) gone.abort(new CallerGoneError());
      };
      if (this.#response.closed) abort();
      else this.#response.once("close", abort);
    }
    return this.#gone.signal;
  }
}
