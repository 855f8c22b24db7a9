import { rebalanceMessages, type ServiceAction, serviceMessages } from "../../deployment/index.ts";
import type { ContainerInstanceRecord } from "../../model/container-instance.ts";
import { type DeploymentRecord, taskLoadBalancersOf } from "../../model/deployment.ts";
import type { ServiceRecord } from "../../model/service.ts";
import { type TaskMove, type TaskRecord, taskId } from "../../model/task.ts";
import type { TaskDefinitionRecord } from "../../model/task-definition.ts";
import type { Instant } from "../../runtime/clock.ts";
import type { Random } from "../../runtime/random.ts";
import {
  describeFixes,
  explainRefusal,
  Fleet,
  type Placement,
  Placer,
  placersByProvider,
} from "../../scheduler/index.ts";
import {
  addServiceEvent,
  fleetBehindDaemons,
  launchTask,
  newTask,
  placementOfService,
  releaseTask,
  requestStop,
  setForward,
  tagsOfNewTask,
} from "../../state/index.ts";
import type { BerthTransaction } from "../../store/index.ts";
import { digestsOf, imagesOfLaunches, type LaunchImages } from "./launch-images.ts";
import { runHook } from "./run-hook.ts";

interface At {
  readonly now: Instant;
  readonly random: Random;
}

/** How many tasks one event names at most: the others get an event of their own. */
const TASKS_PER_EVENT = 100;

/**
 * Carries out what a look decided, in the transaction that looked. Answers whether tasks could not be placed: their
 * service waits for the cluster's instances to change.
 */
export function applyServiceActions(
  tx: BerthTransaction,
  seen: ServiceRecord,
  actions: readonly ServiceAction[],
  at: At,
): { readonly isWaitingForRoom: boolean } {
  const work = new ServiceWork(tx, seen, at);
  for (const action of actions) work.carryOut(action);
  work.tellStops();
  return { isWaitingForRoom: work.isWaitingForRoom };
}

/** A task to launch where it was placed. */
interface Launch {
  readonly deployment: DeploymentRecord;
  readonly definition: TaskDefinitionRecord;
  readonly instance: ContainerInstanceRecord;
  readonly images: LaunchImages;
  readonly capacityProviderName: string | undefined;
  readonly move: TaskMove | undefined;
}

/** A refusal, and the placer that can say more of it. */
interface Refused {
  readonly placement: Extract<Placement, { kind: "refused" }>;
  readonly placer: Placer;
}

class ServiceWork {
  isWaitingForRoom = false;
  readonly #tx: BerthTransaction;
  readonly #at: At;
  #service: ServiceRecord;
  #stopped: TaskRecord[] = [];

  constructor(tx: BerthTransaction, service: ServiceRecord, at: At) {
    this.#tx = tx;
    this.#service = service;
    this.#at = at;
  }

