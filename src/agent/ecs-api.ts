import type {
  Attribute,
  DiscoverPollEndpointResponse,
  RegisterContainerInstanceRequest,
  SubmitTaskStateChangeRequest,
} from "@aws-sdk/client-ecs";
import { type AwsClientOptions, createAwsClient, UnreachableError } from "../wire/client.ts";
import { NoCredentialsError } from "../wire/credential-source.ts";
import { AwsError } from "../wire/errors.ts";

/** Limit of one call, the official agent's own (agent protocol, 1.2). */
const CALL_MS = 42_000;

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

/** What an agent tells of a task. */
export type TaskStateChange = SubmitTaskStateChangeRequest;

/** The calls an agent makes. Each rejects with an EcsCallError. */
export interface EcsApi {
  registerContainerInstance(
    input: RegisterContainerInstanceRequest,
  ): Promise<{ readonly arn: string; readonly attributes: readonly Attribute[] }>;
  createCluster(clusterName: string): Promise<void>;
  discoverPollEndpoint(containerInstance: string, cluster: string): Promise<DiscoverPollEndpointResponse>;
  submitTaskStateChange(change: TaskStateChange): Promise<void>;
}

/** The calls, signed and sent to one endpoint. */
export function ecsApi(options: AwsClientOptions): EcsApi {
  const client = createAwsClient({ ...options, timeoutMs: CALL_MS });
  return {
    async registerContainerInstance(input) {
      const { containerInstance } = await named(
        "RegisterContainerInstance",
        client.ecs("RegisterContainerInstance", input),
      );
      if (!containerInstance?.containerInstanceArn)
        throw new EcsCallError(
          "Unreadable",
          "RegisterContainerInstance: the answer names no container instance",
          false,
        );
      return { arn: containerInstance.containerInstanceArn, attributes: containerInstance.attributes ?? [] };
    },
    async createCluster(clusterName) {
      await named("CreateCluster", client.ecs("CreateCluster", { clusterName }));
    },
    discoverPollEndpoint: (containerInstance, cluster) =>
      named("DiscoverPollEndpoint", client.ecs("DiscoverPollEndpoint", { containerInstance, cluster })),
    async submitTaskStateChange(change) {
      await named("SubmitTaskStateChange", client.ecs("SubmitTaskStateChange", change));
    },
  };
}

async function named<T>(operation: string, answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (cause) {
    throw callError(operation, cause);
  }
}

/** Tells what may pass from what will not. */
export function callError(operation: string, cause: unknown): EcsCallError {
  const message = `${operation}: ${cause instanceof Error ? cause.message : cause}`;
  if (cause instanceof UnreachableError) return new EcsCallError("Unreachable", message, true, { cause });
  // A key file that is not there yet, or is being replaced.
  if (cause instanceof NoCredentialsError) return new EcsCallError("NoCredentials", message, true, { cause });
  if (!(cause instanceof AwsError)) return new EcsCallError("Failed", message, false, { cause });
  const passing = cause.httpStatus >= 500 || cause.httpStatus === 429 || /Throttl|LimitExceeded/.test(cause.code);
  return new EcsCallError(cause.code, `${operation}: ${cause.code}: ${cause.message}`, passing, { cause });
}
