import { type DeploymentRecord, type ServiceLoadBalancer, taskLoadBalancersOf } from "../../model/deployment.ts";
import type { TargetRecord } from "../../model/load-balancer.ts";
import { primaryDeployment, type ServiceRecord } from "../../model/service.ts";
import {
  deploymentIdOf,
  isFinished,
  moveServiceDeployment,
  revisionArnOf,
  type ServiceDeploymentRecord,
} from "../../model/service-deployment.ts";
import type { TaskRecord } from "../../model/task.ts";
import type { LifecycleHook, ShiftSettings, ShiftState } from "../../model/traffic-shift.ts";
import { serviceDeploymentArn, taskDefinitionArn } from "../../wire/arn.ts";
import { withHooksClosed } from "../hooks.ts";
import { nextGroups } from "../live.ts";
import type { Observed, ServiceAction } from "../observed.ts";
import { breakerReport } from "../service-deployment.ts";
import { returnTraffic } from "../shift.ts";
import { SimulatedService, testTask } from "../testing.ts";

const SCOPE = { region: "us-east-1", accountId: "000000000000" };

export const PRIMARY_GROUP = "group-a";
export const ALTERNATE_GROUP = "group-b";
export const PRODUCTION = "production-rule";
export const TEST = "test-rule";

export const SHIFTED_LB: ServiceLoadBalancer = {
  targetGroupArn: PRIMARY_GROUP,
  containerName: "web",
  containerPort: 80,
  advanced: {
    alternateTargetGroupArn: ALTERNATE_GROUP,
    productionListenerRule: PRODUCTION,
    testListenerRule: TEST,
  },
};

export const MIGRATION = taskDefinitionArn(SCOPE, { family: "migrate", revision: 1 });

/** A hook that pauses; for tests. */
export function pauseAt(...stages: LifecycleHook["stages"]): LifecycleHook {
  return { targetType: "PAUSE", stages, timeoutMinutes: 20_160, timeoutAction: "ROLLBACK" };
}

/** A hook that runs a task; for tests. */
export function taskAt(...stages: LifecycleHook["stages"]): LifecycleHook {
  return {
    targetType: "AWS_LAMBDA",
    taskDefinitionArn: MIGRATION,
    stages,
    timeoutMinutes: 1440,
    timeoutAction: "ROLLBACK",
  };
}

/** A service behind a load balancer whose deployments shift traffic. Every step checks what must always hold of the traffic. */
export class ShiftedService extends SimulatedService {
  readonly rules = new Map<string, Map<string, number>>([
    [PRODUCTION, new Map([[PRIMARY_GROUP, 1]])],
    [TEST, new Map([[PRIMARY_GROUP, 1]])],
  ]);
  readonly hookTasks = new Map<string, TaskRecord>();
  /** Targets that are not healthy, by task. */
  readonly sick = new Set<TaskRecord["arn"]>();
  #hooksStarted = new Set<string>();
  #number = 0;

  constructor(shift: Partial<ShiftSettings> = {}, over: Partial<ServiceRecord> = {}) {
    super({
      desiredCount: 2,
      loadBalancers: [SHIFTED_LB],
      shift: { strategy: "BLUE_GREEN", bakeTimeMinutes: 0, hooks: [], ...shift },
      ...over,
    });
    this.#begin();
  }

  get shift(): ShiftState | undefined {
    return this.serviceDeployments.at(-1)?.shift;
  }

  get record(): ServiceDeploymentRecord {
    const last = this.serviceDeployments.at(-1);
    if (last === undefined) throw new Error("nothing was deployed");
    return last;
  }

  /** Percent of what the rule sends that goes to a group. */
  share(group: string, rule = PRODUCTION): number {
    const weights = this.rules.get(rule) ?? new Map<string, number>();
    const sum = [...weights.values()].reduce((a, b) => a + b, 0);
    return sum === 0 ? 0 : (100 * (weights.get(group) ?? 0)) / sum;
  }

  /** Percent of production traffic that a deployment's group has. */
  shareOf(deployment: DeploymentRecord): number {
    return this.share(taskLoadBalancersOf(deployment)[0]?.targetGroupArn ?? "");
  }

