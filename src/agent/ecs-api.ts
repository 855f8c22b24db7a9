import type {
  Attribute,
  ContainerInstance,
  DiscoverPollEndpointResponse,
  RegisterContainerInstanceRequest,
} from "@aws-sdk/client-ecs";
import type { Clock } from "../runtime/clock.ts";
import { type Credentials, signRequest } from "../wire/sign.ts";

/** Limit of one call, the official agent's own (agent protocol, 1.2). */
const CALL_MS = 42_000;
const TARGET = "AmazonEC2ContainerServiceV20141113";
const MAX_ANSWER_BYTES = 4 * 1024 * 1024;

/** A call to the control plane that did not succeed. */
export class EcsCallError extends Error {
  /** The exception's name, such as "InvalidParameterException"; "Unreachable" if there was no answer. */
  readonly code: string;
  /** It may well succeed later: no answer, a server's failure, throttling. */
  readonly passing: boolean;

  constructor(code: string, message: string, passing: boolean, options?: ErrorOptions) {
    super(message, options);
    this.name = code;
    this.code = code;
    this.passing = passing;
  }
}

/** A report as it goes out; times in seconds since the epoch. */
export type TaskStateChange = Readonly<Record<string, unknown>> & { readonly task: string; readonly status: string };

/** The calls an agent makes. Each rejects with an EcsCallError. */
export interface EcsApi {
  registerContainerInstance(
    input: RegisterContainerInstanceRequest,
  ): Promise<{ readonly arn: string; readonly attributes: readonly Attribute[] }>;
  createCluster(clusterName: string): Promise<void>;
  discoverPollEndpoint(containerInstance: string, cluster: string): Promise<DiscoverPollEndpointResponse>;
  submitTaskStateChange(change: TaskStateChange): Promise<void>;
}

export interface EcsApiOptions {
  readonly endpoint: URL;
  readonly region: string;
  /** Asked before every call, so that rotated keys are taken up. */
  readonly credentials: () => Credentials;
  readonly clock: Clock;
  readonly userAgent: string;
}

/** Speaks AWS JSON 1.1, signed, to one endpoint. */
export function ecsApi({ endpoint, region, credentials, clock, userAgent }: EcsApiOptions): EcsApi {
  async function call(operation: string, input: object): Promise<Record<string, unknown>> {
    const body = JSON.stringify(input);
    const headers = signRequest({
      method: "POST",
      url: endpoint,
      headers: { "content-type": "application/x-amz-json-1.1", "x-amz-target": `${TARGET}.${operation}` },
      body,
      credentials: credentials(),
      region,
      service: "ecs",
      now: clock.now(),
    });
    const { host: _setByFetch, ...sent } = headers;
    let response: Response;
    let text: string;
    try {
      response = await fetch(endpoint, {
        method: "POST",
        headers: { ...sent, "user-agent": userAgent },
        body,
        redirect: "error",
        signal: AbortSignal.timeout(CALL_MS),
      });
      text = await response.text();
    } catch (cause) {
      throw new EcsCallError(
        "Unreachable",
        `${operation}: ${endpoint.origin} cannot be reached: ${reasonOf(cause)}`,
        true,
        { cause },
      );
    }
    if (text.length > MAX_ANSWER_BYTES)
      throw new EcsCallError("Unreadable", `${operation}: the answer is too long`, true);
    if (!response.ok) throw refusal(operation, response, text);
    return parse(operation, text);
  }

  return {
    async registerContainerInstance(input) {
      const answer = await call("RegisterContainerInstance", input);
      const instance = answer.containerInstance as ContainerInstance | undefined;
      if (!instance?.containerInstanceArn)
        throw new EcsCallError(
          "Unreadable",
          "RegisterContainerInstance: the answer names no container instance",
          false,
        );
      return { arn: instance.containerInstanceArn, attributes: instance.attributes ?? [] };
    },
    async createCluster(clusterName) {
      await call("CreateCluster", { clusterName });
    },
    discoverPollEndpoint: (containerInstance, cluster) =>
      call("DiscoverPollEndpoint", { containerInstance, cluster }) as Promise<DiscoverPollEndpointResponse>,
    async submitTaskStateChange(change) {
      await call("SubmitTaskStateChange", change);
    },
  };
}

function reasonOf(cause: unknown): string {
  const inner = cause instanceof Error && cause.cause instanceof Error ? cause.cause : cause;
  return inner instanceof Error ? inner.message || inner.name : String(inner);
}

function parse(operation: string, text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text || "{}");
    if (value && typeof value === "object") return value as Record<string, unknown>;
  } catch (cause) {
    throw new EcsCallError("Unreadable", `${operation}: the answer is not JSON`, true, { cause });
  }
  throw new EcsCallError("Unreadable", `${operation}: the answer is not a JSON object`, true);
}

function refusal(operation: string, response: Response, text: string): EcsCallError {
  let body: Record<string, unknown> = {};
  try {
    body = JSON.parse(text) as Record<string, unknown>;
  } catch {
    // A proxy's error page: the status alone says enough.
  }
  const named = response.headers.get("x-amzn-errortype") ?? body.__type ?? body.code ?? `HTTP ${response.status}`;
  const code = String(named).split(":")[0]!.split("#").at(-1)!;
  const passing = response.status >= 500 || response.status === 429 || /Throttl|LimitExceeded/.test(code);
  return new EcsCallError(
    code,
    `${operation}: ${code}: ${body.message ?? body.Message ?? text.slice(0, 200)}`,
    passing,
  );
}
