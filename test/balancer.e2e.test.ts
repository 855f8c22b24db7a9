import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { Agent, createServer, request, type Server } from "node:http";
import { type AddressInfo, connect, createServer as createTcpServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { renderConfiguration } from "../src/balancer/configuration.ts";
import { ConfigurationRefused, HaproxyProcess } from "../src/balancer/haproxy.ts";
import {
  type Balancer,
  type BalancerState,
  localLauncher,
  startBalancer,
  type TargetGroupState,
  type TargetReport,
  type TargetState,
} from "../src/balancer/index.ts";
import { frontendName } from "../src/balancer/names.ts";
import { systemClock } from "../src/runtime/clock.ts";
import { processLog } from "../src/runtime/log.ts";

const clock = systemClock();
const log = processLog("balancer-test", process.env.BALANCER_TEST_LOG ?? "silent");
const HAPROXY = "/usr/sbin/haproxy";

/** What the running test must undo, newest first. */
const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});
const agent = new Agent({ keepAlive: true });
after(() => agent.destroy());

/** A web server that counts what it gets: health checks (`/health`) apart from requests. */
async function startTarget(name: string, { status = 200 } = {}) {
  const seen = { checks: 0, requests: 0, status };
  const waiting: (() => void)[] = [];
  const server: Server = createServer((req, res) => {
    if (req.url === "/health") {
      seen.checks += 1;
      res.statusCode = seen.status;
      return res.end();
    }
    seen.requests += 1;
    const answer = () => res.end(JSON.stringify({ name, headers: req.headers }));
    if (req.url === "/slow") waiting.push(answer);
    else answer();
  });
  server.keepAliveTimeout = 60_000;
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const close = () => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  };
  undo.push(close);
  const { port } = server.address() as AddressInfo;
  const state: TargetState = { id: name, address: "127.0.0.1", port, draining: false };
  const answerSlow = () => {
    for (const answer of waiting.splice(0)) answer();
  };
  return { state, seen, close, answerSlow };
}

