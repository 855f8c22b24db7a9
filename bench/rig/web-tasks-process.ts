import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Credentials } from "../../src/wire/client.ts";
import { SimulatedAgent, type SimulatedContainers } from "../../test/rig/simulated-agent.ts";

/** What the process of web tasks is told. */
export type WebTasksRequest =
  | {
      readonly kind: "open";
      readonly endpoint: string;
      readonly region: string;
      readonly credentials: Credentials;
      readonly hosts: number;
    }
  | { readonly kind: "counts" }
  | { readonly kind: "close" };

/** What came of the tasks so far. */
export interface WebTasksCounts {
  /** Requests that came to a task after it was told to stop. */
  readonly late: number;
  /** Tasks that did not end within their stop timeout and were killed. */
  readonly killed: number;
}

export type WebTasksReply =
  | { readonly kind: "opened" }
  | ({ readonly kind: "counts" } & WebTasksCounts)
  | { readonly kind: "failed"; readonly problem: string };

/** Between two parts of an answer that streams. */
const PART_MS = 250;
/** As ECS's default: then a task is killed. */
const STOP_TIMEOUT_MS = 30_000;
/** Longer than the load balancer keeps a connection, as the load balancer's documentation asks of applications. */
const KEEP_ALIVE_MS = 65_000;

const counts = { late: 0, killed: 0 };

/**
 * The tasks of one host: each a web server on a port of its own, which behaves as an application should when it is told to stop. It
 * takes no new connection, finishes what is under way, and ends.
 */
class WebTasks implements SimulatedContainers {
  readonly #address: string;
  readonly #servers = new Map<string, Server>();

  constructor(address: string) {
    this.#address = address;
  }

  async start(taskArn: string): Promise<number> {
    const server = createServer((request, response) => {
      if (request.url === "/health") return response.end();
      if (!server.listening) counts.late += 1;
      answer(request, response);
    });
    server.keepAliveTimeout = KEEP_ALIVE_MS;
    server.listen(0, this.#address);
    await once(server, "listening");
    this.#servers.set(taskArn, server);
    return (server.address() as AddressInfo).port;
  }

  async stop(taskArn: string): Promise<void> {
    const server = this.#servers.get(taskArn);
    if (server === undefined || !server.listening) return;
    const ended = new Promise((resolve) => server.close(resolve));
    const limit = setTimeout(() => {
      counts.killed += 1;
      server.closeAllConnections();
    }, STOP_TIMEOUT_MS);
    await ended;
    clearTimeout(limit);
    this.#servers.delete(taskArn);
  }
}

/** `?ms=N`: an answer that streams for so long; else a short one, when the whole request is there. */
function answer(request: IncomingMessage, response: ServerResponse): void {
  const ms = Number(new URL(request.url ?? "/", "http://task").searchParams.get("ms") ?? 0);
  request.resume();
  request.on("end", () => {
    if (ms === 0) return response.end("done");
    const until = performance.now() + ms;
    const next = () => {
      if (performance.now() >= until) return response.end("done");
      response.write("part\n");
      setTimeout(next, PART_MS);
    };
    next();
  });
}

const agents: SimulatedAgent[] = [];

async function open({ endpoint, region, credentials, hosts }: Extract<WebTasksRequest, { kind: "open" }>) {
  for (let number = 1; number <= hosts; number += 1) {
    const privateIp = `127.0.1.${number}`;
    const instanceId = `i-${number.toString(16).padStart(17, "0")}`;
    const containers = new WebTasks(privateIp);
    agents.push(await SimulatedAgent.start({ endpoint, region, credentials, instanceId, privateIp, containers }));
  }
  reply({ kind: "opened" });
}

function reply(message: WebTasksReply): void {
  process.send?.(message);
}

process.on("message", (request: WebTasksRequest) => {
  switch (request.kind) {
    case "open":
      open(request).catch((error: unknown) => reply({ kind: "failed", problem: String(error) }));
      return;
    case "counts":
      reply({ kind: "counts", ...counts });
      return;
    case "close":
      for (const agent of agents) agent.stop();
      process.exit(0);
  }
});
process.on("disconnect", () => process.exit(0)); // the parent is gone
