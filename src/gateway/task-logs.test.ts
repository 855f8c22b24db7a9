import assert from "node:assert/strict";
import { test } from "node:test";
import { type Clock, systemClock } from "../runtime/clock.ts";
import { seededRandom } from "../runtime/random.ts";
import type { ContainerInstanceArn } from "../wire/arn.ts";
import { readAcsMessage } from "./acs-messages.ts";
import { TaskLogsExchange } from "./task-logs.ts";

const REQUEST = { taskArn: "t", containerName: "c", last: false, limit: 10 };

/** An exchange whose timers fire when they are told to. */
function bench() {
  const timers = new Set<() => void>();
  const clock: Clock = {
    ...systemClock(),
    after: (_ms, fn) => {
      timers.add(fn);
      return { cancel: () => void timers.delete(fn) };
    },
  };
  return { exchange: new TaskLogsExchange({ clock, random: seededRandom(1) }), timers };
}

function session(isOpen = true) {
  const said: { type: string; messageId: string }[] = [];
  return {
    arn: "i" as ContainerInstanceArn,
    isOpen,
    said,
    say: (type: string, message: object) => void said.push({ type, ...(message as { messageId: string }) }),
  };
}

test("a question is put to the agent once, with its places, and its answer comes back", async () => {
  const { exchange, timers } = bench();
  const agent = session();
  const from = { ms: 5, count: 1 };
  const asked = exchange.ask(agent, { ...REQUEST, from, last: true });
  const [message] = agent.said;
  const { messageId } = message!;
  assert.deepEqual(JSON.parse(JSON.stringify(message)), {
    ...{ type: "TaskLogsRequest", messageId, taskArn: "t", containerName: "c" },
    ...{ sinceMs: 5, sinceSkip: 1, tail: 10, limit: 10 },
  });
  const events = [{ timestamp: 5, message: "x" }];
  exchange.answered(session(), { messageId, events: [], offset: 0 });
  exchange.answered(agent, { messageId: "other", events: [], offset: 0 });
  exchange.answered(agent, { messageId, events, offset: 1 });
  assert.deepEqual(await asked, { kind: "events", events, offset: 1 });
  assert.equal(timers.size, 0);
});

test("an agent that is away, silent, gone or asked too much is told apart", async () => {
  const { exchange, timers } = bench();
  assert.deepEqual(await exchange.ask(undefined, REQUEST), { kind: "disconnected" });
  assert.deepEqual(await exchange.ask(session(false), REQUEST), { kind: "disconnected" });
  const silent = exchange.ask(session(), REQUEST);
  for (const fire of timers) fire();
  assert.deepEqual(await silent, { kind: "timeout" });
  const agent = session();
  const many = Array.from({ length: 33 }, () => exchange.ask(agent, REQUEST));
  assert.deepEqual(await many[32], { kind: "busy" });
  exchange.closed(agent);
  assert.deepEqual(await many[0], { kind: "disconnected" });
  assert.deepEqual(await many[31], { kind: "disconnected" });
});

for (const [code, kind] of [
  ["not-found", "not-found"],
  ["unreadable", "unreadable"],
  ["timeout", "timeout"],
  ["of a newer agent", "failed"],
])
  test(`an agent's error "${code}" is "${kind}"`, async () => {
    const { exchange } = bench();
    const agent = session();
    const asked = exchange.ask(agent, REQUEST);
    const { messageId } = agent.said[0]!;
    exchange.answered(agent, { messageId, events: [], offset: 0, error: { code: code!, message: "why" } });
    assert.equal((await asked).kind, kind);
  });

test("an answer of a wrong shape is dropped", () => {
  const good = { messageId: "m", events: [{ timestamp: 1, message: "x" }] };
  assert.equal(typeof readAcsMessage({ type: "TaskLogsResponse", message: good }), "object");
  for (const bad of [{}, { ...good, events: [{ timestamp: "1", message: "x" }] }, { ...good, offset: -1 }])
    assert.equal(typeof readAcsMessage({ type: "TaskLogsResponse", message: bad }), "string");
  const tooMany = Array.from({ length: 10_001 }, () => ({ timestamp: 1, message: "" }));
  assert.equal(typeof readAcsMessage({ type: "TaskLogsResponse", message: { ...good, events: tooMany } }), "string");
});
