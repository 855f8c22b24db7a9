import type { IncomingMessage } from "node:http";
import type { ContainerInstanceRecord } from "../model/container-instance.ts";
import type { BerthView } from "../store/index.ts";
import { AwsError } from "../wire/errors.ts";
import { SignatureError, type SignatureVerifier, toAwsError } from "../wire/sigv4.ts";
import type { AgentFacts } from "./presence.ts";

/** The paths that DiscoverPollEndpoint's endpoints lead to, each with the `/ws` that an agent adds. */
export const ACS_PATH = "/acs";
export const TCS_PATH = "/tcs";

export type SessionKind = "acs" | "tcs";

function sessionKind(url: string): SessionKind {
  const path = url.split("?", 1)[0];
  if (path === `${ACS_PATH}/ws`) return "acs";
  if (path === `${TCS_PATH}/ws`) return "tcs";
  throw new AwsError("UnknownOperationException", "There is no websocket here.", { httpStatus: 404 });
}

/** What asks for a session: a websocket upgrade, as far as it is judged. */
export interface SessionRequest {
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  /** Names in lower case. */
  readonly headers: IncomingMessage["headers"];
  readonly remoteAddress?: string;
}

/** The request of a websocket upgrade. */
export function sessionRequest(request: IncomingMessage): SessionRequest {
  const { method = "", url = "/", headers, socket } = request;
  return { method, url, headers, remoteAddress: socket.remoteAddress };
}

/** An upgrade that may go on. */
export interface Admission {
  readonly kind: SessionKind;
  readonly instance: ContainerInstanceRecord;
  readonly facts: AgentFacts;
}

/**
 * Judges an upgrade: signed, for an instance that is registered in that cluster. Throws an AwsError otherwise: one of
 * SigV4's, UnknownOperationException for another path, InvalidInstanceException, InactiveInstanceException or
 * InvalidClusterException.
 */
export function admit(
  request: SessionRequest,
  using: { readonly verifier: SignatureVerifier<unknown>; readonly tables: Pick<BerthView, "containerInstances"> },
): Admission {
  const { url } = request;
  const kind = sessionKind(url);
  authenticate(request, using.verifier);
  const query = new URL(url, "http://host").searchParams;
  const arn = query.get(kind === "acs" ? "containerInstanceArn" : "containerInstance") ?? "";
  const instance = using.tables.containerInstances.get(arn);
  if (instance === undefined) {
    throw new AwsError("InvalidInstanceException", `The container instance ${arn.slice(0, 200)} is not registered.`);
  }
  if (instance.status === "INACTIVE") {
    throw new AwsError("InactiveInstanceException", `The container instance ${arn} is deregistered.`);
  }
  checkCluster(query.get(kind === "acs" ? "clusterArn" : "cluster") ?? "", instance);
  const text = (name: string) => query.get(name)?.slice(0, 255) || undefined;
  return {
    kind,
    instance,
    facts: {
      agentVersion: text("agentVersion"),
      agentHash: text("agentHash"),
      dockerVersion: text("dockerVersion"),
      remoteAddress: request.remoteAddress?.replace(/^::ffff:/, ""),
    },
  };
}

const NO_BODY = new Uint8Array();

function authenticate(request: SessionRequest, verifier: SignatureVerifier<unknown>): void {
  try {
    verifier.open(request, "ecs").verify(NO_BODY);
  } catch (error) {
    throw error instanceof SignatureError ? toAwsError(error, "json") : error;
  }
}

/** An agent names the cluster as it was configured: by name or by ARN. */
function checkCluster(given: string, instance: ContainerInstanceRecord): void {
  const name = instance.clusterArn.slice(instance.clusterArn.lastIndexOf("/") + 1);
  if (given !== "" && given !== name && given !== instance.clusterArn) {
    throw new AwsError("InvalidClusterException", `The container instance is registered in cluster ${name}.`);
  }
}
