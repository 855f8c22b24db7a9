import WebSocket from "ws";
import { systemClock } from "../../src/runtime/clock.ts";
import { type AwsClient, type Credentials, createAwsClient } from "../../src/wire/client.ts";
import { signRequest } from "../../src/wire/sigv4.ts";

export interface SimulatedAgentOptions {
  /** The control plane, such as http://127.0.0.1:7070. */
  readonly endpoint: string;
  readonly region: string;
  readonly credentials: Credentials;
  readonly cluster?: string;
  /** `i-…`; each host has its own. */
  readonly instanceId: string;
  readonly cpu?: number;
  readonly memoryMiB?: number;
  /** The host's address, where its tasks' ports are; without it that of this machine's loopback. */
  readonly privateIp?: string;
  /** Milliseconds from a payload to RUNNING, and from a stop to STOPPED. */
  readonly startMs?: number;
  readonly stopMs?: number;
  /** What a task is here, if it is to be anything. */
  readonly containers?: SimulatedContainers;
}

/** Carries out what an agent's containers would do. A task is RUNNING, or STOPPED, when it is done. */
export interface SimulatedContainers {
  /** Resolves with the port of the host that leads to the task's container port 80. */
  start(taskArn: string): Promise<number>;
  /** Asks the task to stop, as SIGTERM does; resolves when it has. */
  stop(taskArn: string): Promise<void>;
}

/** What an agent holds of one task. */
export interface SimulatedTask {
  readonly arn: string;
  status: "PENDING" | "RUNNING" | "STOPPED";
  /** How many payloads told it to start. */
  starts: number;
  /** The payload's task, as it came. */
  readonly payload: { readonly containers?: readonly { readonly name: string }[] };
  /** Once it listens. */
  hostPort?: number;
}

const RECONNECT_MS = 250;

/**
 * An agent without containers: it registers, holds an ACS session, acknowledges payloads and reports what it was told as
 * done. It speaks the protocol and knows nothing of the control plane. Call `stop` at the end.
 */
export class SimulatedAgent {
  readonly tasks = new Map<string, SimulatedTask>();
  /** Every frame that came, newest last. */
  readonly received: { readonly type: string; readonly message: Record<string, unknown> }[] = [];
  readonly #options: SimulatedAgentOptions;
  readonly #client: AwsClient;
  #arn = "";
  #acsUrl = "";
  #socket: WebSocket | undefined;
  #isCut = false;
  #isStopped = false;

  private constructor(options: SimulatedAgentOptions) {
    this.#options = options;
    this.#client = createAwsClient({ ...options, clock: systemClock(), userAgent: "simulated-agent" });
  }

  /** Registers and connects. */
  static async start(options: SimulatedAgentOptions): Promise<SimulatedAgent> {
    const agent = new SimulatedAgent(options);
    await agent.#register();
    await agent.#connect();
    return agent;
  }

  /** The container instance's ARN. */
  get arn(): string {
    return this.#arn;
  }

  get isConnected(): boolean {
    return this.#socket?.readyState === WebSocket.OPEN;
  }

  /** Tasks that run here as far as the agent knows. */
  get running(): readonly SimulatedTask[] {
    return [...this.tasks.values()].filter((task) => task.status === "RUNNING");
  }

  /** As if the network were cut, or the process stopped: nothing is read, answered or reported until `heal`. */
  cut(): void {
    this.#isCut = true;
    this.#socket?.pause();
  }

  heal(): void {
    this.#isCut = false;
    this.#socket?.resume();
  }

  /** As if the process were killed and started again with its state: the connection ends, and a new one is opened. */
  async restart(downMs: number): Promise<void> {
    const before = this.#socket;
    this.#socket = undefined;
    before?.terminate();
    await new Promise((resolve) => setTimeout(resolve, downMs));
    await this.#register();
    await this.#connect();
  }

  stop(): void {
    this.#isStopped = true;
    this.#socket?.terminate();
    this.#client.close();
  }

