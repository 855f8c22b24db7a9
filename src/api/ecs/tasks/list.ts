import type { ClusterRecord } from "../../../model/cluster.ts";
import { STOPPED_TASK_LISTED_MS, type TaskRecord } from "../../../model/task.ts";
import { parseTaskDefinitionArn } from "../../../wire/arn.ts";
import type { EcsOperations } from "../../../wire/models/ecs.ts";
import type { ApiContext } from "../../context.ts";
import { resolveContainerInstance } from "../container-instances/resolve.ts";
import { invalidParameter } from "../errors.ts";
import type { Operation } from "../operation.ts";
import { page } from "../page.ts";
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
  const found = candidates(context, cluster, input).filter(filterOf(context, cluster, input));
  const { items, nextToken } = page(context, found, (t) => t.arn, input, PAGE, { ...filters, cluster: cluster.arn });
  return { taskArns: items.map((t) => t.arn), nextToken };
};

function checkFilters({ startedBy, serviceName, family, containerInstance, launchType }: Input): void {
  if (startedBy === undefined) return;
  const others = { serviceName, family, containerInstance, launchType };
  const given = Object.entries(others).find(([, value]) => value !== undefined);
  if (given !== undefined) throw invalidParameter(`startedBy cannot be combined with ${given[0]}.`);
}

/** All that the filters can leave, by the index that narrows them down the most. */
function candidates(
  { store: { view }, scope }: ApiContext,
  cluster: ClusterRecord,
  { serviceName, desiredStatus }: Input,
): readonly TaskRecord[] {
  const isOfStopped = desiredStatus === "STOPPED";
  if (serviceName === undefined) {
    const live = view.tasks.where("cluster", cluster.arn);
    return isOfStopped ? [...live, ...view.tasks.where("clusterStatus", `${cluster.arn}|STOPPED`)] : live;
  }
  const service = resolveService(view, scope, cluster, serviceName);
  const live = view.tasks.where("service", service.arn);
  return isOfStopped ? [...live, ...view.tasks.where("serviceStopped", service.arn)] : live;
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
