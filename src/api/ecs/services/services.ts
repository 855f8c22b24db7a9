import type { PlacementStrategy } from "@aws-sdk/client-ecs";
import { newDeployment, nextGroups, supersede } from "../../../deployment/index.ts";
import type { DeploymentRecord } from "../../../model/deployment.ts";
import { primaryDeployment, type ServiceRecord } from "../../../model/service.ts";
import type { Instant } from "../../../runtime/clock.ts";
import {
  beginServiceDeployment,
  countedDaemon,
  endServiceDeployments,
  newServiceDeploymentId,
} from "../../../state/index.ts";
import type { BerthTransaction } from "../../../store/index.ts";
import { type ClusterArn, serviceArn } from "../../../wire/arn.ts";
import type { EcsOperations } from "../../../wire/models/ecs.ts";
import type { ApiContext } from "../../context.ts";
import { clientError, invalidParameter, notCarriedOut, serviceNotActive, serviceNotFound } from "../errors.ts";
import type { Operation } from "../operation.ts";
import { refuseMembers } from "../refuse.ts";
import { resolveCluster } from "../resolve.ts";
import { fromWireTags } from "../tags/tags.ts";
import { checkPlacement } from "../tasks/launch-input.ts";
import { strategyOfNew, withUpdatedStrategy } from "./capacity-strategy.ts";
import { checkDaemonInput, defaultPercents } from "./daemon-input.ts";
import { checkExternalInput, isExternal, NO_TASK_DEFINITION } from "./external.ts";
import { hooksOf } from "./hook-input.ts";
import {
  checkClientToken,
  checkDesiredCount,
  checkGracePeriod,
  checkLoadBalancers,
  checkServiceName,
  circuitBreakerOf,
  loadBalancersOf,
  percentsOf,
} from "./input.ts";
import { rebalancingOf } from "./rebalancing-input.ts";
import { CREATE_SERVICE_REFUSED, UPDATE_SERVICE_REFUSED } from "./refusals.ts";
import { resolveService } from "./resolve.ts";
import { shiftOf } from "./shift-input.ts";
import { checkShift } from "./shift-load-balancers.ts";
import { startableDefinition } from "./startable-definition.ts";
import { toWireService } from "./wire.ts";

/** Source: ECS quotas. */
const MAX_SERVICES_PER_CLUSTER = 5000;

/** Makes a service; its tasks are started by the services controller. */
export const createService: Operation<"CreateService"> = async (context, input, call) => {
  const { store, scope } = context;
  checkServiceName(input.serviceName);
  refuseMembers(CREATE_SERVICE_REFUSED, input);
  const isSteered = input.deploymentController?.type === "EXTERNAL";
  if (isSteered) checkExternalInput(input);
  const reference = input.taskDefinition ?? "";
  if (reference === "" && !isSteered) throw invalidParameter("TaskDefinition can not be blank.");
  const wished = wishOf(input);
  const at = deploymentAt(context);
  const service = await store.transact("CreateService", (tx) => {
    const cluster = resolveCluster(tx, scope, input.cluster);
    const definition = isSteered ? undefined : startableDefinition(tx, scope, reference);
    const hooks = hooksOf(tx, scope, input.deploymentConfiguration?.lifecycleHooks);
    const wish = { ...wished, shift: shiftOf(input.deploymentConfiguration, undefined, hooks) };
    if (definition !== undefined) checkLoadBalancers(tx, wish.loadBalancers, definition);
    checkShift(tx, wish);
    const arn = serviceArn(scope, { clusterName: cluster.name, serviceName: input.serviceName });
    const made = {
      ...wish,
      ...strategyOfNew(cluster, input, wish),
      arn,
      name: input.serviceName,
      clusterArn: cluster.arn,
      taskDefinitionArn: definition?.arn ?? NO_TASK_DEFINITION,
      createdBy: call.principal.arn,
    };
    const before = tx.services.get(arn);
    if (before?.status === "DRAINING") throw invalidParameter("Unable to Start a service that is still Draining.");
    if (before?.status === "ACTIVE") {
      if (isSameService(before, made)) return before;
      throw invalidParameter("Creation of service was not idempotent.");
    }
    checkServiceQuota(tx, cluster.arn);
    for (const old of tx.serviceEvents.where("service", arn)) {
      tx.serviceEvents.delete(`${old.serviceArn}|${String(old.sequence).padStart(12, "0")}`);
    }
    if (definition === undefined) {
      return tx.services.put({ ...made, deployments: [], taskSets: [], createdAt: at.now });
    }
    const service = { ...made, deployments: [newDeployment(at.id, made, at.now)], createdAt: at.now };
    const begun = service.schedulingStrategy === "DAEMON" ? countedDaemon(tx, service) : service;
    return tx.services.put(beginServiceDeployment(tx, begun, definition, at.began));
  });
  return { service: toWireService(store.view, service, ["TAGS"]) };
};

type Wish = Omit<
  ServiceRecord,
  "arn" | "name" | "clusterArn" | "taskDefinitionArn" | "createdBy" | "createdAt" | "deployments"
>;

