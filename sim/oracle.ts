import type { ContainerInstanceRecord } from "../src/model/container-instance.ts";
import type { TargetRecord } from "../src/model/load-balancer.ts";
import type { ServiceRecord } from "../src/model/service.ts";
import type { ServiceDeploymentRecord } from "../src/model/service-deployment.ts";
import type { TaskRecord } from "../src/model/task.ts";
import type { BerthSchema, BerthView, Change } from "../src/store/index.ts";
import { short } from "./story.ts";
import { judgeTaskOfSet, judgeTaskSets, type Unit, unitOf } from "./task-sets.ts";
import type { Truth } from "./truth.ts";

/** How long a task with neither a health check nor a target runs until it counts as healthy. */
const HEALTHY_AFTER_MS = 40_000;
/** Three pings missed, and the grace; less a rounding. */
const LEAST_SILENCE_MS = 6_900;

/** Where a task's lastStatus may go: the promise, written down here once more, apart from the code that keeps it. */
const MOVES: Readonly<Record<string, readonly string[]>> = {
  PENDING: ["RUNNING", "STOPPING", "STOPPED"],
  RUNNING: ["DEACTIVATING", "STOPPING", "STOPPED"],
  DEACTIVATING: ["STOPPING", "STOPPED"],
  STOPPING: ["STOPPED"],
  STOPPED: [],
};

/**
 * Looks at every committed change, in order, and says which promise it breaks. It works from the records alone, with arithmetic
 * of its own: it shares no code with what it judges.
 */
export class Oracle {
  readonly #truth: Truth;
  /** Changes looked at. */
  changes = 0;

  constructor(truth: Truth) {
    this.#truth = truth;
  }

  /** `view` is the state just after the change. */
  take(change: Change<BerthSchema>, view: BerthView): void {
    this.changes++;
    const instances = new Set<string>();
    const stopped: { readonly before: TaskRecord; readonly after: TaskRecord }[] = [];
    const started: TaskRecord[] = [];
    for (const put of change.puts) {
      if (put.table === "tasks") {
        if (put.after.containerInstanceArn !== undefined) instances.add(put.after.containerInstanceArn);
        if (put.before === undefined) started.push(put.after);
        else {
          this.#judgeMove(put.before, put.after);
          if (put.before.desiredStatus === "RUNNING" && put.after.desiredStatus === "STOPPED") {
            stopped.push({ before: put.before, after: put.after });
          }
        }
      } else if (put.table === "containerInstances") {
        instances.add(put.key);
        if (put.before !== undefined) this.#judgeInstanceMove(put.before, put.after);
      } else if (put.table === "services" && put.before !== undefined)
        this.#judgeServiceMove(put.before, put.after, view);
      else if (put.table === "serviceDeployments") this.#judgeShift(put.before, put.after, view);
    }
    for (const gone of change.deletes) {
      if (gone.table === "tasks" && gone.before.lastStatus !== "STOPPED") {
        this.#truth.broken("a task is forgotten only when it has stopped", gone.before.arn);
      }
    }
    for (const arn of instances) this.judgeInstance(arn, view);
    this.#judgeStops(stopped, view);
    this.#judgeStarts(started, view);
  }

