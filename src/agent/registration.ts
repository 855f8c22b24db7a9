import type { Attribute, RegisterContainerInstanceRequest, Resource } from "@aws-sdk/client-ecs";
import type { Clock } from "../runtime/clock.ts";
import type { Log } from "../runtime/log.ts";
import type { Random } from "../runtime/random.ts";
import { type EcsApi, EcsCallError } from "./ecs-api.ts";
import { AgentExit, EXIT } from "./exit-code.ts";
import type { AgentState } from "./state/agent-state.ts";

const FIRST_RETRY_MS = 250;
const MAX_RETRY_MS = 5_000;
/** What ECS calls the cluster of an agent that was told of none. */
export const DEFAULT_CLUSTER = "default";

/** The control plane has deregistered this container instance, and taken its tasks for STOPPED, whatever still runs here. */
export class Deregistered extends AgentExit {
  constructor(containerInstanceArn: string, cause: Error) {
    const remedy = "remove the agent's state directory to join again as a new container instance";
    super(EXIT.terminal, `the container instance ${containerInstanceArn} was deregistered; ${remedy}`, { cause });
  }
}

/** What a host offers, as it is registered. */
export interface HostOffer {
  readonly cpus: number;
  /** What tasks may have: the machine's, less what is reserved. */
  readonly memoryMiB: number;
  readonly reservedPorts: readonly number[];
  readonly reservedPortsUdp: readonly number[];
  readonly privateIp: string;
  readonly instanceType: string;
  readonly availabilityZone: string;
  readonly region: string;
  /** ECS's name: "x86_64", "arm64". */
  readonly architecture: string;
  /** Sent each time. */
  readonly capabilities: readonly Attribute[];
  /** The operator's own; sent only the first time, since they may have been changed by API since. */
  readonly customAttributes: readonly Attribute[];
  readonly tags: readonly { readonly key: string; readonly value: string }[];
}

/** What a host is known by once it is registered. */
export interface Registered {
  readonly containerInstanceArn: string;
  readonly availabilityZone: string;
}

export interface RegistrationDeps {
  readonly api: EcsApi;
  readonly state: AgentState;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Absent: the operator named none. */
  readonly cluster: string | undefined;
  readonly signal: AbortSignal;
}

/**
 * Registers this host, under its saved ARN if it has one, and saves the result. Waits for as long as the control plane
 * cannot be reached. Throws AgentExit: `terminal` where a restart cannot help (agent protocol, 1.4), else `failed`; and
 * Deregistered.
 */
export async function register(deps: RegistrationDeps, offer: HostOffer): Promise<Registered> {
  const cluster = deps.cluster ?? DEFAULT_CLUSTER;
  const saved = deps.state.identity();
  if (saved.cluster !== undefined && saved.cluster !== cluster)
    throw new AgentExit(
      EXIT.terminal,
      `this host is registered in cluster "${saved.cluster}", not "${cluster}": deregister it and remove its state directory to move it`,
    );
  const instanceId = await instanceIdOf(deps);
  const request = registrationRequest(cluster, saved.containerInstanceArn, instanceId, offer);
  const answer = await patiently(deps, () => registerOnce(deps, request));
  checkEcho(request.attributes ?? [], answer.attributes);
  // A known instance keeps the ARN it has, whatever the answer says.
  const containerInstanceArn = saved.containerInstanceArn ?? answer.arn;
  const availabilityZone =
    answer.attributes.find((it) => it.name === "ecs.availability-zone")?.value ?? offer.availabilityZone;
  deps.state.setIdentity({ containerInstanceArn, cluster, availabilityZone });
  await deps.state.flush();
  return { containerInstanceArn, availabilityZone };
}

/** What the host was registered as when it last could be. */
export function savedRegistration(state: AgentState, offer: HostOffer): Registered {
  const { containerInstanceArn = "", availabilityZone = offer.availabilityZone } = state.identity();
  return { containerInstanceArn, availabilityZone };
}

