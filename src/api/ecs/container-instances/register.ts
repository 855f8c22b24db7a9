import type { ClusterRecord } from "../../../model/cluster.ts";
import type { ContainerInstanceRecord } from "../../../model/container-instance.ts";
import type { Resources } from "../../../model/resources.ts";
import type { Tags } from "../../../model/tags.ts";
import type { Instant } from "../../../runtime/clock.ts";
import type { Random } from "../../../runtime/random.ts";
import type { BerthTransaction } from "../../../store/index.ts";
import { containerInstanceArn } from "../../../wire/arn.ts";
import type { EcsOperations } from "../../../wire/models/ecs.ts";
import type { AccountScope } from "../../context.ts";
import { clientError, invalidParameter } from "../errors.ts";
import type { Operation } from "../operation.ts";
import { resolveCluster } from "../resolve.ts";
import { fromWireTags } from "../tags/tags.ts";
import { type InstanceIdentity, readIdentity } from "./identity.ts";
import { attributesAfterRegistration } from "./registered-attributes.ts";
import { containerInstanceArnOf } from "./resolve.ts";
import { fromWireResources } from "./resources.ts";
import { toWireContainerInstance } from "./wire.ts";

type Input = EcsOperations["RegisterContainerInstance"]["input"];

/** What a registration says, read and checked. */
interface Registration {
  readonly input: Input;
  readonly identity: InstanceIdentity;
  readonly registered: Resources;
  readonly tags: Tags;
  readonly scope: AccountScope;
  readonly now: Instant;
  readonly random: Random;
}

/**
 * Registers a host's agent. With an ARN of its own it keeps that, its tasks and its custom attributes; without one it is a
 * new container instance. The answer repeats every attribute, which agents check. Source: agent protocol, registration.
 */
export const registerContainerInstance: Operation<"RegisterContainerInstance"> = async (context, input) => {
  const { store, clock, random, scope } = context;
  const registration: Registration = {
    input,
    identity: readIdentity(input.instanceIdentityDocument),
    registered: fromWireResources(input.totalResources, input.platformDevices),
    tags: fromWireTags(input.tags),
    scope,
    now: clock.now(),
    random,
  };
  const instance = await store.transact("RegisterContainerInstance", (tx) => {
    const cluster = resolveCluster(tx, scope, input.cluster);
    const before = input.containerInstanceArn
      ? registeredBefore(tx, cluster, registration, input.containerInstanceArn)
      : neverUsed(tx, cluster, registration);
    const after = before === undefined ? newInstance(cluster, registration) : registeredAgain(before, registration);
    return tx.containerInstances.put(after);
  });
  return { containerInstance: toWireContainerInstance(store.view, instance, ["TAGS"]) };
};

/** Throws for an ARN that an agent can never register with: it does not retry after these exceptions. */
function registeredBefore(
  tx: BerthTransaction,
  cluster: ClusterRecord,
  { scope, identity }: Registration,
  arn: string,
): ContainerInstanceRecord {
  const found = tx.containerInstances.get(containerInstanceArnOf(scope, cluster, arn));
  if (found === undefined) throw clientError(`The container instance ${arn} is not registered.`);
  if (found.status === "INACTIVE") throw clientError(`The container instance ${arn} is deregistered.`);
  if (identity.instanceId !== undefined && found.ec2InstanceId !== identity.instanceId && isOfDocument(found)) {
    throw invalidParameter(`The container instance ${arn} is registered for ${found.ec2InstanceId}.`);
  }
  const type = found.attributes.find((a) => a.name === "ecs.instance-type")?.value;
  if (type !== undefined && identity.instanceType !== undefined && type !== identity.instanceType) {
    throw invalidParameter("Container instance type changes are not supported.");
  }
  return found;
}

/** Ids of our own making begin with `mi-`. */
function isOfDocument(instance: ContainerInstanceRecord): boolean {
  return instance.ec2InstanceId?.startsWith("mi-") === false;
}

/** An agent whose answer got lost registers anew: the same host, with nothing on it and never connected, is taken again. */
function neverUsed(
  tx: BerthTransaction,
  cluster: ClusterRecord,
  { identity }: Registration,
): ContainerInstanceRecord | undefined {
  if (identity.instanceId === undefined) return undefined;
  return tx.containerInstances
    .where("ec2InstanceId", identity.instanceId)
    .find(
      (i) =>
        i.clusterArn === cluster.arn &&
        i.status === "ACTIVE" &&
        i.sequence === 0 &&
        tx.tasks.count("containerInstance", i.arn) === 0,
    );
}

function newInstance(cluster: ClusterRecord, registration: Registration): ContainerInstanceRecord {
  const { input, identity, registered, tags, scope, now, random } = registration;
  const containerInstanceId = random.hex(16);
  return {
    arn: containerInstanceArn(scope, { clusterName: cluster.name, containerInstanceId }),
    clusterArn: cluster.arn,
    // A host that no document names gets an id of the form that ECS gives to hosts from elsewhere.
    ec2InstanceId: identity.instanceId ?? `mi-${random.hex(9).slice(0, 17)}`,
    address: identity.privateIp,
    status: "ACTIVE",
    agentConnected: false,
    connectivityChangedAt: now,
    ...input.versionInfo,
    registered,
    attributes: attributesAfterRegistration(input.attributes ?? [], identity, [], scope.region),
    registeredAt: now,
    version: 1,
    sequence: 0,
    tags,
  };
}

function registeredAgain(before: ContainerInstanceRecord, registration: Registration): ContainerInstanceRecord {
  const { input, identity, registered, tags, scope } = registration;
  return {
    ...before,
    ...input.versionInfo,
    ec2InstanceId: identity.instanceId ?? before.ec2InstanceId,
    address: identity.privateIp ?? before.address,
    registered,
    attributes: attributesAfterRegistration(input.attributes ?? [], identity, before.attributes, scope.region),
    tags: { ...before.tags, ...tags },
    version: before.version + 1,
  };
}