  async #register(): Promise<void> {
    const { cluster, instanceId, privateIp = "127.0.0.1", cpu = 4096, memoryMiB = 8192 } = this.#options;
    const answer = await this.#client.ecs("RegisterContainerInstance", {
      cluster,
      ...(this.#arn === "" ? {} : { containerInstanceArn: this.#arn }),
      instanceIdentityDocument: JSON.stringify({ instanceId, privateIp }),
      totalResources: [
        { name: "CPU", type: "INTEGER", integerValue: cpu },
        { name: "MEMORY", type: "INTEGER", integerValue: memoryMiB },
      ],
      attributes: CAPABILITIES.map((name) => ({ name })),
    });
    this.#arn = answer.containerInstance?.containerInstanceArn ?? "";
    const poll = await this.#client.ecs("DiscoverPollEndpoint", { containerInstance: this.#arn, cluster });
    this.#acsUrl = `${poll.endpoint?.replace(/^http/, "ws")}/ws`;
  }

  async #connect(): Promise<void> {
    const url = new URL(this.#acsUrl);
    const query = {
      agentHash: "simulated",
      agentVersion: "1.0.0",
      clusterArn: this.#options.cluster ?? "default",
      containerInstanceArn: this.#arn,
      dockerVersion: "DockerVersion: none",
      protocolVersion: "2",
      sendCredentials: "true",
      seqNum: "1",
    };
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
    const { credentials, region } = this.#options;
    const headers = signRequest({ method: "GET", url, credentials, region, service: "ecs", now: Date.now() });
    const socket = new WebSocket(url, { headers });
    this.#socket = socket;
    socket.on("message", (data) => this.#receive(String(data)));
    socket.on("close", () => this.#lost(socket));
    await new Promise<void>((resolve, reject) => {
      socket.once("open", () => resolve());
      socket.once("error", reject);
    });
    socket.on("error", () => undefined);
  }

  #lost(socket: WebSocket): void {
    if (this.#isStopped || this.#socket !== socket) return;
    setTimeout(() => {
      if (this.#isStopped || this.#socket !== socket) return;
      if (this.#isCut) this.#lost(socket);
      else this.#connect().catch(() => undefined);
    }, RECONNECT_MS);
  }

  #send(type: string, message: object): void {
    this.#socket?.send(JSON.stringify({ type, message }));
  }

  #receive(text: string): void {
    const { type, message } = JSON.parse(text) as { type: string; message: Record<string, unknown> };
    this.received.push({ type, message });
    const { messageId } = message;
    switch (type) {
      case "HeartbeatMessage":
        this.#send("HeartbeatAckRequest", { messageId });
        break;
      case "PayloadMessage":
        for (const task of message.tasks as PayloadTask[]) this.#order(task);
        this.#send("AckRequest", { messageId, cluster: message.clusterArn, containerInstance: this.#arn });
        break;
      case "TaskManifestMessage":
        this.#compare(messageId, message.tasks as PayloadTask[]);
        break;
      case "TaskStopVerificationAck":
        for (const { taskArn } of message.stopTasks as { taskArn: string }[]) this.#end(taskArn);
        break;
    }
  }

  #compare(messageId: unknown, listed: readonly PayloadTask[]): void {
    this.#send("AckRequest", { messageId });
    const wanted = new Set(listed.filter((t) => t.desiredStatus === "RUNNING").map((t) => t.taskArn));
    const stopCandidates = [...this.tasks.values()]
      .filter((task) => task.status !== "STOPPED" && !wanted.has(task.arn))
      .map(({ arn }) => ({ taskArn: arn, desiredStatus: "STOPPED" }));
    if (stopCandidates.length > 0) this.#send("TaskStopVerificationMessage", { messageId, stopCandidates });
  }

  #order(said: PayloadTask): void {
    const arn = said.arn ?? "";
    if (said.desiredStatus === "STOPPED") {
      this.#end(arn);
      return;
    }
    const known = this.tasks.get(arn);
    if (known !== undefined) {
      known.starts++;
      return;
    }
    this.tasks.set(arn, { arn, status: "PENDING", starts: 1, payload: said });
    this.#later(this.#options.startMs ?? 0, arn, "RUNNING");
  }

  #end(arn: string): void {
    if (!this.tasks.has(arn)) this.tasks.set(arn, { arn, status: "PENDING", starts: 0, payload: {} });
    this.#later(this.#options.stopMs ?? 0, arn, "STOPPED");
  }

  /** Makes it so, and reports it until the report is taken. */
  #later(ms: number, arn: string, status: "RUNNING" | "STOPPED"): void {
    setTimeout(() => {
      if (this.#isStopped) return;
      if (this.#isCut) {
        this.#later(RECONNECT_MS, arn, status);
        return;
      }
      const task = this.tasks.get(arn);
      if (task === undefined || task.status === "STOPPED") return;
      this.#become(task, status).catch(() => this.#later(RECONNECT_MS, arn, status));
    }, ms);
  }

  async #become(task: SimulatedTask, status: "RUNNING" | "STOPPED"): Promise<void> {
    const { containers } = this.#options;
    if (status === "RUNNING") {
      task.hostPort ??= await containers?.start(task.arn);
      task.status = "RUNNING";
      return this.#report(task, status);
    }
    await containers?.stop(task.arn);
    await this.#report(task, status);
    task.status = "STOPPED"; // and not before: a report that is lost is made again
  }

  async #report(task: SimulatedTask, status: "RUNNING" | "STOPPED"): Promise<void> {
    await this.#client.ecs("SubmitTaskStateChange", {
      cluster: this.#options.cluster,
      task: task.arn,
      status,
      containers: (task.payload.containers ?? []).map(({ name }) => ({
        containerName: name,
        status,
        runtimeId: `${name}-of-${task.arn.slice(-8)}`,
        ...(task.hostPort === undefined ? {} : { networkBindings: bindings(task.hostPort) }),
        ...(status === "STOPPED" ? { exitCode: 0 } : {}),
      })),
    });
  }
}

const bindings = (hostPort: number) => [{ bindIP: "0.0.0.0", containerPort: 80, hostPort, protocol: "tcp" as const }];

interface PayloadTask {
  readonly arn?: string;
  readonly taskArn?: string;
  readonly desiredStatus: string;
  readonly containers?: readonly { readonly name: string }[];
}

/** What an ordinary task definition requires. */
const CAPABILITIES = ["1.17", "1.18", "1.19", "1.21", "1.24", "1.25", "1.29"]
  .map((version) => `com.amazonaws.ecs.capability.docker-remote-api.${version}`)
  .concat([
    "com.amazonaws.ecs.capability.logging-driver.json-file",
    "ecs.capability.container-health-check",
    "ecs.capability.container-ordering",
    "ecs.capability.task-cpu-mem-limit",
  ]);
