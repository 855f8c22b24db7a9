import { type ContainerInstanceRecord, containerInstanceId } from "../../model/container-instance.ts";
import type { TaskRecord } from "../../model/task.ts";
import type { Instant } from "../../runtime/clock.ts";
import { abandonTask, addServiceEvent } from "../../state/index.ts";
import type { BerthTransaction } from "../../store/index.ts";
import type { ClusterArn, ContainerInstanceArn, ServiceArn } from "../../wire/arn.ts";
import type { ControllerContext } from "../context.ts";
import {
  DEFAULT_HOST_LOSS_SETTINGS,
  decideHostLoss,
  type HostLossAction,
  type HostLossSettings,
  type HostLossState,
  NOTHING_SEEN,
  type ObservedHost,
} from "./host-loss.ts";
import { SilenceMeter } from "./silence.ts";

/** How often hosts are looked at, in milliseconds: a loss is noticed this much late at most. */
const LOOK_MS = 500;

/** What must be known of agents' sessions. */
export interface AgentSessions {
  /** The monotonic time at which the instance's agent was last heard; undefined if never in this process. */
  lastHeard(arn: ContainerInstanceArn): number | undefined;
  /** Records that the agent is not connected, until it is heard again. */
  declareSilent(arn: ContainerInstanceArn): Promise<void>;
}

/**
 * Notices hosts that are gone, and gives the tasks of services on them up, so that services replace them. Standalone tasks
 * stay as they were last reported. `heldHosts` are those whose tasks the brake holds back.
 */
export function startInstancesController(
  context: ControllerContext,
  agents: AgentSessions,
  settings: Partial<HostLossSettings> = {},
): { stop(): Promise<void>; heldHosts(): ReadonlySet<ContainerInstanceArn> } {
  const controller = new InstancesController(context, agents, { ...DEFAULT_HOST_LOSS_SETTINGS, ...settings });
  const timer = context.clock.every(LOOK_MS, () => controller.look());
  return {
    heldHosts: () => controller.heldHosts,
    stop: () => {
      timer.cancel();
      return controller.settled();
    },
  };
}

class InstancesController {
  readonly #context: ControllerContext;
  readonly #agents: AgentSessions;
  readonly #settings: HostLossSettings;
  readonly #silence = new SilenceMeter(LOOK_MS * 2);
  #state: HostLossState = NOTHING_SEEN;
  /** Services that were told of tasks held back, to be told of the end of it too. */
  readonly #told = new Map<ClusterArn, Set<ServiceArn>>();
  readonly #underWay = new Set<Promise<void>>();

  constructor(context: ControllerContext, agents: AgentSessions, settings: HostLossSettings) {
    this.#context = context;
    this.#agents = agents;
    this.#settings = settings;
  }

