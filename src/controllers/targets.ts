import type { ContainerInstanceRecord } from "../model/container-instance.ts";
import { type TargetGroupRecord, type TargetRecord, targetKey } from "../model/load-balancer.ts";
import type { TaskLoadBalancer, TaskRecord } from "../model/task.ts";
import type { Instant } from "../runtime/clock.ts";
import type { Random } from "../runtime/random.ts";
import { addServiceEvent, deregisterTarget, finishDraining, registerTarget, removeTarget } from "../state/index.ts";
import type { BerthTransaction, BerthView } from "../store/index.ts";
import type { ControllerContext } from "./context.ts";
import { startWorkQueue } from "./work-queue.ts";

/** What is to be done about the targets of one task. */
export interface TargetWork {
  readonly register: readonly Pick<TargetRecord, "targetGroupArn" | "id" | "port">[];
  readonly deregister: readonly TargetRecord[];
  /** Targets of a task that is gone: nothing is left to drain. */
  readonly remove: readonly TargetRecord[];
  /** Target groups that the task is to be in and that are not there (any more). */
  readonly missing: readonly string[];
  /** True when the task waits for its targets and none is left. */
  readonly drained: boolean;
}

/**
 * Compares a task with its targets. A task that runs and is to run is registered with each of its target groups; one
 * that is to stop leaves them, and may be stopped when it has left them all; one that has stopped is forgotten.
 */
export function targetWork(tables: BerthView, task: TaskRecord): TargetWork {
  const registered = tables.targets.where("task", task.arn);
  const idle = { register: [], deregister: [], remove: [], missing: [], drained: false };
  if (task.lastStatus === "STOPPED") return { ...idle, remove: registered };
  if (task.desiredStatus === "STOPPED") {
    return {
      ...idle,
      deregister: registered.filter((t) => t.drainingSince === undefined),
      drained: task.lastStatus === "DEACTIVATING" && registered.length === 0,
    };
  }
  if (task.lastStatus !== "RUNNING") return idle;
  const instance =
    task.containerInstanceArn === undefined ? undefined : tables.containerInstances.get(task.containerInstanceArn);
  if (instance === undefined) return idle;
  const wanted = task.loadBalancers.flatMap((lb) => {
    const group = tables.targetGroups.get(lb.targetGroupArn);
    return group === undefined ? [] : targetsOf(group, instance, task, lb);
  });
  const missing = task.loadBalancers
    .map((lb) => lb.targetGroupArn)
    .filter((arn) => tables.targetGroups.get(arn) === undefined);
  const known = new Set(registered.filter((t) => t.drainingSince === undefined).map(targetKey));
  return { ...idle, missing, register: wanted.filter((t) => !known.has(targetKey(t))) };
}

/** Where a load balancer finds a task's container: its host, by id or by address, and the host port. */
function targetsOf(
  group: TargetGroupRecord,
  instance: ContainerInstanceRecord,
  task: TaskRecord,
  lb: TaskLoadBalancer,
): Pick<TargetRecord, "targetGroupArn" | "id" | "port">[] {
  const id = group.targetType === "ip" ? instance.address : instance.ec2InstanceId;
  const container = task.containers.find((c) => c.name === lb.containerName);
  const port = container?.networkBindings.find((b) => b.containerPort === lb.containerPort)?.hostPort;
  return id === undefined || port === undefined ? [] : [{ targetGroupArn: group.arn, id, port }];
}

/** Keeps target groups in step with the tasks of services; one look is at all tasks of one service. */
export function startTargetsController(context: ControllerContext): { stop(): Promise<void> } {
  const { store, clock } = context;
  const look = async (serviceArn: string): Promise<void> => {
    if (balancedTasks(store.view, serviceArn).every((task) => isIdle(targetWork(store.view, task)))) return;
    const now = clock.now();
    await store.transact("targets", (tx) => {
      const works = balancedTasks(tx, serviceArn).map((task) => ({ task, work: targetWork(tx, task) }));
      for (const { task, work } of works) carryOut(tx, task, work, now);
      const all = works.map(({ work }) => work);
      tellService(tx, serviceArn, { now, random: context.random }, all);
    });
  };
  const queue = startWorkQueue({ name: "targets", context, look });
  const lookAt = (task: TaskRecord | undefined) => {
    if (task?.serviceArn !== undefined && task.loadBalancers.length > 0) queue.add(task.serviceArn);
  };
  const unwatch = store.watch((change) => {
    for (const put of change.puts) if (put.table === "tasks") lookAt(put.after);
    for (const gone of change.deletes) {
      if (gone.table === "targets" && gone.before.taskArn !== undefined)
        lookAt(store.view.tasks.get(gone.before.taskArn));
    }
  });
  for (const task of store.view.tasks.all()) lookAt(task);
  return {
    stop: () => {
      unwatch();
      return queue.stop();
    },
  };
}

/** A service's tasks that are or were to be in rotation; stopped ones only while targets of theirs are left. */
function balancedTasks(tables: BerthView, serviceArn: string): TaskRecord[] {
  const stopped = tables.tasks
    .where("serviceStopped", serviceArn)
    .filter((t) => tables.targets.count("task", t.arn) > 0);
  return [...tables.tasks.where("service", serviceArn), ...stopped].filter((t) => t.loadBalancers.length > 0);
}

const isIdle = (w: TargetWork) =>
  w.register.length + w.deregister.length + w.remove.length + w.missing.length === 0 && !w.drained;

function carryOut(tx: BerthTransaction, task: TaskRecord, work: TargetWork, now: Instant): void {
  for (const target of work.register) registerTarget(tx, { ...target, taskArn: task.arn }, now);
  for (const target of work.deregister) deregisterTarget(tx, target, now);
  for (const target of work.remove) removeTarget(tx, target);
  if (work.drained) finishDraining(tx, task, now);
}

/** Source: ECS developer guide, service event messages. */
function tellService(
  tx: BerthTransaction,
  serviceArn: string,
  at: { readonly now: Instant; readonly random: Random },
  works: readonly TargetWork[],
): void {
  let service = tx.services.get(serviceArn);
  if (service === undefined) return;
  const { name } = service;
  const messages = [
    ...perGroup(works.flatMap((w) => w.register)).map(([arn, n]) => `registered ${n} targets in (target-group ${arn})`),
    ...perGroup(works.flatMap((w) => [...w.deregister, ...w.remove.filter(isInRotation)])).map(
      ([arn, n]) => `deregistered ${n} targets in (target-group ${arn})`,
    ),
    ...draining(works.filter((w) => w.deregister.length > 0).length),
  ];
  for (const message of messages) service = addServiceEvent(tx, service, `(service ${name}) ${message}`, at);
  for (const arn of new Set(works.flatMap((w) => w.missing))) {
    const message = `failed to register targets in (target-group ${arn}) with (error The specified target group does not exist.)`;
    service = addServiceEvent(tx, service, `(service ${name}) ${message}`, { ...at, once: true });
  }
}

const isInRotation = (target: TargetRecord) => target.drainingSince === undefined;

const draining = (tasks: number) => (tasks === 0 ? [] : [`has begun draining connections on ${tasks} tasks.`]);

function perGroup(targets: readonly { readonly targetGroupArn: string }[]): [arn: string, count: number][] {
  return [...Map.groupBy(targets, (t) => t.targetGroupArn)].map(([arn, list]) => [arn, list.length]);
}
