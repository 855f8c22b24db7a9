import assert from "node:assert/strict";
import { test } from "node:test";
import type { BalancerState } from "../src/balancer/index.ts";
import { load, newDir, start, startTarget, stateOf, until, untilHealthy } from "./balancer-rig.ts";
import { freePort } from "./rig/free-port.ts";

const PATH = "/.well-known/acme-challenge/";

async function ask(port: number, token: string) {
  const answer = await fetch(`http://127.0.0.1:${port}${PATH}${token}`, { redirect: "manual" });
  return { status: answer.status, body: await answer.text() };
}

test("every HTTP listener answers challenges, before its rules, from a map that follows without a reload", async () => {
  const target = await startTarget("a");
  const [port, redirecting] = [await freePort(), await freePort()];
  const dir = newDir();
  const balancer = await start(dir);
  const state = (...challenges: { token: string; answer: string }[]): BalancerState => {
    const base = stateOf(port, [target.state]);
    const [web] = base.listeners;
    assert.ok(web !== undefined);
    const parts = { host: "#{host}", port: "443", path: "/#{path}", query: "#{query}" };
    const redirect = { type: "redirect", statusCode: 301, protocol: "HTTPS", ...parts } as const;
    return {
      ...base,
      challenges,
      listeners: [web, { ...web, id: "redirecting", port: redirecting, defaultAction: redirect }],
    };
  };
  balancer.apply(state());
  await untilHealthy(balancer, 1);
  const { generation } = balancer.status();
  const traffic = load(port);
  await until("traffic flows", () => traffic.counts.sent > 20);
  assert.equal(JSON.parse((await ask(port, "one")).body).name, "a", "no challenge: the target answers");
  balancer.apply(state({ token: "one", answer: "one.thumb" }, { token: "two", answer: "two.thumb" }));
  await balancer.settled();
  for (const at of [port, redirecting]) {
    assert.deepEqual(await ask(at, "one"), { status: 200, body: "one.thumb" });
    assert.deepEqual(await ask(at, "two"), { status: 200, body: "two.thumb" });
    assert.notEqual((await ask(at, "one/more")).body, "one.thumb");
  }
  assert.equal((await ask(redirecting, "three")).status, 301);
  // The next process finds what this one left; a HAProxy that is killed comes back with them.
  await balancer.stop({ keepRunning: true });
  const next = await start(dir);
  next.apply(state({ token: "two", answer: "other.thumb" }));
  await next.settled();
  assert.deepEqual(await ask(port, "two"), { status: 200, body: "other.thumb" });
  assert.equal(JSON.parse((await ask(port, "one")).body).name, "a", "it is over");
  assert.equal(next.status().generation, generation);
  assert.deepEqual((await traffic.stop()).failures, []);
  process.kill(next.status().pid ?? 0, "SIGKILL");
  await until(
    "it is back with its challenges",
    async () => (await ask(port, "two").catch(() => undefined))?.body === "other.thumb",
  );
});

test("challenges without an HTTP listener to answer them harm nothing, and are answered when one comes", async () => {
  const port = await freePort();
  const balancer = await start();
  const challenges = [{ token: "one", answer: "one.thumb" }];
  balancer.apply({ listeners: [], targetGroups: [], challenges: [] });
  await balancer.settled();
  balancer.apply({ listeners: [], targetGroups: [], challenges });
  await balancer.settled();
  assert.equal(balancer.status().lastError, undefined);
  balancer.apply({ ...stateOf(port, []), challenges });
  await balancer.settled();
  assert.deepEqual(await ask(port, "one"), { status: 200, body: "one.thumb" });
});
