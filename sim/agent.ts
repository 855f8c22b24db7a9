import { TASK_LOGS_ATTRIBUTE } from "../src/gateway/index.ts";
import { signRequest } from "../src/wire/sigv4.ts";
import { AgentEngine } from "./agent-engine.ts";
import type { AgentDisk, AgentTask, TaskPayload } from "./agent-task.ts";
import type { CallApi } from "./api-call.ts";
import { isPassing, refusalText } from "./api-call.ts";
import type { Chance } from "./chance.ts";
import { KEY, REGION } from "./control-plane.ts";
import type { Host } from "./host.ts";
import type { Connection } from "./network.ts";
import { ProcessClock, type VirtualTime } from "./virtual-time.ts";

const FIRST_RETRY_MS = 250;
const MAX_RETRY_MS = 5_000;
const MAX_RECONNECT_MS = 10_000;
/** Nothing came for so long: the connection is opened anew. */
const MUTE_MS = 20_000;
const INACTIVE_RETRY_MS = 60_000;
const PUBLISH_MS = 20_000;

/** What an agent meets outside of its host. */
export interface AgentSurroundings {
  readonly time: VirtualTime;
  readonly chance: Chance;
  /** Opens a session; throws with the refusal's text, or resolves when it is open. */
  readonly connect: (
    agent: Agent,
    request: { readonly url: string; readonly headers: Record<string, string> },
    events: {
      readonly onText: (text: string) => void;
      readonly onClosed: (reason: string) => void;
    },
  ) => Promise<Connection>;
  readonly call: CallApi;
  readonly tell: (what: string) => void;
  /** A promise of the control plane to its agents is broken. */
  readonly broken: (promise: string, what: string) => void;
  /** A task is told to stop by the control plane's word. */
  readonly onStopOrder: (host: Host, taskArn: string) => void;
  /** How likely the agent loses a message, or sends it twice. */
  readonly lapses: () => number;
}

const CAPABILITIES = ["1.17", "1.18", "1.19", "1.21", "1.24", "1.25", "1.29"]
  .map((version) => `com.amazonaws.ecs.capability.docker-remote-api.${version}`)
  .concat([
    "com.amazonaws.ecs.capability.logging-driver.json-file",
    "ecs.capability.container-health-check",
    "ecs.capability.container-ordering",
    "ecs.capability.task-cpu-mem-limit",
    TASK_LOGS_ATTRIBUTE,
  ]);

type Message = Record<string, unknown>;

type ManifestList = Message & {
  readonly tasks: readonly { readonly taskArn: string; readonly desiredStatus: string }[];
};

/** One process of an agent: it follows the protocol as Berth's agent does. What it must not forget is on its disk. */
export class Agent {
  readonly clock: ProcessClock;
  readonly host: Host;
  readonly disk: AgentDisk;
  readonly engine: AgentEngine;
  /** It has seen that its container instance is deregistered. */
  isInactive = false;
  readonly #around: AgentSurroundings;
  #acs: Connection | undefined;
  #tcs: Connection | undefined;
  #endAcs: ((reason: string) => void) | undefined;
  #askedAbout: string | undefined;
  /** When all that came in payloads is on disk: one after the other. */
  #durableAt = 0;

  constructor(host: Host, disk: AgentDisk, around: AgentSurroundings) {
    this.host = host;
    this.disk = disk;
    this.#around = around;
    this.clock = new ProcessClock(around.time, host.wall);
    const { chance, tell, broken } = around;
    this.engine = new AgentEngine({
      host,
      disk,
      clock: this.clock,
      chance,
      tell,
      broken,
      submit: (input) => around.call(this, "ecs", "SubmitTaskStateChange", input),
      onStopOrder: (arn) => around.onStopOrder(host, arn),
      onHealth: (tasks) => this.#publishHealth(tasks),
    });
  }

  start(): void {
    this.engine.start();
    void this.#live();
  }

  /** The process ends; its containers do not. */
  kill(): void {
    this.clock.end();
    this.#acs?.endClient();
    this.#tcs?.endClient();
  }

  /** Its machine is gone: nobody is told. */
  vanish(): readonly Connection[] {
    this.clock.end();
    const open = [this.#acs, this.#tcs].filter((c) => c !== undefined);
    for (const connection of open) connection.vanish();
    return open;
  }

  get isConnected(): boolean {
    return this.#acs?.isClientOpen === true;
  }

  async #live(): Promise<void> {
    await this.#register();
    if (this.disk.arn === undefined) return;
    void this.#keepAcs();
    void this.#keepTcs();
  }

