import type { Clock } from "../runtime/clock.ts";
import { AwsError } from "./errors.ts";
import { createPoster, type HttpAnswer, type HttpPoster, UnreachableError } from "./http-exchange.ts";
import { decodeJsonOutput, encodeJson } from "./json.ts";
import {
  acmModel,
  berthModel,
  ecsModel,
  elbv2Model,
  logsModel,
  type OperationModel,
  type ServiceModel,
} from "./model.ts";
import type { AcmOperations } from "./models/acm.ts";
import type { BerthOperations } from "./models/berth.ts";
import type { EcsOperations } from "./models/ecs.ts";
import type { ElbV2Operations } from "./models/elbv2.ts";
import type { LogsOperations } from "./models/logs.ts";
import { encodeQueryInput } from "./query.ts";
import { type Credentials, signRequest } from "./sign.ts";
import { decodeElement, decodeXmlError, decodeXmlOutput } from "./xml-output.ts";

export { UnreachableError } from "./http-exchange.ts";
export type { Credentials } from "./sign.ts";

export interface AwsClientOptions {
  /** Such as "http://127.0.0.1:7070". */
  readonly endpoint: string;
  readonly region: string;
  /** A function is asked before each call, for credentials that change. */
  readonly credentials: Credentials | (() => Credentials | Promise<Credentials>);
  readonly clock: Clock;
  readonly userAgent: string;
  /** For a call without a timeout of its own; 30,000 when not given. */
  readonly timeoutMs?: number;
  /** Certificates to trust, as PEM, for an https endpoint with a certificate of its own making. */
  readonly ca?: string;
}

