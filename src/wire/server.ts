import type { IncomingMessage, ServerResponse } from "node:http";
import type { Clock } from "../runtime/clock.ts";
import type { Log } from "../runtime/log.ts";
import type { Random } from "../runtime/random.ts";
import { type Answer, answerNotFound, type Encoding, errorAnswer, outputAnswer, writeAnswer } from "./answer.ts";
import { parseCbor } from "./cbor.ts";
import { isDeclaredError } from "./common-errors.ts";
import { AwsError } from "./errors.ts";
import { type FormNode, parseForm } from "./form.ts";
import { IncomingCall } from "./incoming-call.ts";
import { decodeJsonInput, decodeParsedInput } from "./json.ts";
import type { OperationModel, ServiceModel } from "./model.ts";
import { decodeQueryInput } from "./query.ts";
import { type BodyLimits, CallerGoneError, decompress, readBody } from "./request-body.ts";
import { type CredentialsLookup, createVerifier, SignatureError, type SignatureVerifier, toAwsError } from "./sigv4.ts";
import type { WireService } from "./wire-service.ts";

export { answerNotFound, answerUnavailable } from "./answer.ts";
export type { WireCall, WireService } from "./wire-service.ts";

/** 2 MiB of body, 8 MiB once decompressed, 20 s to send it. The largest legal ECS request is well under 1 MiB. */
export const DEFAULT_LIMITS: BodyLimits = {
  maxBodyBytes: 2 * 1024 * 1024,
  maxDecompressedBytes: 8 * 1024 * 1024,
  bodyTimeoutMs: 20_000,
};

export interface WireHandlerOptions<Principal> {
  readonly services: readonly WireService<Principal>[];
  /** Whose an access key is. */
  readonly authenticate: CredentialsLookup<Principal>;
  readonly region: string;
  readonly clock: Clock;
  /** Makes request ids. */
  readonly random: Random;
  readonly log: Log;
  readonly limits?: Partial<BodyLimits>;
  /** Answers an error that the operation's model does not list as ServerException, so that tests catch it. */
  readonly strictErrors?: boolean;
}

/**
 * One entry for the APIs of all services: protocol, signature, decoding, the call, encoding. Only `POST` to `/` and to the paths of
 * Smithy RPC v2: whatever else a server answers is routed before. Never throws and never rejects.
 */
export function createWireHandler<Principal>(
  options: WireHandlerOptions<Principal>,
): (request: IncomingMessage, response: ServerResponse) => void {
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const verifier = createVerifier(options);
  const context: Context<Principal> = { ...options, limits, verifier, doors: doorsOf(options.services) };
  return (request, response) => {
    const requestId = options.random.uuid();
    response.setHeader("x-amzn-requestid", requestId);
    const path = request.url?.split("?", 1)[0] ?? "";
    const rpc = RPC_PATH.exec(path)?.groups;
    if (request.method !== "POST" || (path !== "/" && rpc === undefined)) return answerNotFound(response);
    const target = rpc === undefined ? headerText(request, "x-amz-target") : `${rpc.service}.${rpc.operation}`;
    const door = rpc === undefined ? doorOf(context, request, target) : rpcDoor(context, rpc.service ?? "");
    if (rpc !== undefined && door === undefined) return answerNotFound(response);
    serve(context, door, request, response, { target, requestId }).then(
      (answer) => answer && writeAnswer(response, answer),
      (error: unknown) => {
        options.log.error({ err: error, requestId }, "a request could not be answered");
        response.destroy();
      },
    );
  };
}

/** Source: Smithy RPC v2 CBOR protocol, "Requests". */
const RPC_PATH = /^\/service\/(?<service>[A-Za-z0-9_.]{1,100})\/operation\/(?<operation>[A-Za-z0-9_]{1,100})$/;

/** A service by one of the protocols that it speaks. */
interface Door<Principal> {
  readonly service: WireService<Principal>;
  readonly encoding: Encoding;
  /** Its model, with that protocol. */
  readonly model: ServiceModel;
}

function doorsOf<Principal>(services: readonly WireService<Principal>[]): readonly Door<Principal>[] {
  return services.flatMap((service): Door<Principal>[] => {
    const { model } = service;
    const own = { service, model, encoding: model.protocol };
    if (!model.alsoRpc) return [own];
    const rpc: ServiceModel = { ...model, protocol: "json" };
    return [own, { service, model: rpc, encoding: "json" }, { service, model: rpc, encoding: "cbor" }];
  });
}

interface Context<Principal> extends WireHandlerOptions<Principal> {
  readonly doors: readonly Door<Principal>[];
  readonly limits: BodyLimits;
  readonly verifier: SignatureVerifier<Principal>;
}

/** What a request names, and its own name. */
interface Named {
  readonly target: string | undefined;
  readonly requestId: string;
}