  async #register(): Promise<void> {
    const { plan } = this.host;
    for (let waitMs = FIRST_RETRY_MS; ; waitMs = Math.min(MAX_RETRY_MS, waitMs * 2)) {
      try {
        const answer = (await this.#around.call(this, "ecs", "RegisterContainerInstance", {
          cluster: plan.cluster,
          ...(this.disk.arn === undefined ? {} : { containerInstanceArn: this.disk.arn }),
          instanceIdentityDocument: JSON.stringify({
            instanceId: this.disk.instanceId,
            privateIp: plan.address,
            availabilityZone: plan.zone,
            instanceType: "simulated",
            region: REGION,
          }),
          totalResources: [
            { name: "CPU", type: "INTEGER", integerValue: plan.cpu },
            { name: "MEMORY", type: "INTEGER", integerValue: plan.memoryMiB },
            { name: "PORTS", type: "STRINGSET", stringSetValue: ["22"] },
            { name: "PORTS_UDP", type: "STRINGSET", stringSetValue: [] },
          ],
          attributes: [...CAPABILITIES.map((name) => ({ name })), { name: "ecs.cpu-architecture", value: "x86_64" }],
        })) as { containerInstance: { containerInstanceArn: string } };
        this.disk.arn ??= answer.containerInstance.containerInstanceArn;
        return;
      } catch (error) {
        if (!isPassing(error)) {
          this.#around.tell(`registration is refused for good: ${refusalText(error)}`);
          this.#becomeInactive();
          if (this.disk.arn === undefined) throw error;
          return;
        }
      }
      await this.clock.sleep(waitMs);
    }
  }

  async #keepAcs(): Promise<void> {
    let waitMs = FIRST_RETRY_MS;
    for (;;) {
      const began = this.clock.monotonic();
      const reason = await this.#session(
        "/acs/ws",
        (type, message) => this.#receive(type, message),
        (connection) => {
          this.#acs = connection;
        },
      );
      this.#acs = undefined;
      if (this.clock.monotonic() - began > MAX_RECONNECT_MS) waitMs = FIRST_RETRY_MS;
      const inactive = reason.includes("InactiveInstanceException");
      if (inactive) this.#becomeInactive();
      await this.clock.sleep((inactive ? INACTIVE_RETRY_MS : waitMs) * this.#around.chance.between(0.8, 1.2));
      waitMs = Math.min(MAX_RECONNECT_MS, waitMs * 1.5);
    }
  }

  async #keepTcs(): Promise<void> {
    for (;;) {
      if (!this.engine.hasHealthChecks) {
        await this.clock.sleep(PUBLISH_MS);
        continue;
      }
      await this.#session(
        "/tcs/ws",
        () => undefined,
        (connection) => {
          this.#tcs = connection;
          this.#publishAll(connection);
        },
      );
      this.#tcs = undefined;
      await this.clock.sleep(this.isInactive ? INACTIVE_RETRY_MS : MAX_RETRY_MS);
    }
  }

  /** Opens a session and resolves with why it ended. */
  async #session(
    path: string,
    onMessage: (type: string, message: Message) => void,
    onOpen: (connection: Connection) => void,
  ): Promise<string> {
    const url = new URL(`ws://berth:7070${path}`);
    const name = path === "/tcs/ws" ? "containerInstance" : "containerInstanceArn";
    url.searchParams.set(name, this.disk.arn ?? "");
    url.searchParams.set("agentVersion", "1.0.0");
    const headers = signRequest({
      method: "GET",
      url,
      credentials: KEY,
      region: REGION,
      service: "ecs",
      now: this.clock.now(),
    });
    return new Promise((resolve) => {
      const onText = (text: string) => {
        const frame = JSON.parse(text) as { readonly type: string; readonly message: Message };
        onMessage(frame.type, frame.message);
      };
      this.#around.connect(this, { url: `${url.pathname}${url.search}`, headers }, { onText, onClosed: resolve }).then(
        (connection) => {
          this.#noticeMute(connection, resolve);
          if (path === "/acs/ws") this.#endAcs = resolve;
          onOpen(connection);
        },
        (error: unknown) => resolve(refusalText(error)),
      );
    });
  }

  /** Ends a connection on which nothing comes: a cut that lasts. */
  #noticeMute(connection: Connection, onEnd: (reason: string) => void): void {
    let cuts = 0;
    const unwatch = this.host.link.watch(() => {
      if (!connection.isClientOpen || this.clock.isDead) return unwatch();
      const cut = ++cuts;
      if (!this.host.link.isCut) return;
      this.clock.after(MUTE_MS + this.#around.chance.between(0, 5_000), () => {
        if (cut !== cuts || !connection.isClientOpen) return;
        connection.endClient();
        onEnd("mute");
      });
    });
  }

  #say(type: string, message: Message): void {
    if (this.#lapses()) return;
    const frame = JSON.stringify({ type, message });
    this.#acs?.send(frame);
    if (this.#around.chance.is(this.#around.lapses())) this.#acs?.send(frame);
  }

  /** A message is lost, as on a connection that is breaking: it is gone within the minute. */
  #lapses(): boolean {
    if (!this.#around.chance.is(this.#around.lapses())) return false;
    const connection = this.#acs;
    this.clock.after(this.#around.chance.between(0, 30_000), () => {
      if (this.#acs !== connection) return;
      connection?.endClient();
      this.#endAcs?.("broken");
    });
    return true;
  }

  #receive(type: string, message: Message): void {
    if (this.#lapses()) return;
    const { messageId } = message;
    switch (type) {
      case "HeartbeatMessage":
        this.#say("HeartbeatAckRequest", { messageId });
        return;
      case "PayloadMessage":
        this.#takePayload(message);
        return;
      case "TaskLogsRequest":
        this.#say("TaskLogsResponse", { messageId, events: [{ timestamp: this.clock.now(), message: "a line" }] });
        return;
      case "TaskManifestMessage":
        this.#takeManifest(message);
        return;
      case "TaskStopVerificationAck":
        if (messageId !== this.#askedAbout) return;
        this.#askedAbout = undefined;
        for (const { taskArn } of message.stopTasks as { taskArn: string }[]) this.engine.stopByOrder(taskArn);
        return;
    }
  }

  #takePayload(message: Message): void {
    const { seqNum, tasks, messageId, clusterArn } = message as {
      readonly seqNum: number;
      readonly tasks: readonly TaskPayload[];
    } & Message;
    this.disk.latestSequence = Math.max(this.disk.latestSequence, seqNum);
    // Durable after a moment: a kill before that forgets the payload, and no acknowledgement is sent.
    this.#durableAt = Math.max(this.#durableAt, this.clock.monotonic() + this.#around.chance.between(1, 20));
    this.clock.after(this.#durableAt - this.clock.monotonic(), () => {
      for (const task of tasks) if (task.desiredStatus === "STOPPED") this.engine.stopByOrder(task.arn);
      for (const task of tasks) if (task.desiredStatus !== "STOPPED") this.engine.startByOrder(task);
      this.clock.after(this.#around.chance.between(0, 5), () =>
        this.#say("AckRequest", { cluster: clusterArn, containerInstance: this.disk.arn, messageId }),
      );
    });
  }

  #takeManifest(message: Message): void {
    const { timeline, tasks, messageId, clusterArn } = message as ManifestList & { readonly timeline: number };
    if (timeline <= this.disk.latestSequence) {
      this.#around.broken("numbers of payloads and manifests rise", `${timeline} after ${this.disk.latestSequence}`);
      return;
    }
    this.disk.latestSequence = timeline;
    // Held against the tasks of every payload that came before it.
    this.clock.after(this.#durableAt - this.clock.monotonic(), () => this.#compare({ tasks, messageId, clusterArn }));
  }

  #compare({ tasks, messageId, clusterArn }: ManifestList): void {
    const wanted = new Set(tasks.filter((t) => t.desiredStatus === "RUNNING").map((t) => t.taskArn));
    const candidates = [...this.disk.tasks.values()].filter(
      (t) => t.desired === "RUNNING" && t.status !== "STOPPED" && !wanted.has(t.arn),
    );
    this.#say("AckRequest", { cluster: clusterArn, containerInstance: this.disk.arn, messageId });
    if (candidates.length === 0) return;
    this.#askedAbout = messageId as string;
    const stopCandidates = candidates.map(({ arn }) => ({
      taskArn: arn,
      taskClusterArn: clusterArn,
      desiredStatus: "STOPPED",
    }));
    this.#say("TaskStopVerificationMessage", { messageId, stopCandidates });
  }

  #becomeInactive(): void {
    if (!this.isInactive) this.#around.tell("the instance is deregistered: what is left on it stops");
    this.isInactive = true;
    this.engine.stopAll();
  }

  #publishAll(connection: Connection): void {
    if (!connection.isClientOpen || this.#tcs !== connection) return;
    this.#publishHealth([...this.disk.tasks.values()]);
    this.clock.after(PUBLISH_MS, () => this.#publishAll(connection));
  }

  #publishHealth(tasks: readonly AgentTask[]): void {
    const healths = tasks.flatMap((task) => {
      const container = this.host.containers.get(task.arn);
      const name = task.payload?.containers?.[0]?.name;
      if (task.status !== "RUNNING" || container?.spec.checksHealth !== true || name === undefined) return [];
      return [{ taskArn: task.arn, containers: [{ containerName: name, healthStatus: container.health }] }];
    });
    if (healths.length === 0) return;
    const message = { metadata: { cluster: this.host.plan.cluster, containerInstance: this.disk.arn }, tasks: healths };
    this.#tcs?.send(JSON.stringify({ type: "PublishHealthRequest", message }));
  }
}