  /** What the tasks on an instance hold is what placing goes by, and no more than it has. */
  judgeInstance(arn: string, view: BerthView): void {
    const instance = view.containerInstances.get(arn);
    if (instance === undefined) return;
    let cpu = 0;
    let memoryMiB = 0;
    const ports: number[] = [...instance.registered.ports];
    for (const task of view.tasks.where("containerInstance", arn)) {
      cpu += task.resources.cpu;
      memoryMiB += task.resources.memoryMiB;
      ports.push(...task.resources.ports);
    }
    const { used, registered } = view.containerInstances.derived.placement.occupied(instance);
    const held = ports.length - registered.ports.length;
    if (used.cpu !== cpu || used.memoryMiB !== memoryMiB || used.ports.length !== held) {
      const said = `${used.cpu} CPU, ${used.memoryMiB} MiB, ${used.ports.length} ports`;
      this.#truth.broken(
        "an instance's used resources are those of its tasks",
        `${short(arn)} says ${said}, its tasks hold ${cpu} CPU, ${memoryMiB} MiB, ${held} ports`,
      );
    }
    if (cpu > registered.cpu || memoryMiB > registered.memoryMiB || new Set(ports).size !== ports.length) {
      const most = `${registered.cpu} CPU, ${registered.memoryMiB} MiB`;
      this.#truth.broken(
        "never more on an instance than its resources and ports",
        `${short(arn)} has ${most}; its tasks hold ${cpu} CPU, ${memoryMiB} MiB, ports ${ports.join(" ")}`,
      );
    }
  }

  #judgeMove(before: TaskRecord, after: TaskRecord): void {
    const task = short(after.arn);
    const breach = (what: string) => this.#truth.broken("statuses move only legally", `task ${task} ${what}`);
    if (before.lastStatus !== after.lastStatus && !MOVES[before.lastStatus]?.includes(after.lastStatus)) {
      breach(`went from ${before.lastStatus} to ${after.lastStatus}`);
    }
    if (before.desiredStatus === "STOPPED" && after.desiredStatus !== "STOPPED") breach("was wanted again");
    if (after.lastStatus === "STOPPED" && after.desiredStatus !== "STOPPED") breach("has stopped and is still wanted");
    if (after.lastStatus === "STOPPED" && after.stopCode === undefined) breach("has stopped without a stopCode");
    if (before.stopCode !== undefined && after.stopCode !== before.stopCode)
      breach(`changed its stopCode to ${after.stopCode}`);
    if (after.version < before.version) breach("went back to an earlier version");
    if (before.stoppedAt !== undefined && after.stoppedAt !== before.stoppedAt) breach("stopped twice");
    if (before.delivered.start && !after.delivered.start) breach("forgot that its start was acknowledged");
    if (after.lastStatus === "DEACTIVATING" && after.desiredStatus !== "STOPPED") breach("is drained and still wanted");
    if (before.containerInstanceArn !== after.containerInstanceArn) breach("moved to another instance");
  }

  #judgeInstanceMove(before: ContainerInstanceRecord, after: ContainerInstanceRecord): void {
    const breach = (what: string) =>
      this.#truth.broken("statuses move only legally", `instance ${short(after.arn)} ${what}`);
    if (before.status === "INACTIVE" && after.status !== "INACTIVE") breach("came back from INACTIVE");
    if (after.status === "INACTIVE" && after.agentConnected) breach("is INACTIVE and connected");
    if (after.sequence < before.sequence) breach("went back in its sequence");
    if (after.version < before.version) breach("went back to an earlier version");
  }

  #judgeServiceMove(before: ServiceRecord, after: ServiceRecord, view: BerthView): void {
    const breach = (what: string) => this.#truth.broken("statuses move only legally", `service ${after.name} ${what}`);
    if (before.status === "DRAINING" && after.status === "ACTIVE" && before.createdAt === after.createdAt)
      breach("came back from DRAINING");
    if (
      after.desiredCount !== before.desiredCount &&
      after.schedulingStrategy === "REPLICA" &&
      !this.#truth.isWishing()
    ) {
      const what = `service ${after.name} went from ${before.desiredCount} to ${after.desiredCount} by itself`;
      this.#truth.broken("what was wished for stays until something else is", what);
    }
    if (after.status === "INACTIVE" && view.tasks.count("service", after.arn) > 0)
      breach("is INACTIVE and has tasks left");
    const primaries = after.deployments.filter((d) => d.status === "PRIMARY").length;
    if (after.status === "ACTIVE" && primaries !== (after.deploymentController === "EXTERNAL" ? 0 : 1)) {
      breach(`has ${primaries} PRIMARY deployments`);
    }
    judgeTaskSets(before, after, view, this.#truth);
  }

  /** The new revision gets more traffic only when it is whole, and the listener's rule says the same as the record. */
  #judgeShift(before: ServiceDeploymentRecord | undefined, after: ServiceDeploymentRecord, view: BerthView): void {
    const share = after.shift?.production ?? 0;
    const service = view.services.get(after.serviceArn);
    const id = `ecs-svc/${after.targetRevisionArn.split("/").at(-1)}`;
    const deployment = service?.deployments.find((d) => d.id === id);
    if (service?.status !== "ACTIVE" || deployment === undefined || after.status !== "IN_PROGRESS") return;
    if (share > (before?.shift?.production ?? 0)) {
      const tasks = view.tasks.where("service", service.arn).filter((t) => t.deploymentId === id);
      const healthy = tasks.filter((t) => isHealthy(t, view, after.updatedAt)).length;
      if (healthy < service.desiredCount) {
        this.#truth.broken(
          "traffic goes to a revision only when it is whole",
          `service ${service.name} gives ${share} percent to ${healthy} healthy tasks of ${service.desiredCount}`,
        );
      }
    }
    for (const { advanced, targetGroupArn } of deployment.loadBalancers) {
      if (advanced === undefined || after.shift === undefined) continue;
      const group = deployment.usesAlternate === true ? advanced.alternateTargetGroupArn : targetGroupArn;
      const [listener] = view.listeners.where("defaultRule", advanced.productionListenerRule);
      const groups = listener?.defaultActions[0]?.ForwardConfig?.TargetGroups ?? [];
      const sum = groups.reduce((all, g) => all + (g.Weight ?? 0), 0);
      const has = (100 * (groups.find((g) => g.TargetGroupArn === group)?.Weight ?? 0)) / sum;
      if (Math.abs(has - share) < 1e-6) continue;
      this.#truth.broken(
        "a listener's weights are those of the deployment's stage",
        `service ${service.name} is to give ${share} percent in ${after.shift.stage}, its rule gives ${has}`,
      );
    }
  }

  #judgeStops(stopped: readonly { readonly before: TaskRecord; readonly after: TaskRecord }[], view: BerthView): void {
    const stops = new Map<
      string,
      { readonly service: ServiceRecord; readonly unit: Unit; readonly tasks: TaskRecord[] }
    >();
    for (const { before, after } of stopped) {
      if (after.stopCode === "InfrastructureHealth" && after.containerInstanceArn !== undefined)
        this.#judgeLoss(after, view);
      const service = after.serviceArn === undefined ? undefined : view.services.get(after.serviceArn);
      if (service?.status !== "ACTIVE" || after.stopCode !== "ServiceSchedulerInitiated") continue;
      this.#judgeProtection(before, after, view);
      // Where a DAEMON service is to have no task any more, it goes at once.
      if (service.schedulingStrategy === "DAEMON" || isGivenUp(after, view)) continue;
      if (!isHealthy(before, view, after.stoppingAt ?? 0)) continue;
      const unit = unitOf(service, after);
      const all = stops.get(`${service.arn} ${unit.name}`) ?? { service, unit, tasks: [] };
      stops.set(`${service.arn} ${unit.name}`, { ...all, tasks: [...all.tasks, after] });
    }
    for (const { service, unit, tasks } of stops.values()) {
      const at = tasks[0]?.stoppingAt ?? 0;
      const its = view.tasks.where("service", service.arn).filter((t) => unit.has(t));
      const healthy = its.filter((t) => isHealthy(t, view, at)).length;
      const floor = Math.ceil((unit.desiredCount * service.minimumHealthyPercent) / 100);
      if (healthy >= floor) continue;
      this.#truth.broken(
        "never fewer healthy tasks than the minimum by Berth's own doing",
        `${unit.name} stopped ${tasks.map((t) => short(t.arn)).join(", ")}: ${healthy} healthy are left of at least ${floor}`,
      );
    }
  }

  /** A protected task is stopped for bad health, or with its instance, and for nothing else that Berth does by itself. */
  #judgeProtection(before: TaskRecord, { stoppingAt = 0, stoppedReason = "" }: TaskRecord, view: BerthView): void {
    if (before.protectedUntil === undefined || before.protectedUntil <= stoppingAt) return;
    const isDraining = view.containerInstances.get(before.containerInstanceArn ?? "")?.status === "DRAINING";
    if (isDraining || stoppedReason.startsWith("Task failed ")) return;
    this.#truth.broken("a protected task is not stopped", `task ${short(before.arn)}: ${stoppedReason}`);
  }

  #judgeLoss(task: TaskRecord, view: BerthView): void {
    const arn = task.containerInstanceArn ?? "";
    if (view.containerInstances.get(arn)?.status === "INACTIVE") return;
    const silentMs = this.#truth.silentMs(arn, task.stoppingAt ?? 0);
    if (silentMs >= LEAST_SILENCE_MS) return;
    this.#truth.broken(
      "a host is given up only after its silence",
      `task ${short(task.arn)} was given up, though its instance ${short(arn)} was silent for only ${Math.round(silentMs)} ms`,
    );
  }

  #judgeStarts(started: readonly TaskRecord[], view: BerthView): void {
    for (const task of started) {
      const instance = view.containerInstances.get(task.containerInstanceArn ?? "");
      if (instance?.status === "INACTIVE" || (instance?.status !== "ACTIVE" && task.startedBy !== "start-task")) {
        this.#truth.broken(
          "tasks are placed on ACTIVE instances",
          `task ${short(task.arn)} on one that is ${instance?.status}`,
        );
      }
      if (this.#isDoubled(task, view)) {
        this.#truth.broken(
          "constraints of placement are kept",
          `two of ${task.group} are on ${short(task.containerInstanceArn)}`,
        );
      }
      if (instance?.agentConnected === false && task.startedBy !== "start-task") {
        this.#truth.broken(
          "tasks are placed on connected instances",
          `task ${short(task.arn)} on ${short(instance.arn)}`,
        );
      }
    }
    const units = new Map<string, () => void>();
    for (const task of started) {
      const service = view.services.get(task.serviceArn ?? "");
      if (service === undefined) continue;
      judgeTaskOfSet(task, service, this.#truth);
      const unit = unitOf(service, task);
      units.set(`${service.arn} ${unit.name}`, () => this.#judgeCeiling(service, unit, view));
    }
    for (const judge of units.values()) judge();
  }

  /** A task of a service whose tasks are each to be on an instance of their own shares one. */
  #isDoubled(task: TaskRecord, view: BerthView): boolean {
    const service = view.services.get(task.serviceArn ?? "");
    if (service?.placementConstraints.some((c) => c.type === "distinctInstance") !== true) return false;
    const here = view.tasks.where("containerInstance", task.containerInstanceArn ?? "");
    return here.filter((t) => t.serviceArn === service.arn && t.desiredStatus === "RUNNING").length > 1;
  }

  #judgeCeiling(service: ServiceRecord, unit: Unit, view: BerthView): void {
    if (service.status !== "ACTIVE") {
      this.#truth.broken("a deleted service starts nothing", service.name);
      return;
    }
    const tasks = view.tasks.where("service", service.arn).filter((t) => unit.has(t));
    if (service.schedulingStrategy === "DAEMON") {
      const twice = tasks.find((t) => tasks.some((o) => o !== t && o.containerInstanceArn === t.containerInstanceArn));
      if (twice === undefined) return;
      const what = `service ${service.name} has two on ${short(twice.containerInstanceArn)}`;
      this.#truth.broken("a DAEMON service has one task on an instance", what);
      return;
    }
    const primary = service.deployments.find((d) => d.status === "PRIMARY");
    const wanted = tasks.filter((t) => t.desiredStatus === "RUNNING").length;
    const leaving =
      primary?.rolloutState === "IN_PROGRESS"
        ? tasks.filter((t) => t.lastStatus === "STOPPING" && t.deploymentId !== primary.id).length
        : 0;
    const ceiling = Math.floor((unit.desiredCount * service.maximumPercent) / 100);
    if (wanted + leaving <= ceiling) return;
    if (service.shift !== undefined && wanted - beingReplaced(tasks, view) <= 2 * service.desiredCount) return;
    this.#truth.broken(
      "never more tasks than the maximum by Berth's own doing",
      `${unit.name} has ${wanted} and ${leaving} leaving; ${ceiling} at most`,
    );
  }
}

