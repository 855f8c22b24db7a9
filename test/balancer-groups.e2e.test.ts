import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer as createHttp2Server, type Http2Server } from "node:http2";
import { type AddressInfo, connect, createServer as createTcpServer } from "node:net";
import { test } from "node:test";
import { serverPrefix } from "../src/balancer/configuration/names.ts";
import type { BalancerState, TargetGroupState, TargetState } from "../src/balancer/index.ts";
import {
  ask,
  get,
  healthCheck,
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

const nameIn = (body: string) => (JSON.parse(body) as { name: string }).name;

/** The cookie that leads to a target, as it is sent. */
const cookieOf = (name: string, target: TargetState) =>
  `${name}=${createHash("sha1").update(serverPrefix(target)).digest("hex").toUpperCase()}`;

test("a client stays with its target by a cookie, over a reload and a restart, until the target drains or is down", async () => {
  const [a, b, c] = [await startTarget("a"), await startTarget("b"), await startTarget("c")];
  const port = await freePort();
  const balancer = await start(newDir());
  const sticky = { stickiness: { type: "lb_cookie", durationSeconds: 60 } } as const;
  const targets = [a.state, b.state, c.state];
  balancer.apply(stateOf(port, targets, sticky));
  await untilHealthy(balancer, 3);
  const first = await ask(port, "/");
  const [set = ""] = first.headers["set-cookie"] ?? [];
  assert.match(set, /^AWSALB=[0-9A-F]{40}; Expires=.* GMT; Path=\/$/);
  const cookie = set.split(";")[0] ?? "";
  const mine = [a, b, c].find(({ state }) => state.id === nameIn(first.body))!;
  assert.equal(cookie, cookieOf("AWSALB", mine.state));
  const stays = async () => {
    for (let i = 0; i < 9; i += 1) {
      const answer = await ask(port, "/", { headers: { cookie: `x=1; ${cookie}` } });
      assert.equal(nameIn(answer.body), mine.state.id);
      assert.equal(answer.headers["set-cookie"]?.[0]?.split(";")[0], cookie);
    }
  };
  await stays();
  const base = stateOf(port, targets, sticky);
  const more = { ...base.listeners[0]!, id: "more", port: await freePort() };
  const reloaded: BalancerState = { ...base, listeners: [...base.listeners, more] };
  balancer.apply(reloaded);
  await balancer.settled();
  await stays();
  process.kill(balancer.status().pid!, "SIGKILL");
  await until("it is back", async () => (await get(port).catch(() => undefined))?.status === 200);
  await stays();
  mine.seen.status = 500;
  await untilState(balancer, mine.state.id, "unhealthy");
  const others = new Set<string>();
  for (let i = 0; i < 8; i += 1) others.add(nameIn((await ask(port, "/", { headers: { cookie } })).body));
  assert.ok(!others.has(mine.state.id) && others.size === 2, [...others].join());
  mine.seen.status = 200;
  await untilState(balancer, mine.state.id, "healthy");
  await stays();
  const draining = targets.map((target) => ({ ...target, draining: target.id === mine.state.id }));
  balancer.apply(stateOf(port, draining, sticky));
  await balancer.settled();
  for (let i = 0; i < 8; i += 1)
    assert.notEqual(nameIn((await ask(port, "/", { headers: { cookie } })).body), mine.state.id);
});

test("an application's cookie binds a client to the target that set it, while the client sends both cookies", async () => {
  const [a, b] = [await startTarget("a"), await startTarget("b")];
  const port = await freePort();
  const balancer = await start();
  const stickiness = { type: "app_cookie", cookieName: "session", durationSeconds: 60 } as const;
  balancer.apply(stateOf(port, [a.state, b.state], { stickiness }));
  await untilHealthy(balancer, 2);
  assert.equal((await ask(port, "/")).headers["set-cookie"], undefined);
  const login = await ask(port, "/login");
  const cookies = (login.headers["set-cookie"] ?? []).map((one) => one.split(";")[0]);
  const mine = nameIn(login.body);
  const target = mine === "a" ? a : b;
  assert.deepEqual(cookies, ["session=1", cookieOf("AWSALBAPP-0", target.state)]);
  for (let i = 0; i < 6; i += 1)
    assert.equal(nameIn((await ask(port, "/", { headers: { cookie: cookies.join("; ") } })).body), mine);
  const names = new Set<string>();
  for (let i = 0; i < 6; i += 1) names.add(nameIn((await ask(port, "/", { headers: { cookie: cookies[1] } })).body));
  assert.equal(names.size, 2);
});

test("an address stays with its TCP target when others come and go, and the target is told who it is", async () => {
  const seen: string[] = [];
  const servers = await Promise.all(
    ["a", "b", "c"].map(async (id) => {
      const server = createTcpServer((socket) => {
        socket.on("error", () => {});
        socket.once("data", (data: Buffer) => {
          // The PROXY header's signature, then version 2 and command, family, length, addresses.
          seen.push(
            `${data.subarray(0, 12).toString("latin1") === "\r\n\r\n\0\r\nQUIT\n"} ${data.subarray(16, 20).join(".")}`,
          );
          socket.end(id);
        });
      }).listen(0, "127.0.0.1");
      await once(server, "listening");
      undo.push(() => server.close());
      return { id, address: "127.0.0.1", port: (server.address() as AddressInfo).port, draining: false };
    }),
  );
  const port = await freePort();
  const balancer = await start();
  const group: Partial<TargetGroupState> = {
    protocol: "TCP",
    stickiness: { type: "source_ip" },
    proxyProtocol: true,
    healthCheck: { ...healthCheck, protocol: "TCP" },
  };
  const apply = (targets: readonly TargetState[]) => {
    const state = stateOf(port, targets, group);
    balancer.apply({ ...state, listeners: state.listeners.map((one) => ({ ...one, protocol: "TCP" as const })) });
  };
  const reach = async (localAddress: string) => {
    const socket = connect({ port, host: "127.0.0.1", localAddress });
    undo.push(() => socket.destroy());
    socket.write("x");
    const [data] = await once(socket, "data");
    return String(data);
  };
  apply(servers);
  await untilHealthy(balancer, 3);
  const addresses = Array.from({ length: 12 }, (_, index) => `127.0.0.${index + 10}`);
  const first = new Map<string, string>();
  for (const address of addresses) first.set(address, await reach(address));
  assert.ok(new Set(first.values()).size > 1);
  for (const address of addresses) assert.equal(await reach(address), first.get(address));
  assert.ok(seen.includes("true 127.0.0.10"), seen.join());
  const gone = first.get("127.0.0.10")!;
  apply(servers.filter(({ id }) => id !== gone));
  await balancer.settled();
  for (const address of addresses)
    if (first.get(address) !== gone) assert.equal(await reach(address), first.get(address));
});

/** A server that speaks HTTP/2 only; `/AWS.ALB/healthcheck` is a gRPC method that it does not have. */
async function startHttp2(): Promise<TargetState> {
  const server: Http2Server = createHttp2Server((request, response) => {
    if (request.url === "/AWS.ALB/healthcheck" && request.headers["content-type"] === "application/grpc")
      response.writeHead(200, { "content-type": "application/grpc", "grpc-status": "12" });
    response.end(request.url === "/health" ? "" : `HTTP/${request.httpVersion}`);
  });
  const sessions = new Set<{ destroy(): void }>();
  server.on("session", (session) => sessions.add(session));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  undo.push(() => {
    for (const session of sessions) session.destroy();
    return new Promise((resolve) => server.close(resolve));
  });
  return { id: "h2", address: "127.0.0.1", port: (server.address() as AddressInfo).port, draining: false };
}

test("targets that speak HTTP/2 get it and are checked by it, by gRPC where the group says so", async () => {
  const target = await startHttp2();
  const port = await freePort();
  const balancer = await start();
  balancer.apply(stateOf(port, [target], { version: "http2" }));
  await untilHealthy(balancer, 1);
  assert.equal((await ask(port, "/")).body, "HTTP/2.0");
  const grpc = { ...healthCheck, path: "/AWS.ALB/healthcheck", matcher: "3,10-12" };
  balancer.apply(stateOf(port, [{ ...target, id: "grpc" }], { version: "grpc", healthCheck: grpc }));
  await balancer.settled();
  await untilState(balancer, "grpc", "healthy");
  balancer.apply(
    stateOf(port, [{ ...target, id: "bad" }], { version: "grpc", healthCheck: { ...grpc, matcher: "11" } }),
  );
  await balancer.settled();
  await untilState(balancer, "bad", "unhealthy");
});

test("a random choice reaches every target, and a target that starts slowly gets less at first", async () => {
  const [a, b] = [await startTarget("a"), await startTarget("b")];
  const port = await freePort();
  const balancer = await start();
  balancer.apply(stateOf(port, [a.state, b.state], { algorithm: "weighted_random" }));
  await untilHealthy(balancer, 2);
  for (let i = 0; i < 200; i += 20) await Promise.all(Array.from({ length: 20 }, () => get(port)));
  assert.ok(a.seen.requests > 60 && b.seen.requests > 60, `${a.seen.requests} and ${b.seen.requests} of 200`);
  const late = await startTarget("late");
  const slowly = { slowStartSeconds: 60 };
  balancer.apply(stateOf(port, [a.state, b.state], slowly));
  await balancer.settled();
  await untilHealthy(balancer, 2);
  balancer.apply(stateOf(port, [a.state, b.state, late.state], slowly));
  await untilHealthy(balancer, 3);
  for (let i = 0; i < 200; i += 20) await Promise.all(Array.from({ length: 20 }, () => get(port)));
  assert.ok(late.seen.requests > 0 && late.seen.requests < 30, `${late.seen.requests} of 200`);
});

test("headers are treated as the listener says", async () => {
  const a = await startTarget("a");
  const port = await freePort();
  const balancer = await start();
  const state = stateOf(port, [a.state]);
  const headers = {
    forwardedFor: "append",
    forwardedPort: true,
    dropInvalid: true,
    tlsFacts: false,
    answers: { "X-Frame-Options": "DENY", "Content-Security-Policy": `default-src "100%"` },
    hideServer: true,
  } as const;
  balancer.apply({ ...state, listeners: state.listeners.map((one) => ({ ...one, headers })) });
  await untilHealthy(balancer, 1);
  const sent = { x_bad: "1", "x-good": "2", "x-forwarded-for": "192.0.2.1", host: "kept.test:1" };
  const answer = await ask(port, "/server", { headers: sent });
  const got = (JSON.parse(answer.body) as { headers: Record<string, string> }).headers;
  assert.match(got["x-forwarded-for"] ?? "", /^192\.0\.2\.1, 127\.0\.0\.1:\d+$/);
  assert.deepEqual([got.x_bad, got["x-good"], got.host], [undefined, "2", "kept.test:1"]);
  const { "x-frame-options": frame, "content-security-policy": policy, server } = answer.headers;
  assert.deepEqual([frame, policy, server], ["DENY", `default-src "100%"`, undefined]);
  const preserved = { ...headers, forwardedFor: "preserve" } as const;
  balancer.apply({ ...state, listeners: state.listeners.map((one) => ({ ...one, headers: preserved })) });
  await balancer.settled();
  const again = JSON.parse((await ask(port, "/server", { headers: sent })).body);
  assert.equal(again.headers["x-forwarded-for"], "192.0.2.1");
});
