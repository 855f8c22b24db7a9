import type { OccupiedInstance } from "../model/container-instance.ts";
import type { DeploymentRecord } from "../model/deployment.ts";
import { NO_RESOURCES } from "../model/resources.ts";
import type { ServiceRecord } from "../model/service.ts";
import { isFinished, type ServiceDeploymentRecord } from "../model/service-deployment.ts";
import { isProtected, type TaskRecord } from "../model/task.ts";
import { computedDesiredCount } from "../model/task-set.ts";
import type { Instant } from "../runtime/clock.ts";
import {
  type ClusterArn,
  clusterArn,
  containerInstanceArn,
  serviceArn,
  taskArn,
  taskDefinitionArn,
} from "../wire/arn.ts";
import { rollingLimits } from "./limits.ts";
import { newDeployment, supersede } from "./new-deployment.ts";
import { DEFAULT_DEPLOYMENT_SETTINGS, type Observed, type ServiceAction } from "./observed.ts";
import { reconcileService } from "./reconcile.ts";

const SCOPE = { region: "us-east-1", accountId: "000000000000" };
const CLUSTER: ClusterArn = clusterArn(SCOPE, { clusterName: "default" });

/** A service record with ECS's defaults; for tests. */
export function testService(over: Partial<ServiceRecord> = {}): ServiceRecord {
  const definition = taskDefinitionArn(SCOPE, { family: "web", revision: 1 });
  const service: ServiceRecord = {
    arn: serviceArn(SCOPE, { clusterName: "default", serviceName: "web" }),
    name: "web",
    clusterArn: CLUSTER,
    status: "ACTIVE",
    schedulingStrategy: "REPLICA",
    launchType: "EC2",
    desiredCount: 1,
    taskDefinitionArn: definition,
    loadBalancers: [],
    minimumHealthyPercent: 100,
    maximumPercent: 200,
    placementConstraints: [],
    placementStrategy: [],
    enableECSManagedTags: false,
    propagateTags: "NONE",
    tags: {},
    deployments: [],
    createdAt: 0,
    createdBy: "arn:aws:iam::000000000000:root",
    eventSequence: 0,
    ...over,
  };
  if (service.deployments.length > 0) return service;
  return { ...service, deployments: [newDeployment("ecs-svc/1", service, 0)] };
}

/** A task of the service, RUNNING since 0 unless told otherwise; for tests. */
export function testTask(number: number, over: Partial<TaskRecord> = {}): TaskRecord {
  return {
    arn: taskArn(SCOPE, { clusterName: "default", taskId: String(number).padStart(32, "0") }),
    clusterArn: CLUSTER,
    taskDefinitionArn: taskDefinitionArn(SCOPE, { family: "web", revision: 1 }),
    launchType: "EC2",
    group: "service:web",
    serviceArn: serviceArn(SCOPE, { clusterName: "default", serviceName: "web" }),
    deploymentId: "ecs-svc/1",
    desiredStatus: "RUNNING",
    lastStatus: "RUNNING",
    containers: [],
    healthStatus: "UNKNOWN",
    resources: NO_RESOURCES,
    overrides: { containerOverrides: [] },
    attributes: [],
    loadBalancers: [],
    enableExecuteCommand: false,
    createdAt: 0,
    startedAt: 0,
    version: 1,
    tags: {},
    delivered: { start: true, stop: false },
    ...over,
  };
}

/** A container instance with much room; for tests. */
export function testInstance(number: number, over: Partial<OccupiedInstance> = {}): OccupiedInstance {
  const arn = containerInstanceArn(SCOPE, { clusterName: "default", containerInstanceId: `i${number}` });
  return {
    arn,
    clusterArn: CLUSTER,
    ec2InstanceId: `i-${number}`,
    status: "ACTIVE",
    agentConnected: true,
    connectivityChangedAt: 0,
    registered: { cpu: 4096, memoryMiB: 8192, ports: [], portsUdp: [] },
    used: NO_RESOURCES,
    attributes: [],
    registeredAt: 0,
    version: 1,
    sequence: 0,
    tags: {},
    ...over,
  };
}

/**
 * A world without hosts: it carries out what `reconcileService` answers at once and lets a test play the agents' part.
 * Every step checks what must always hold.
 */
export class SimulatedService {
  service: ServiceRecord;
  now: Instant = 0;
  readonly tasks: TaskRecord[] = [];
  serviceDeployments: ServiceDeploymentRecord[] = [];
  /** What new tasks consist of. */
  containers: TaskRecord["containers"] = [];
  /** How many tasks find a place, those that are being stopped included. */
  capacity = Number.POSITIVE_INFINITY;
  readonly draining = new Set<TaskRecord["arn"]>();
  readonly events: string[] = [];
  /** Said aloud by the last look; undefined when only a change would bring another. */
  lookAgainAt: Instant | undefined;
  #number = 0;

