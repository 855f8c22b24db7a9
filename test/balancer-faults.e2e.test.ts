import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, rmdirSync } from "node:fs";
import { type AddressInfo, createServer as createTcpServer } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { renderConfiguration } from "../src/balancer/configuration/configuration.ts";
import { frontendName } from "../src/balancer/configuration/names.ts";
import { localLauncher, type TargetReport } from "../src/balancer/index.ts";
import { ConfigurationRefused, HaproxyProcess } from "../src/balancer/process/haproxy.ts";
import {
  clock,
  get,
  HAPROXY,
  load,
  log,
  newDir,
  start,
  startTarget,
  stateOf,
  undo,
  until,
  untilHealthy,
  untilState,
} from "./balancer-rig.ts";
import { freePort } from "./rig/free-port.ts";

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
  const room = (file: string) => JSON.stringify(join(import.meta.dirname, "../src", file));
  const script = `
    import { localLauncher, startBalancer } from ${room("balancer/index.ts")};
    import { systemClock } from ${room("runtime/clock.ts")};
    import { silentLog } from ${room("runtime/log.ts")};
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
  const [line] = await once(child.stdout, "data", { signal: AbortSignal.timeout(10_000) });
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

test("one that takes over and is to have another configuration keeps every target in rotation", async () => {
  const targets = [await startTarget("a"), await startTarget("b")];
  const port = await freePort();
  const dir = newDir();
  const state = stateOf(
    port,
    targets.map((t) => t.state),
  );
  const first = await start(dir);
  first.apply(state);
  await untilHealthy(first, 2);
  await first.stop({ keepRunning: true });
  const { stop } = load(port);
  const second = await start(dir);
  second.apply({ ...state, listeners: state.listeners.map((l) => ({ ...l, idleTimeoutSeconds: 17 })) });
  await second.settled();
  assert.equal(second.status().generation, 2, "it was reloaded");
  const { failures } = await stop();
  assert.deepEqual(failures, []);
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
    stickyFile: haproxy.files.sticky,
    challengesFile: haproxy.files.challenges,
    weightsFile: haproxy.files.weights,
    handoverAddress: localLauncher(HAPROXY).handover,
    certificatesDir: haproxy.files.certificates,
    user: launcher.user,
  };
  const text = (ports: number[], description: string) => {
    const state = stateOf(port, []);
    const listeners = ports.map((p) => ({ ...state.listeners[0]!, id: `at:${p}`, port: p }));
    const config = renderConfiguration({ ...state, listeners }, new Map(), settings, description);
    return { text: config, sample: config, description, serverState: "1\n", maps: new Map(), certificates: new Map() };
  };
  const refused = (error: unknown) =>
    error instanceof ConfigurationRefused && error.binds.get(frontendName(`at:${taken}`))?.includes("in use") === true;
  await assert.rejects(haproxy.start(text([port, taken], "one")), refused);
  const worker = await haproxy.start(text([port], "two"));
  await assert.rejects(haproxy.reload(text([port, other, taken], "three")), refused);
  assert.equal((await get(port)).status, 503);
  assert.equal((await haproxy.find())?.pid, worker.pid);
  assert.deepEqual([...haproxy.carried().sockets.values()], [`127.0.0.1:${port}`]);
  await assert.rejects(
    haproxy.reload({ ...text([port], "four"), sample: "nonsense\n" }),
    /refuses its configuration: .*nonsense/,
  );
  const next = await haproxy.reload(text([port, other], "five"));
  assert.notEqual(next.pid, worker.pid);
  assert.equal((await get(other)).status, 503);
});

test("targets still come and go while HAProxy cannot be given new listeners", async () => {
  const [a, b] = [await startTarget("a"), await startTarget("b")];
  const port = await freePort();
  const dir = newDir();
  const balancer = await start(dir);
  balancer.apply(stateOf(port, [a.state]));
  await untilHealthy(balancer, 1);
  mkdirSync(join(dir, "haproxy.cfg.next")); // no new configuration can be written
  const state = stateOf(port, [b.state]);
  const more = { ...state.listeners[0]!, id: "more", port: await freePort() };
  const both = { ...state, listeners: [...state.listeners, more] };
  balancer.apply(both);
  await untilState(balancer, "b", "healthy");
  await until("a is out", async () => (await get(port)).name === "b");
  assert.match(balancer.status().lastError ?? "", /haproxy\.cfg\.next/);
  rmdirSync(join(dir, "haproxy.cfg.next"));
  await balancer.settled();
  assert.equal((await get(more.port)).name, "b");
  assert.equal(balancer.status().lastError, undefined);
});
