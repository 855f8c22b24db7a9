import type { ServiceRecord } from "../src/model/service.ts";
import type { TaskRecord } from "../src/model/task.ts";
import type { TaskSetRecord } from "../src/model/task-set.ts";
import type { BerthView } from "../src/store/index.ts";
import { short } from "./story.ts";
import type { Truth } from "./truth.ts";

/** What the limits of a deployment are of: a service, or each task set of one that is steered from outside. */
export interface Unit {
  readonly name: string;
  readonly desiredCount: number;
  has(task: TaskRecord): boolean;
}

/** The unit that a service's task belongs to. One whose set is not there is to have no tasks. */
export function unitOf(service: ServiceRecord, { deploymentId }: Pick<TaskRecord, "deploymentId">): Unit {
  if (service.deploymentController !== "EXTERNAL")
    return { name: `service ${service.name}`, desiredCount: service.desiredCount, has: () => true };
  const set = service.taskSets?.find((one) => one.deployment.id === deploymentId);
  return {
    name: `task set ${deploymentId} of service ${service.name}`,
    desiredCount: set === undefined ? 0 : shareOf(service, set),
    has: (task) => task.deploymentId === deploymentId,
  };
}

/** How many tasks a service is to have, all its task sets together. */
export function desiredOf(service: ServiceRecord): number {
  if (service.deploymentController !== "EXTERNAL") return service.desiredCount;
  return (service.taskSets ?? []).reduce((sum, set) => sum + shareOf(service, set), 0);
}

/** The share rounded up, in whole numbers. */
function shareOf({ desiredCount }: ServiceRecord, { status, scalePercent }: TaskSetRecord): number {
  if (status === "DRAINING") return 0;
  const hundredths = desiredCount * scalePercent;
  return (hundredths - (hundredths % 100)) / 100 + (hundredths % 100 > 0 ? 1 : 0);
}

/** Judges how the task sets of a service that goes on have changed. */
export function judgeTaskSets(before: ServiceRecord, after: ServiceRecord, view: BerthView, truth: Truth): void {
  if (after.status !== "ACTIVE" || before.createdAt !== after.createdAt) return;
  const sets = after.taskSets ?? [];
  if (sets.filter((set) => set.status === "PRIMARY").length > 1)
    truth.broken("a service has one PRIMARY task set at most", `service ${after.name}`);
  for (const old of before.taskSets ?? []) {
    const set = sets.find((one) => one.arn === old.arn);
    if (set === undefined) judgeEnd(old, after, view, truth);
    else judgeSet(old, set, after, view, truth);
  }
}

function judgeEnd(old: TaskSetRecord, service: ServiceRecord, view: BerthView, truth: Truth): void {
  const left = tasksOf(old, service, view);
  if (old.status === "DRAINING" && left.length === 0) return;
  const what = `${old.deployment.id} of ${service.name} is gone: it was ${old.status}, and ${left.length} of its tasks are left`;
  truth.broken("a task set goes when it was deleted and its last task has stopped", what);
}

function judgeSet(old: TaskSetRecord, set: TaskSetRecord, service: ServiceRecord, view: BerthView, truth: Truth): void {
  const name = `${set.deployment.id} of ${service.name}`;
  if (old.status === "DRAINING" && set.status !== "DRAINING")
    truth.broken("statuses move only legally", `task set ${name} came back from DRAINING`);
  const isChanged = old.status !== set.status || old.scalePercent !== set.scalePercent;
  if (isChanged && !truth.isWishing()) {
    const what = `task set ${name} went from ${old.status} ${old.scalePercent} % to ${set.status} ${set.scalePercent} % by itself`;
    truth.broken("what was wished for stays until something else is", what);
  }
  if (set.stabilityStatus !== "STEADY_STATE" || old.stabilityStatus === "STEADY_STATE") return;
  const tasks = tasksOf(set, service, view);
  const well = tasks.filter(
    (t) =>
      t.lastStatus === "RUNNING" &&
      t.desiredStatus === "RUNNING" &&
      t.healthStatus !== "UNHEALTHY" &&
      view.containerInstances.get(t.containerInstanceArn ?? "")?.status !== "DRAINING",
  );
  const wanted = shareOf(service, set);
  if (tasks.length === wanted && well.length === wanted) return;
  truth.broken(
    "a task set is steady when it has just its tasks, all well",
    `${name} has ${tasks.length}, ${well.length} of them well, of ${wanted}`,
  );
}

/** A task that was started is of a set that is there, with what the set was made with. */
export function judgeTaskOfSet(task: TaskRecord, service: ServiceRecord, truth: Truth): void {
  if (service.deploymentController !== "EXTERNAL") return;
  const set = service.taskSets?.find((one) => one.deployment.id === task.deploymentId);
  const groups = (of: TaskRecord["loadBalancers"]) => of.map((lb) => lb.targetGroupArn).join(" ");
  const isItsOwn =
    set !== undefined &&
    set.status !== "DRAINING" &&
    set.deployment.taskDefinitionArn === task.taskDefinitionArn &&
    groups(set.deployment.loadBalancers) === groups(task.loadBalancers);
  if (isItsOwn) return;
  const what = `task ${short(task.arn)} of ${service.name} runs ${short(task.taskDefinitionArn)} for ${task.deploymentId}`;
  truth.broken("a task set starts tasks of its own revision, and none when it is deleted", what);
}

const tasksOf = (set: TaskSetRecord, service: ServiceRecord, view: BerthView) =>
  view.tasks.where("service", service.arn).filter((t) => t.deploymentId === set.deployment.id);