export interface CallOptions {
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** Calls the APIs of a Berth server, or of AWS, without the SDK. Each call is made once: retrying is the caller's to decide. */
export interface AwsClient {
  /**
   * @throws AwsError a refusal, with its code, status and members
   * @throws UnreachableError no answer
   */
  ecs<K extends keyof EcsOperations>(
    operation: K,
    input: EcsOperations[K]["input"],
    options?: CallOptions,
  ): Promise<EcsOperations[K]["output"]>;
  /** Like `ecs`, for load balancing. */
  elbv2<K extends keyof ElbV2Operations>(
    operation: K,
    input: ElbV2Operations[K]["input"],
    options?: CallOptions,
  ): Promise<ElbV2Operations[K]["output"]>;
  /** Like `ecs`, for certificates. */
  acm<K extends keyof AcmOperations>(
    operation: K,
    input: AcmOperations[K]["input"],
    options?: CallOptions,
  ): Promise<AcmOperations[K]["output"]>;
  /** Like `ecs`, for logs. */
  logs<K extends keyof LogsOperations>(
    operation: K,
    input: LogsOperations[K]["input"],
    options?: CallOptions,
  ): Promise<LogsOperations[K]["output"]>;
  /** Like `ecs`, for Berth's own API. */
  berth<K extends keyof BerthOperations>(
    operation: K,
    input: BerthOperations[K]["input"],
    options?: CallOptions,
  ): Promise<BerthOperations[K]["output"]>;
  /** Closes idle connections. */
  close(): void;
}

const DEFAULT_TIMEOUT_MS = 30_000;

export function createAwsClient(options: AwsClientOptions): AwsClient {
  const url = new URL("/", options.endpoint);
  const poster = createPoster(url, options.clock, options.ca);
  const connection = { options, url, poster };
  return {
    ecs: async (operation, input, call) => (await invoke(connection, ecsModel(), operation, input, call)) as never,
    elbv2: async (operation, input, call) => (await invoke(connection, elbv2Model(), operation, input, call)) as never,
    acm: async (operation, input, call) => (await invoke(connection, acmModel(), operation, input, call)) as never,
    logs: async (operation, input, call) => (await invoke(connection, logsModel(), operation, input, call)) as never,
    berth: async (operation, input, call) => (await invoke(connection, berthModel(), operation, input, call)) as never,
    close: () => poster.close(),
  };
}

interface Connection {
  readonly options: AwsClientOptions;
  readonly url: URL;
  readonly poster: HttpPoster;
}

async function invoke(
  { options, url, poster }: Connection,
  model: ServiceModel,
  name: string,
  input: unknown,
  call: CallOptions = {},
): Promise<unknown> {
  const operation = model.operations.get(name);
  if (operation === undefined) throw new TypeError(`${model.name} has no operation ${name}`);
  const { body, headers } = encodeRequest(model, operation, input);
  const credentials = typeof options.credentials === "function" ? await options.credentials() : options.credentials;
  const signed = signRequest({
    method: "POST",
    url,
    headers: { ...headers, "user-agent": options.userAgent },
    body,
    credentials,
    region: options.region,
    service: model.signingName,
    now: options.clock.now(),
  });
  const timeoutMs = call.timeoutMs ?? options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  const answer = await poster.post({ url, headers: signed, body, timeoutMs, signal: call.signal });
  return readAnswer(model, operation, answer, url.origin);
}

function encodeRequest(model: ServiceModel, operation: OperationModel, input: unknown) {
  if (model.protocol === "json") {
    const headers: Record<string, string> = {
      "content-type": "application/x-amz-json-1.1",
      "x-amz-target": `${model.targetPrefix}.${operation.name}`,
    };
    return { headers, body: encodeJson(operation.input, input) };
  }
  const parameters = [
    ["Action", operation.name],
    ["Version", model.version],
    ...encodeQueryInput(operation.input, input),
  ];
  const headers: Record<string, string> = { "content-type": "application/x-www-form-urlencoded; charset=utf-8" };
  return { headers, body: new URLSearchParams(parameters).toString() };
}

function readAnswer(model: ServiceModel, operation: OperationModel, answer: HttpAnswer, endpoint: string): unknown {
  const ok = answer.status >= 200 && answer.status < 300;
  let refusal: AwsError | undefined;
  try {
    if (ok && model.protocol === "json") return decodeJsonOutput(operation.output, answer.body);
    if (ok) return decodeXmlOutput(operation, answer.body.toString("utf8"));
    refusal = model.protocol === "json" ? jsonRefusal(model, answer) : xmlRefusal(model, answer);
  } catch (error) {
    throw new UnreachableError(endpoint, `its answer (HTTP ${answer.status}) can not be read`, error);
  }
  throw refusal ?? new UnreachableError(endpoint, `it answered HTTP ${answer.status} without an AWS error`);
}

function jsonRefusal(model: ServiceModel, { status, headers, body }: HttpAnswer): AwsError | undefined {
  const parsed = JSON.parse(body.toString("utf8") || "{}") as Record<string, unknown>;
  const type = headers["x-amzn-errortype"] ?? parsed.__type;
  if (typeof type !== "string") return undefined;
  // Some services write "namespace#Name" or "Name:http://...".
  const code = type.split(":", 1)[0]?.split("#").at(-1) ?? type;
  const message = parsed.message ?? parsed.Message;
  const modelled = model.errors.get(code);
  const members = modelled === undefined ? {} : (decodeJsonOutput(modelled.shape, body) as Record<string, unknown>);
  const { message: _message, ...others } = members;
  return new AwsError(code, typeof message === "string" ? message : "", { httpStatus: status, members: others });
}

function xmlRefusal(model: ServiceModel, { status, body }: HttpAnswer): AwsError | undefined {
  const found = decodeXmlError(body.toString("utf8"));
  if (found === undefined) return undefined;
  const modelled = model.errors.get(found.code);
  const members =
    modelled === undefined ? {} : (decodeElement(modelled.shape, found.element) as Record<string, unknown>);
  const { Message: _message, ...others } = members;
  return new AwsError(modelled?.name ?? found.code, found.message, { httpStatus: status, members: others });
}