  constructor(over: Partial<ServiceRecord> = {}) {
    this.service = testService(over);
  }

  get wanted(): TaskRecord[] {
    return this.tasks.filter((t) => t.desiredStatus === "RUNNING" && t.lastStatus !== "STOPPED");
  }

  get primaryId(): string {
    return this.service.deployments.find((d) => d.status === "PRIMARY")?.id ?? "";
  }

  observe(): Observed {
    const live = this.tasks.filter((t) => t.lastStatus !== "STOPPED");
    return {
      service: this.service,
      tasks: live.map((task) => ({
        task,
        targets: [],
        instance: testInstance(0, { status: this.draining.has(task.arn) ? "DRAINING" : "ACTIVE" }),
      })),
      unaccounted: this.tasks.filter((t) => t.lastStatus === "STOPPED" && t.accounted !== true),
      unpinned: [],
      serviceDeployments: this.serviceDeployments.filter((d) => !isFinished(d.status)),
      settings: DEFAULT_DEPLOYMENT_SETTINGS,
    };
  }

  /** Looks once and carries out the answer. Returns the deeds (all but look-again). */
  look(): readonly ServiceAction[] {
    const actions = reconcileService(this.observe(), this.now);
    this.lookAgainAt = undefined;
    for (const action of actions) this.#carryOut(action);
    return actions.filter((a) => a.kind !== "look-again");
  }

  /** Looks until nothing is left to do now. Fails if it does not come to rest. */
  settle(): void {
    for (let i = 0; i < 100; i++) if (this.look().length === 0) return;
    throw new Error(`no rest: ${JSON.stringify(reconcileService(this.observe(), this.now))}`);
  }

  /** As `settle`, where a trouble that lasts is told at every look. */
  settleTelling(): void {
    for (let i = 0; i < 100; i++) if (this.look().every((a) => a.kind === "event")) return;
    throw new Error("no rest");
  }

  /** A new deployment, as UpdateService makes it. */
  deploy(over: Partial<ServiceRecord> = {}): DeploymentRecord {
    const next = newDeployment(`ecs-svc/${1 + ++this.#number}`, this.service, this.now);
    this.service = { ...this.service, ...over, deployments: supersede(this.service.deployments, next, this.now) };
    return next;
  }

  change(task: TaskRecord, over: Partial<TaskRecord>): void {
    this.tasks[this.tasks.findIndex((t) => t.arn === task.arn)] = { ...task, ...over };
  }

  /** Every PENDING task reaches RUNNING, every STOPPING one is gone. */
  agentsCatchUp(): void {
    for (const task of this.tasks) {
      if (task.lastStatus === "PENDING") this.change(task, { lastStatus: "RUNNING", startedAt: this.now });
      if (task.lastStatus === "STOPPING") this.change(task, { lastStatus: "STOPPED", stoppedAt: this.now });
    }
  }

  /** The task ends by itself. */
  crash(task: TaskRecord): void {
    this.change(task, {
      lastStatus: "STOPPED",
      desiredStatus: "STOPPED",
      stopCode: task.startedAt === undefined ? "TaskFailedToStart" : "EssentialContainerExited",
      stoppedAt: this.now,
    });
  }

  healthy(): TaskRecord[] {
    return this.wanted.filter(
      (t) =>
        t.lastStatus === "RUNNING" &&
        t.healthStatus !== "UNHEALTHY" &&
        this.now - (t.startedAt ?? 0) >= DEFAULT_DEPLOYMENT_SETTINGS.healthyAfterMs,
    );
  }

  /** Protected from scale-in, and nothing is wrong with it. */
  isShielded(task: TaskRecord): boolean {
    return isProtected(task, this.now) && task.healthStatus !== "UNHEALTHY" && !this.draining.has(task.arn);
  }