async function serve<Principal>(
  context: Context<Principal>,
  door: Door<Principal> | undefined,
  request: IncomingMessage,
  response: ServerResponse,
  { target, requestId }: Named,
): Promise<Answer | undefined> {
  if (door === undefined) {
    const format = context.services[0]?.model;
    if (format === undefined) throw new Error("the handler was made without services");
    const jsonFormat = context.services.find(({ model }) => model.protocol === "json")?.model ?? format;
    return errorAnswer(jsonFormat, unknownOperation(target ?? ""), requestId);
  }
  const { model, encoding } = door;
  try {
    return await callService(context, door, request, response, { target, requestId });
  } catch (error) {
    if (error instanceof CallerGoneError) return undefined;
    if (error instanceof AwsError) {
      if (error.httpStatus === 408 || error.httpStatus === 413) response.setHeader("connection", "close");
      return errorAnswer(model, error, requestId, encoding);
    }
    if (error instanceof SignatureError)
      return errorAnswer(model, toAwsError(error, model.protocol), requestId, encoding);
    context.log.error({ err: error, requestId, target, service: model.name }, "an operation failed unexpectedly");
    return errorAnswer(model, internalFailure(model), requestId, encoding);
  }
}

async function callService<Principal>(
  context: Context<Principal>,
  { service, model, encoding }: Door<Principal>,
  request: IncomingMessage,
  response: ServerResponse,
  { target, requestId }: Named,
): Promise<Answer> {
  const { method = "", url = "", headers } = request;
  const opened = context.verifier.open({ method, url, headers }, model.signingName);
  const sent = await readBody(request, context.limits, context.clock);
  const principal = opened.verify(sent);
  const body = await decompress(sent, headerText(request, "content-encoding"), context.limits);
  const { operation, input } =
    target === undefined ? decodeQuery(model, body) : decodeRpc(model, target, encoding, body);
  if (!service.has(operation.name))
    context.log.warn(
      { requestId, service: model.name, operation: operation.name },
      "an operation that is not served was called",
    );

  const call = new IncomingCall(request, response, principal, requestId);
  try {
    return outputAnswer(model, operation, await service.call(operation.name, input, call), requestId, encoding);
  } catch (error) {
    if (!(error instanceof AwsError) || isDeclaredError(model, operation, error)) throw error;
    const fields = { err: error, requestId, operation: operation.name, code: error.code };
    context.log.error(fields, "an operation answered an error that its model does not list");
    throw context.strictErrors === true ? internalFailure(model) : error;
  }
}

interface DecodedCall {
  readonly operation: OperationModel;
  readonly input: unknown;
}

function decodeRpc(model: ServiceModel, target: string, encoding: Encoding, body: Buffer): DecodedCall {
  const operation = model.operations.get(target.slice(target.indexOf(".") + 1));
  if (operation === undefined) throw unknownOperation(target);
  const input = encoding === "cbor" ? decodeParsedInput(operation, parseCbor(body)) : decodeJsonInput(operation, body);
  return { operation, input };
}

function decodeQuery(model: ServiceModel, body: Buffer): DecodedCall {
  const form = parseForm(body);
  const action = formValue(form, "Action");
  const version = formValue(form, "Version");
  if (action === undefined || action === "")
    throw new AwsError("MissingAction", "The request is missing an action or a required parameter.");
  const operation = model.operations.get(action);
  if (operation === undefined || (version ?? model.version) !== model.version) {
    const message = `Could not find operation ${action.slice(0, 100)} for version ${version?.slice(0, 40) ?? "NO_VERSION_SPECIFIED"}`;
    throw new AwsError("InvalidAction", message);
  }
  return { operation, input: decodeQueryInput(operation, form) };
}

function formValue(form: FormNode, name: string): string | undefined {
  return form.children.get(name)?.value;
}

function doorOf<Principal>(
  context: Context<Principal>,
  request: IncomingMessage,
  target: string | undefined,
): Door<Principal> | undefined {
  if (target === undefined) return queryDoor(context, request);
  const prefix = target.slice(0, Math.max(0, target.indexOf(".")));
  return context.doors.find(({ model, encoding }) => encoding === "json" && model.targetPrefix === prefix);
}

function rpcDoor<Principal>({ doors }: Context<Principal>, service: string): Door<Principal> | undefined {
  return doors.find(({ model, encoding }) => encoding === "cbor" && model.targetPrefix === service);
}

/** The Query service that the request is signed for; else the first, which then refuses it in the Query form. */
function queryDoor<Principal>({ doors }: Context<Principal>, request: IncomingMessage): Door<Principal> | undefined {
  const query = doors.filter(({ model }) => model.protocol === "query");
  const signedFor = /\/([a-z0-9-]+)\/aws4_request/.exec(request.headers.authorization ?? "")?.[1];
  return query.find(({ model }) => model.signingName === signedFor) ?? query[0];
}

function headerText(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name];
  return typeof value === "string" ? value : value?.[0];
}

function unknownOperation(target: string): AwsError {
  const message =
    target === "" ? "The request names no operation." : `The operation ${target.slice(0, 200)} is unknown.`;
  return new AwsError("UnknownOperationException", message);
}

function internalFailure(model: ServiceModel): AwsError {
  return model.errors.has("ServerException")
    ? new AwsError("ServerException", "Service Unavailable. Please try again later.", { httpStatus: 500 })
    : new AwsError("InternalFailure", "The request processing has failed because of an unknown error.", {
        httpStatus: 500,
      });
}
