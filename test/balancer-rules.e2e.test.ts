import assert from "node:assert/strict";
import type { RequestOptions } from "node:http";
import { test } from "node:test";
import type { BalancerState, ListenerAction, RuleCondition, RuleState, TargetState } from "../src/balancer/index.ts";
import { ask, get, load, newDir, start, startTarget, stateOf, until, untilHealthy } from "./balancer-rig.ts";
import { freePort } from "./rig/free-port.ts";

const answer = (body: string): ListenerAction => ({ type: "fixed-response", statusCode: 200, body });

/** A listener with these rules, in this order, in front of one target group for each target. */
function ruled(
  port: number,
  rules: readonly RuleState[],
  defaultAction: ListenerAction,
  ...targets: TargetState[]
): BalancerState {
  const base = stateOf(port, []);
  return {
    listeners: base.listeners.map((listener) => ({ ...listener, rules, defaultAction })),
    targetGroups: targets.map((target) => ({ ...base.targetGroups[0]!, id: target.id, targets: [target] })),
  };
}

const forward = (...weights: [string, number][]): Extract<ListenerAction, { type: "forward" }> => ({
  type: "forward",
  targetGroups: weights.map(([targetGroupId, weight]) => ({ targetGroupId, weight })),
});

test("each kind of condition claims the requests that fulfil it and no others", async () => {
  const port = await freePort();
  const conditions: Record<string, RuleCondition[]> = {
    host: [{ field: "host-header", values: ["api.example.com", "*.apis.example.com"] }],
    glob: [{ field: "path-pattern", values: ["/img/*/a?c*.png"] }],
    path: [{ field: "path-pattern", values: ["/exact", "/under/*"] }],
    header: [{ field: "http-header", name: "X-Kind", values: ['*"quoted" $x*', "one"] }],
    method: [{ field: "http-request-method", values: ["DELETE", "X-ODD"] }],
    pair: [{ field: "query-string", values: [{ key: "version", value: "v?" }] }],
    value: [{ field: "query-string", values: [{ value: "a.b\\*" }] }],
    both: [
      { field: "source-ip", values: ["10.0.0.0/8", "127.0.0.0/8"] },
      { field: "path-pattern", values: ["/both"] },
    ],
    never: [{ field: "source-ip", values: ["10.0.0.0/8", "fd00::/8"] }],
  };
  const rules = Object.entries(conditions).map(([id, some]) => ({ id, conditions: some, action: answer(id) }));
  const balancer = await start();
  balancer.apply(ruled(port, rules, answer("default")));
  await balancer.settled();
  const cases: readonly (readonly [string, string, RequestOptions?])[] = [
    ["host", "/", { headers: { host: "API.example.com:8080" } }],
    ["host", "/", { headers: { host: "x.y.apis.example.com" } }],
    ["default", "/", { headers: { host: "apis.example.com" } }],
    ["glob", "/img/2026/abcdef.png?size=1"],
    ["default", "/img/2026/ac.png"],
    ["default", "/IMG/2026/abc.png"],
    ["path", "/exact"],
    ["path", "/under/"],
    ["default", "/exactly"],
    ["header", "/", { headers: { "x-kind": 'say "QUOTED" $X, please' } }],
    ["header", "/", { headers: { "x-kind": ["none", "ONE"] } }],
    ["default", "/", { headers: { "x-kind": "one more" } }],
    ["method", "/", { method: "DELETE" }],
    ["default", "/", { method: "PATCH" }],
    ["pair", "/?a=1&Version=V2"],
    ["default", "/?version=v22"],
    ["default", "/?xversion=v2"],
    ["value", "/?b&A.B*&c"],
    ["value", "/?k=a.b*"],
    ["default", "/?k=axb*"],
    ["both", "/both"],
    ["default", "/neither"],
  ];
  for (const [expected, path, options] of cases)
    assert.equal((await ask(port, path, options)).body, expected, `${path} ${JSON.stringify(options)}`);
});

test("the first rule that is fulfilled decides, whatever its action and those around it", async () => {
  const [web, api] = [await startTarget("web"), await startTarget("api")];
  const port = await freePort();
  const on = (id: string, value: string, action: ListenerAction): RuleState => ({
    id,
    conditions: [{ field: "path-pattern", values: [value] }],
    action,
  });
  const rules = [
    on("1", "/api/v1/*", forward(["api", 1])),
    on("2", "/api/*", answer("gone")),
    on("3", "/off/*", forward(["api", 0], ["web", 0])),
    on("4", "/off/here", forward(["web", 1])),
    on("5", "*", forward(["web", 1])),
  ];
  const balancer = await start();
  balancer.apply(ruled(port, rules, answer("default"), web.state, api.state));
  await untilHealthy(balancer, 2);
  assert.equal((await get(port, "/api/v1/x")).name, "api");
  assert.equal((await ask(port, "/api/v2")).body, "gone");
  assert.equal((await ask(port, "/off/here")).status, 503);
  assert.equal((await get(port, "/else")).name, "web");
  balancer.apply(ruled(port, rules.toReversed(), answer("default"), web.state, api.state));
  await balancer.settled();
  assert.equal((await get(port, "/api/v1/x")).name, "web");
});

