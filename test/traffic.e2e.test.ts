import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import {
  type AccessRecord,
  type Balancer,
  bucketBounds,
  ruleKeyOf,
  type TargetState,
  type TrafficSample,
} from "../src/balancer/index.ts";
import { ask, healthCheck, newDir, start, startTarget, stateOf, undo, until, untilHealthy } from "./balancer-rig.ts";
import { freePort } from "./rig/free-port.ts";

/** A target that answers `/200`, `/404/50` and the like: with that status, after so many milliseconds. */
async function startAnswering(id: string): Promise<TargetState & { served: number }> {
  const target = { id, address: "127.0.0.1", port: 0, draining: false, served: 0 };
  const server = createServer(async (request, response) => {
    const [status = 200, delayMs = 0] = (request.url ?? "").slice(1).split("?", 1)[0]!.split("/").map(Number);
    if (request.url === "/health") return response.end();
    target.served += 1;
    if (delayMs > 0) await sleep(delayMs);
    response.writeHead(status).end("x".repeat(100));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  undo.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return Object.assign(target, { port: (server.address() as AddressInfo).port });
}

/** All samples of a balancer added up, by id. */
function totals(balancer: Balancer) {
  const sums = new Map<string, number>();
  const times = new Map<string, number>();
  const samples: TrafficSample[] = [];
  const add = (id: string, of: Record<string, unknown>) => {
    for (const [name, value] of Object.entries(of)) {
      if (typeof value === "number" && !name.startsWith("active")) {
        assert.ok(value >= 0 && Number.isInteger(value), `${id} ${name} ${value}`);
        sums.set(`${id} ${name}`, (sums.get(`${id} ${name}`) ?? 0) + value);
      } else if (name.toLowerCase().endsWith("answers")) add(`${id} ${name}`, value as Record<string, unknown>);
    }
  };
  balancer.onTraffic((sample) => {
    samples.push(JSON.parse(JSON.stringify(sample)));
    for (const listener of sample.listeners) add(listener.listenerId, { ...listener });
    for (const group of sample.targetGroups) {
      add(group.targetGroupId, { ...group });
      for (const [bucket, count] of Object.entries(group.latency.buckets))
        times.set(bucket, (times.get(bucket) ?? 0) + count);
      for (const target of group.targets) add(target.targetId, { ...target });
    }
  });
  return {
    samples,
    of: (key: string) => sums.get(key) ?? 0,
    /** How many answers of all took from `fromMs` to `toMs`. */
    took: (fromMs: number, toMs: number) =>
      [...times]
        .filter(([bucket]) => {
          const bounds = bucketBounds(Number(bucket));
          return bounds.fromMs >= fromMs && bounds.toMs <= toMs;
        })
        .reduce((sum, [, count]) => sum + count, 0),
  };
}

const GROUP = "arn:tg/web";

test("what is told of known requests is exactly those: codes, times and targets, over a reload with requests under way", async () => {
  const [a, b] = [await startAnswering("a:1@x"), await startAnswering("b:1@y")];
  const port = await freePort();
  const balancer = await start();
  const told = totals(balancer);
  const state = stateOf(port, [a, b]);
  balancer.apply(state);
  await untilHealthy(balancer, 2);
  const send = async (count: number, path: string) => {
    const answers = await Promise.all(Array.from({ length: count }, () => ask(port, path)));
    return answers.map(({ status }) => status);
  };
  assert.deepEqual(new Set(await send(20, "/200")), new Set([200]));
  await send(6, "/404");
  await send(4, "/503/500");
  // Six are under way while HAProxy is reloaded, and end in the worker that was retired.
  const slow = send(6, "/301/2500");
  await until("they are under way", () => a.served + b.served === 36);
  const extra = { ...state.listeners[0]!, id: "extra", port: await freePort() };
  const fixed = { type: "fixed-response", statusCode: 418, contentType: "text/plain", body: "" } as const;
  balancer.apply({ ...state, listeners: [...state.listeners, { ...extra, defaultAction: fixed }] });
  await balancer.settled();
  assert.equal(balancer.status().generation, 2);
  assert.equal((await ask(extra.port, "/")).status, 418);
  await send(10, "/200/1000");
  await slow;
  await until("all are told", () => told.of(`${GROUP} targetAnswers 3xx`) === 6 && told.of("web answers 3xx") === 6);
  await until("the last is told", () => told.took(0, 1e7) === 46);

  const codes = (what: string) => ["2xx", "3xx", "4xx", "5xx"].map((code) => told.of(`${what} ${code}`));
  assert.deepEqual(codes("web answers"), [30, 6, 6, 4]);
  assert.deepEqual(codes(`${GROUP} answers`), [30, 6, 6, 4]);
  assert.deepEqual(codes(`${GROUP} targetAnswers`), [30, 6, 6, 4]);
  assert.deepEqual(codes(`${GROUP} ownAnswers`), [0, 0, 0, 0]);
  assert.deepEqual(codes("extra answers"), [0, 0, 1, 0]);
  assert.deepEqual([told.of("web requests"), told.of(`${GROUP} requests`)], [46, 46]);
  assert.equal(told.of("web connections"), 46);
  assert.deepEqual([told.of("a:1@x requests"), told.of("b:1@y requests")], [a.served, b.served]);
  assert.ok(told.of("web bytesOut") > 46 * 100);
  // A busy machine may make answers slower than they were meant to be, and never faster.
  const atLeast = [448, 960, 2048].map((ms) => told.took(ms, 1e7));
  assert.ok(
    [20, 16, 6].every((count, index) => count <= (atLeast[index] ?? 0)),
    `${atLeast}`,
  );
  assert.equal(told.took(0, 1e7), 46);
  const active = Math.max(...told.samples.flatMap((s) => s.targetGroups.map((group) => group.active)));
  assert.ok(active >= 6 && active <= 16, `${active} were under way at once`);
});

test("what HAProxy answers itself is told apart, and a target that is deleted has told all", async () => {
  const a = await startAnswering("a");
  const port = await freePort();
  const balancer = await start();
  const told = totals(balancer);
  balancer.apply(stateOf(port, [a]));
  await untilHealthy(balancer, 1);
  for (let i = 0; i < 5; i += 1) await ask(port, "/500");
  balancer.apply(stateOf(port, [])); // within the same second
  await balancer.settled();
  for (let i = 0; i < 3; i += 1) assert.equal((await ask(port, "/200")).status, 503);
  await until("all are told", () => told.of("web answers 5xx") === 8 && told.of(`${GROUP} ownAnswers 5xx`) === 3);
  assert.equal(told.of("a answers 5xx"), 5);
  assert.equal(told.of(`${GROUP} targetAnswers 5xx`), 5);
});

test("an HAProxy that is killed takes with it what it counted since the last sample, and nothing is told twice", async () => {
  const a = await startAnswering("a");
  const port = await freePort();
  const balancer = await start();
  const told = totals(balancer);
  balancer.apply(stateOf(port, [a]));
  await untilHealthy(balancer, 1);
  for (let i = 0; i < 7; i += 1) await ask(port, "/200");
  await until("they are told", () => told.of("web answers 2xx") === 7);
  const { pid } = balancer.status();
  process.kill(pid ?? 0, "SIGKILL");
  await until("it serves again", async () => {
    const answer = await ask(port, "/204").catch(() => undefined);
    return answer?.status === 204 && balancer.status().pid !== pid;
  });
  const served = a.served;
  for (let i = 0; i < 5; i += 1) await ask(port, "/200");
  const seen = told.samples.length;
  await until("all are told", () => told.samples.length >= seen + 2);
  const after = told.of("a answers 2xx");
  assert.ok(after >= 12 && after <= served + 5, `${after} of ${served + 5}`);
});

test("connections of a TCP listener are told by target", async () => {
  const [a, b] = [await startTarget("a"), await startTarget("b")];
  const port = await freePort();
  const balancer = await start();
  const told = totals(balancer);
  const state = stateOf(port, [a.state, b.state], {
    protocol: "TCP",
    healthCheck: { ...healthCheck, protocol: "TCP" },
  });
  balancer.apply({ ...state, listeners: state.listeners.map((l) => ({ ...l, protocol: "TCP" as const })) });
  await untilHealthy(balancer, 2);
  for (let i = 0; i < 8; i += 1) assert.equal((await ask(port, "/")).status, 200);
  await until("all are told", () => told.of("web connections") === 8 && told.of(`${GROUP} connections`) === 8);
  assert.deepEqual([told.of("a connections"), told.of("b connections")], [4, 4]);
  assert.equal(told.of("web requests"), 0);
});

test("a balancer that takes over a running HAProxy tells what happens from then on", async () => {
  const a = await startAnswering("a");
  const port = await freePort();
  const dir = newDir();
  const first = await start(dir);
  first.apply(stateOf(port, [a]));
  await untilHealthy(first, 1);
  for (let i = 0; i < 5; i += 1) await ask(port, "/200");
  await first.stop({ keepRunning: true });
  const second = await start(dir);
  const told = totals(second);
  second.apply(stateOf(port, [a]));
  for (let i = 0; i < 3; i += 1) await ask(port, "/200");
  await until("all are told", () => told.of("web answers 2xx") === 3 && told.took(0, 1000) === 3);
  assert.deepEqual([told.of("a answers 2xx"), told.of("web requests")], [3, 3]);
});

test("every request to a listener with an access log is told of, with the rule that decided", async () => {
  const a = await startAnswering("a");
  const port = await freePort();
  const balancer = await start();
  const told = totals(balancer);
  const records: AccessRecord[] = [];
  balancer.onAccess((some) => records.push(...some));
  const [listener] = stateOf(port, [a]).listeners;
  const redirect = {
    type: "redirect",
    statusCode: 301,
    protocol: "#{protocol}",
    host: "#{host}",
    port: "#{port}",
  } as const;
  const rules = [
    {
      id: "old",
      conditions: [{ field: "path-pattern", values: ["/old"] }],
      action: { ...redirect, path: "/new", query: "#{query}" },
    },
    {
      id: "group",
      conditions: [{ field: "path-pattern", values: ["/404*"] }],
      action: { type: "forward", targetGroups: [{ targetGroupId: GROUP, weight: 1 }] },
    },
  ] as const;
  balancer.apply({ ...stateOf(port, [a]), listeners: [{ ...listener!, rules, accessLog: true }] });
  await untilHealthy(balancer, 1);
  const headers = { "user-agent": 'a "b" c' };
  for (const path of ["/200/20?x=%22", "/404", "/old"]) await ask(port, path, { headers });
  await Promise.all(Array.from({ length: 60 }, () => ask(port, "/200")));
  await until("all are told of", () => records.length === 63 && told.took(0, 1e7) === 62);
  const [first, second, third] = records;
  const { method, uri, status, targetId, targetAddress, ruleKey, userAgent, host, location } = first ?? {};
  assert.deepEqual([method, uri, status, targetId], ["GET", "/200/20?x=%22", 200, "a"]);
  assert.deepEqual([targetAddress, host, location], [`127.0.0.1:${a.port}`, `127.0.0.1:${port}`, ""]);
  assert.equal(userAgent, 'a "b" c');
  assert.equal(ruleKey, ruleKeyOf("web", undefined));
  assert.ok((first?.targetMs ?? 0) >= 19 && (first?.totalMs ?? 0) >= (first?.targetMs ?? 0));
  assert.ok(Math.abs((first?.at ?? 0) - Date.now()) < 60_000);
  assert.deepEqual([second?.status, second?.ruleKey], [404, ruleKeyOf("web", "group")]);
  assert.deepEqual([third?.status, third?.ruleKey, third?.targetId], [301, ruleKeyOf("web", "old"), undefined]);
  assert.equal(third?.location, `http://127.0.0.1:${port}/new`);
});
