import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import WebSocket from "ws";
import type { ContainerInstanceRecord, OccupiedInstance } from "../model/container-instance.ts";
import { NO_RESOURCES } from "../model/resources.ts";
import type { TaskRecord } from "../model/task.ts";
import type { TaskDefinitionRecord } from "../model/task-definition.ts";
import { systemClock } from "../runtime/clock.ts";
import { silentLog } from "../runtime/log.ts";
import { seededRandom } from "../runtime/random.ts";
import { launchTask, newTask } from "../state/index.ts";
import { type BerthStore, MemoryDisk, MemoryJournal, openStore, SCHEMA } from "../store/index.ts";
import { clusterArn, containerInstanceArn, taskDefinitionArn } from "../wire/arn.ts";
import { signRequest } from "../wire/sigv4.ts";
import { createGateway, type Gateway, type GatewaySettings } from "./index.ts";

const SCOPE = { region: "us-east-1", accountId: "000000000000" };
const KEY = { accessKeyId: "AKIATEST", secretAccessKey: "secret" };
export const CLUSTER = clusterArn(SCOPE, { clusterName: "default" });

export const INSTANCE: OccupiedInstance = {
  arn: containerInstanceArn(SCOPE, { clusterName: "default", containerInstanceId: "1".repeat(32) }),
  clusterArn: CLUSTER,
  status: "ACTIVE",
  agentConnected: false,
  connectivityChangedAt: 0,
  registered: { ...NO_RESOURCES, cpu: 4096, memoryMiB: 8192 },
  used: NO_RESOURCES,
  attributes: [],
  registeredAt: 0,
  version: 1,
  sequence: 0,
  tags: {},
};

export const DEFINITION: TaskDefinitionRecord = {
  arn: taskDefinitionArn(SCOPE, { family: "web", revision: 1 }),
  family: "web",
  revision: 1,
  status: "ACTIVE",
  definition: {
    family: "web",
    containerDefinitions: [{ name: "web", image: "web:1", memory: 64, healthCheck: { command: ["CMD", "true"] } }],
  },
  registeredAt: 0,
  registeredBy: "test",
  tags: {},
};

/** A gateway on a loopback port, over a store in memory with one instance and one task definition. */
export interface GatewayRig {
  readonly store: BerthStore;
  readonly gateway: Gateway;
  /** Launches `count` tasks on the instance in one transaction. */
  launch(count: number): Promise<TaskRecord[]>;
  task(arn: string): TaskRecord;
  instance(): ContainerInstanceRecord;
  connect(options?: FakeAgentOptions): Promise<FakeAgent>;
  close(): Promise<void>;
}

export interface FakeAgentOptions {
  readonly path?: "/acs/ws" | "/tcs/ws" | "/other/ws";
  readonly secretAccessKey?: string;
  readonly unsigned?: boolean;
  readonly query?: Readonly<Record<string, string>>;
}

export async function gatewayRig(settings: Partial<GatewaySettings> = {}): Promise<GatewayRig> {
  const clock = systemClock();
  const random = seededRandom(1);
  const log = silentLog();
  const journal = new MemoryJournal({ disk: new MemoryDisk(), clock });
  const store = await openStore({ schema: SCHEMA, journal, log });
  await store.transact("arrange", (tx) => {
    const { used: _, ...record } = INSTANCE;
    tx.containerInstances.put(record);
    tx.taskDefinitions.put(DEFINITION);
  });
  const gateway = createGateway({
    store,
    clock,
    random,
    log,
    region: SCOPE.region,
    authenticate: (id) =>
      id === KEY.accessKeyId ? { secretAccessKey: KEY.secretAccessKey, principal: "test" } : undefined,
    settings,
  });
  const http = createServer();
  http.on("upgrade", (request, socket, head) => gateway.handleUpgrade(request, socket, head));
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  const endpoint = `ws://127.0.0.1:${(http.address() as AddressInfo).port}`;
  const agents: FakeAgent[] = [];
  return {
    store,
    gateway,
    launch: (count) =>
      store.transact("launch", (tx) =>
        Array.from({ length: count }, () => {
          const order = {
            clusterArn: CLUSTER,
            definition: DEFINITION,
            instance: INSTANCE,
            group: "family:web",
            tags: {},
          };
          return launchTask(tx, newTask(order, { now: clock.now(), random }));
        }),
      ),
    task: (arn) => present(store.view.tasks.get(arn)),
    instance: () => present(store.view.containerInstances.get(INSTANCE.arn)),
    connect: async (options = {}) => {
      const agent = await FakeAgent.connect(endpoint, options);
      agents.push(agent);
      return agent;
    },
    close: async () => {
      for (const agent of agents) agent.socket.terminate();
      await gateway.close();
      http.close();
      http.closeAllConnections();
      await store.close();
    },
  };
}

function present<T>(value: T | undefined): T {
  if (value === undefined) throw new Error("it is not there");
  return value;
}

export interface Received {
  readonly type: string;
  // biome-ignore lint/suspicious/noExplicitAny: a test looks into messages of every kind
  readonly message: any;
}

/** A websocket that says only what a test tells it to. */
export class FakeAgent {
  readonly received: Received[] = [];
  readonly socket: WebSocket;
  closed: { readonly code: number; readonly reason: string } | undefined;

  private constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on("message", (data) => void this.received.push(JSON.parse(String(data)) as Received));
    socket.on("error", () => undefined);
    socket.on("close", (code, reason) => {
      this.closed = { code, reason: reason.toString() };
    });
  }

  /** Rejects with the answer's status and body if the upgrade is refused. */
  static async connect(endpoint: string, options: FakeAgentOptions): Promise<FakeAgent> {
    const { path = "/acs/ws" } = options;
    const url = new URL(path, endpoint);
    const name = path === "/tcs/ws" ? "containerInstance" : "containerInstanceArn";
    const query = {
      agentVersion: "1.2.3",
      dockerVersion: "DockerVersion: 27.0",
      [name]: INSTANCE.arn,
      ...options.query,
    };
    for (const [key, value] of Object.entries(query)) url.searchParams.set(key, value);
    const credentials = { ...KEY, secretAccessKey: options.secretAccessKey ?? KEY.secretAccessKey };
    const signed = { method: "GET", url, credentials, region: SCOPE.region, service: "ecs", now: Date.now() };
    const socket = new WebSocket(url, options.unsigned === true ? {} : { headers: signRequest(signed) });
    const agent = new FakeAgent(socket);
    await new Promise<void>((resolve, reject) => {
      socket.once("open", () => resolve());
      socket.once("unexpected-response", (_request, response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("end", () => reject(new Error(`${response.statusCode} ${Buffer.concat(chunks)}`)));
      });
    });
    return agent;
  }

  say(type: string, message: object, head = ""): void {
    this.socket.send(head + JSON.stringify({ type, message }));
  }

  of(type: string): Received["message"][] {
    return this.received.filter((r) => r.type === type).map((r) => r.message);
  }

  /** Waits until `count` messages of a type have come, and answers them. */
  async expect(type: string, count = 1): Promise<Received["message"][]> {
    await until(() => this.of(type).length >= count, `${count} ${type}, got ${this.received.map((r) => r.type)}`);
    return this.of(type);
  }
}

/** How long a state may take to come on a machine that is busy with other tests; it comes within milliseconds elsewhere. */
const LIMIT_S = 30;

/** Waits for a state, 30 s at most. */
export async function until(holds: () => boolean, what: string): Promise<void> {
  const deadline = Date.now() + LIMIT_S * 1000;
  while (!holds()) {
    if (Date.now() > deadline) throw new Error(`not within ${LIMIT_S} s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
