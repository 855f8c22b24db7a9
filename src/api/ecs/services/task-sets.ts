import type { Scale } from "@aws-sdk/client-ecs";
import { newDeployment } from "../../../deployment/index.ts";
import type { ServiceRecord } from "../../../model/service.ts";
import { computedDesiredCount, MAX_TASK_SETS, type TaskSetRecord } from "../../../model/task-set.ts";
import type { BerthView } from "../../../store/index.ts";
import { parseClusterArn, parseTaskSetArn, taskSetArn } from "../../../wire/arn.ts";
import type { EcsOperations } from "../../../wire/models/ecs.ts";
import type { AccountScope } from "../../context.ts";
import { EcsError, invalidParameter, notCarriedOut, serviceNotActive } from "../errors.ts";
import type { Operation } from "../operation.ts";
import { type RefusedMembers, refuseMembers } from "../refuse.ts";
import { resolveCluster } from "../resolve.ts";
import { fromWireTags } from "../tags/tags.ts";
import { isExternal } from "./external.ts";
import { checkClientToken, checkLoadBalancers, loadBalancersOf } from "./input.ts";
import { resolveService } from "./resolve.ts";
import { startableDefinition } from "./startable-definition.ts";
import { toWireTaskSet } from "./wire.ts";

const EC2_HINT = "Register container instances with the cluster and use launchType EC2.";

export const CREATE_TASK_SET_REFUSED: RefusedMembers<"CreateTaskSet"> = [
  {
    member: "launchType",
    what: "other than EC2",
    when: ({ launchType: l }) => l !== undefined && l !== "EC2",
    hint: EC2_HINT,
  },
  { member: "capacityProviderStrategy", hint: EC2_HINT },
  { member: "networkConfiguration", hint: "Use a task definition with networkMode bridge or host." },
  { member: "platformVersion", hint: EC2_HINT },
  { member: "serviceRegistries" },
  {
    member: "loadBalancers[].loadBalancerName",
    hint: "Give a targetGroupArn: Classic Load Balancers are not served.",
  },
  { member: "loadBalancers[].advancedConfiguration" },
];

/** Makes an ACTIVE task set; without a scale it has no tasks yet. Source: ECS API reference, CreateTaskSet. */
export const createTaskSet: Operation<"CreateTaskSet"> = async ({ store, scope, clock, random }, input) => {
  refuseMembers(CREATE_TASK_SET_REFUSED, input);
  checkClientToken(input.clientToken);
  const scalePercent = percentOf(input.scale ?? { value: 0 });
  const loadBalancers = loadBalancersOf(input.loadBalancers ?? []);
  if (loadBalancers.length > 1) throw invalidParameter("A task set can have one target group at most.");
  const at = { now: clock.now(), id: `ecs-svc/${random.digits(19)}` };
  const tags = fromWireTags(input.tags);
  const made = await store.transact("CreateTaskSet", (tx) => {
    const service = steeredService(tx, scope, input);
    const { taskSets = [] } = service;
    const same = taskSets.find((set) => input.clientToken !== undefined && set.clientToken === input.clientToken);
    if (same !== undefined) return { service, set: same };
    if (taskSets.length >= MAX_TASK_SETS) {
      throw new EcsError(
        "LimitExceededException",
        `The limit of ${MAX_TASK_SETS} task sets in a service has been reached.`,
      );
    }
    const cluster = tx.clusters.get(service.clusterArn);
    if (input.launchType === undefined && (cluster?.defaultCapacityProviderStrategy ?? []).length > 0) {
      throw notCarriedOut("a task set by the cluster's default capacity provider strategy", "Give launchType EC2.");
    }
    const definition = startableDefinition(tx, scope, input.taskDefinition);
    checkLoadBalancers(tx, loadBalancers, definition);
    const wish = { ...service, taskDefinitionArn: definition.arn, loadBalancers };
    const deployment = newDeployment(at.id, wish, at.now);
    const set: TaskSetRecord = {
      arn: arnOf(scope, service, at.id),
      status: "ACTIVE",
      externalId: input.externalId,
      scalePercent,
      deployment: {
        ...deployment,
        desiredCount: computedDesiredCount(service.desiredCount, { status: "ACTIVE", scalePercent }),
        // It is no deployment that could fail or end: its tasks are kept as those of a completed one are.
        rolloutState: "COMPLETED",
        rolloutStateReason: "",
      },
      stabilityStatus: "STABILIZING",
      stabilityStatusAt: at.now,
      tags,
      clientToken: input.clientToken,
      createdAt: at.now,
      updatedAt: at.now,
    };
    return { service: tx.services.put({ ...service, taskSets: [...taskSets, set] }), set };
  });
  return shown(store.view, made, true);
};

/** Changes a task set's scale, which is all that can be changed. */
export const updateTaskSet: Operation<"UpdateTaskSet"> = async ({ store, scope, clock }, input) => {
  const now = clock.now();
  const scalePercent = percentOf(input.scale);
  const changed = await store.transact("UpdateTaskSet", (tx) => {
    const service = steeredService(tx, scope, input);
    const set = resolveTaskSet(service, input.taskSet);
    if (set.status === "DRAINING") throw invalidParameter("The task set is being deleted.");
    return putSet(tx, service, { ...set, scalePercent, updatedAt: now });
  });
  return shown(store.view, changed);
};

