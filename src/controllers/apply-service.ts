import { type ServiceAction, serviceMessages } from "../deployment/index.ts";
import type { DeploymentRecord, ServiceRecord } from "../model/service.ts";
import { type TaskRecord, taskId } from "../model/task.ts";
import type { TaskDefinitionRecord } from "../model/task-definition.ts";
import type { Instant } from "../runtime/clock.ts";
import type { Random } from "../runtime/random.ts";
import {
  DEFAULT_SERVICE_STRATEGY,
  explainRefusal,
  needOf,
  type PlacementRequest,
  Placer,
  requiredAttributesOf,
} from "../scheduler/index.ts";
import { addServiceEvent, launchTask, newTask, requestStop, tagsOfNewTask, tasksOnInstance } from "../state/index.ts";
import type { BerthTransaction } from "../store/index.ts";
import type { ContainerInstanceArn } from "../wire/arn.ts";

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
      case "return-to": {
        const { taskDefinitionArn, loadBalancers } = action;
        this.#service = this.#tx.services.put({ ...this.#service, taskDefinitionArn, loadBalancers });
        return;
      }
      case "account":
        for (const arn of action.taskArns) {
          const task = this.#tx.tasks.get(arn);
          if (task !== undefined) this.#tx.tasks.put({ ...task, accounted: true });
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

  #stop({ taskArn, reason }: Extract<ServiceAction, { kind: "stop-task" }>): void {
    const task = this.#tx.tasks.get(taskArn);
    if (task === undefined || task.desiredStatus === "STOPPED") return;
    requestStop(this.#tx, task, { stopCode: "ServiceSchedulerInitiated", reason }, this.#at.now);
    this.#stopped.push(task);
  }

  #start({ deploymentId, count, replacesUnhealthy }: Extract<ServiceAction, { kind: "start-tasks" }>): void {
    const deployment = this.#service.deployments.find((d) => d.id === deploymentId);
    const definition =
      deployment === undefined ? undefined : this.#tx.taskDefinitions.get(deployment.taskDefinitionArn);
    if (deployment === undefined || definition === undefined) {
      throw new Error(`${this.#service.arn} has no deployment ${deploymentId} with a task definition`);
    }
    const { clusterArn } = this.#service;
    const placer = new Placer(
      this.#requestFor(definition),
      this.#tx.containerInstances.where("cluster", clusterArn),
      this.#at.random,
    );
    const started: string[] = [];
    for (let i = 0; i < count; i++) {
      const placement = placer.place();
      if (placement.kind === "refused") {
        this.isWaitingForRoom = true;
        this.#tellStarts(started, replacesUnhealthy);
        this.#tell(explainRefusal(placement), true);
        this.#noteUnplaced(deployment, deployment.unplacedSince ?? this.#at.now);
        return;
      }
      const task = newTask(
        {
          clusterArn,
          definition,
          instance: placement.instance,
          group: `service:${this.#service.name}`,
          startedBy: deploymentId,
          serviceArn: this.#service.arn,
          deploymentId,
          loadBalancers: deployment.loadBalancers,
          tags: tagsOfNewTask({
            clusterArn,
            definition,
            service: this.#service,
            propagateTags: this.#service.propagateTags,
            enableECSManagedTags: this.#service.enableECSManagedTags,
          }),
        },
        this.#at,
      );
      launchTask(this.#tx, task);
      started.push(taskId(task));
    }
    this.#tellStarts(started, replacesUnhealthy);
    this.#noteUnplaced(deployment, undefined);
  }

  #noteUnplaced(deployment: DeploymentRecord, unplacedSince: Instant | undefined): void {
    if (deployment.unplacedSince === unplacedSince) return;
    const deployments = this.#service.deployments.map((d) => (d.id === deployment.id ? { ...d, unplacedSince } : d));
    this.#service = this.#tx.services.put({ ...this.#service, deployments });
  }

  #requestFor(definition: TaskDefinitionRecord): PlacementRequest {
    const { placementStrategy, placementConstraints, arn } = this.#service;
    const peers = new Map<ContainerInstanceArn, number>();
    for (const { desiredStatus, containerInstanceArn: on } of this.#tx.tasks.where("service", arn)) {
      if (desiredStatus === "RUNNING" && on !== undefined) peers.set(on, (peers.get(on) ?? 0) + 1);
    }
    return {
      need: needOf(definition.definition),
      requiredAttributes: requiredAttributesOf(definition.definition),
      constraints: [...(definition.definition.placementConstraints ?? []), ...placementConstraints],
      strategy: placementStrategy.length === 0 ? DEFAULT_SERVICE_STRATEGY : placementStrategy,
      peers,
      group: `service:${this.#service.name}`,
      tasksOn: (on) => tasksOnInstance(this.#tx, on),
    };
  }

  #tellStarts(ids: readonly string[], replacesUnhealthy: number): void {
    for (const some of chunks(ids)) this.#tell(serviceMessages.startedTasks(some, replacesUnhealthy), false);
  }

  #tell(message: string, once: boolean): void {
    const line = `(service ${this.#service.name}) ${message}`;
    this.#service = addServiceEvent(this.#tx, this.#service, line, { ...this.#at, once });
  }
}

function chunks(ids: readonly string[]): readonly (readonly string[])[] {
  const count = Math.ceil(ids.length / TASKS_PER_EVENT);
  return Array.from({ length: count }, (_, i) => ids.slice(i * TASKS_PER_EVENT, (i + 1) * TASKS_PER_EVENT));
}