test("a redirect builds its location from the request, and a fixed response is what was written", async () => {
  const port = await freePort();
  const redirect = { type: "redirect", protocol: "#{protocol}", host: "#{host}", port: "#{port}" } as const;
  const rules: RuleState[] = [
    {
      id: "https",
      conditions: [{ field: "path-pattern", values: ["/secure*"] }],
      action: { ...redirect, statusCode: 301, protocol: "HTTPS", port: "443", path: "/#{path}", query: "#{query}" },
    },
    {
      id: "moved",
      conditions: [{ field: "path-pattern", values: ["/old"] }],
      action: {
        ...redirect,
        statusCode: 302,
        host: "new.#{host}",
        path: '/100%/"$HOME"/#{path}',
        query: "from=#{query}",
      },
    },
    {
      id: "fixed",
      conditions: [{ field: "path-pattern", values: ["/fixed"] }],
      action: {
        type: "fixed-response",
        statusCode: 418,
        contentType: "application/json",
        body: '{"a":\n\t"%[src] $x \\"}',
      },
    },
    {
      id: "empty",
      conditions: [{ field: "path-pattern", values: ["/empty"] }],
      action: { type: "fixed-response", statusCode: 404 },
    },
  ];
  const balancer = await start();
  balancer.apply(ruled(port, rules, answer("default")));
  await balancer.settled();
  const headers = { host: `example.com:${port}` };
  const location = async (path: string) => {
    const { status, headers: told } = await ask(port, path, { headers });
    return `${status} ${told.location}`;
  };
  assert.equal(await location("/secure/a?b=1&c"), "301 https://example.com:443/secure/a?b=1&c");
  assert.equal(await location("/secure"), "301 https://example.com:443/secure");
  assert.equal(await location("/secure?"), "301 https://example.com:443/secure");
  assert.equal(await location("/old?x"), `302 http://new.example.com:${port}/100%/"$HOME"/old?from=x`);
  const fixed = await ask(port, "/fixed");
  assert.deepEqual(
    [fixed.status, fixed.headers["content-type"], fixed.body],
    [418, "application/json", '{"a":\n\t"%[src] $x \\"}'],
  );
  const empty = await ask(port, "/empty");
  assert.deepEqual([empty.status, empty.body], [404, ""]);
});

test("weights change at once, without a reload and without a failed request, and outlive a restart of either side", async () => {
  const [blue, green] = [await startTarget("blue"), await startTarget("green")];
  const port = await freePort();
  const dir = newDir();
  const split = (b: number, g: number) => {
    const action = forward(["blue", b], ["green", g]);
    const conditions: RuleCondition[] = [{ field: "path-pattern", values: ["/*"] }];
    return ruled(port, [{ id: "split", conditions, action }], answer("default"), blue.state, green.state);
  };
  const balancer = await start(dir);
  balancer.apply(split(100, 0));
  await untilHealthy(balancer, 2);
  const { generation } = balancer.status();
  const { counts, stop } = load(port);
  const share = async (b: number, g: number, requests: number) => {
    balancer.apply(split(b, g));
    const from = performance.now();
    await balancer.settled();
    const took = performance.now() - from;
    assert.ok(took < 1000, `weights took ${took} ms`);
    const before = green.seen.requests;
    for (let i = 0; i < requests; i += 20) await Promise.all(Array.from({ length: 20 }, () => get(port)));
    return (green.seen.requests - before) / requests;
  };
  await until("traffic flows", () => counts.sent > 50);
  assert.equal(green.seen.requests, 0);
  const tenth = await share(90, 10, 1000); // the load's own requests count as well: a little more than the share
  assert.ok(tenth > 0.06 && tenth < 0.25, `${tenth} of the requests`);
  await balancer.settled();
  const all = await stop();
  assert.deepEqual(all.failures, []);
  assert.ok((await share(0, 1, 100)) === 1);
  assert.equal((await share(1, 0, 100)) === 0, true);
  assert.equal(balancer.status().generation, generation);
  // A control plane that comes back finds weights that it did not set, and sets its own.
  balancer.apply(split(0, 1));
  await balancer.settled();
  await balancer.stop({ keepRunning: true });
  const next = await start(dir);
  next.apply(split(1, 0));
  await next.settled();
  assert.equal(next.status().generation, generation);
  for (let i = 0; i < 20; i += 1) assert.equal((await get(port)).name, "blue");
  next.apply(split(0, 1));
  await next.settled();
  process.kill(next.status().pid!, "SIGKILL");
  await until("it is back", async () => (await get(port).catch(() => undefined))?.status === 200);
  for (let i = 0; i < 20; i += 1) assert.equal((await get(port)).name, "green");
});

test("a client keeps its target group by its cookie as long as the group has a weight", async () => {
  const [blue, green] = [await startTarget("blue"), await startTarget("green")];
  const port = await freePort();
  const sticky = (b: number, g: number) =>
    ruled(port, [], { ...forward(["blue", b], ["green", g]), stickinessSeconds: 60 }, blue.state, green.state);
  const balancer = await start();
  balancer.apply(sticky(0, 1));
  await untilHealthy(balancer, 2);
  const first = await ask(port, "/");
  const [cookie = ""] = first.headers["set-cookie"] ?? [];
  const [, value = "", expires = ""] = /^(AWSALBTG=[0-9a-f]{32}); Expires=(.*); Path=\/$/.exec(cookie) ?? [];
  const seconds = (Date.parse(expires) - Date.now()) / 1000;
  assert.ok(seconds > 50 && seconds <= 61, `${cookie} expires after ${seconds} s`);
  balancer.apply(sticky(99, 1));
  await balancer.settled();
  const headers = { cookie: `a=b; ${value}; c=d` };
  for (let i = 0; i < 20; i += 1) assert.match((await ask(port, "/", { headers })).body, /"name":"green"/);
  balancer.apply(sticky(1, 0));
  await balancer.settled();
  const moved = await ask(port, "/", { headers });
  assert.match(moved.body, /"name":"blue"/);
  assert.notEqual(moved.headers["set-cookie"]?.[0]?.split(";")[0], value);
});
