import type { ContainerInstanceRecord } from "../model/container-instance.ts";
import { type TargetGroupRecord, type TargetRecord, targetKey } from "../model/load-balancer.ts";
import type { TaskLoadBalancer, TaskRecord } from "../model/task.ts";
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
  /** True when the task waits for its targets and none is left. */
  readonly drained: boolean;
}

/**
 * Compares a task with its targets. A task that runs and is to run is registered with each of its target groups; one
 * that is to stop leaves them, and may be stopped when it has left them all; one that has stopped is forgotten.
 */
export function targetWork(tables: BerthView, task: TaskRecord): TargetWork {
  const registered = tables.targets.where("task", task.arn);
  const idle = { register: [], deregister: [], remove: [], drained: false };
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
  const known = new Set(registered.filter((t) => t.drainingSince === undefined).map(targetKey));
  return { ...idle, register: wanted.filter((t) => !known.has(targetKey(t))) };
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

/** Keeps target groups in step with the tasks of services. */
export function startTargetsController(context: ControllerContext): { stop(): Promise<void> } {
  const { store, clock } = context;
  const look = async (arn: string): Promise<void> => {
    const seen = store.view.tasks.get(arn);
    if (seen === undefined || isIdle(targetWork(store.view, seen))) return;
    const now = clock.now();
    await store.transact("targets", (tx) => {
      const task = tx.tasks.get(arn);
      if (task !== undefined) carryOut(tx, task, targetWork(tx, task), { ...context, now });
    });
  };
  const queue = startWorkQueue({ name: "targets", context, look });
  const unwatch = store.watch((change) => {
    for (const put of change.puts) {
      if (put.table === "tasks" && ofLoadBalancer(put.after)) queue.add(put.key);
    }
    for (const gone of change.deletes) {
      if (gone.table === "targets" && gone.before.taskArn !== undefined) queue.add(gone.before.taskArn);
    }
  });
  for (const task of store.view.tasks.all()) if (ofLoadBalancer(task)) queue.add(task.arn);
  return {
    stop: () => {
      unwatch();
      return queue.stop();
    },
  };
}

const ofLoadBalancer = (task: TaskRecord) => task.loadBalancers.length > 0;

const isIdle = (w: TargetWork) => w.register.length + w.deregister.length + w.remove.length === 0 && !w.drained;

function carryOut(
  tx: BerthTransaction,
  task: TaskRecord,
  work: TargetWork,
  at: Pick<ControllerContext, "random"> & { readonly now: number },
): void {
  for (const target of work.register) registerTarget(tx, { ...target, taskArn: task.arn }, at.now);
  for (const target of work.deregister) deregisterTarget(tx, target, at.now);
  for (const target of work.remove) removeTarget(tx, target);
  if (work.drained) finishDraining(tx, task, at.now);
  tell(tx, task, work.register, (n, arn) => `registered ${n} targets in (target-group ${arn})`, at);
  tell(tx, task, work.deregister, (n, arn) => `deregistered ${n} targets in (target-group ${arn})`, at);
  if (work.deregister.length > 0) {
    tell(tx, task, work.deregister.slice(0, 1), () => `has begun draining connections on 1 tasks.`, at);
  }
}

function tell(
  tx: BerthTransaction,
  task: TaskRecord,
  targets: readonly { readonly targetGroupArn: string }[],
  words: (count: number, targetGroupArn: string) => string,
  at: Pick<ControllerContext, "random"> & { readonly now: number },
): void {
  for (const [arn, list] of Map.groupBy(targets, (t) => t.targetGroupArn)) {
    const service = task.serviceArn === undefined ? undefined : tx.services.get(task.serviceArn);
    if (service !== undefined) addServiceEvent(tx, service, `(service ${service.name}) ${words(list.length, arn)}`, at);
  }
}
