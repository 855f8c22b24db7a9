import type { TaskRecord } from "../src/model/task.ts";
import type { BerthView } from "../src/store/index.ts";
import { type CallApi, type Caller, NoAnswer, subject } from "./api-call.ts";
import { type Kind, SOUND_KINDS } from "./behaviour.ts";
import type { Chance } from "./chance.ts";
import type { ServiceName } from "./control-plane.ts";
import { type Family, targetGroupName } from "./set-up.ts";
import { pauses, shiftingBalancer, strategy } from "./shift-wishes.ts";
import { steer } from "./task-set-wishes.ts";
import { breaker, memberOf, percents, placement } from "./wishes.ts";

/** What users work with. */
export interface UserParts {
  readonly chance: Chance;
  readonly caller: Caller;
  readonly call: CallApi;
  readonly clusters: readonly string[];
  readonly families: readonly Family[];
  /** What there is, as far as the control plane runs: stands in for what a user would list first. */
  readonly view: () => BerthView | undefined;
  readonly tell: (what: string) => void;
  readonly broken: (promise: string, what: string) => void;
  /** How likely a new revision is one that does not work. */
  readonly unsound: () => number;
  readonly isBusy: () => boolean;
}

const WEIGHTS = {
  createService: 6,
  scaleService: 14,
  deployService: 10,
  changeService: 5,
  deleteService: 3,
  registerDefinition: 8,
  runTask: 16,
  startTask: 3,
  stopTask: 12,
  drainInstance: 3,
  activateInstance: 5,
  deregisterInstance: 0.4,
  putAttributes: 1,
  resolveHook: 8,
  stopDeployment: 2,
  describe: 8,
  retireDefinition: 1,
  createDaemon: 1.5,
  protectTask: 4,
  rollBack: 1.5,
  steer: 12,
} as const;

type Deed = keyof typeof WEIGHTS;

const KINDS: Readonly<Record<Kind, number>> = {
  steady: 0,
  quick: 0,
  slow: 0,
  stubborn: 0,
  unpullable: 2,
  unreliable: 3,
  unstartable: 1,
  crashing: 3,
  mortal: 3,
  greedy: 2,
  sick: 2,
  flapping: 3,
  batch: 2,
};

/** One user: does something every now and then, as long as there is a control plane to do it with. */
export class User {
  readonly #parts: UserParts;
  #made = 0;

  constructor(parts: UserParts) {
    this.#parts = parts;
  }