  carryOut(action: ServiceAction): void {
    if (action.kind !== "stop-task") this.tellStops();
    switch (action.kind) {
      case "start-tasks":
        this.#start(action);
        return;
      case "stop-task":
        this.#stop(action);
        return;
      case "put-deployments":
        this.#service = this.#tx.services.put({ ...this.#service, deployments: action.deployments });
        return;
      case "put-revision":
        this.#tx.serviceRevisions.put(action.record);
        return;
      case "release-tasks":
        for (const arn of action.taskArns) {
          releaseTask(this.#tx, arn, { digests: digestsOf(action.images), tellsImages: action.tellsImages });
        }
        return;
      case "put-service-deployment":
        this.#tx.serviceDeployments.put(action.record);
        return;
      case "set-traffic":
        setForward(this.#tx, action);
        return;
      case "run-hook": {
        const refusal = runHook(this.#tx, this.#service, action, this.#at);
        if (refusal === undefined) return;
        this.isWaitingForRoom = true;
        this.#tell(explainRefusal(refusal), true);
        return;
      }
      case "return-to": {
        const { taskDefinitionArn, loadBalancers } = action;
        this.#service = this.#tx.services.put({ ...this.#service, taskDefinitionArn, loadBalancers });
        return;
      }
      case "put-task-sets":
        this.#service = this.#tx.services.put({ ...this.#service, taskSets: action.taskSets });
        return;
      case "set-desired-count":
        this.#service = this.#tx.services.put({ ...this.#service, desiredCount: action.count });
        return;
      case "end-move": {
        const task = this.#tx.tasks.get(action.taskArn);
        if (task !== undefined) this.#tx.tasks.put({ ...task, move: undefined });
        return;
      }
      case "account":
        for (const arn of action.taskArns) {
          const task = this.#tx.tasks.get(arn);
          if (task !== undefined) this.#tx.tasks.put({ ...task, accounted: true });
        }
        return;
      case "count-failing":
        for (const arn of action.taskArns) {
          const task = this.#tx.tasks.get(arn);
          if (task !== undefined) this.#tx.tasks.put({ ...task, failureCounted: true });
        }
        return;
      case "event":
        this.#tell(action.message, action.once);
        return;
      case "set-steady":
        this.#service = this.#tx.services.put({ ...this.#service, steadyAt: action.at });
        return;
      case "finish-deletion":
        this.#service = this.#tx.services.put({ ...this.#service, status: "INACTIVE", deployments: [] });
        return;
      case "look-again":
        return;
    }
  }

  /** Tells of the stops since the last telling, those of running tasks by name. */
  tellStops(): void {
    if (this.#stopped.length === 0) return;
    const running = this.#stopped.filter((t) => t.lastStatus === "RUNNING");
    const pending = this.#stopped.length - running.length;
    for (const some of chunks(running.map(taskId))) this.#tell(serviceMessages.stoppedRunningTasks(some), false);
    if (pending > 0) this.#tell(serviceMessages.stoppedPendingTasks(pending), false);
    this.#stopped = [];
  }

  #stop({ taskArn, reason, isTold }: Extract<ServiceAction, { kind: "stop-task" }>): void {
    const task = this.#tx.tasks.get(taskArn);
    if (task === undefined || task.desiredStatus === "STOPPED") return;
    requestStop(this.#tx, task, { stopCode: "ServiceSchedulerInitiated", reason }, this.#at.now);
    if (isTold !== true) this.#stopped.push(task);
  }

  #start(action: Extract<ServiceAction, { kind: "start-tasks" }>): void {
    const { deploymentId, count, replacesUnhealthy, capacityProviders, move } = action;
    const { deployments, taskSets = [] } = this.#service;
    const deployment = [...deployments, ...taskSets.map((set) => set.deployment)].find((d) => d.id === deploymentId);
    const definition =
      deployment === undefined ? undefined : this.#tx.taskDefinitions.get(deployment.taskDefinitionArn);
    if (deployment === undefined || definition === undefined) {
      throw new Error(`${this.#service.arn} has no deployment ${deploymentId} with a task definition`);
    }
    const placerOf = this.#placing(deployment, definition, action);
    const nextImages = imagesOfLaunches(this.#tx, this.#service.arn, deployment.id);
    const started: string[] = [];
    let refusal: Refused | undefined;
    for (let i = 0; i < count; i++) {
      const placer = placerOf(i);
      if (placer.isFull) continue;
      const placement = placer.place();
      if (placement.kind === "placed") {
        const { instance } = placement;
        const capacityProviderName = capacityProviders?.[i];
        const task = this.#launch({
          deployment,
          definition,
          instance,
          images: nextImages(),
          capacityProviderName,
          move,
        });
        if (move === undefined) started.push(taskId(task));
        else this.#tell(rebalanceMessages.startedToRebalance([taskId(task)], move.field, placement.instance), false);
        continue;
      }
      refusal ??= { placement, placer };
    }
    this.#tellStarts(started, replacesUnhealthy);
    this.#noteUnplaced(deployment, refusal === undefined ? undefined : (deployment.unplacedSince ?? this.#at.now));
    if (refusal === undefined) return;
    this.isWaitingForRoom = true;
    const { placement, placer } = refusal;
    this.#tell(explainRefusal(placement), true, () => describeFixes(placer.explain().fixes));
  }

  #noteUnplaced(deployment: DeploymentRecord, unplacedSince: Instant | undefined): void {
    // Of a task set it is not kept: nothing fails it.
    if (deployment.unplacedSince === unplacedSince || this.#service.deploymentController === "EXTERNAL") return;
    const deployments = this.#service.deployments.map((d) => (d.id === deployment.id ? { ...d, unplacedSince } : d));
    this.#service = this.#tx.services.put({ ...this.#service, deployments });
  }

  /**
   * Places one task after the other: each where it finds its place best, on its capacity provider's instances if it has one, or with `on` each on
   * its own instance.
   */
  #placing(
    deployment: DeploymentRecord,
    definition: TaskDefinitionRecord,
    { on, capacityProviders = [] }: Pick<Extract<ServiceAction, { kind: "start-tasks" }>, "on" | "capacityProviders">,
  ): (index: number) => Placer {
    const { clusterArn } = this.#service;
    const request = (capacityProvider: string | undefined) =>
      placementOfService(this.#tx, this.#service, definition, deployment, capacityProvider);
    if (on === undefined) {
      const fleet = fleetBehindDaemons(this.#tx, clusterArn);
      const placerOf = placersByProvider((name) => new Placer(request(name), fleet, this.#at.random));
      return (index) => placerOf(capacityProviders[index]);
    }
    const fleet = this.#tx.containerInstances.derived.placement.fleet(clusterArn);
    return (index) => {
      const one = on[index];
      return new Placer(
        request(capacityProviders[index]),
        one === undefined ? new Fleet() : fleet.only(one),
        this.#at.random,
      );
    };
  }

  #launch({ deployment, definition, instance, images, capacityProviderName, move }: Launch): TaskRecord {
    const { clusterArn, name, arn, propagateTags, enableECSManagedTags } = this.#service;
    const task = newTask(
      {
        clusterArn,
        definition,
        // The scheduler may have seen it otherwise: which of its GPUs are free now, the store says.
        instance: this.#tx.containerInstances.derived.placement.occupied(instance),
        group: `service:${name}`,
        startedBy: deployment.id,
        serviceArn: arn,
        deploymentId: deployment.id,
        loadBalancers: taskLoadBalancersOf(deployment),
        capacityProviderName,
        ...images,
        tags: tagsOfNewTask({ clusterArn, definition, service: this.#service, propagateTags, enableECSManagedTags }),
      },
      this.#at,
    );
    return launchTask(this.#tx, move === undefined ? task : { ...task, move });
  }

  #tellStarts(ids: readonly string[], replacesUnhealthy: number): void {
    for (const some of chunks(ids)) this.#tell(serviceMessages.startedTasks(some, replacesUnhealthy), false);
  }

  #tell(message: string, once: boolean, more?: () => string | undefined): void {
    const line = `(service ${this.#service.name}) ${message}`;
    this.#service = addServiceEvent(this.#tx, this.#service, line, { ...this.#at, once, more });
  }
}

function chunks(ids: readonly string[]): readonly (readonly string[])[] {
  const count = Math.ceil(ids.length / TASKS_PER_EVENT);
  return Array.from({ length: count }, (_, i) => ids.slice(i * TASKS_PER_EVENT, (i + 1) * TASKS_PER_EVENT));
}