/** What CreateService asks for, as far as it depends on no other record. Throws InvalidParameterException. */
function wishOf(input: EcsOperations["CreateService"]["input"]): Wish {
  const { schedulingStrategy = "REPLICA" } = input;
  const isSteered = input.deploymentController?.type === "EXTERNAL";
  if (schedulingStrategy === "DAEMON") checkDaemonInput(input);
  // A DAEMON service's is computed.
  const desiredCount = schedulingStrategy === "DAEMON" ? 0 : input.desiredCount;
  if (desiredCount === undefined) throw invalidParameter("The desired count cannot be empty.");
  checkDesiredCount(desiredCount);
  checkGracePeriod(input.healthCheckGracePeriodSeconds);
  checkClientToken(input.clientToken);
  checkPlacement(input.placementConstraints, input.placementStrategy);
  const placing = {
    schedulingStrategy,
    ...percentsOf(input.deploymentConfiguration, defaultPercents(schedulingStrategy)),
    placementConstraints: input.placementConstraints ?? [],
    placementStrategy: input.placementStrategy ?? [],
  };
  return {
    ...placing,
    availabilityZoneRebalancing: isSteered
      ? "DISABLED"
      : rebalancingOf(input.availabilityZoneRebalancing, placing, undefined),
    ...(isSteered ? { deploymentController: "EXTERNAL" as const } : {}),
    status: "ACTIVE",
    launchType: "EC2",
    desiredCount,
    loadBalancers: loadBalancersOf(input.loadBalancers ?? []),
    circuitBreaker: circuitBreakerOf(input.deploymentConfiguration, undefined),
    healthCheckGracePeriodSeconds: input.healthCheckGracePeriodSeconds,
    enableECSManagedTags: input.enableECSManagedTags ?? false,
    propagateTags: input.propagateTags ?? "NONE",
    tags: fromWireTags(input.tags),
    clientToken: input.clientToken,
    eventSequence: 0,
  };
}

/** True if creating the service again asks for what is there: the call is a repetition. */
function isSameService(before: ServiceRecord, made: Omit<ServiceRecord, "deployments" | "createdAt">): boolean {
  const compared = (s: Omit<ServiceRecord, "deployments" | "createdAt">) =>
    JSON.stringify([
      s.taskDefinitionArn,
      s.deploymentController,
      s.capacityProviderStrategy,
      s.schedulingStrategy,
      s.schedulingStrategy === "DAEMON" ? 0 : s.desiredCount,
      s.loadBalancers,
      s.minimumHealthyPercent,
      s.maximumPercent,
      s.circuitBreaker,
      s.shift,
      s.placementConstraints,
      s.placementStrategy,
      s.availabilityZoneRebalancing,
      s.healthCheckGracePeriodSeconds,
      s.enableECSManagedTags,
      s.propagateTags,
      s.tags,
      s.clientToken,
    ]);
  return compared(before) === compared(made);
}

function checkServiceQuota(tx: BerthTransaction, clusterArn: ClusterArn): void {
  const count = tx.services.where("cluster", clusterArn).filter((s) => s.status !== "INACTIVE").length;
  if (count >= MAX_SERVICES_PER_CLUSTER) {
    throw clientError(`The limit of ${MAX_SERVICES_PER_CLUSTER} services in a cluster has been reached.`);
  }
}

/** When a deployment would begin, and the names it would have: `ecs-svc/<19 digits>`, and its service deployment's. */
export function deploymentAt({ clock, random }: Pick<ApiContext, "clock" | "random">) {
  const now = clock.now();
  return { now, id: `ecs-svc/${random.digits(19)}`, began: { now, id: newServiceDeploymentId(random) } };
}

/**
 * Changes a service. A new deployment begins only if the task definition or the load balancers differ from before, or
 * forceNewDeployment asks for one. Source: ECS API reference, UpdateService.
 */
export const updateService: Operation<"UpdateService"> = async (context, input) => {
  const { store } = context;
  refuseMembers(UPDATE_SERVICE_REFUSED, input);
  const at = deploymentAt(context);
  const service = await store.transact("UpdateService", (tx) => putUpdatedService(tx, context, input, at));
  return { service: toWireService(store.view, service, ["TAGS"]) };
};

