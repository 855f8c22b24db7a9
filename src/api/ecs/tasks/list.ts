import type { ClusterRecord } from "../../../model/cluster.ts";
import { STOPPED_TASK_LISTED_MS, type TaskRecord } from "../../../model/task.ts";
import { parseTaskDefinitionArn } from "../../../wire/arn.ts";
import type { EcsOperations } from "../../../wire/models/ecs.ts";
import type { ApiContext } from "../../context.ts";
import { resolveContainerInstance } from "../container-instances/resolve.ts";
import { invalidParameter } from "../errors.ts";
import type { Operation } from "../operation.ts";
import { pageFrom } from "../page.ts";
import { type RefusedMembers, refuseMembers } from "../refuse.ts";
import { resolveCluster } from "../resolve.ts";
import { resolveService } from "../services/resolve.ts";

/** Source: ECS API reference, ListTasks. */
const PAGE = { default: 100, max: 100 } as const;

export const LIST_TASKS_REFUSED: RefusedMembers<"ListTasks"> = [{ member: "daemonName" }];

type Input = EcsOperations["ListTasks"]["input"];

/**
 * Lists the tasks of a cluster that are to run, or with desiredStatus STOPPED those that are to stop or have within the last hour;
 * earlier ones can be described while they are kept, but are not listed. A filter by startedBy stands alone.
 * Source: ECS API reference, ListTasks.
 */
export const listTasks: Operation<"ListTasks"> = (context, input) => {
  refuseMembers(LIST_TASKS_REFUSED, input);
  checkFilters(input);
  const cluster = resolveCluster(context.store.view, context.scope, input.cluster);
  const { cluster: _, nextToken: __, maxResults: ___, ...filters } = input;
  const candidatesAfter = candidates(context, cluster, input);
  const isAsked = filterOf(context, cluster, input);
  const after = (last: string | undefined) => Iterator.from(candidatesAfter(last)).filter(isAsked);
  const scope = { ...filters, cluster: cluster.arn };
  const { items, nextToken } = pageFrom(context, after, (t) => t.arn, input, PAGE, scope);
  return { taskArns: items.map((t) => t.arn), nextToken };
};

function checkFilters({ startedBy, serviceName, family, containerInstance, launchType }: Input): void {
  if (startedBy === undefined) return;
  const others = { serviceName, family, containerInstance, launchType };
  const given = Object.entries(others).find(([, value]) => value !== undefined);
  if (given !== undefined) throw invalidParameter(`startedBy cannot be combined with ${given[0]}.`);
}

/**
 * All that the filters can leave after a task, in the order of their ARNs, by the index that narrows them down the most.
 * A page of a hundred must not go through a hundred thousand tasks.
 */
function candidates(
  { store: { view }, scope }: ApiContext,
  cluster: ClusterRecord,
  { serviceName, containerInstance, desiredStatus = "RUNNING" }: Input,
): (last: string | undefined) => Iterable<TaskRecord> {
  if (serviceName !== undefined) {
    const service = resolveService(view, scope, cluster, serviceName);
    if (desiredStatus === "RUNNING") return (last) => view.tasks.after("service", service.arn, last);
    return (last) =>
      byArn(view.tasks.after("service", service.arn, last), view.tasks.after("serviceStopped", service.arn, last));
  }
  if (containerInstance !== undefined && desiredStatus === "RUNNING") {
    const instance = resolveContainerInstance(view, scope, cluster, containerInstance);
    return (last) => view.tasks.after("containerInstance", instance.arn, last);
  }
  return (last) => view.tasks.after("clusterDesired", `${cluster.arn}|${desiredStatus}`, last);
}

/** Two ordered lists as one. */
function* byArn(some: Iterable<TaskRecord>, others: Iterable<TaskRecord>): Generator<TaskRecord> {
  const more = Iterator.from(others);
  let other = more.next();
  for (const one of some) {
    for (; other.done !== true && other.value.arn < one.arn; other = more.next()) yield other.value;
    yield one;
  }
  for (; other.done !== true; other = more.next()) yield other.value;
}

function filterOf(
  { store: { view }, scope, clock }: ApiContext,
  cluster: ClusterRecord,
  { desiredStatus = "RUNNING", startedBy, family, containerInstance, launchType }: Input,
): (task: TaskRecord) => boolean {
  const instance =
    containerInstance === undefined ? undefined : resolveContainerInstance(view, scope, cluster, containerInstance);
  const listedSince = clock.now() - STOPPED_TASK_LISTED_MS;
  return (task) =>
    task.desiredStatus === desiredStatus &&
    (task.stoppedAt === undefined || task.stoppedAt > listedSince) &&
    (startedBy === undefined || task.startedBy === startedBy) &&
    (family === undefined || parseTaskDefinitionArn(task.taskDefinitionArn)?.family === family) &&
    (instance === undefined || task.containerInstanceArn === instance.arn) &&
    (launchType === undefined || task.launchType === launchType);
}
