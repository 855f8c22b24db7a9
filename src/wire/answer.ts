import type { IncomingMessage, ServerResponse } from "node:http";
import { encodeCbor, encodeCborTexts } from "./cbor.ts";
import type { AwsError } from "./errors.ts";
import { encodeJson, toJsonValue } from "./json.ts";
import type { OperationModel, ServiceModel } from "./model.ts";
import { encodeXmlError, encodeXmlOutput } from "./xml-output.ts";

/** A response, ready to be written. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array;
}

/** How a body is written. CBOR is the other form of what JSON services say. */
export type Encoding = "json" | "query" | "cbor";

const JSON_TYPE = "application/x-amz-json-1.1";
/** Services that speak JSON beside Query speak its version 1.0. */
const jsonType = ({ alsoRpc }: ServiceModel) => (alsoRpc ? "application/x-amz-json-1.0" : JSON_TYPE);
const XML_TYPE = "text/xml";
/** Both headers are the protocol's. Source: Smithy RPC v2 CBOR protocol. */
const CBOR_HEADERS = { "content-type": "application/cbor", "smithy-protocol": "rpc-v2-cbor" };

/** The answer to a call that went well. Throws TypeError if `output` is not of the operation's output shape. */
export function outputAnswer(
  model: ServiceModel,
  operation: OperationModel,
  output: unknown,
  requestId: string,
  encoding: Encoding = model.protocol,
): Answer {
  if (encoding === "cbor") return { status: 200, headers: CBOR_HEADERS, body: encodeCbor(operation.output, output) };
  if (encoding === "json")
    return { status: 200, headers: { "content-type": jsonType(model) }, body: encodeJson(operation.output, output) };
  return {
    status: 200,
    headers: { "content-type": XML_TYPE },
    body: encodeXmlOutput(model, operation, output, requestId),
  };
}

/** The answer to a refusal, in the service's form. Its status is the model's, where the model knows the error. */
export function errorAnswer(
  model: ServiceModel,
  error: AwsError,
  requestId: string,
  encoding: Encoding = model.protocol,
): Answer {
  const modelled = model.errors.get(error.code);
  const status = modelled?.status ?? error.httpStatus;
  if (encoding !== "query") {
    const members = modelled === undefined ? {} : (toJsonValue(modelled.shape, error.members) as object);
    const name = modelled?.name ?? error.code;
    // By which SDKs that spoke Query before find the code that their callers know. Source: Smithy, awsQueryCompatible.
    const compatible: Record<string, string> = model.alsoRpc
      ? { "x-amzn-query-error": `${modelled?.code ?? error.code};${status >= 500 ? "Receiver" : "Sender"}` }
      : {};
    if (encoding === "cbor") {
      const body = encodeCborTexts({ __type: name, message: error.message });
      return { status, headers: { ...CBOR_HEADERS, ...compatible }, body };
    }
    return {
      status,
      headers: { "content-type": jsonType(model), "x-amzn-errortype": name, ...compatible },
      body: JSON.stringify({ ...members, __type: name, message: error.message }),
    };
  }
  const code = modelled?.code ?? queryCode(error.code);
  const body = encodeXmlError(
    model,
    { code, status, message: error.message, shape: modelled?.shape, members: error.members },
    requestId,
  );
  return { status, headers: { "content-type": XML_TYPE }, body };
}

/** Errors of the transport are thrown under their JSON names; Query leaves "Exception" out. */
function queryCode(code: string): string {
  return /^Request\w+Exception$|^UnsupportedMediaTypeException$/.test(code) ? code.replace(/Exception$/, "") : code;
}

export function writeAnswer(response: ServerResponse, answer: Answer): void {
  if (response.headersSent || response.destroyed) return;
  response.writeHead(answer.status, { ...answer.headers, "content-length": String(Buffer.byteLength(answer.body)) });
  response.end(answer.body); // as text, so that it leaves together with the head
}

/**
 * 503 in the words of the protocol that the request speaks, for a server that cannot answer calls yet: SDKs try such an
 * answer again by themselves. The same call may be made again: nothing was done.
 */
export function answerUnavailable(request: IncomingMessage, response: ServerResponse, message: string): void {
  const { body, ...headers } = unavailable(request, message);
  writeAnswer(response, { status: 503, headers: { ...headers, "retry-after": "1" }, body });
}

function unavailable({ method, headers }: IncomingMessage, message: string): { "content-type": string; body: string } {
  if (headers["x-amz-target"] !== undefined) {
    return {
      "content-type": JSON_TYPE,
      body: JSON.stringify({ __type: "ServiceUnavailableException", message }),
    };
  }
  if (method !== "POST") return { "content-type": "text/plain; charset=utf-8", body: `${message}\n` };
  const error = `<Error><Type>Receiver</Type><Code>ServiceUnavailable</Code><Message>${message}</Message></Error>`;
  return { "content-type": XML_TYPE, body: `<ErrorResponse>${error}</ErrorResponse>` };
}

/** For a path or method that no part of the server knows. */
export function answerNotFound(response: ServerResponse): void {
  writeAnswer(response, { status: 404, headers: { "content-type": "text/plain; charset=utf-8" }, body: "Not found\n" });
}