  look(): void {
    const now = this.#context.clock.now();
    const { state, actions } = decideHostLoss(this.#state, this.#observe(), this.#settings, now);
    this.#state = state;
    for (const action of actions) this.#begin(action, now);
  }

  /** Hosts whose tasks are not replaced for now, because many went at once. */
  get heldHosts(): ReadonlySet<ContainerInstanceArn> {
    return new Set([...this.#state.brakes.values()].flatMap((brake) => [...brake.told]));
  }

  async settled(): Promise<void> {
    await Promise.all(this.#underWay);
  }

  #observe(): readonly ObservedHost[] {
    const { view } = this.#context.store;
    const instances = [...view.containerInstances.all()].filter((i) => i.status !== "INACTIVE");
    const silences = this.#silence.look(
      instances.map((i) => i.arn),
      (arn) => this.#agents.lastHeard(arn),
      this.#context.clock.monotonic(),
    );
    return instances.map(({ arn, clusterArn, agentConnected }) => {
      const silentMs = silences.get(arn)?.silentMs ?? 0;
      // Counted only where it can matter: most hosts are never silent.
      const tasks = silentMs < this.#settings.silenceMs / 2 ? [] : view.tasks.where("containerInstance", arn);
      return {
        arn,
        clusterArn,
        agentConnected,
        silentMs,
        wasHeard: this.#agents.lastHeard(arn) !== undefined,
        serviceTasks: tasks.filter(isOfService).length,
      };
    });
  }

  /** What fails is decided again at the next look, for as long as it is true. */
  #begin(action: HostLossAction, now: Instant): void {
    const done = this.#carryOut(action, now)
      .catch((error: unknown) => this.#context.log.error({ action, error: String(error) }, "host loss: action failed"))
      .finally(() => this.#underWay.delete(done));
    this.#underWay.add(done);
  }

  #carryOut(action: HostLossAction, now: Instant): Promise<void> {
    this.#context.log.info({ ...action }, `host loss: ${action.kind}`);
    switch (action.kind) {
      case "disconnect":
        return this.#agents.declareSilent(action.arn);
      case "abandon":
        return this.#abandon(action, now);
      case "hold":
        return this.#tellHold(action, now);
      case "release":
        return this.#tellRelease(action, now);
    }
  }

  #abandon({ arn, silentMs }: Extract<HostLossAction, { kind: "abandon" }>, now: Instant): Promise<void> {
    const reason = lossReason(arn, silentMs);
    return this.#context.store.transact("host lost", (tx) => {
      for (const task of tx.tasks.where("containerInstance", arn).filter(isOfService)) {
        abandonTask(tx, task, { stopCode: "InfrastructureHealth", reason }, now);
      }
    });
  }

  async #tellHold(action: Extract<HostLossAction, { kind: "hold" }>, now: Instant): Promise<void> {
    const told = await this.#context.store.transact("brake", (tx) => {
      const tasks = action.hosts.flatMap((arn) => tx.tasks.where("containerInstance", arn)).filter(isOfService);
      const byService = Map.groupBy(tasks, (task) => task.serviceArn);
      for (const [serviceArn, held] of byService)
        this.#tell(tx, serviceArn, holdMessage(action, held.length, this.#settings), now);
      return [...byService.keys()];
    });
    const all = this.#told.get(action.clusterArn) ?? new Set();
    for (const arn of told) if (arn !== undefined) all.add(arn);
    this.#told.set(action.clusterArn, all);
  }

  async #tellRelease({ clusterArn, cause }: Extract<HostLossAction, { kind: "release" }>, now: Instant): Promise<void> {
    const services = [...(this.#told.get(clusterArn) ?? [])];
    await this.#context.store.transact("brake released", (tx) => {
      for (const arn of services) this.#tell(tx, arn, RELEASED[cause], now);
    });
    this.#told.delete(clusterArn);
  }

  #tell(tx: BerthTransaction, serviceArn: ServiceArn | undefined, message: string, now: Instant): void {
    const service = serviceArn === undefined ? undefined : tx.services.get(serviceArn);
    if (service === undefined || service.status === "INACTIVE") return;
    addServiceEvent(tx, service, `(service ${service.name}) ${message}`, { now, random: this.#context.random });
  }
}

const isOfService = (task: TaskRecord) => task.serviceArn !== undefined;

/** A stopped task's reason when its host is lost. */
export function lossReason(arn: ContainerInstanceArn, silentMs: number): string {
  const id = containerInstanceId({ arn } satisfies Pick<ContainerInstanceRecord, "arn">);
  return `Host lost: the agent of (container-instance ${id}) has not been heard from for ${Math.round(silentMs / 1000)} s.`;
}

/** What a service's event says when the replacement of its tasks is held back. */
export function holdMessage(
  { gone, of }: Pick<Extract<HostLossAction, { kind: "hold" }>, "gone" | "of">,
  tasks: number,
  { brakeWindowMs, brakeIntervalMs }: Pick<HostLossSettings, "brakeWindowMs" | "brakeIntervalMs">,
): string {
  return (
    `is holding back the replacement of ${tasks} tasks: ${gone} of ${of} container instances lost contact within ` +
    `${brakeWindowMs / 1000} s, which looks like a failure of the network rather than of hosts. The tasks of one ` +
    `container instance are replaced every ${brakeIntervalMs / 1000} s until contact is back.`
  );
}

const RELEASED = {
  returned: "is no longer holding back the replacement of tasks: contact with container instances is back.",
  replaced: "is no longer holding back the replacement of tasks: all that were lost are being replaced.",
} as const;