/** Deletes a task set: it is DRAINING until its tasks have stopped. Without force it must be scaled to 0. */
export const deleteTaskSet: Operation<"DeleteTaskSet"> = async ({ store, scope, clock }, input) => {
  const now = clock.now();
  const deleted = await store.transact("DeleteTaskSet", (tx) => {
    const service = steeredService(tx, scope, input);
    const set = resolveTaskSet(service, input.taskSet);
    if (set.status === "DRAINING") return { service, set };
    if (set.scalePercent > 0 && input.force !== true) {
      throw invalidParameter("The task set cannot be deleted while it is scaled above 0.");
    }
    return putSet(tx, service, { ...set, status: "DRAINING", updatedAt: now });
  });
  return shown(store.view, deleted);
};

/** The task sets that are named, or all of the service. What is not there is a failure MISSING. */
export const describeTaskSets: Operation<"DescribeTaskSets"> = ({ store, scope }, input) => {
  const service = steeredService(store.view, scope, input);
  const { taskSets = [] } = service;
  const include = input.include ?? [];
  const tasks = store.view.tasks.where("service", service.arn);
  const answer: EcsOperations["DescribeTaskSets"]["output"] = { taskSets: [], failures: [] };
  const named = input.taskSets ?? [];
  const asked = named.length === 0 ? taskSets.map((set) => set.arn as string) : named;
  for (const idOrArn of new Set(asked)) {
    const set = findTaskSet(service, idOrArn);
    if (set !== undefined) answer.taskSets?.push(toWireTaskSet(service, set, tasks, include));
    else answer.failures?.push({ arn: idOrArn, reason: "MISSING" });
  }
  return answer;
};

/** Makes a task set the PRIMARY one, as which the service is shown; the one before it becomes ACTIVE. */
export const updateServicePrimaryTaskSet: Operation<"UpdateServicePrimaryTaskSet"> = async (context, input) => {
  const { store, scope, clock } = context;
  const now = clock.now();
  const changed = await store.transact("UpdateServicePrimaryTaskSet", (tx) => {
    const service = steeredService(tx, scope, input);
    const set = resolveTaskSet(service, input.primaryTaskSet);
    if (set.status === "DRAINING") throw invalidParameter("The task set is being deleted.");
    if (set.status === "PRIMARY") return { service, set };
    const others = (service.taskSets ?? []).map((one) =>
      one.status === "PRIMARY" ? { ...one, status: "ACTIVE" as const, updatedAt: now } : one,
    );
    return putSet(tx, { ...service, taskSets: others }, { ...set, status: "PRIMARY", updatedAt: now });
  });
  return shown(store.view, changed);
};

interface SetOfService {
  readonly service: ServiceRecord;
  readonly set: TaskSetRecord;
}

/** The ACTIVE service that a call means, whose task sets are steered from outside. */
function steeredService(
  tables: Pick<BerthView, "clusters" | "services">,
  scope: AccountScope,
  input: { readonly cluster: string; readonly service: string },
): ServiceRecord {
  const service = resolveService(tables, scope, resolveCluster(tables, scope, input.cluster), input.service);
  if (service.status !== "ACTIVE") throw serviceNotActive();
  if (!isExternal(service)) {
    throw invalidParameter("Task sets are for services with the EXTERNAL deployment controller.");
  }
  return service;
}

/** By `ecs-svc/<digits>`, the digits alone, or the ARN. */
function findTaskSet({ taskSets = [] }: ServiceRecord, idOrArn: string): TaskSetRecord | undefined {
  return taskSets.find((set) =>
    [set.arn, set.deployment.id, set.deployment.id.slice("ecs-svc/".length)].includes(idOrArn),
  );
}

function resolveTaskSet(service: ServiceRecord, idOrArn: string): TaskSetRecord {
  if (idOrArn.startsWith("arn:") && parseTaskSetArn(idOrArn) === undefined) {
    throw invalidParameter("The ARN provided is invalid.");
  }
  const set = findTaskSet(service, idOrArn);
  if (set === undefined) throw new EcsError("TaskSetNotFoundException", "The specified task set was not found.");
  return set;
}

function putSet(
  tx: { readonly services: { put(service: ServiceRecord): ServiceRecord } },
  service: ServiceRecord,
  set: TaskSetRecord,
): SetOfService {
  const taskSets = (service.taskSets ?? []).map((one) => (one.arn === set.arn ? set : one));
  return { service: tx.services.put({ ...service, taskSets }), set };
}

function shown(tables: Pick<BerthView, "tasks">, { service, set }: SetOfService, isNew = false) {
  const tasks = tables.tasks.where("service", service.arn);
  return { taskSet: toWireTaskSet(service, set, tasks, isNew ? ["TAGS"] : []) };
}

/** Source: ECS API reference, Scale. */
function percentOf({ value = 0, unit = "PERCENT" }: Scale): number {
  if (unit !== "PERCENT") throw invalidParameter("The unit of a scale must be PERCENT.");
  if (!(value >= 0 && value <= 100)) throw invalidParameter("The value of a scale must be between 0 and 100.");
  return value;
}

function arnOf(scope: AccountScope, service: ServiceRecord, taskSetId: string) {
  const clusterName = parseClusterArn(service.clusterArn)?.clusterName ?? "";
  return taskSetArn(scope, { clusterName, serviceName: service.name, taskSetId });
}