/** Of a revision that was given up before it had any traffic: nothing is lost with it. */
function isGivenUp({ deploymentId, serviceArn }: TaskRecord, view: BerthView): boolean {
  const digits = deploymentId?.split("/").at(-1) ?? "";
  const brought = view.serviceDeployments
    .where("service", serviceArn ?? "")
    .find((d) => d.targetRevisionArn.endsWith(`/${digits}`));
  return brought?.shift?.production === 0 && brought.finishedAt !== undefined;
}

/** Tasks that are to run, and beside which another is started: while traffic is shifted, they take no room. */
function beingReplaced(tasks: readonly TaskRecord[], view: BerthView): number {
  return tasks.filter((t) => {
    if (t.desiredStatus !== "RUNNING") return false;
    if (t.healthStatus === "UNHEALTHY") return true;
    if (view.containerInstances.get(t.containerInstanceArn ?? "")?.status === "DRAINING") return true;
    return view.targets.where("task", t.arn).some((target) => target.state === "unhealthy");
  }).length;
}

/** Whether a task counts as healthy: it runs, and all that there is to ask says so. */
export function isHealthy(task: TaskRecord, view: BerthView, at: number): boolean {
  if (task.lastStatus !== "RUNNING" || task.desiredStatus !== "RUNNING" || task.startedAt === undefined) return false;
  if (task.healthStatus === "UNHEALTHY") return false;
  const targets: readonly TargetRecord[] = view.targets.where("task", task.arn);
  if (targets.some((t) => t.state === "unhealthy")) return false;
  const isChecked = task.containers.some((c) => c.essential && c.checksHealth);
  if (isChecked && task.healthStatus !== "HEALTHY") return false;
  if (task.loadBalancers.length > 0) {
    return task.loadBalancers.every((lb) =>
      targets.some(
        (t) =>
          t.targetGroupArn === lb.targetGroupArn &&
          (t.state === "healthy" || t.reason === "Target.HealthCheckDisabled"),
      ),
    );
  }
  return isChecked || at - task.startedAt >= HEALTHY_AFTER_MS;
}