/** The service after an update that was asked for, recorded. Refuses what UpdateService refuses, but for members that are not carried out. */
export function putUpdatedService(
  tx: BerthTransaction,
  { scope }: Pick<ApiContext, "scope">,
  input: EcsOperations["UpdateService"]["input"],
  at: ReturnType<typeof deploymentAt>,
): ServiceRecord {
  if (input.desiredCount !== undefined) checkDesiredCount(input.desiredCount);
  checkGracePeriod(input.healthCheckGracePeriodSeconds);
  const placementStrategy = withoutCleared(input.placementStrategy);
  checkPlacement(input.placementConstraints, placementStrategy);
  const cluster = resolveCluster(tx, scope, input.cluster);
  const before = resolveService(tx, scope, cluster, input.service);
  if (before.status !== "ACTIVE") throw serviceNotActive();
  const controller = input.deploymentController?.type;
  if (controller !== undefined && controller !== (before.deploymentController ?? "ECS")) {
    throw notCarriedOut("deploymentController.type other than the service's own", "Make a new service.");
  }
  if (before.schedulingStrategy === "DAEMON") checkDaemonInput({ ...input, placementStrategy });
  const hooks = hooksOf(tx, scope, input.deploymentConfiguration?.lifecycleHooks);
  const shift = shiftOf(input.deploymentConfiguration, before.shift, hooks);
  const after = { ...withUpdatedStrategy(updated(before, { ...input, placementStrategy }), cluster, input), shift };
  if (isExternal(before)) {
    checkExternalInput(input);
    return tx.services.put(after);
  }
  const definition =
    input.taskDefinition === undefined || input.taskDefinition === ""
      ? tx.taskDefinitions.get(before.taskDefinitionArn)
      : startableDefinition(tx, scope, input.taskDefinition);
  if (definition === undefined) throw clientError("TaskDefinition not found.");
  const isNew =
    input.forceNewDeployment === true ||
    definition.arn !== before.taskDefinitionArn ||
    JSON.stringify(after.loadBalancers) !== JSON.stringify(before.loadBalancers);
  if (isNew) checkLoadBalancers(tx, after.loadBalancers, definition);
  if (isNew || input.deploymentConfiguration !== undefined) checkShift(tx, after);
  const wish = { ...after, taskDefinitionArn: definition.arn };
  const next = { ...wish, deployments: deploymentsOf(wish, isNew, at) };
  return tx.services.put(isNew ? beginServiceDeployment(tx, next, definition, at.began) : next);
}

/** One empty object takes a service's strategy away. Source: ECS API reference, UpdateService. */
function withoutCleared(strategy: PlacementStrategy[] | undefined): PlacementStrategy[] | undefined {
  const [only, ...others] = strategy ?? [];
  const clears = only !== undefined && others.length === 0 && only.type === undefined && !only.field;
  return clears ? [] : strategy;
}

function updated(before: ServiceRecord, input: EcsOperations["UpdateService"]["input"]): ServiceRecord {
  const { desiredCount = before.desiredCount } = input;
  const placing = {
    schedulingStrategy: before.schedulingStrategy,
    ...percentsOf(input.deploymentConfiguration, before),
    placementConstraints: input.placementConstraints ?? before.placementConstraints,
    placementStrategy: input.placementStrategy ?? before.placementStrategy,
  };
  return {
    ...before,
    ...placing,
    availabilityZoneRebalancing: rebalancingOf(input.availabilityZoneRebalancing, placing, before),
    desiredCount,
    loadBalancers: input.loadBalancers === undefined ? before.loadBalancers : loadBalancersOf(input.loadBalancers),
    circuitBreaker: circuitBreakerOf(input.deploymentConfiguration, before.circuitBreaker),
    healthCheckGracePeriodSeconds: input.healthCheckGracePeriodSeconds ?? before.healthCheckGracePeriodSeconds,
    enableECSManagedTags: input.enableECSManagedTags ?? before.enableECSManagedTags,
    propagateTags: input.propagateTags ?? before.propagateTags,
  };
}

function deploymentsOf(
  service: ServiceRecord,
  isNew: boolean,
  at: { readonly now: Instant; readonly id: string },
): readonly DeploymentRecord[] {
  if (isNew) {
    const groups = nextGroups(service);
    if ("refusal" in groups) throw invalidParameter(groups.refusal);
    return supersede(service.deployments, newDeployment(at.id, { ...service, ...groups }, at.now), at.now);
  }
  const primary = primaryDeployment(service);
  if (primary.desiredCount === service.desiredCount) return service.deployments;
  const moved = { ...primary, desiredCount: service.desiredCount, updatedAt: at.now };
  return service.deployments.map((d) => (d === primary ? moved : d));
}

/**
 * Deletes a service: it is DRAINING until its tasks have stopped, then INACTIVE. Without force it must be scaled to 0, unless
 * it is a DAEMON service.
 */
export const deleteService: Operation<"DeleteService"> = async ({ store, scope, clock }, input) => {
  const now = clock.now();
  const service = await store.transact("DeleteService", (tx) => {
    const before = resolveService(tx, scope, resolveCluster(tx, scope, input.cluster), input.service);
    if (before.status === "INACTIVE") throw serviceNotFound();
    if (before.status === "DRAINING") return before;
    if (before.taskSets !== undefined && before.taskSets.length > 0 && input.force !== true) {
      throw invalidParameter("The service cannot be deleted while it has task sets.");
    }
    if (before.schedulingStrategy === "REPLICA" && before.desiredCount > 0 && input.force !== true) {
      throw invalidParameter("The service cannot be stopped while it is scaled above 0.");
    }
    const deployments = before.deployments.map((d) => ({ ...d, desiredCount: 0, updatedAt: now }));
    endServiceDeployments(tx, before, now);
    return tx.services.put({
      ...before,
      status: "DRAINING",
      desiredCount: 0,
      deployments,
      ...(isExternal(before) ? { taskSets: [] } : {}),
      steadyAt: undefined,
      deletedAt: now,
    });
  });
  return { service: toWireService(store.view, service, ["TAGS"]) };
};
