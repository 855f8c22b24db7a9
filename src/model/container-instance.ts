import type { Attribute } from "@aws-sdk/client-ecs";
import type { Instant } from "../runtime/clock.ts";
import type { ClusterArn, ContainerInstanceArn } from "../wire/arn.ts";
import type { Resources } from "./resources.ts";
import type { Tags } from "./tags.ts";

/** ACTIVE takes tasks while its agent is connected; DRAINING takes none; INACTIVE is gone. */
export type ContainerInstanceStatus = "ACTIVE" | "DRAINING" | "INACTIVE";

/**
 * Which status may follow which. INACTIVE comes from deregistration and is final.
 * Source: ECS API reference, UpdateContainerInstancesState and DeregisterContainerInstance.
 */
export const CONTAINER_INSTANCE_MOVES = {
  ACTIVE: ["DRAINING", "INACTIVE"],
  DRAINING: ["ACTIVE", "INACTIVE"],
  INACTIVE: [],
} as const satisfies Record<ContainerInstanceStatus, readonly ContainerInstanceStatus[]>;

/** A host whose agent has registered in a cluster. */
export interface ContainerInstanceRecord {
  readonly arn: ContainerInstanceArn;
  readonly clusterArn: ClusterArn;
  /** `i-…` from the identity document that the agent sent; the id that target groups know the host by. */
  readonly ec2InstanceId?: string;
  /** Where the load balancer reaches the host: from the identity document, else the agent's remote address. */
  readonly address?: string;
  readonly status: ContainerInstanceStatus;
  readonly agentConnected: boolean;
  /** When `agentConnected` last changed. */
  readonly connectivityChangedAt: Instant;
  readonly agentVersion?: string;
  readonly agentHash?: string;
  readonly dockerVersion?: string;
  /** All that the host offers. `ports` and `portsUdp` are those it keeps for itself. */
  readonly registered: Resources;
  readonly attributes: readonly Attribute[];
  readonly registeredAt: Instant;
  readonly deregisteredAt?: Instant;
  readonly statusReason?: string;
  /** 1 at first; rises by one with every change that a watcher of ECS would see. */
  readonly version: number;
  /** The last number given to a payload or manifest for this instance's agent; only ever rises. */
  readonly sequence: number;
  readonly tags: Tags;
}

/** A container instance with the tasks on it. Not stored: the tasks' own records say what they hold. */
export interface OccupiedInstance extends ContainerInstanceRecord {
  /** What the tasks placed on it hold: each its share from when it is placed until it is STOPPED. */
  readonly used: Resources;
}

/** The id at the end of a container instance's ARN. */
export function containerInstanceId(instance: { readonly arn: ContainerInstanceArn }): string {
  return instance.arn.slice(instance.arn.lastIndexOf("/") + 1);
}

/** What new tasks may still take. Never negative in a correct store. */
export function remainingResources(instance: Pick<OccupiedInstance, "registered" | "used">): {
  readonly cpu: number;
  readonly memoryMiB: number;
  /** Undefined for an instance that has no GPU. */
  readonly gpus?: readonly string[];
} {
  const { registered, used } = instance;
  return {
    cpu: registered.cpu - used.cpu,
    memoryMiB: registered.memoryMiB - used.memoryMiB,
    gpus: registered.gpus === undefined ? undefined : freeGpus(instance),
  };
}

/** The GPUs that no task holds, in the order in which the host named them. */
export function freeGpus({ registered, used }: Pick<OccupiedInstance, "registered" | "used">): readonly string[] {
  return (registered.gpus ?? []).filter((id) => used.gpus?.includes(id) !== true);
}

/** The value of an attribute, "" for one without a value, undefined for one that is not there. */
export function attributeValue(
  instance: Pick<ContainerInstanceRecord, "attributes">,
  name: string,
): string | undefined {
  const found = instance.attributes.find((a) => a.name === name);
  return found === undefined ? undefined : (found.value ?? "");
}

/** What a person calls the host: the name it was added under, else its instance id, else the container instance's id. */
export function hostName(instance: Pick<ContainerInstanceRecord, "arn" | "attributes" | "ec2InstanceId">): string {
  const given = instance.attributes.find((a) => a.name === "berth.host-name")?.value;
  return given ?? instance.ec2InstanceId ?? containerInstanceId(instance);
}
