import assert from "node:assert/strict";
import { test } from "node:test";
import type { BalancerState, ListenerState } from "../state.ts";
import { Listeners } from "./listeners.ts";

const listener = (id: string, port: number): ListenerState => ({
  id,
  protocol: "HTTP",
  address: "127.0.0.1",
  port,
  idleTimeoutSeconds: 60,
  rules: [],
  defaultAction: { type: "fixed-response", statusCode: 503 },
});
const state: BalancerState = { listeners: [listener("a", 80), listener("b", 81)], targetGroups: [] };
const ids = async (open: Promise<BalancerState>) => (await open).listeners.map(({ id }) => id);

test("a listener that cannot be opened is left out by name, and tried again after a while", async () => {
  const taken = new Set([81]);
  const probed: number[] = [];
  const listeners = new Listeners(async (_, port) => {
    probed.push(port);
    return taken.has(port) ? "taken" : undefined;
  });
  assert.deepEqual(await ids(listeners.openable(state, new Set(), 0)), ["a"]);
  assert.deepEqual(listeners.failed, [{ listenerId: "b", error: "taken" }]);
  taken.clear();
  assert.deepEqual(await ids(listeners.openable(state, new Set(["127.0.0.1:80"]), 1999)), ["a"]);
  assert.deepEqual(await ids(listeners.openable(state, new Set(["127.0.0.1:80"]), 2000)), ["a", "b"]);
  assert.deepEqual(listeners.failed, []);
  assert.deepEqual(probed, [80, 81, 81]);
});

test("a failed listener that moves to another port is tried at once, and one that is gone is forgotten", async () => {
  const listeners = new Listeners(async (_, port) => (port === 81 ? "taken" : undefined));
  await listeners.openable(state, new Set(), 0);
  const moved = { ...state, listeners: [listener("a", 80), listener("b", 82)] };
  assert.deepEqual(await ids(listeners.openable(moved, new Set(), 1)), ["a", "b"]);
  await listeners.openable(state, new Set(), 2);
  await listeners.openable({ ...state, listeners: [] }, new Set(), 3);
  assert.deepEqual(listeners.failed, []);
});

test("a bind that only HAProxy found to fail leaves its listener out too", async () => {
  const listeners = new Listeners(async () => undefined);
  const open = await listeners.openable(state, new Set(), 0);
  assert.ok(!listeners.refuse(open, new Map([["ls.other", "no"]]), 0));
  assert.ok(listeners.refuse(open, new Map([["ls.b", "cannot bind"]]), 0));
  assert.deepEqual(await ids(listeners.openable(state, new Set(), 1)), ["a"]);
});
