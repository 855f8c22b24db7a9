import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import {
  Agent,
  createServer,
  type IncomingHttpHeaders,
  type RequestOptions,
  request,
  type Server,
  type ServerResponse,
} from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import {
  type Balancer,
  type BalancerState,
  localLauncher,
  startBalancer,
  type TargetGroupState,
  type TargetReport,
  type TargetState,
} from "../src/balancer/index.ts";
import { systemClock } from "../src/runtime/clock.ts";
import { processLog } from "../src/runtime/log.ts";

export const clock = systemClock();
export const log = processLog("balancer-test", process.env.BALANCER_TEST_LOG ?? "silent");
export const HAPROXY = "/usr/sbin/haproxy";

/** What the running test must undo, newest first. */
export const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});
export const agent = new Agent({ keepAlive: true });
after(() => agent.destroy());

/** A web server that counts what it gets: health checks (`/health`) apart from requests. */
export async function startTarget(name: string, { status = 200, address = "127.0.0.1" } = {}) {
  const seen = { checks: 0, requests: 0, connections: 0, status };
  const waiting: ServerResponse[] = [];
  const server: Server = createServer((req, res) => {
    if (req.url === "/health") {
      seen.checks += 1;
      res.statusCode = seen.status;
      return res.end();
    }
    seen.requests += 1;
    if (req.url === "/login") res.setHeader("Set-Cookie", "session=1; Path=/");
    if (req.url === "/server") res.setHeader("Server", "a test");
    if (req.url === "/slow") waiting.push(res);
    else res.end(JSON.stringify({ name, headers: req.headers }));
  });
  server.keepAliveTimeout = 60_000;
  server.on("connection", () => {
    seen.connections += 1;
  });
  server.listen(0, address);
  await once(server, "listening");
  const close = () => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  };
  undo.push(close);
  const { port } = server.address() as AddressInfo;
  const state: TargetState = { id: name, address, port, draining: false };
  const answerSlow = () => {
    for (const res of waiting.splice(0)) res.end(JSON.stringify({ name, headers: {} }));
  };
  const breakSlow = () => {
    for (const res of waiting.splice(0)) res.destroy();
  };
  return { state, seen, close, answerSlow, breakSlow };
}

export const healthCheck: TargetGroupState["healthCheck"] = {
  enabled: true,
  protocol: "HTTP",
  port: "traffic-port",
  path: "/health",
  intervalSeconds: 0.3,
  timeoutSeconds: 1,
  healthyThreshold: 2,
  unhealthyThreshold: 2,
  matcher: "200",
};

export function stateOf(
  port: number,
  targets: readonly TargetState[],
  extra: Partial<TargetGroupState> = {},
): BalancerState {
  const forward = { type: "forward", targetGroups: [{ targetGroupId: "arn:tg/web", weight: 1 }] } as const;
  const group = { id: "arn:tg/web", protocol: "HTTP", algorithm: "round_robin", healthCheck, targets } as const;
  return {
    listeners: [
      {
        id: "web",
        protocol: "HTTP",
        address: "127.0.0.1",
        port,
        idleTimeoutSeconds: 60,
        rules: [],
        defaultAction: forward,
      },
    ],
    targetGroups: [{ ...group, ...extra }],
  };
}

export function newDir(): string {
  const dir = mkdtempSync(join(tmpdir(), "berth-balancer-"));
  undo.push(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

export async function start(dir = newDir()): Promise<Balancer> {
  const balancer = await startBalancer({ dir, launcher: localLauncher(HAPROXY), clock, log });
  undo.push(() => balancer.stop({ graceMs: 0 }));
  return balancer;
}

/** Waits until `done`, at most `ms`. Resolves with how long that took. */
export async function until(what: string, done: () => boolean | Promise<boolean>, ms = 5000): Promise<number> {
  const from = performance.now();
  while (!(await done())) {
    if (performance.now() - from > ms) assert.fail(`not within ${ms} ms: ${what}`);
    await sleep(10);
  }
  return performance.now() - from;
}

export const reportOf = (balancer: Balancer, id: string): TargetReport | undefined =>
  balancer.reports().find((report) => report.targetId === id);
export const untilState = (balancer: Balancer, id: string, state: TargetReport["state"], ms?: number) =>
  until(`${id} is ${state}`, () => reportOf(balancer, id)?.state === state, ms);
export const untilHealthy = (balancer: Balancer, count: number) =>
  until(`${count} are healthy`, () => balancer.reports().filter((r) => r.state === "healthy").length === count);

interface Answer {
  readonly status: number;
  readonly name?: string;
  readonly headers: Record<string, string>;
}

export function get(port: number, path = "/", options: { agent?: Agent; method?: string } = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const req = request(
      { host: "127.0.0.1", port, path, method: options.method, agent: options.agent ?? false },
      (res) => {
        let body = "";
        res.on("data", (chunk) => {
          body += chunk;
        });
        res.on("error", reject);
        res.on("end", () => {
          const told = body.startsWith("{") ? JSON.parse(body) : { headers: {} };
          resolve({ status: res.statusCode ?? 0, ...told });
        });
      },
    );
    req.on("error", reject);
    req.end();
  });
}

export interface RawAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** Sends one request and resolves with the answer as it comes, whoever gave it. */
export function ask(port: number, path: string, options: RequestOptions = {}): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const req = request({ host: "127.0.0.1", port, path, agent: false, ...options }, (res) => {
      let body = "";
      res.on("data", (chunk) => {
        body += chunk;
      });
      res.on("error", reject);
      res.on("end", () => resolve({ status: res.statusCode ?? 0, headers: res.headers, body }));
    });
    req.on("error", reject);
    req.end();
  });
}

/** Sends requests one after another on `lanes` lanes until stopped; on fresh and on kept connections. */
export function load(port: number, lanes = 4) {
  const counts = { sent: 0, failures: [] as string[], byName: new Map<string, number>() };
  let running = true;
  const lane = async (index: number) => {
    while (running) {
      counts.sent += 1;
      try {
        const answer = await get(port, "/", index % 2 === 0 ? { agent } : {});
        if (answer.status !== 200) counts.failures.push(`status ${answer.status}`);
        counts.byName.set(answer.name ?? "", 1 + (counts.byName.get(answer.name ?? "") ?? 0));
      } catch (error) {
        counts.failures.push(String(error));
      }
      await sleep(2);
    }
  };
  const lanesDone = Promise.all(Array.from({ length: lanes }, (_, index) => lane(index)));
  const stop = async () => {
    running = false;
    await lanesDone;
    return counts;
  };
  undo.push(stop);
  return { counts, stop };
}
