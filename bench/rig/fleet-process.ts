import { capabilityAttributes, LOGGING_DRIVERS } from "../../src/agent/capabilities.ts";
import { FrameSocket } from "./frame-socket.ts";
import { type Caller, CallWriter, SignedConnection } from "./signed-http.ts";

/** What the fleet's process is told. */
export type FleetRequest =
  | {
      readonly kind: "open";
      readonly caller: Caller;
      readonly first: number;
      readonly count: number;
      /** Between a payload and RUNNING, in milliseconds. */
      readonly startMs: number;
    }
  | { readonly kind: "usage" }
  | { readonly kind: "close" };

/** What it answers. `running`: so many more tasks are RUNNING, acknowledged by the control plane. */
export type FleetReply =
  | { readonly kind: "opened" }
  | { readonly kind: "running"; readonly count: number }
  | { readonly kind: "usage"; readonly cpuSeconds: number; readonly rssMiB: number; readonly lost: number }
  | { readonly kind: "failed"; readonly problem: string };

/** Agents that join at the same time. */
const JOINING = 32;
/** How often the parent is told of progress. */
const TELL_MS = 10;
/** More than any size measured here needs. */
const CPU = 1_048_576;
const MEMORY_MIB = 4_194_304;

const CAPABILITIES = capabilityAttributes({
  apiVersion: "1.47",
  volumeDrivers: ["local"],
  loggingDrivers: LOGGING_DRIVERS,
  taskLimits: true,
  architecture: "x64",
});
const CLUSTER = "default";

let running = 0;
let told = 0;

function reply(message: FleetReply): void {
  process.send?.(message);
}

interface PayloadMessage {
  readonly type: string;
  readonly message: {
    readonly messageId?: string;
    readonly tasks?: readonly {
      readonly arn: string;
      readonly desiredStatus: string;
      readonly containers?: readonly { readonly name: string }[];
    }[];
  };
}

/** An agent without containers: registered, with both sessions, and it reports each task RUNNING once. */
class LightAgent {
  readonly #http: SignedConnection;
  readonly #startMs: number;
  #arn = "";
  #acs: FrameSocket | undefined;
  #tcs: FrameSocket | undefined;
  readonly #known = new Set<string>();

  constructor(caller: Caller, writer: CallWriter, startMs: number) {
    this.#http = new SignedConnection(caller, writer);
    this.#startMs = startMs;
  }

  async join(caller: Caller, number: number): Promise<void> {
    const id = number.toString(16).padStart(17, "0");
    const answer = await this.#http.call<{ containerInstance: { containerInstanceArn: string } }>(
      "RegisterContainerInstance",
      {
        cluster: CLUSTER,
        instanceIdentityDocument: JSON.stringify({ instanceId: `i-${id}`, privateIp: "127.0.0.1" }),
        totalResources: [
          { name: "CPU", type: "INTEGER", integerValue: CPU },
          { name: "MEMORY", type: "INTEGER", integerValue: MEMORY_MIB },
        ],
        attributes: [...CAPABILITIES, { name: "rack", value: `r${number % 40}` }],
      },
    );
    this.#arn = answer.containerInstance.containerInstanceArn;
    await this.#http.call("DiscoverPollEndpoint", { containerInstance: this.#arn, cluster: CLUSTER });
    const who = { agentHash: "light", agentVersion: "1.0.0" };
    const acs = {
      ...{ ...who, clusterArn: CLUSTER, containerInstanceArn: this.#arn, dockerVersion: "DockerVersion: none" },
      ...{ protocolVersion: "2", sendCredentials: "true", seqNum: "1" },
    };
    this.#acs = await FrameSocket.open(caller, "/acs/ws", acs, (text) => this.#take(text));
    const tcs = { ...who, cluster: CLUSTER, containerInstance: this.#arn, dockerVersion: "none" };
    this.#tcs = await FrameSocket.open(caller, "/tcs/ws", tcs, () => undefined);
  }

  get isConnected(): boolean {
    return this.#acs?.isOpen === true && this.#tcs?.isOpen === true;
  }

  close(): void {
    this.#acs?.close();
    this.#tcs?.close();
    this.#http.close();
  }

  #take(text: string): void {
    const { type, message } = JSON.parse(text) as PayloadMessage;
    const { messageId } = message;
    if (type === "HeartbeatMessage") this.#send("HeartbeatAckRequest", messageId);
    else if (type === "PayloadMessage" || type === "TaskManifestMessage") this.#send("AckRequest", messageId);
    if (type !== "PayloadMessage") return;
    for (const { arn, desiredStatus, containers = [] } of message.tasks ?? []) {
      if (desiredStatus !== "RUNNING" || this.#known.has(arn)) continue;
      this.#known.add(arn);
      const names = containers.map((c) => c.name);
      setTimeout(() => void this.#report(arn, names), this.#startMs);
    }
  }

  #send(type: string, messageId: string | undefined): void {
    this.#acs?.send(
      `{"type":"${type}","message":{"messageId":"${messageId}","cluster":"${CLUSTER}","containerInstance":"${this.#arn}"}}`,
    );
  }

  /** As an agent reports a task with one bridge-mode port. */
  async #report(arn: string, names: readonly string[]): Promise<void> {
    const id = arn.slice(-32);
    const now = Date.now() / 1000;
    const bindings = `[{"bindIP":"0.0.0.0","containerPort":80,"hostPort":${32768 + (this.#known.size % 28000)},"protocol":"tcp"}]`;
    const containers = names.map(
      (name) =>
        `{"containerName":"${name}","status":"RUNNING","runtimeId":"${id}${id}","imageDigest":"sha256:${id}${id}","networkBindings":${bindings}}`,
    );
    const body = `{"cluster":"${CLUSTER}","task":"${arn}","status":"RUNNING","pullStartedAt":${now},"pullStoppedAt":${now},"containers":[${containers.join(",")}]}`;
    try {
      const { status, body: answer } = await this.#http.post("SubmitTaskStateChange", body);
      if (status === 200) running++;
      else fail(`a report was refused: HTTP ${status} ${answer}`);
    } catch (error) {
      fail(`a report was lost: ${String(error)}`);
    }
  }
}

function fail(text: string): void {
  reply({ kind: "failed", problem: text });
}

const agents: LightAgent[] = [];

async function open({ caller, first, count, startMs }: Extract<FleetRequest, { kind: "open" }>): Promise<void> {
  const writer = new CallWriter(caller);
  let next = first;
  const joiner = async () => {
    while (next < first + count) {
      const agent = new LightAgent(caller, writer, startMs);
      agents.push(agent);
      await agent.join(caller, next++);
    }
  };
  await Promise.all(Array.from({ length: JOINING }, joiner));
  setInterval(() => {
    if (running > told) reply({ kind: "running", count: running - told });
    told = running;
  }, TELL_MS);
  reply({ kind: "opened" });
}

process.on("message", (request: FleetRequest) => {
  switch (request.kind) {
    case "open":
      open(request).catch((error: unknown) => fail(String(error)));
      return;
    case "usage": {
      const { user, system } = process.cpuUsage();
      const lost = agents.filter((agent) => !agent.isConnected).length;
      reply({ kind: "usage", cpuSeconds: (user + system) / 1e6, rssMiB: process.memoryUsage.rss() / 2 ** 20, lost });
      return;
    }
    case "close":
      for (const agent of agents) agent.close();
      process.exit(0);
  }
});
process.on("disconnect", () => process.exit(0)); // the parent is gone