  /** As the controller notes that a task finds no place, or does again. */
  #noteUnplaced(deploymentId: string, isUnplaced: boolean): void {
    const deployments = this.service.deployments.map((d) =>
      d.id === deploymentId ? { ...d, unplacedSince: isUnplaced ? (d.unplacedSince ?? this.now) : undefined } : d,
    );
    this.service = { ...this.service, deployments };
  }

  /** Where a task is started; without hosts only where it is told to be. */
  placeFor(on: TaskRecord["containerInstanceArn"]): TaskRecord["containerInstanceArn"] {
    return on;
  }

  /** How many tasks the service may have. */
  mostTasks(): number {
    return rollingLimits(this.service).ceiling;
  }

  stopHook(arn: TaskRecord["arn"]): void {
    throw new Error(`stopped ${arn}, which is not there`);
  }

  /** Only services whose traffic is shifted have rules and hooks. */
  setTraffic({ ruleArn }: Extract<ServiceAction, { kind: "set-traffic" }>): void {
    throw new Error(`there is no rule ${ruleArn}`);
  }

  runHook({ hookId }: Extract<ServiceAction, { kind: "run-hook" }>): void {
    throw new Error(`there is no hook ${hookId}`);
  }

  /** How many of which tasks there may be: of the service, or of the task set of that id. */
  #limitsOf(deploymentId: string | undefined) {
    const set = this.service.taskSets?.find((one) => one.deployment.id === deploymentId);
    const desiredCount =
      set === undefined ? this.service.desiredCount : computedDesiredCount(this.service.desiredCount, set);
    const isMine = (task: TaskRecord) => set === undefined || task.deploymentId === deploymentId;
    const { floor, ceiling } = rollingLimits({ ...this.service, desiredCount });
    return { floor, ceiling: set === undefined ? this.mostTasks() : ceiling, isMine };
  }

  #carryOut(action: ServiceAction): void {
    switch (action.kind) {
      case "start-tasks": {
        const { ceiling, isMine } = this.#limitsOf(action.deploymentId);
        for (let i = 0; i < action.count; i++) {
          const isFull = this.tasks.filter((t) => t.lastStatus !== "STOPPED").length >= this.capacity;
          this.#noteUnplaced(action.deploymentId, isFull);
          if (isFull) return;
          const task = testTask(++this.#number, {
            deploymentId: action.deploymentId,
            containerInstanceArn: this.placeFor(action.on?.[i]),
            capacityProviderName: action.capacityProviders?.[i],
            move: action.move,
            lastStatus: "PENDING",
            startedAt: undefined,
            createdAt: this.now,
            containers: this.containers,
          });
          this.tasks.push(task);
        }
        // A DAEMON service's maximum is one for each instance.
        if (this.service.schedulingStrategy === "REPLICA" && this.wanted.filter(isMine).length > ceiling)
          throw new Error(`${this.wanted.filter(isMine).length} tasks are above the maximum ${ceiling}`);
        return;
      }
      case "stop-task": {
        const task = this.tasks.find((t) => t.arn === action.taskArn);
        const { floor, isMine } = this.#limitsOf(task?.deploymentId);
        const before = this.healthy().filter(isMine).length;
        if (task === undefined) {
          this.stopHook(action.taskArn);
          return;
        }
        if (this.service.status === "ACTIVE" && this.isShielded(task)) throw new Error("stopped a protected task");
        this.change(task, {
          desiredStatus: "STOPPED",
          lastStatus: "STOPPING",
          stopCode: "ServiceSchedulerInitiated",
          stoppedReason: action.reason,
        });
        const after = this.healthy().filter(isMine).length;
        if (after < before && after < floor && this.service.status === "ACTIVE") {
          throw new Error(`a stop left ${after} healthy tasks, below the minimum ${floor}`);
        }
        return;
      }
      case "put-deployments":
        this.service = { ...this.service, deployments: action.deployments };
        return;
      case "put-revision":
      case "release-tasks":
        throw new Error("no revision of this service is unpinned");
      case "put-service-deployment":
        this.serviceDeployments = this.serviceDeployments.map((d) => (d.arn === action.record.arn ? action.record : d));
        return;
      case "set-traffic":
        this.setTraffic(action);
        return;
      case "run-hook":
        this.runHook(action);
        return;
      case "return-to": {
        const { taskDefinitionArn, loadBalancers } = action;
        this.service = { ...this.service, taskDefinitionArn, loadBalancers };
        return;
      }
      case "put-task-sets":
        this.service = { ...this.service, taskSets: action.taskSets };
        return;
      case "set-desired-count":
        this.service = { ...this.service, desiredCount: action.count };
        return;
      case "end-move": {
        const task = this.tasks.find((t) => t.arn === action.taskArn);
        if (task !== undefined) this.change(task, { move: undefined });
        return;
      }
      case "account":
        for (const arn of action.taskArns) {
          const task = this.tasks.find((t) => t.arn === arn);
          if (task !== undefined) this.change(task, { accounted: true });
        }
        return;
      case "count-failing":
        for (const arn of action.taskArns) {
          const task = this.tasks.find((t) => t.arn === arn);
          if (task !== undefined) this.change(task, { failureCounted: true });
        }
        return;
      case "event":
        if (!(action.once && this.events.includes(action.message))) this.events.push(action.message);
        return;
      case "set-steady":
        this.service = { ...this.service, steadyAt: action.at };
        return;
      case "finish-deletion":
        this.service = { ...this.service, status: "INACTIVE", deployments: [] };
        return;
      case "look-again":
        this.lookAgainAt = Math.min(action.at, this.lookAgainAt ?? action.at);
        return;
    }
  }
}