async function freePort(): Promise<number> {
  const server = createTcpServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

const healthCheck: TargetGroupState["healthCheck"] = {
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

function stateOf(port: number, targets: readonly TargetState[], extra: Partial<TargetGroupState> = {}): BalancerState {
  const forward = { type: "forward", targetGroups: [{ targetGroupId: "arn:tg/web", weight: 1 }] } as const;
  const group = { id: "arn:tg/web", protocol: "HTTP", algorithm: "round_robin", healthCheck, targets } as const;
  return {
    listeners: [
      { id: "web", protocol: "HTTP", address: "127.0.0.1", port, idleTimeoutSeconds: 60, defaultAction: forward },
    ],
    targetGroups: [{ ...group, ...extra }],
  };
}

function newDir(): string {
  const dir = mkdtempSync(join(tmpdir(), "berth-balancer-"));
  undo.push(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

async function start(dir = newDir()): Promise<Balancer> {
  const balancer = await startBalancer({ dir, launcher: localLauncher(HAPROXY), clock, log });
  undo.push(() => balancer.stop({ graceMs: 0 }));
  return balancer;
}

/** Waits until `done`, at most `ms`. Resolves with how long that took. */
async function until(what: string, done: () => boolean | Promise<boolean>, ms = 5000): Promise<number> {
  const from = performance.now();
  while (!(await done())) {
    if (performance.now() - from > ms) assert.fail(`not within ${ms} ms: ${what}`);
    await sleep(10);
  }
  return performance.now() - from;
}

const reportOf = (balancer: Balancer, id: string): TargetReport | undefined =>
  balancer.reports().find((report) => report.targetId === id);
const untilState = (balancer: Balancer, id: string, state: TargetReport["state"], ms?: number) =>
  until(`${id} is ${state}`, () => reportOf(balancer, id)?.state === state, ms);
const untilHealthy = (balancer: Balancer, count: number) =>
  until(`${count} are healthy`, () => balancer.reports().filter((r) => r.state === "healthy").length === count);

interface Answer {
  readonly status: number;
  readonly name?: string;
  readonly headers: Record<string, string>;
}

function get(port: number, path = "/", options: { agent?: Agent; method?: string } = {}): Promise<Answer> {
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

/** Sends requests one after another on `lanes` lanes until stopped; on fresh and on kept connections. */
function load(port: number, lanes = 4) {
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

test("three hundred requests over three targets spread evenly, and each says where it came from", async () => {
  const targets = [await startTarget("a"), await startTarget("b"), await startTarget("c")];
  const port = await freePort();
  const balancer = await start();
  balancer.apply(
    stateOf(
      port,
      targets.map((t) => t.state),
    ),
  );
  await balancer.settled();
  const took = await untilHealthy(balancer, 3);
  assert.ok(took < 1500, `targets entered after ${took} ms`);
  const first = await get(port);
  assert.equal(first.headers["x-forwarded-for"], "127.0.0.1");
  assert.equal(first.headers["x-forwarded-proto"], "http");
  assert.equal(first.headers["x-forwarded-port"], String(port));
  for (const target of targets) target.seen.requests = 0;
  for (let i = 0; i < 300; i += 10) await Promise.all(Array.from({ length: 10 }, () => get(port)));
  for (const { seen } of targets) assert.ok(Math.abs(seen.requests - 100) <= 5, `${seen.requests} requests`);
});

test("fifty targets enter and leave under load without a failed request and without a reload", async () => {
  const targets = await Promise.all(Array.from({ length: 51 }, (_, index) => startTarget(`t${index}`)));
  const states = targets.map((target) => target.state);
  const port = await freePort();
  const balancer = await start();
  balancer.apply(stateOf(port, states.slice(0, 1)));
  await untilHealthy(balancer, 1);
  const { generation } = balancer.status();
  const { counts, stop } = load(port);
  balancer.apply(stateOf(port, states));
  await untilHealthy(balancer, 51);
  await until("all have had a request", () => counts.byName.size === 51);
  balancer.apply(stateOf(port, [states[0]!, ...states.slice(1).map((state) => ({ ...state, draining: true }))]));
  await until("all are drained", () => balancer.reports().filter((r) => r.state === "drained").length === 50);
  balancer.apply(stateOf(port, states.slice(0, 1)));
  await balancer.settled();
  await Promise.all(targets.slice(1).map((target) => target.close()));
  await sleep(300);
  const { failures, sent } = await stop();
  assert.deepEqual(failures, []);
  assert.ok(sent > 100, `${sent} requests`);
  assert.equal(balancer.status().generation, generation);
});

test("a new target gets nothing before its first good check, even if it is the only one", async () => {
  const good = await startTarget("good");
  const fresh = await startTarget("fresh", { status: 503 });
  const port = await freePort();
  const balancer = await start();
  balancer.apply(stateOf(port, [fresh.state], { healthCheck: { ...healthCheck, intervalSeconds: 30 } }));
  await balancer.settled();
  const { stop } = load(port);
  await until("it was checked", () => fresh.seen.checks >= 2);
  assert.deepEqual(reportOf(balancer, "fresh"), {
    targetGroupId: "arn:tg/web",
    targetId: "fresh",
    state: "initial",
    reason: "Elb.InitialHealthChecking",
    description: "Initial health checks in progress",
    sessions: 0,
  });
  balancer.apply(stateOf(port, [fresh.state, good.state], { healthCheck: { ...healthCheck, intervalSeconds: 30 } }));
  await untilState(balancer, "good", "healthy");
  await until("requests flow", () => good.seen.requests > 20);
  assert.equal(fresh.seen.requests, 0);
  fresh.seen.status = 200;
  // One good check is enough for it, and it is checked each second however long the interval.
  await untilState(balancer, "fresh", "healthy", 2000);
  await until("it gets requests", () => fresh.seen.requests > 0);
  await stop();
});

test("a draining target finishes its request, gets no other, and is then drained", async () => {
  const leaving = await startTarget("leaving");
  const staying = await startTarget("staying");
  const port = await freePort();
  const balancer = await start();
  balancer.apply(stateOf(port, [leaving.state]));
  await untilHealthy(balancer, 1);
  const slow = get(port, "/slow", { agent });
  await until("the request is in flight", () => leaving.seen.requests === 1);
  balancer.apply(stateOf(port, [leaving.state, staying.state]));
  await untilHealthy(balancer, 2);
  balancer.apply(stateOf(port, [{ ...leaving.state, draining: true }, staying.state]));
  await balancer.settled();
  const { stop } = load(port);
  await sleep(500);
  assert.equal(reportOf(balancer, "leaving")?.state, "draining");
  assert.equal(reportOf(balancer, "leaving")?.sessions, 1);
  // The request is still one that is waited for after a reload has retired the worker that carries it.
  const other = await freePort();
  const two = stateOf(port, [{ ...leaving.state, draining: true }, staying.state]);
  balancer.apply({ ...two, listeners: [...two.listeners, { ...two.listeners[0]!, id: "two", port: other }] });
  await balancer.settled();
  await sleep(300);
  assert.equal(reportOf(balancer, "leaving")?.state, "draining");
  leaving.answerSlow();
  assert.equal((await slow).name, "leaving");
  const took = await untilState(balancer, "leaving", "drained");
  assert.ok(took < 500, `reported after ${took} ms`);
  assert.equal(leaving.seen.requests, 1);
  assert.deepEqual((await stop()).failures, []);
});

test("removing a target ends its sessions, and the same target may come back at once", async () => {
  const target = await startTarget("one");
  const port = await freePort();
  const balancer = await start();
  balancer.apply(stateOf(port, [target.state]));
  await untilHealthy(balancer, 1);
  const slow = get(port, "/slow", { method: "POST" });
  await until("the request is in flight", () => target.seen.requests === 1);
  balancer.apply(stateOf(port, []));
  const answer = await slow;
  assert.equal(answer.status, 502);
  assert.equal((await get(port)).status, 503);
  balancer.apply(stateOf(port, [target.state]));
  await untilHealthy(balancer, 1);
  assert.equal((await get(port)).status, 200);
});

test("an unhealthy target is out with its reason, and back after its threshold of good checks", async () => {
  const [a, b] = [await startTarget("a"), await startTarget("b")];
  const port = await freePort();
  const balancer = await start();
  const changes: TargetReport[] = [];
  balancer.onReport((changed) => changes.push(...changed));
  balancer.apply(stateOf(port, [a.state, b.state]));
  await untilHealthy(balancer, 2);
  a.seen.status = 500;
  await untilState(balancer, "a", "unhealthy");
  assert.deepEqual(reportOf(balancer, "a"), {
    targetGroupId: "arn:tg/web",
    targetId: "a",
    state: "unhealthy",
    reason: "Target.ResponseCodeMismatch",
    description: "Health checks failed with these codes: [500]",
    sessions: 0,
  });
  a.seen.requests = 0;
  for (let i = 0; i < 20; i += 1) assert.equal((await get(port)).name, "b");
  assert.equal(a.seen.requests, 0);
  b.seen.status = 500;
  await untilState(balancer, "b", "unhealthy");
  // None is healthy: all get traffic.
  const names = new Set<string | undefined>();
  for (let i = 0; i < 10; i += 1) names.add((await get(port)).name);
  assert.deepEqual([...names].sort(), ["a", "b"]);
  a.seen.status = 200;
  const checks = a.seen.checks;
  await untilState(balancer, "a", "healthy");
  assert.ok(a.seen.checks - checks >= 2);
  for (let i = 0; i < 10; i += 1) assert.equal((await get(port)).name, "a");
  const states = changes.filter((r) => r.targetId === "a").map((r) => r.state);
  assert.deepEqual(
    states.filter((state, index) => state !== states[index - 1]),
    ["initial", "healthy", "unhealthy", "healthy"],
  );
});

test("a target that dies between checks costs no request, and is judged by its checks", async () => {
  const [a, b] = [await startTarget("a"), await startTarget("b")];
  const port = await freePort();
  const balancer = await start();
  const slowly = { healthCheck: { ...healthCheck, intervalSeconds: 3 } };
  balancer.apply(stateOf(port, [a.state, b.state], slowly));
  await untilHealthy(balancer, 2);
  const { stop } = load(port);
  await sleep(200);
  await a.close();
  await sleep(700);
  assert.equal(reportOf(balancer, "a")?.state, "healthy");
  await untilState(balancer, "a", "unhealthy", 5000);
  assert.equal(reportOf(balancer, "a")?.reason, "Target.FailedHealthChecks");
  assert.deepEqual((await stop()).failures, []);
});

for (const who of ["worker", "master"] as const)
  test(`HAProxy's ${who} killed is back within a second with its targets healthy at once`, async () => {
    const [a, b] = [await startTarget("a"), await startTarget("b", { status: 500 })];
    const port = await freePort();
    const dir = newDir();
    const balancer = await start(dir);
    balancer.apply(stateOf(port, [a.state, b.state]));
    await untilState(balancer, "a", "healthy");
    await untilState(balancer, "b", "unhealthy");
    const changes: TargetReport[] = [];
    balancer.onReport((changed) => changes.push(...changed));
    const { pid } = balancer.status();
    const master = Number(readFileSync(join(dir, "haproxy.pid"), "utf8"));
    process.kill(who === "worker" ? pid! : master, "SIGKILL");
    const took = await until("it serves again", async () => {
      const answer = await get(port).catch(() => undefined);
      return answer?.status === 200 && balancer.status().pid !== pid;
    });
    assert.ok(took < 1000, `back after ${took} ms`);
    b.seen.requests = 0;
    for (let i = 0; i < 10; i += 1) assert.equal((await get(port)).name, "a");
    await sleep(400);
    assert.deepEqual(changes, []);
  });

test("a reload keeps what is known of targets and drops no request", async () => {
  const targets = [await startTarget("a"), await startTarget("b", { status: 500 }), await startTarget("c")];
  const states = targets.map((target) => target.state);
  const port = await freePort();
  const balancer = await start();
  balancer.apply(stateOf(port, states));
  await untilState(balancer, "a", "healthy");
  await untilState(balancer, "b", "unhealthy");
  await untilState(balancer, "c", "healthy");
  const changes: TargetReport[] = [];
  balancer.onReport((changed) => changes.push(...changed));
  targets[1]!.seen.requests = 0;
  const { stop } = load(port);
  const { generation } = balancer.status();
  for (let round = 1; round <= 5; round += 1) {
    const next = stateOf(port, states);
    const extra = { ...next.listeners[0]!, id: `extra-${round}`, port: await freePort() };
    balancer.apply({ ...next, listeners: [...next.listeners, extra] });
    await balancer.settled();
    assert.equal((await get(extra.port)).status, 200);
    await sleep(100);
  }
  assert.equal(balancer.status().generation, generation + 5);
  const { failures } = await stop();
  assert.deepEqual(failures, []);
  assert.equal(targets[1]!.seen.requests, 0);
  assert.deepEqual(changes, []);
});

test("HAProxy outlives the process that started it, and the next one takes it over as it is", async () => {
  const [a, b] = [await startTarget("a"), await startTarget("b")];
  const port = await freePort();
  const dir = newDir();
  const state = stateOf(port, [a.state, { ...b.state, draining: true }]);
  const script = `
    import { localLauncher, startBalancer } from ${JSON.stringify(join(import.meta.dirname, "../src/balancer/index.ts"))};
    import { renderConfiguration } from "../src/balancer/configuration.ts";
import { ConfigurationRefused, HaproxyProcess } from "../src/balancer/haproxy.ts";
import { frontendName } from "../src/balancer/names.ts";
import { systemClock } from ${JSON.stringify(join(import.meta.dirname, "../src/runtime/clock.ts"))};
    import { silentLog } from ${JSON.stringify(join(import.meta.dirname, "../src/runtime/log.ts"))};
    const launcher = localLauncher(${JSON.stringify(HAPROXY)});
    const balancer = await startBalancer({ dir: ${JSON.stringify(dir)}, launcher, clock: systemClock(), log: silentLog() });
    balancer.onReport((changed) => { if (changed.some((r) => r.state === "healthy")) console.log(balancer.status().pid); });
    balancer.apply(${JSON.stringify(state)});
    setInterval(() => {}, 1000);
  `;
  const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  undo.push(() => child.kill("SIGKILL"));
  const [line] = await once(child.stdout, "data");
  const pid = Number(String(line).trim());
  const slow = get(port, "/slow");
  await until("the request is in flight", () => a.seen.requests === 1);
  child.kill("SIGKILL");
  await once(child, "exit");
  const { stop } = load(port);
  await sleep(200);
  const balancer = await start(dir);
  const changes: TargetReport[] = [];
  balancer.onReport((changed) => changes.push(...changed));
  balancer.apply(state);
  await balancer.settled();
  assert.equal(balancer.status().pid, pid);
  assert.equal(balancer.status().generation, 1);
  await until("both are known", () => balancer.reports().length === 2);
  assert.deepEqual(
    changes.map(({ targetId, state }) => ({ targetId, state })),
    [
      { targetId: "a", state: "healthy" },
      { targetId: "b", state: "drained" },
    ],
  );
  // It is ours as before: changes work, and it can be restarted.
  balancer.apply(stateOf(port, [a.state, b.state]));
  await untilHealthy(balancer, 2);
  a.answerSlow();
  assert.equal((await slow).status, 200);
  assert.deepEqual((await stop()).failures, []);
  process.kill(pid, "SIGKILL");
  await until("it is back", async () => (await get(port).catch(() => undefined))?.status === 200, 2000);
});

test("stop can leave HAProxy running, and otherwise lets it finish", async () => {
  const a = await startTarget("a");
  const port = await freePort();
  const dir = newDir();
  const first = await start(dir);
  first.apply(stateOf(port, [a.state]));
  await untilHealthy(first, 1);
  await first.stop({ keepRunning: true });
  assert.equal((await get(port)).status, 200);
  const second = await start(dir);
  const slow = get(port, "/slow");
  await until("the request is in flight", () => a.seen.requests === 2);
  setTimeout(() => a.answerSlow(), 200);
  await second.stop({ graceMs: 3000 });
  assert.equal((await slow).status, 200);
  await assert.rejects(get(port), /ECONNREFUSED/);
});

test("a listener that cannot be opened is named, and the others work", async () => {
  const a = await startTarget("a");
  const blocker = createTcpServer().listen(0, "127.0.0.1");
  await once(blocker, "listening");
  const taken = (blocker.address() as AddressInfo).port;
  undo.push(() => blocker.close());
  const port = await freePort();
  const balancer = await start();
  assert.match((await balancer.checkBind("127.0.0.1", taken)) ?? "", /already in use by another process/);
  assert.match((await balancer.checkBind("203.0.113.7", 80)) ?? "", /not an address of this machine/);
  assert.equal(await balancer.checkBind("127.0.0.1", port), undefined);
  const state = stateOf(port, [a.state]);
  const listeners = [...state.listeners, { ...state.listeners[0]!, id: "taken", port: taken }];
  balancer.apply({ ...state, listeners });
  await balancer.settled();
  await untilHealthy(balancer, 1);
  assert.equal((await get(port)).status, 200);
  assert.match((await balancer.checkBind("127.0.0.1", port)) ?? "", /in use by another listener/);
  assert.deepEqual(balancer.status().failedListeners, [
    { listenerId: "taken", error: `127.0.0.1:${taken} is already in use by another process` },
  ]);
  blocker.close();
  await until("it opens when the port is free", async () => (await get(taken).catch(() => undefined))?.status === 200);
  assert.deepEqual(balancer.status().failedListeners, []);
});

test("a configuration that HAProxy cannot take leaves the one before it at work, and says which frontend is to blame", async () => {
  const blocker = createTcpServer().listen(0, "127.0.0.1");
  await once(blocker, "listening");
  undo.push(() => blocker.close());
  const taken = (blocker.address() as AddressInfo).port;
  const [port, other] = [await freePort(), await freePort()];
  const dir = newDir();
  const launcher = localLauncher(HAPROXY);
  const haproxy = new HaproxyProcess(dir, launcher, clock, log, () => {});
  undo.push(() => haproxy.halt(0));
  const settings = {
    runtimeAddress: launcher.runtime(haproxy.files).bind,
    serverStateFile: haproxy.files.serverState,
    user: launcher.user,
  };
  const text = (ports: number[], description: string) => {
    const state = stateOf(port, []);
    const listeners = ports.map((p) => ({ ...state.listeners[0]!, id: `at:${p}`, port: p }));
    return renderConfiguration({ ...state, listeners }, new Map(), settings, description);
  };
  const refused = (error: unknown) =>
    error instanceof ConfigurationRefused && error.binds.get(frontendName(`at:${taken}`))?.includes("in use") === true;
  await assert.rejects(haproxy.start(text([port, taken], "one"), "1\n", "one"), refused);
  const worker = await haproxy.start(text([port], "two"), "1\n", "two");
  await assert.rejects(haproxy.reload(text([port, other, taken], "three"), "1\n", "three"), refused);
  assert.equal((await get(port)).status, 503);
  assert.equal((await haproxy.find())?.pid, worker.pid);
  assert.deepEqual([...haproxy.boundSockets().values()], [`127.0.0.1:${port}`]);
  await assert.rejects(haproxy.reload("nonsense\n", "1\n", "four"), /refuses its configuration: .*nonsense/);
  const next = await haproxy.reload(text([port, other], "five"), "1\n", "five");
  assert.notEqual(next.pid, worker.pid);
  assert.equal((await get(other)).status, 503);
});

test("a TCP listener carries connections and drains them", async () => {
  const port = await freePort();
  const echo = createTcpServer((socket) => {
    socket.on("error", () => {});
    socket.pipe(socket);
  }).listen(0, "127.0.0.1");
  await once(echo, "listening");
  undo.push(() => echo.close());
  const target = { id: "e", address: "127.0.0.1", port: (echo.address() as AddressInfo).port, draining: false };
  const tcp = { protocol: "TCP", healthCheck: { ...healthCheck, protocol: "TCP" } } as const;
  const asTcp = (targets: TargetState[]): BalancerState => {
    const state = stateOf(port, targets, tcp);
    return { ...state, listeners: state.listeners.map((listener) => ({ ...listener, protocol: "TCP" })) };
  };
  const balancer = await start();
  balancer.apply(asTcp([target]));
  await untilHealthy(balancer, 1);
  const socket = connect(port, "127.0.0.1");
  undo.push(() => socket.destroy());
  socket.write("hello");
  assert.equal(String((await once(socket, "data"))[0]), "hello");
  balancer.apply(asTcp([{ ...target, draining: true }]));
  await until("it drains", () => reportOf(balancer, "e")?.state === "draining");
  await sleep(300);
  socket.write("still");
  assert.equal(String((await once(socket, "data"))[0]), "still");
  assert.equal(reportOf(balancer, "e")?.sessions, 1);
  socket.end();
  await untilState(balancer, "e", "drained");
});

test("a forward over several groups splits by weight", async () => {
  const [blue, green] = [await startTarget("blue"), await startTarget("green")];
  const port = await freePort();
  const base = stateOf(port, [blue.state]);
  const targetGroups = [
    { ...base.targetGroups[0]!, id: "blue" },
    { ...base.targetGroups[0]!, id: "green", targets: [green.state] },
  ];
  const split = (b: number, g: number): BalancerState => ({
    targetGroups,
    listeners: base.listeners.map((listener) => ({
      ...listener,
      defaultAction: {
        type: "forward",
        targetGroups: [
          { targetGroupId: "blue", weight: b },
          { targetGroupId: "green", weight: g },
        ],
      },
    })),
  });
  const balancer = await start();
  balancer.apply(split(80, 20));
  await untilHealthy(balancer, 2);
  for (let i = 0; i < 400; i += 10) await Promise.all(Array.from({ length: 10 }, () => get(port)));
  assert.ok(blue.seen.requests > 280 && blue.seen.requests < 360, `${blue.seen.requests} of 400 to blue`);
  balancer.apply(split(0, 1));
  await balancer.settled();
  for (let i = 0; i < 10; i += 1) assert.equal((await get(port)).name, "green");
  balancer.apply(split(0, 0));
  await balancer.settled();
  assert.equal((await get(port)).status, 503);
});
