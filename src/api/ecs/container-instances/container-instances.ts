import type { Failure } from "@aws-sdk/client-ecs";
import { CONTAINER_INSTANCE_MOVES, type ContainerInstanceRecord } from "../../../model/container-instance.ts";
import { matchesQuery, parseQuery, queryProblem } from "../../../scheduler/index.ts";
import { tasksOnInstance } from "../../../state/index.ts";
import type { BerthTransaction, BerthView } from "../../../store/index.ts";
import type { EcsOperations } from "../../../wire/models/ecs.ts";
import { clientError, EcsError, invalidParameter } from "../errors.ts";
import type { Operation } from "../operation.ts";
import { pageFrom } from "../page.ts";
import { resolveCluster } from "../resolve.ts";
import { containerInstanceArnOf, resolveContainerInstance } from "./resolve.ts";
import { toWireContainerInstance } from "./wire.ts";

/** Source: ECS API reference, DescribeContainerInstances, UpdateContainerInstancesState, ListContainerInstances. */
const MAX_DESCRIBED = 100;
const MAX_UPDATED = 10;
const PAGE = { default: 100, max: 100 } as const;

/** Shows container instances; one that is not there is a failure with reason MISSING. */
export const describeContainerInstances: Operation<"DescribeContainerInstances"> = ({ store, scope }, input) => {
  const asked = checkNames(input.containerInstances, MAX_DESCRIBED);
  const cluster = resolveCluster(store.view, scope, input.cluster);
  const answer = { containerInstances: [], failures: [] } as Required<
    EcsOperations["DescribeContainerInstances"]["output"]
  >;
  for (const arn of new Set(asked.map((name) => containerInstanceArnOf(scope, cluster, name)))) {
    const instance = store.view.containerInstances.get(arn);
    if (instance === undefined) answer.failures?.push({ arn, reason: "MISSING" });
    else answer.containerInstances?.push(toWireContainerInstance(store.view, instance, input.include ?? []));
  }
  return answer;
};

/**
 * Lists the container instances of a cluster, those that are INACTIVE left out; with a filter, those that an expression of
 * the cluster query language means. Throws InvalidParameterException, with the position, for what is no expression.
 */
export const listContainerInstances: Operation<"ListContainerInstances"> = (context, input) => {
  const { store, scope } = context;
  const matches = filterOf(input.filter);
  const cluster = resolveCluster(store.view, scope, input.cluster);
  const after = (last: string | undefined) =>
    Iterator.from(store.view.containerInstances.after("cluster", cluster.arn, last)).filter(
      (i) => (input.status === undefined || i.status === input.status) && matches(store.view, i),
    );
  const filters = { cluster: cluster.arn, status: input.status, filter: input.filter };
  const { items, nextToken } = pageFrom(context, after, (i) => i.arn, input, PAGE, filters);
  return { containerInstanceArns: items.map((i) => i.arn), nextToken };
};

function filterOf(filter: string | undefined): (tables: BerthView, instance: ContainerInstanceRecord) => boolean {
  if (filter === undefined || filter === "") return () => true;
  const problem = queryProblem(filter);
  if (problem !== undefined) throw invalidParameter(`The filter ${problem}.`);
  const expression = parseQuery(filter);
  return (tables, instance) =>
    matchesQuery(expression, { instance, tasks: () => tasksOnInstance(tables, instance.arn) });
}

/** Drains container instances, or makes them take tasks again. Services move their tasks away from what is draining. */
export const updateContainerInstancesState: Operation<"UpdateContainerInstancesState"> = async (
  { store, scope },
  input,
) => {
  const asked = checkNames(input.containerInstances, MAX_UPDATED);
  const { status } = input;
  if (status !== "ACTIVE" && status !== "DRAINING") {
    throw invalidParameter("Container instance status should be one of [ACTIVE, DRAINING]");
  }
  const { changed, failures } = await store.transact("UpdateContainerInstancesState", (tx) => {
    const cluster = resolveCluster(tx, scope, input.cluster);
    const arns = new Set(asked.map((name) => containerInstanceArnOf(scope, cluster, name)));
    const changed: ContainerInstanceRecord[] = [];
    const failures: Failure[] = [];
    for (const arn of arns) {
      const instance = tx.containerInstances.get(arn);
      if (instance === undefined) failures.push({ arn, reason: "MISSING" });
      else if (instance.status === "INACTIVE") failures.push({ arn, reason: "INACTIVE" });
      else changed.push(setStatus(tx, instance, status));
    }
    return { changed, failures };
  });
  return { containerInstances: changed.map((i) => toWireContainerInstance(store.view, i, ["TAGS"])), failures };
};

/** Moves an instance between ACTIVE and DRAINING. Throws for one that is INACTIVE. */
export function setStatus(
  tx: BerthTransaction,
  instance: ContainerInstanceRecord,
  status: "ACTIVE" | "DRAINING",
): ContainerInstanceRecord {
  if (instance.status === status) return instance;
  const moves: readonly string[] = CONTAINER_INSTANCE_MOVES[instance.status];
  if (!moves.includes(status)) throw new Error(`${instance.arn} cannot go from ${instance.status} to ${status}`);
  return tx.containerInstances.put({ ...instance, status, version: instance.version + 1 });
}

/** Agents are updated with the host that they run on, never from here. Always throws. */
export const updateContainerAgent: Operation<"UpdateContainerAgent"> = ({ store, scope }, input) => {
  const cluster = resolveCluster(store.view, scope, input.cluster);
  const instance = resolveContainerInstance(store.view, scope, cluster, input.containerInstance);
  if (instance.status === "INACTIVE") throw invalidParameter("The referenced container instance was inactive.");
  throw new EcsError(
    "NoUpdateAvailableException",
    "There is no update available for your container agent. Update the agent on its host.",
  );
};

function checkNames(names: readonly string[], max: number): readonly string[] {
  if (names.length === 0) throw clientError("Container Instances cannot be empty.");
  if (names.length > max) throw invalidParameter(`Container Instances cannot have more than ${max} elements.`);
  return names;
}
