import { DEFAULT_DEPLOYMENT_SETTINGS, reconcileService, type ServiceAction } from "../../deployment/index.ts";
import type { ContainerInstanceRecord } from "../../model/container-instance.ts";
import { heldInstance, type TaskRecord } from "../../model/task.ts";
import type { Instant, Timer } from "../../runtime/clock.ts";
import type { BerthSchema, BerthView, Change } from "../../store/index.ts";
import type { ControllerContext } from "../context.ts";
import { type LookAnswer, startWorkQueue } from "../work-queue.ts";
import { applyServiceActions } from "./apply-service.ts";
import { hostContact, observeService } from "./observe-service.ts";

/** Every service is looked at this often even if nothing seems to have changed: what a missed change costs at most. */
export const RESYNC_MS = 30_000;
/** A look that computed for longer than this rests before its next one. */
const CHEAP_LOOK_MS = 2;
/** A rest in multiples of what the look took: looks at one huge service take at most a fifth of the processor. */
const REST_FACTOR = 4;
const LONGEST_REST_MS = 250;

/**
 * Keeps every service as it is wanted: looks at it whenever it, one of its tasks, their targets or instances change, and
 * commits what `reconcileService` answers. It is level-triggered: nothing here is remembered that matters, so a crash
 * at any moment, or a change not seen, costs no more than a later look.
 */
export function startServicesController(context: ControllerContext): { stop(): Promise<void> } {
  const { store, clock } = context;
  const contact = hostContact(context);
  /** Services whose last look could not place a task: they are looked at when instances get room. By cluster. */
  const waitingForRoom = new Map<string, Set<string>>();

  const look = async (arn: string): Promise<LookAnswer> => {
    const began = clock.monotonic();
    const now = clock.now();
    const seen = observeService(store.view, arn, context.deployment, contact);
    if (seen === undefined) return {};
    const planned = reconcileService(seen, now);
    const restMs = restAfter(clock.monotonic() - began);
    waitingForRoom.get(seen.service.clusterArn)?.delete(arn);
    if (!planned.some(isDeed)) return { at: nextLook(planned), restMs };
    const at = await store.transact("services", (tx): Instant | undefined => {
      // The world may have moved since the view was read: what is committed is decided on what the transaction sees.
      const observed = observeService(tx, arn, context.deployment, contact);
      if (observed === undefined) return undefined;
      const decided = reconcileService(observed, now);
      const { isWaitingForRoom } = applyServiceActions(tx, observed.service, decided, { now, random: context.random });
      // Noted before the commit, so that no room that is made just after it is missed.
      if (isWaitingForRoom) waitIn(waitingForRoom, observed.service.clusterArn, arn);
      const next = nextLook(decided);
      // What found no room finds none at once either: instances that change, or a later look, bring it back.
      return isWaitingForRoom && next !== undefined && next <= now ? undefined : next;
    });
    return { at, restMs };
  };

  const queue = startWorkQueue({ name: "services", context, look });
  const addAll = () => {
    for (const service of store.view.services.all()) if (service.status !== "INACTIVE") queue.add(service.arn);
  };
  /** Clusters whose services are looked at when a host that has connected may take tasks of others. One timer for many hosts. */
  const settling = new Map<string, Timer>();
  const { rebalanceAfterMs } = context.deployment ?? DEFAULT_DEPLOYMENT_SETTINGS;
  const lookAtAllLater = (clusterArn: string) => {
    if (settling.has(clusterArn)) return;
    const timer = clock.after(rebalanceAfterMs, () => {
      settling.delete(clusterArn);
      for (const { arn, availabilityZoneRebalancing: is } of store.view.services.where("cluster", clusterArn)) {
        if (is === "ENABLED") queue.add(arn);
      }
    });
    settling.set(clusterArn, timer);
  };
  const unwatch = store.watch((change) => {
    for (const arn of servicesTouched(change, context)) queue.add(arn);
    for (const clusterArn of clustersWithNewHost(change)) lookAtAllLater(clusterArn);
    for (const clusterArn of clustersWithNewRoom(change, store.view)) {
      for (const arn of waitingForRoom.get(clusterArn) ?? []) queue.add(arn);
    }
  });
  const resync = clock.every(RESYNC_MS, addAll);
  addAll();
  return {
    stop: () => {
      resync.cancel();
      unwatch();
      for (const timer of settling.values()) timer.cancel();
      return queue.stop();
    },
  };
}

function waitIn(waiting: Map<string, Set<string>>, clusterArn: string, serviceArn: string): void {
  waiting.set(clusterArn, (waiting.get(clusterArn) ?? new Set()).add(serviceArn));
}

