import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, connect, createServer as createTcpServer } from "node:net";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { BalancerState, TargetReport, TargetState } from "../src/balancer/index.ts";
import {
  agent,
  get,
  healthCheck,
  load,
  reportOf,
  start,
  startTarget,
  stateOf,
  undo,
  until,
  untilHealthy,
  untilState,
} from "./balancer-rig.ts";
import { freePort } from "./rig/free-port.ts";

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
  // Its first check may be over at the first look.
  const states = changes.filter((r) => r.targetId === "a" && r.state !== "initial").map((r) => r.state);
  assert.deepEqual(
    states.filter((state, index) => state !== states[index - 1]),
    ["healthy", "unhealthy", "healthy"],
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

test("a request that was answered by nobody is sent again if its method is safe, and never otherwise", async () => {
  const [a, b] = [await startTarget("a"), await startTarget("b")];
  const port = await freePort();
  const balancer = await start();
  balancer.apply(stateOf(port, [a.state, b.state], { healthCheck: { ...healthCheck, intervalSeconds: 30 } }));
  await untilHealthy(balancer, 2);
  const seen = () => a.seen.requests + b.seen.requests;
  const safe = get(port, "/slow");
  await until("it is in flight", () => seen() === 1);
  a.breakSlow();
  b.breakSlow();
  await until("it was sent again", () => seen() === 2);
  a.answerSlow();
  b.answerSlow();
  assert.equal((await safe).status, 200);
  const unsafe = get(port, "/slow", { method: "POST" });
  await until("it is in flight", () => seen() === 3);
  a.breakSlow();
  b.breakSlow();
  assert.equal((await unsafe).status, 502);
  assert.equal(seen(), 3);
});

test("a target that is to drain no more takes requests again at once", async () => {
  const a = await startTarget("a");
  const port = await freePort();
  const balancer = await start();
  balancer.apply(stateOf(port, [a.state]));
  await untilHealthy(balancer, 1);
  balancer.apply(stateOf(port, [{ ...a.state, draining: true }]));
  await untilState(balancer, "a", "drained");
  assert.equal((await get(port)).status, 503);
  balancer.apply(stateOf(port, [a.state]));
  await balancer.settled();
  assert.equal((await get(port)).status, 200);
  assert.equal(reportOf(balancer, "a")?.state, "healthy");
});

test("sessions of a removed target end in a worker that a reload has retired, too", async () => {
  const [a, b] = [await startTarget("a"), await startTarget("b")];
  const port = await freePort();
  const balancer = await start();
  balancer.apply(stateOf(port, [a.state]));
  await untilHealthy(balancer, 1);
  const slow = get(port, "/slow", { method: "POST" });
  await until("it is in flight", () => a.seen.requests === 1);
  const state = stateOf(port, [b.state]);
  const more = { ...state.listeners[0]!, id: "more", port: await freePort() };
  balancer.apply({ ...state, listeners: [...state.listeners, more] });
  const answer = await slow;
  assert.equal(answer.status, 502);
});

test("an IPv6 target is checked on the port that its group or it says", async () => {
  const [a, checker] = [await startTarget("a", { address: "::1" }), await startTarget("checker", { address: "::1" })];
  const port = await freePort();
  const balancer = await start();
  const checkedElsewhere = { healthCheck: { ...healthCheck, port: checker.state.port } };
  balancer.apply(stateOf(port, [a.state], checkedElsewhere));
  await untilHealthy(balancer, 1);
  assert.equal((await get(port)).name, "a");
  assert.equal(a.seen.checks, 0);
  assert.ok(checker.seen.checks > 0);
  balancer.apply(stateOf(port, [{ ...a.state, checkPort: a.state.port }], checkedElsewhere));
  await balancer.settled();
  await untilHealthy(balancer, 1);
  assert.ok(a.seen.checks > 0);
});

test("a group without health checks sends to its targets at once, and a reload leaves a draining one drained", async () => {
  const [a, b] = [await startTarget("a"), await startTarget("b")];
  const port = await freePort();
  const balancer = await start();
  const unchecked = { healthCheck: { ...healthCheck, enabled: false } };
  balancer.apply(stateOf(port, [a.state, b.state], unchecked));
  await balancer.settled();
  await untilState(balancer, "a", "unavailable");
  assert.equal(reportOf(balancer, "a")?.reason, "Target.HealthCheckDisabled");
  assert.equal((await get(port)).status, 200);
  const state = stateOf(port, [{ ...a.state, draining: true }, b.state], unchecked);
  balancer.apply(state);
  await untilState(balancer, "a", "drained");
  const more = { ...state.listeners[0]!, id: "more", port: await freePort() };
  balancer.apply({ ...state, listeners: [...state.listeners, more] });
  await balancer.settled();
  for (let i = 0; i < 6; i += 1) assert.equal((await get(more.port)).name, "b");
  assert.equal(a.seen.checks + b.seen.checks, 0);
});

test("requests of one client share connections to a target, whether it came by a command or by a reload", async () => {
  const a = await startTarget("a");
  const port = await freePort();
  const balancer = await start();
  const state = stateOf(port, [a.state], { healthCheck: { ...healthCheck, intervalSeconds: 30 } });
  balancer.apply(state);
  await untilHealthy(balancer, 1);
  for (let round = 0; round < 2; round += 1) {
    const before = a.seen.connections;
    for (let i = 0; i < 20; i += 1) assert.equal((await get(port, "/", { agent })).status, 200);
    const opened = a.seen.connections - before;
    assert.ok(opened <= 2, `${opened} connections for 20 requests`);
    const more = { ...state.listeners[0]!, id: "more", port: await freePort() };
    balancer.apply({ ...state, listeners: [...state.listeners, more] });
    await balancer.settled();
  }
});
