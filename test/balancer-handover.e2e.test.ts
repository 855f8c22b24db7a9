import assert from "node:assert/strict";
import { Agent } from "node:http";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { DEFAULT_HEADERS } from "../src/balancer/configuration/headers.ts";
import type { BalancerState } from "../src/balancer/index.ts";
import { ask, get, start, startTarget, stateOf, undo, until, untilHealthy, untilState } from "./balancer-rig.ts";
import { freePort } from "./rig/free-port.ts";

test("a request on a connection kept over reloads goes where requests go now, as its client's", async () => {
  const [before, after] = [await startTarget("before"), await startTarget("after")];
  const port = await freePort();
  const balancer = await start();
  const through = (state: BalancerState, answer: string): BalancerState => ({
    ...state,
    listeners: state.listeners.map((listener) => ({
      ...listener,
      headers: { ...DEFAULT_HEADERS, forwardedPort: true, answers: { "Strict-Transport-Security": answer } },
      rules: [
        {
          id: "here",
          conditions: [
            { field: "source-ip", values: ["127.0.0.1/32"] },
            { field: "path-pattern", values: ["/only-here"] },
          ],
          action: { type: "fixed-response", statusCode: 200, body: answer },
        },
      ],
    })),
  });
  balancer.apply(through(stateOf(port, [before.state]), "first"));
  await untilHealthy(balancer, 1);
  const kept = () => new Agent({ keepAlive: true, maxSockets: 1 });
  const agents = [kept(), kept()];
  undo.push(() => {
    for (const one of agents) one.destroy();
  });
  for (const one of agents) assert.equal((await get(port, "/", { agent: one })).name, "before");
  for (const answer of ["second", "third"]) {
    balancer.apply(through(stateOf(port, [before.state]), answer));
    await balancer.settled();
  }
  balancer.apply(through(stateOf(port, [before.state, after.state]), "third"));
  await untilHealthy(balancer, 2);
  balancer.apply(through(stateOf(port, [{ ...before.state, draining: true }, after.state]), "third"));
  await untilState(balancer, "before", "drained");
  await before.close();
  assert.equal(balancer.status().generation, 3);
  const [first, second] = agents;
  const answer = await ask(port, "/", { agent: first, method: "POST" });
  assert.equal(answer.status, 200);
  assert.equal(answer.headers.connection, "close");
  const { name, headers } = JSON.parse(answer.body);
  assert.equal(name, "after");
  assert.match(headers["x-forwarded-for"], /^127\.0\.0\.1:\d+$/);
  assert.equal(headers["x-forwarded-port"], String(port));
  assert.equal((await ask(port, "/only-here", { agent: second })).body, "third");
});

test("many changes in a row cut nothing that is under way", async () => {
  const target = await startTarget("a");
  const port = await freePort();
  const balancer = await start();
  const state = stateOf(port, [target.state]);
  balancer.apply(state);
  await untilHealthy(balancer, 1);
  const { generation } = balancer.status();
  const answers: Promise<{ readonly status: number }>[] = [];
  for (let timeout = 1; timeout <= 40; timeout += 1) {
    answers.push(get(port, "/slow", { method: "POST" }));
    await until("it is under way", () => target.seen.requests === answers.length);
    balancer.apply({
      ...state,
      listeners: state.listeners.map((one) => ({ ...one, idleTimeoutSeconds: 60 + timeout })),
    });
    await sleep(60); // a reload takes no longer where there is time for it
  }
  await balancer.settled();
  target.answerSlow();
  const statuses = (await Promise.all(answers)).map(({ status }) => status);
  assert.deepEqual(new Set(statuses), new Set([200]));
  assert.ok(balancer.status().generation - generation < 20, "reloads were gathered");
});