const isDeed = (action: ServiceAction) => action.kind !== "look-again";

function nextLook(actions: readonly ServiceAction[]): number | undefined {
  const times = actions.flatMap((a) => (a.kind === "look-again" ? [a.at] : []));
  return times.length === 0 ? undefined : Math.min(...times);
}

function restAfter(tookMs: number): number {
  return tookMs <= CHEAP_LOOK_MS ? 0 : Math.min(LONGEST_REST_MS, tookMs * REST_FACTOR);
}

/** The services that a committed change may concern. */
function servicesTouched({ puts, deletes }: Change<BerthSchema>, { store }: ControllerContext): Set<string> {
  const touched = new Set<string>();
  const addTask = (taskArn: string | undefined) => {
    const service = taskArn === undefined ? undefined : store.view.tasks.get(taskArn)?.serviceArn;
    if (service !== undefined) touched.add(service);
  };
  const addDaemons = (clusterArn: string) => {
    for (const { arn } of store.view.services.where("daemonCluster", clusterArn)) touched.add(arn);
  };
  for (const put of puts) {
    if (put.table === "services") touched.add(put.key);
    else if (put.table === "serviceDeployments") touched.add(put.after.serviceArn);
    else if (put.table === "tasks") {
      const of = put.after.serviceArn ?? put.after.hookOf;
      if (of !== undefined) touched.add(of);
      const left = leftInstance(put, store.view);
      // The last of the others on a DRAINING instance is awaited.
      if (left?.status === "DRAINING") addDaemons(left.clusterArn);
    } else if (put.table === "targets" && put.before?.state !== put.after.state) addTask(put.after.taskArn);
    else if (put.table === "containerInstances") {
      if (isOtherHost(put.before, put.after)) {
        for (const task of store.view.tasks.where("containerInstance", put.key)) addTask(task.arn);
      }
      if (isOtherForDaemons(put.before, put.after)) addDaemons(put.after.clusterArn);
    }
  }
  for (const gone of deletes) {
    if (gone.table === "tasks" && gone.before.serviceArn !== undefined) touched.add(gone.before.serviceArn);
    if (gone.table === "targets") addTask(gone.before.taskArn);
  }
  return touched;
}

/** True if the tasks on the instance are to be seen in another light. */
function isOtherHost(before: ContainerInstanceRecord | undefined, after: ContainerInstanceRecord): boolean {
  return before?.status !== after.status || before.agentConnected !== after.agentConnected;
}

/** True if a DAEMON service may have to have a task there, or none any more. */
function isOtherForDaemons(before: ContainerInstanceRecord | undefined, after: ContainerInstanceRecord): boolean {
  return isOtherHost(before, after) || before?.attributes !== after.attributes;
}

/** The instance on which the task has just given back what it held. */
function leftInstance(
  { before, after }: { readonly before?: TaskRecord; readonly after: TaskRecord },
  view: BerthView,
): ContainerInstanceRecord | undefined {
  const held = before === undefined ? undefined : heldInstance(before);
  return held === undefined || heldInstance(after) === held ? undefined : view.containerInstances.get(held);
}

/** The clusters in which an agent has connected, or an instance is ACTIVE again. */
function clustersWithNewHost({ puts }: Change<BerthSchema>): Set<string> {
  const clusters = new Set<string>();
  for (const put of puts) {
    if (put.table !== "containerInstances" || !isServing(put.after)) continue;
    if (put.before === undefined || !isServing(put.before)) clusters.add(put.after.clusterArn);
  }
  return clusters;
}

const isServing = (instance: ContainerInstanceRecord) => instance.status === "ACTIVE" && instance.agentConnected;

/** The clusters in which an instance may now take a task that it could not take before. */
function clustersWithNewRoom({ puts }: Change<BerthSchema>, view: BerthView): Set<string> {
  const clusters = new Set<string>();
  for (const put of puts) {
    if (put.table === "containerInstances" && hasNewRoom(put.before, put.after)) clusters.add(put.after.clusterArn);
    else if (put.table === "tasks") {
      const left = leftInstance(put, view);
      if (left !== undefined && isServing(left)) clusters.add(left.clusterArn);
    }
  }
  return clusters;
}

function hasNewRoom(before: ContainerInstanceRecord | undefined, after: ContainerInstanceRecord): boolean {
  if (!isServing(after)) return false;
  if (before === undefined || !isServing(before)) return true;
  return before.attributes !== after.attributes || before.registered !== after.registered;
}