  /** Goes on for as long as the simulation: `meanMs` between two deeds. */
  async live(meanMs: number): Promise<void> {
    const { caller, chance } = this.#parts;
    for (;;) {
      await caller.clock.sleep(chance.wait(meanMs));
      const view = this.#parts.view();
      if (view === undefined || !this.#parts.isBusy()) continue;
      await this.#do(chance.weighted(WEIGHTS), view);
    }
  }

  async #do(deed: Deed, view: BerthView): Promise<void> {
    const cluster = this.#parts.chance.pick(this.#parts.clusters);
    const about = { view, cluster, chance: this.#parts.chance };
    switch (deed) {
      case "createService":
        return this.#createService(about);
      case "scaleService":
        return this.#updateService(about, { desiredCount: about.chance.pick([0, 1, 1, 2, 2, 3, 4, 6, 9]) });
      case "deployService":
        return this.#deployService(about);
      case "changeService":
        return this.#changeService(about);
      case "deleteService":
        return this.#deleteService(about);
      case "registerDefinition":
        return this.#registerDefinition(about);
      case "runTask":
        return this.#runTask(about);
      case "startTask":
        return this.#startTask(about);
      case "stopTask":
        return this.#stopTask(about);
      case "drainInstance":
        return this.#setInstance(about, "DRAINING");
      case "activateInstance":
        return this.#setInstance(about, "ACTIVE");
      case "deregisterInstance":
        return this.#deregisterInstance(about);
      case "putAttributes":
        return this.#putAttributes(about);
      case "resolveHook":
        return this.#resolveHook(about);
      case "stopDeployment":
        return this.#stopDeployment(about);
      case "describe":
        return this.#describe(about);
      case "retireDefinition":
        return this.#retireDefinition(about);
      case "createDaemon":
        return this.#createDaemon(about);
      case "protectTask":
        return this.#protectTask(about);
      case "rollBack":
        return this.#rollBack(about);
      case "steer":
        return steer({ ...about, families: this.#parts.families, call: (name, input) => this.#call(name, input) });
    }
  }

  /** Calls, and half of the time once more when nothing was answered. Undefined if it was refused or not answered. */
  async #call(operation: string, input: object, service: ServiceName = "ecs"): Promise<unknown> {
    const { call, caller, tell, chance } = this.#parts;
    tell(`${operation} ${subject(input)}`);
    for (let attempts = 0; attempts < 3; attempts++) {
      try {
        return await call(caller, service, operation, input);
      } catch (error) {
        if (!(error instanceof NoAnswer)) return undefined;
        tell(`${operation} ${subject(input)}: ${error.message}`);
        if (chance.is(0.5)) return undefined;
        await caller.clock.sleep(chance.between(100, 3_000));
      }
    }
    return undefined;
  }

  async #createService({ view, cluster, chance }: About): Promise<void> {
    const name = `svc-${chance.int(1, 6)}`;
    const family = chance.pick(this.#parts.families);
    const groups = [...view.targetGroups.all()].filter((g) => g.name.startsWith(targetGroupName("")));
    const isBalanced = family.containerPort !== undefined && !family.hasFixedPort && chance.is(0.7);
    const group = chance.maybe(groups);
    const shifting = isBalanced && chance.is(0.7) ? shiftingBalancer(view, chance, family) : undefined;
    if (shifting !== undefined) {
      const common = { cluster, serviceName: name, taskDefinition: family.name, desiredCount: chance.pick([1, 2, 3]) };
      const deploymentConfiguration = strategy(chance);
      await this.#call("CreateService", { ...common, loadBalancers: [shifting], deploymentConfiguration });
      return;
    }
    await this.#call("CreateService", {
      cluster,
      serviceName: name,
      taskDefinition: family.name,
      desiredCount: chance.pick([1, 2, 3, 4]),
      ...(isBalanced && group !== undefined
        ? { loadBalancers: [{ targetGroupArn: group.arn, containerName: "main", containerPort: family.containerPort }] }
        : {}),
      ...(chance.is(0.4) ? { healthCheckGracePeriodSeconds: chance.pick([0, 10, 60]) } : {}),
      deploymentConfiguration: percents(chance),
      ...placement(chance),
    });
  }