  /** A new deployment, as UpdateService makes it. */
  override deploy(over: Partial<ServiceRecord> = {}): DeploymentRecord {
    this.service = { ...this.service, ...over };
    const next = nextGroups(this.service);
    if ("refusal" in next) throw new Error(next.refusal);
    const made = super.deploy();
    const deployments = this.service.deployments.map((d) =>
      d.id === made.id ? { ...d, usesAlternate: next.usesAlternate } : d,
    );
    this.service = { ...this.service, deployments };
    this.#begin();
    return primaryDeployment(this.service);
  }

  /** As the API records a new deployment: what was under way stops, and its traffic goes back. */
  #begin(): void {
    for (const [i, record] of this.serviceDeployments.entries()) {
      if (isFinished(record.status)) continue;
      for (const action of returnTraffic(this.service, record, this.rules)) this.setTraffic(action);
      for (const { taskArn } of record.shift?.hooks ?? []) if (taskArn !== undefined) this.stopHook(taskArn);
      const to = record.status === "ROLLBACK_IN_PROGRESS" ? "ROLLBACK_FAILED" : "STOPPED";
      const moved = moveServiceDeployment(record, to, this.now);
      this.serviceDeployments[i] = {
        ...moved,
        ...(record.shift === undefined ? {} : { shift: withHooksClosed(record.shift, this.now) }),
      };
    }
    this.serviceDeployments.push({
      arn: serviceDeploymentArn(SCOPE, {
        clusterName: "default",
        serviceName: "web",
        serviceDeploymentId: `d${this.serviceDeployments.length}`,
      }),
      serviceArn: this.service.arn,
      clusterArn: this.service.clusterArn,
      targetRevisionArn: revisionArnOf(this.service.arn, this.primaryId),
      sourceRevisionArns: [],
      status: "PENDING",
      settings: this.service,
      breaker: breakerReport(this.service),
      createdAt: this.now,
      updatedAt: this.now,
    });
  }

  override observe(): Observed {
    const observed = super.observe();
    return {
      ...observed,
      tasks: observed.tasks.map((one) => ({ ...one, targets: this.#targetsOf(one.task) })),
      rules: this.rules,
      hookTasks: this.hookTasks,
    };
  }

  override look(): readonly ServiceAction[] {
    const actions = super.look();
    // A task gets the target groups of its deployment when it is launched.
    for (const task of this.tasks) {
      if (task.loadBalancers.length > 0) continue;
      const deployment = this.service.deployments.find((d) => d.id === task.deploymentId);
      if (deployment !== undefined) this.change(task, { loadBalancers: taskLoadBalancersOf(deployment) });
    }
    return actions;
  }

  /** Those that get traffic or could. */
  override healthy(): TaskRecord[] {
    return this.wanted.filter((t) => t.lastStatus === "RUNNING" && !this.sick.has(t.arn));
  }

  /** The full count of both revisions, and each that is being replaced. */
  override mostTasks(): number {
    const replaced = this.wanted.filter((t) => this.sick.has(t.arn) || this.draining.has(t.arn)).length;
    return Math.max(super.mostTasks(), 2 * this.service.desiredCount + replaced);
  }

  healthyOf(deployment: DeploymentRecord | undefined): TaskRecord[] {
    return this.healthy().filter((t) => t.deploymentId === deployment?.id);
  }

  override setTraffic({ ruleArn, weights }: Extract<ServiceAction, { kind: "set-traffic" }>): void {
    const sum = weights.reduce((all, { weight }) => all + weight, 0);
    if (sum !== 100 && sum !== 1000) throw new Error(`weights add up to ${sum}`);
    if (weights.some(({ weight }) => weight < 0 || weight > 999)) throw new Error("a weight is out of range");
    this.rules.set(ruleArn, new Map(weights.map((w) => [w.targetGroupArn, w.weight])));
  }

  override runHook({ serviceDeploymentArn: arn, hookId }: Extract<ServiceAction, { kind: "run-hook" }>): void {
    if (this.#hooksStarted.has(hookId)) throw new Error(`hook ${hookId} was started twice`);
    this.#hooksStarted.add(hookId);
    const task = testTask(900_000 + ++this.#number, {
      taskDefinitionArn: MIGRATION,
      serviceArn: undefined,
      deploymentId: undefined,
      lastStatus: "PENDING",
      startedAt: undefined,
    });
    this.hookTasks.set(task.arn, task);
    this.serviceDeployments = this.serviceDeployments.map((record) =>
      record.arn !== arn || record.shift === undefined
        ? record
        : {
            ...record,
            shift: {
              ...record.shift,
              hooks: record.shift.hooks.map((run) => (run.id === hookId ? { ...run, taskArn: task.arn } : run)),
            },
          },
    );
  }

  override stopHook(arn: TaskRecord["arn"]): void {
    const task = this.hookTasks.get(arn);
    if (task === undefined) throw new Error(`stopped ${arn}, which is not there`);
    if (task.lastStatus === "STOPPED") return;
    this.hookTasks.set(arn, { ...task, desiredStatus: "STOPPED", lastStatus: "STOPPING" });
  }

  /** The task of the newest hook ends with this exit code. */
  endHook(exitCode: number): void {
    const task = [...this.hookTasks.values()].at(-1);
    if (task === undefined) throw new Error("no hook has run");
    const container = { ...testContainer, exitCode };
    this.hookTasks.set(task.arn, {
      ...task,
      lastStatus: "STOPPED",
      desiredStatus: "STOPPED",
      stopCode: "EssentialContainerExited",
      containers: [container],
    });
  }

  /** As ContinueServiceDeployment does with the hook that is waited for. */
  resolvePause(action: "CONTINUE" | "ROLLBACK" = "CONTINUE"): void {
    const { shift, status } = this.record;
    const open = shift?.hooks.find((run) => run.status === "AWAITING_ACTION");
    if (shift === undefined || open === undefined || status !== "IN_PROGRESS") throw new Error("it is not paused");
    const done = {
      ...open,
      status: action === "CONTINUE" ? ("SUCCEEDED" as const) : ("FAILED" as const),
      endedAt: this.now,
    };
    const next = { ...this.record, shift: { ...shift, hooks: shift.hooks.map((run) => (run === open ? done : run)) } };
    this.serviceDeployments[this.serviceDeployments.length - 1] =
      action === "CONTINUE" ? next : moveServiceDeployment(next, "ROLLBACK_REQUESTED", this.now);
  }

  /** As StopServiceDeployment does. */
  requestRollback(): void {
    this.serviceDeployments[this.serviceDeployments.length - 1] = moveServiceDeployment(
      this.record,
      "ROLLBACK_REQUESTED",
      this.now,
    );
  }

  /** Agents and the load balancer do what they are to do, and it is looked until nothing is left to do at this time. */
  run(): void {
    for (let i = 0; i < 50; i++) {
      this.settleTelling();
      const before = JSON.stringify(this.tasks);
      this.agentsCatchUp();
      if (JSON.stringify(this.tasks) === before) return;
    }
    throw new Error("no rest");
  }

  /** The deployment that the newest service deployment brings; undefined once it is dropped. */
  get green(): DeploymentRecord | undefined {
    return this.service.deployments.find((d) => d.id === deploymentIdOf(this.record.targetRevisionArn));
  }

  #targetsOf(task: TaskRecord): TargetRecord[] {
    if (task.lastStatus !== "RUNNING" || task.desiredStatus !== "RUNNING") return [];
    return task.loadBalancers.map(
      (lb): TargetRecord => ({
        targetGroupArn: lb.targetGroupArn as TargetRecord["targetGroupArn"],
        id: "i-0",
        port: 80,
        taskArn: task.arn,
        state: this.sick.has(task.arn) ? "unhealthy" : "healthy",
        registeredAt: 0,
      }),
    );
  }
}

const testContainer: TaskRecord["containers"][number] = {
  arn: "container" as TaskRecord["containers"][number]["arn"],
  name: "migrate",
  image: "migrate",
  lastStatus: "STOPPED",
  networkBindings: [],
  healthStatus: "UNKNOWN",
  essential: true,
  checksHealth: false,
  cpu: 0,
};

/** A service whose first deployment is SUCCESSFUL, all tasks healthy; `shift` and `over` hold from then on. */
export function shiftedHealthy(shift: Partial<ShiftSettings> = {}, over: Partial<ServiceRecord> = {}): ShiftedService {
  const sim = new ShiftedService({}, over);
  sim.run();
  sim.now += 40_000;
  sim.run();
  if (sim.record.status !== "SUCCESSFUL") throw new Error(`the first deployment is ${sim.record.status}`);
  const settings = {
    ...sim.service.shift,
    strategy: "BLUE_GREEN",
    bakeTimeMinutes: 0,
    hooks: [],
    ...shift,
  } as ShiftSettings;
  sim.service = { ...sim.service, shift: settings };
  return sim;
}
