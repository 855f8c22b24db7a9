import assert from "node:assert/strict";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { type WebSocket, WebSocketServer } from "ws";
import { systemClock } from "../../src/runtime/clock.ts";
import { createVerifier } from "../../src/wire/sigv4.ts";

/** What an agent was last heard to say of a task. */
export interface SubmittedTask {
  readonly task: string;
  readonly status: string;
  readonly reason: string;
  readonly containers: readonly {
    readonly containerName: string;
    readonly runtimeId?: string;
    readonly status: string;
    readonly exitCode?: number;
    readonly reason?: string;
    readonly networkBindings?: readonly { readonly containerPort: number; readonly hostPort: number }[];
  }[];
}

export const TEST_KEY = { accessKeyId: "AKIATEST", secretAccessKey: "secret" };
export const INSTANCE_ARN = "arn:aws:ecs:us-east-1:000000000000:container-instance/default/0123456789abcdef";

/** A control plane of a few lines, to hold an agent against the protocol: it signs for nothing but what the agent says. */
export class FakeEcs {
  readonly registrations: Record<string, unknown>[] = [];
  readonly submitted: SubmittedTask[] = [];
  readonly acs: { type: string; message: Record<string, unknown> }[] = [];
  readonly tcs: { type: string; message: Record<string, unknown> }[] = [];
  readonly problems: string[] = [];
  /** Answers to SubmitTaskStateChange fail with this while it is set. */
  failSubmits: string | undefined;
  /** While set, its container instance is deregistered: registrations and upgrades are refused as ECS does it. */
  inactive = false;
  /** How many upgrades were refused so. */
  refusedUpgrades = 0;
  #sockets = new Set<Socket>();
  #acsSocket: WebSocket | undefined;
  #seqNum = 1;
  #server = createServer(
    (request, response) =>
      void this.#answer(request).then(({ status, body }) => response.writeHead(status).end(JSON.stringify(body))),
  );
  #port = 0;
  #verifier = createVerifier({
    region: "us-east-1",
    clock: systemClock(),
    authenticate: (id) =>
      id === TEST_KEY.accessKeyId ? { secretAccessKey: TEST_KEY.secretAccessKey, principal: id } : undefined,
  });

  get endpoint(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  async listen(): Promise<void> {
    const sockets = new WebSocketServer({ noServer: true });
    this.#server = createServer((request, response) => {
      void this.#answer(request).then(({ status, body }) => response.writeHead(status).end(JSON.stringify(body)));
    });
    this.#server.on("connection", (socket) => {
      this.#sockets.add(socket);
      socket.on("close", () => this.#sockets.delete(socket));
    });
    this.#server.on("upgrade", (request, socket, head) => {
      this.#check(request, "");
      if (this.inactive) {
        this.refusedUpgrades++;
        const body = '{"InactiveInstanceException":"The container instance is deregistered."}';
        socket.end(`HTTP/1.1 400 Bad Request\r\ncontent-length: ${body.length}\r\nconnection: close\r\n\r\n${body}`);
        return;
      }
      sockets.handleUpgrade(request, socket, head, (client) => this.#session(request, client));
    });
    await new Promise<void>((resolve) => this.#server.listen(this.#port, "127.0.0.1", resolve));
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  /** As a killed server does it: all connections break, nobody listens. */
  async drop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
    this.#acsSocket = undefined;
  }

  connected(): boolean {
    return this.#acsSocket !== undefined;
  }

  send(type: string, message: object): void {
    assert.ok(this.#acsSocket, "no ACS session");
    this.#acsSocket.send(JSON.stringify({ type, message }));
  }

  sendRaw(text: string): void {
    this.#acsSocket?.send(text);
  }

  /** Sends a payload and returns its message id. */
  payload(...tasks: object[]): string {
    const messageId = `payload-${++this.#seqNum}`;
    this.send("PayloadMessage", {
      clusterArn: "default",
      containerInstanceArn: INSTANCE_ARN,
      messageId,
      seqNum: this.#seqNum,
      tasks,
    });
    return messageId;
  }

  manifest(...running: string[]): string {
    const messageId = `manifest-${++this.#seqNum}`;
    const tasks = running.map((taskArn) => ({ taskArn, taskClusterArn: "default", desiredStatus: "RUNNING" }));
    this.send("TaskManifestMessage", {
      clusterArn: "default",
      containerInstanceArn: INSTANCE_ARN,
      messageId,
      generatedAt: 1,
      timeline: this.#seqNum,
      tasks,
    });
    return messageId;
  }

  /** The last that was heard of a task. */
  heard(arn: string): SubmittedTask | undefined {
    return this.submitted.findLast((it) => it.task === arn);
  }

  async until(arn: string, status: string, limitMs = 20_000): Promise<SubmittedTask> {
    await waitUntil(
      `${arn} is ${status}; heard ${JSON.stringify(this.heard(arn))}`,
      () => this.heard(arn)?.status === status,
      limitMs,
    );
    return this.heard(arn)!;
  }

  async #answer(request: IncomingMessage): Promise<{ status: number; body: unknown }> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString();
    this.#check(request, text);
    const input = JSON.parse(text) as Record<string, unknown>;
    const operation = String(request.headers["x-amz-target"]).split(".")[1];
    if (operation === "RegisterContainerInstance") {
      if (this.inactive) {
        const message = `The container instance ${input.containerInstanceArn} is deregistered.`;
        return { status: 400, body: { __type: "ClientException", message } };
      }
      this.registrations.push(input);
      return {
        status: 200,
        body: { containerInstance: { containerInstanceArn: INSTANCE_ARN, attributes: input.attributes } },
      };
    }
    if (operation === "DiscoverPollEndpoint")
      return { status: 200, body: { endpoint: this.endpoint, telemetryEndpoint: this.endpoint } };
    if (operation === "SubmitTaskStateChange") {
      if (this.failSubmits)
        return {
          status: this.failSubmits === "ServerException" ? 500 : 400,
          body: { __type: this.failSubmits, message: "no" },
        };
      this.submitted.push(input as unknown as SubmittedTask);
      return { status: 200, body: { acknowledgment: "" } };
    }
    this.problems.push(`unexpected ${operation}`);
    return { status: 400, body: { __type: "ClientException", message: "unexpected" } };
  }

  #session(request: IncomingMessage, client: WebSocket): void {
    const query = new URL(request.url ?? "", "http://h").searchParams;
    const isAcs = query.has("containerInstanceArn");
    const beat = setInterval(
      () => client.send(JSON.stringify({ type: "HeartbeatMessage", message: { healthy: true, messageId: "beat" } })),
      1000,
    );
    client.on("close", () => clearInterval(beat));
    client.on("message", (data) => {
      const text = String(data);
      if (isAcs) this.acs.push(JSON.parse(text));
      else this.tcs.push(JSON.parse(this.#verifiedFrame(request.url ?? "", text)));
    });
    if (isAcs) {
      this.#acsSocket = client;
      client.on("close", () => {
        if (this.#acsSocket === client) this.#acsSocket = undefined;
      });
    }
  }

  /** A TCS frame's JSON; notes a wrong signature. */
  #verifiedFrame(url: string, text: string): string {
    const [head = "", body = ""] = text.split("\r\n\r\n", 2);
    const headers = Object.fromEntries(
      head
        .split("\r\n")
        .map((line) => [line.slice(0, line.indexOf(":")).toLowerCase(), line.slice(line.indexOf(":") + 2)]),
    );
    this.#check({ method: "GET", url, headers }, body);
    return body;
  }

  #check(request: Pick<IncomingMessage, "method" | "url" | "headers">, body: string): void {
    try {
      this.#verifier
        .open({ method: request.method ?? "", url: request.url ?? "", headers: request.headers }, "ecs")
        .verify(Buffer.from(body));
    } catch (error) {
      this.problems.push(`${request.url}: ${error}`);
    }
  }
}

export async function waitUntil(what: string, holds: () => boolean, limitMs = 20_000): Promise<void> {
  const deadline = performance.now() + limitMs;
  while (!holds()) {
    assert.ok(performance.now() < deadline, `never: ${what}`);
    await sleep(20);
  }
}