  async #createDaemon({ cluster, chance }: About): Promise<void> {
    await this.#call("CreateService", {
      cluster,
      serviceName: `daemon-${chance.int(1, 2)}`,
      taskDefinition: chance.pick(["plain", "checked"]),
      schedulingStrategy: "DAEMON",
      ...(chance.is(0.4) ? { placementConstraints: [memberOf(chance)] } : {}),
      ...(chance.is(0.4) ? { deploymentConfiguration: { deploymentCircuitBreaker: breaker(chance) } } : {}),
    });
  }

  async #protectTask({ view, cluster, chance }: About): Promise<void> {
    const arn = clusterArnOf(view, cluster) ?? "";
    const task = chance.maybe(liveTasksIn(view, arn).filter((t) => t.serviceArn !== undefined));
    if (task === undefined) return;
    const protectionEnabled = chance.is(0.8);
    const expiry = protectionEnabled ? { expiresInMinutes: chance.pick([1, 5, 20]) } : {};
    await this.#call("UpdateTaskProtection", { cluster, tasks: [task.arn], protectionEnabled, ...expiry });
  }

  async #rollBack({ view, cluster, chance }: About): Promise<void> {
    const service = chance.maybe(services(view, cluster));
    if (service === undefined) return;
    const answer = (await this.#call("ListServiceDeployments", { cluster, service: service.name })) as
      | { serviceDeployments?: { serviceDeploymentArn?: string }[] }
      | undefined;
    const serviceDeploymentArn = answer?.serviceDeployments?.[0]?.serviceDeploymentArn;
    if (serviceDeploymentArn === undefined) return;
    await this.#call("StopServiceDeployment", { serviceDeploymentArn, stopType: "ROLLBACK" });
  }

  async #updateService({ view, cluster, chance }: About, change: object): Promise<void> {
    const service = chance.maybe(services(view, cluster));
    if (service === undefined) return;
    await this.#call("UpdateService", { cluster, service: service.name, ...change });
  }

  async #deployService({ view, cluster, chance }: About): Promise<void> {
    const service = chance.maybe(services(view, cluster));
    if (service === undefined) return;
    const family = view.taskDefinitions.get(service.taskDefinitionArn)?.family;
    const revisions = view.taskDefinitions.where("family", family ?? "").filter((d) => d.status === "ACTIVE");
    const revision = chance.maybe(revisions);
    const change =
      chance.is(0.3) || revision === undefined ? { forceNewDeployment: true } : { taskDefinition: revision.arn };
    const hooks = service.shift === undefined ? {} : { deploymentConfiguration: { lifecycleHooks: pauses(chance) } };
    await this.#call("UpdateService", { cluster, service: service.name, ...change, ...hooks });
  }

  /** Lets a deployment go on that waits, or not. */
  async #resolveHook({ view, chance }: About): Promise<void> {
    const waiting = [...view.serviceDeployments.all()].flatMap(({ arn, status, shift }) =>
      (status === "IN_PROGRESS" ? (shift?.hooks ?? []) : [])
        .filter((run) => run.status === "AWAITING_ACTION")
        .map((run) => ({ serviceDeploymentArn: arn, hookId: run.id })),
    );
    const hook = chance.maybe(waiting);
    if (hook === undefined) return;
    await this.#call("ContinueServiceDeployment", { ...hook, action: chance.is(0.8) ? "CONTINUE" : "ROLLBACK" });
  }

  /** Not a service's first one: there is nothing to go back to. */
  async #stopDeployment({ view, chance }: About): Promise<void> {
    const underWay = [...view.serviceDeployments.all()].filter(
      (d) => d.status === "IN_PROGRESS" && d.shift?.source !== undefined,
    );
    const deployment = chance.maybe(underWay);
    if (deployment === undefined) return;
    await this.#call("StopServiceDeployment", { serviceDeploymentArn: deployment.arn, stopType: "ROLLBACK" });
  }

  async #changeService(about: About): Promise<void> {
    const { chance } = about;
    const change = chance.pick([
      { deploymentConfiguration: percents(chance) },
      { healthCheckGracePeriodSeconds: chance.pick([0, 20, 120]) },
      { placementStrategy: [{ type: "binpack", field: "memory" }] },
      { placementStrategy: [{ type: "spread", field: "instanceId" }] },
      { placementConstraints: [{ type: "distinctInstance" }] },
      { placementConstraints: [memberOf(chance)] },
      { placementConstraints: [] },
      { availabilityZoneRebalancing: "DISABLED" },
      { availabilityZoneRebalancing: "ENABLED" },
    ]);
    await this.#updateService(about, change);
  }

  async #deleteService({ view, cluster, chance }: About): Promise<void> {
    const service = chance.maybe(services(view, cluster));
    if (service !== undefined)
      await this.#call("DeleteService", { cluster, service: service.name, force: chance.is(0.8) });
  }

  async #registerDefinition({ chance }: About): Promise<void> {
    const family = chance.pick(this.#parts.families);
    const kind = chance.is(this.#parts.unsound()) ? chance.weighted(KINDS) : chance.pick(SOUND_KINDS);
    await this.#call("RegisterTaskDefinition", family.definition(kind, chance));
  }

  async #runTask({ cluster, chance }: About): Promise<void> {
    const count = chance.pick([1, 1, 1, 2, 3, 5, 10]);
    const answer = (await this.#call("RunTask", {
      cluster,
      taskDefinition: chance.pick(this.#parts.families).name,
      count,
      ...(chance.is(0.3) ? { clientToken: `token-${++this.#made}-${chance.int(0, 1e9)}` } : {}),
      ...(chance.is(0.2) ? { placementConstraints: [{ type: "distinctInstance" }] } : {}),
      ...(chance.is(0.3) ? { placementStrategy: [{ type: "binpack", field: "cpu" }] } : {}),
    })) as { tasks: unknown[]; failures: { reason?: string }[] } | undefined;
    if (answer === undefined || answer.tasks.length === count) return;
    if (answer.failures.length === 0 || answer.failures.some((f) => f.reason === undefined || f.reason === "")) {
      this.#parts.broken(
        "every task that is not placed has its reason told",
        `RunTask of ${count}: ${answer.tasks.length} tasks`,
      );
    }
  }

  async #startTask({ view, cluster, chance }: About): Promise<void> {
    const instance = chance.maybe(instances(view, cluster));
    if (instance === undefined) return;
    const taskDefinition = chance.pick(this.#parts.families).name;
    await this.#call("StartTask", {
      cluster,
      taskDefinition,
      containerInstances: [instance.arn],
      startedBy: "start-task",
    });
  }

  async #stopTask({ view, cluster, chance }: About): Promise<void> {
    const arn = clusterArnOf(view, cluster);
    const tasks = liveTasksIn(view, arn ?? "");
    const standalone = tasks.filter((t) => t.serviceArn === undefined);
    const task = chance.maybe(chance.is(0.7) && standalone.length > 0 ? standalone : tasks);
    if (task !== undefined) await this.#call("StopTask", { cluster, task: task.arn, reason: "a user" });
  }

  async #setInstance({ view, cluster, chance }: About, status: "DRAINING" | "ACTIVE"): Promise<void> {
    const other = instances(view, cluster).filter((i) => i.status !== status);
    const instance = chance.maybe(other);
    if (instance === undefined) return;
    await this.#call("UpdateContainerInstancesState", { cluster, containerInstances: [instance.arn], status });
  }

  async #deregisterInstance({ view, cluster, chance }: About): Promise<void> {
    const instance = chance.maybe(instances(view, cluster));
    if (instance === undefined) return;
    await this.#call("DeregisterContainerInstance", {
      cluster,
      containerInstance: instance.arn,
      force: chance.is(0.7),
    });
  }

  async #putAttributes({ view, cluster, chance }: About): Promise<void> {
    const instance = chance.maybe(instances(view, cluster));
    if (instance === undefined) return;
    const attributes = [
      { name: "rack", value: chance.pick(["a", "b"]), targetId: instance.arn, targetType: "container-instance" },
    ];
    await this.#call("PutAttributes", { cluster, attributes });
  }

  async #describe({ view, cluster, chance }: About): Promise<void> {
    const service = chance.maybe(services(view, cluster));
    if (service === undefined || chance.is(0.3)) {
      await this.#call("DescribeClusters", { clusters: [cluster], include: ["STATISTICS"] });
      return;
    }
    const answer = (await this.#call("DescribeServices", { cluster, services: [service.name] })) as
      | { services: { runningCount: number; pendingCount: number; status: string; desiredCount: number }[] }
      | undefined;
    const found = answer?.services[0];
    if (found !== undefined && found.status === "INACTIVE" && found.runningCount > 0) {
      this.#parts.broken("an INACTIVE service has no tasks", `${service.name}: ${found.runningCount}`);
    }
  }

  async #retireDefinition({ view, chance }: About): Promise<void> {
    const family = chance.pick(this.#parts.families);
    const revisions = view.taskDefinitions.where("family", family.name).filter((d) => d.status === "ACTIVE");
    if (revisions.length < 3) return;
    await this.#call("DeregisterTaskDefinition", { taskDefinition: chance.pick(revisions.slice(0, -2)).arn });
  }
}

interface About {
  readonly view: BerthView;
  readonly cluster: string;
  readonly chance: Chance;
}

export function clusterArnOf(view: BerthView, name: string): string | undefined {
  return [...view.clusters.all()].find((c) => c.name === name)?.arn;
}

/** The tasks of a cluster that have not stopped. */
export function liveTasksIn(view: BerthView, arn: string): readonly TaskRecord[] {
  return [...view.tasks.all()].filter((t) => t.clusterArn === arn && t.lastStatus !== "STOPPED");
}

function services(view: BerthView, cluster: string) {
  const arn = clusterArnOf(view, cluster);
  return view.services.where("cluster", arn ?? "").filter((s) => s.status === "ACTIVE");
}

function instances(view: BerthView, cluster: string) {
  return view.containerInstances.where("cluster", clusterArnOf(view, cluster) ?? "");
}