/** Made once and saved before it is used anywhere. */
export async function instanceIdOf({ state, random }: Pick<RegistrationDeps, "state" | "random">): Promise<string> {
  const known = state.identity().instanceId;
  if (known) return known;
  const instanceId = `i-${random.hex(9).slice(0, 17)}`;
  state.setIdentity({ instanceId });
  await state.flush();
  return instanceId;
}

export function registrationRequest(
  cluster: string,
  containerInstanceArn: string | undefined,
  instanceId: string,
  offer: HostOffer,
): RegisterContainerInstanceRequest {
  const document = {
    instanceId,
    privateIp: offer.privateIp,
    availabilityZone: offer.availabilityZone,
    instanceType: offer.instanceType,
    region: offer.region,
    architecture: offer.architecture,
  };
  return {
    cluster,
    ...(containerInstanceArn ? { containerInstanceArn } : {}),
    instanceIdentityDocument: JSON.stringify(document),
    instanceIdentityDocumentSignature: "",
    attributes: [...offer.capabilities, ...(containerInstanceArn ? [] : offer.customAttributes)],
    ...(offer.tags.length > 0 ? { tags: [...offer.tags] } : {}),
    totalResources: totalResources(offer),
  };
}

function totalResources(offer: HostOffer): Resource[] {
  const ports = (name: string, list: readonly number[]): Resource => ({
    name,
    type: "STRINGSET",
    stringSetValue: list.map(String),
  });
  return [
    { name: "CPU", type: "INTEGER", integerValue: offer.cpus * 1024 },
    { name: "MEMORY", type: "INTEGER", integerValue: offer.memoryMiB },
    ports("PORTS", offer.reservedPorts),
    ports("PORTS_UDP", offer.reservedPortsUdp),
  ];
}

/** The cluster `default` is made if it is not there, as ECS's own clients expect it to be. */
async function registerOnce(deps: RegistrationDeps, request: RegisterContainerInstanceRequest) {
  try {
    return await deps.api.registerContainerInstance(request);
  } catch (error) {
    const noCluster =
      error instanceof EcsCallError &&
      (error.code === "ClusterNotFoundException" || /Cluster not found/.test(error.message));
    if (!noCluster || request.cluster !== DEFAULT_CLUSTER) throw error;
    await deps.api.createCluster(DEFAULT_CLUSTER);
    return deps.api.registerContainerInstance(request);
  }
}

async function patiently<T>(deps: RegistrationDeps, attempt: () => Promise<T>): Promise<T> {
  const { clock, random, log, signal, state } = deps;
  for (let delayMs = FIRST_RETRY_MS; ; delayMs = Math.min(MAX_RETRY_MS, delayMs * 2)) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof EcsCallError))
        throw new AgentExit(EXIT.failed, `registration failed: ${error}`, { cause: error });
      if (!error.passing) throw refused(error, state.identity().containerInstanceArn);
      log.warn({ error: error.message }, "registration is tried again");
      await clock.sleep(delayMs * (0.8 + 0.4 * random.next()), signal);
    }
  }
}

function refused(error: EcsCallError, containerInstanceArn: string | undefined): AgentExit {
  if (containerInstanceArn !== undefined && /is deregistered\.$/.test(error.message))
    return new Deregistered(containerInstanceArn, error);
  const terminal =
    ["InvalidParameterException", "ClientException"].includes(error.code) ||
    /type changes are not supported/.test(error.message);
  return new AgentExit(terminal ? EXIT.terminal : EXIT.failed, `registration was refused: ${error.message}`, {
    cause: error,
  });
}

/** The control plane must echo every attribute that has a value, or it does not know what it was told. */
function checkEcho(sent: readonly Attribute[], echoed: readonly Attribute[]): void {
  const answers = new Map(echoed.map((it) => [it.name, it.value]));
  for (const { name, value } of sent)
    if (value && answers.get(name) !== value)
      throw new AgentExit(EXIT.terminal, `registration: the control plane did not take attribute ${name}=${value}`);
}
