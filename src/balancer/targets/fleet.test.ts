import assert from "node:assert/strict";
import { test } from "node:test";
import { backupName, serverPrefix } from "../configuration/names.ts";
import type { ServerRow } from "../process/statistics.ts";
import type { BalancerState, TargetState } from "../state.ts";
import { Fleet } from "./fleet.ts";
import { renderServerState } from "./server-state.ts";

const a: TargetState = { id: "a", address: "10.0.0.1", port: 80, draining: false };
const b: TargetState = { id: "b", address: "10.0.0.2", port: 80, draining: false };
const OPTIONS =
  "weight 1 check inter 30000ms fastinter 30000ms downinter 1000ms rise 5 fall 2 observe layer4 error-limit 3 on-error mark-down";

function stateOf(...targets: TargetState[]): BalancerState {
  const healthCheck = {
    enabled: true,
    protocol: "TCP",
    port: "traffic-port",
    path: "/",
    intervalSeconds: 30,
    timeoutSeconds: 5,
    healthyThreshold: 5,
    unhealthyThreshold: 2,
    matcher: "200",
  } as const;
  const group = { id: "g", protocol: "TCP", algorithm: "round_robin", healthCheck, targets } as const;
  return { listeners: [], targetGroups: [group] };
}

function row(name: string, status: string, more: Partial<ServerRow> = {}): ServerRow {
  return { backend: "tg.g", name, status, sessions: 0, checkStatus: "L4OK", checkCode: "", markDowns: 0, ...more };
}

const server = (target: TargetState, number = 0) => `${serverPrefix(target)}${number}`;
const A = server(a);
const up = (name = A) => [row(name, "UP"), row(backupName(name), "no check", { checkStatus: "" })];
const texts = (look: ReturnType<Fleet["look"]>) => [...look.commands, ...look.deletes].map(({ text }) => text);

/** A fleet that has seen `target` up. */
function seasoned(target = a): Fleet {
  const fleet = new Fleet();
  fleet.commit(fleet.look(stateOf(target), up(server(target)), [], 0));
  return fleet;
}

test("a new target is added in drain and put down before it is let go", () => {
  const look = new Fleet().look(stateOf(a), [], [], 0);
  assert.deepEqual(texts(look), [
    `add server tg.g/${A} 10.0.0.1:80 ${OPTIONS}`,
    `enable health tg.g/${A}`,
    `set server tg.g/${A} state drain`,
    `set server tg.g/${A} health down`,
    `set server tg.g/${A} state ready`,
    `add server tg.g/${A}:open 10.0.0.1:80 weight 1 backup`,
  ]);
  assert.equal(look.settled, false);
});

test("the first good check raises it, and opens its copy for when no target is up", () => {
  const fleet = new Fleet();
  fleet.commit(fleet.look(stateOf(a), [], [], 0));
  const look = fleet.look(stateOf(a), [row(A, "DOWN 1/5"), row(`${A}:open`, "MAINT")], [], 100);
  assert.deepEqual(texts(look), [`set server tg.g/${A} health up`, `set server tg.g/${A}:open state ready`]);
  assert.deepEqual(fleet.commit(look), [{ targetGroupId: "g", targetId: "a", state: "healthy", sessions: 0 }]);
});

test("a look whose commands did not arrive is as if it had not been", () => {
  const fleet = new Fleet();
  fleet.commit(fleet.look(stateOf(a), [], [], 0));
  const rows = [row(A, "DOWN 1/5"), row(`${A}:open`, "MAINT")];
  assert.deepEqual(texts(fleet.look(stateOf(a), rows, [], 100)), texts(fleet.look(stateOf(a), rows, [], 200)));
  assert.equal(fleet.reports[0]?.state, "initial");
});

test("a fleet that is as wanted is left alone", () => {
  const fleet = seasoned();
  const look = fleet.look(stateOf(a), up(), [], 100);
  assert.deepEqual(texts(look), []);
  assert.ok(look.settled);
  assert.deepEqual(fleet.commit(look), []);
});

test("a draining target is drained when its last session is gone, in retired workers too", () => {
  const fleet = seasoned();
  const draining = stateOf({ ...a, draining: true });
  const order = fleet.look(draining, up(), [], 1000);
  assert.deepEqual(texts(order), [`set server tg.g/${A} state drain`, `set server tg.g/${A}:open state maint`]);
  fleet.commit(order);
  const rows = [row(A, "DRAIN", { sessions: 1 }), row(`${A}:open`, "MAINT")];
  const quiet = [row(A, "DRAIN"), row(`${A}:open`, "MAINT")];
  const stateAt = (some: ServerRow[], retired: ServerRow[], ms: number) => {
    fleet.commit(fleet.look(draining, some, retired, ms));
    return fleet.reports.map(({ state, sessions }) => ({ state, sessions }));
  };
  assert.deepEqual(stateAt(rows, [], 1500), [{ state: "draining", sessions: 1 }]);
  assert.deepEqual(stateAt(quiet, [row(A, "UP", { sessions: 2 })], 1600), [{ state: "draining", sessions: 2 }]);
  assert.deepEqual(stateAt(quiet, [row(A, "UP")], 1700), [{ state: "drained", sessions: 0 }]);
});

test("no session right after the order to drain is not believed yet", () => {
  const fleet = seasoned();
  const draining = stateOf({ ...a, draining: true });
  fleet.commit(fleet.look(draining, up(), [], 1000));
  fleet.commit(fleet.look(draining, [row(A, "DRAIN"), row(`${A}:open`, "MAINT")], [], 1050));
  assert.equal(fleet.reports[0]?.state, "draining");
});

test("a target that drains no more takes traffic again", () => {
  const fleet = seasoned();
  fleet.commit(fleet.look(stateOf({ ...a, draining: true }), up(), [], 0));
  const look = fleet.look(stateOf(a), [row(A, "DRAIN"), row(`${A}:open`, "MAINT")], [], 500);
  assert.deepEqual(texts(look), [`set server tg.g/${A} state ready`, `set server tg.g/${A}:open state ready`]);
});

test("a server nobody wants is taken out, cut and deleted, until it is gone", () => {
  const look = seasoned().look(stateOf(), up(), [row(A, "UP", { sessions: 1 }), row(server(b), "UP")], 100);
  const both = (verb: string, tail = "") => [`${verb} tg.g/${A}${tail}`, `${verb} tg.g/${A}:open${tail}`];
  assert.deepEqual(texts(look), [
    ...both("set server", " state maint"),
    ...both("shutdown sessions server"),
    ...both("del server").reverse(),
  ]);
  assert.deepEqual(look.cuts, [`tg.g/${A}`]);
  const copyLeft = seasoned().look(stateOf(), [row(`${A}:open`, "MAINT")], [], 100);
  assert.ok(texts(copyLeft).includes(`del server tg.g/${A}:open`));
});

test("a target that comes back while its old server is still leaving gets a new server", () => {
  const look = new Fleet().look(stateOf(a), [row(A, "MAINT", { sessions: 1 })], [], 0);
  assert.ok(texts(look).includes(`del server tg.g/${A}`));
  assert.match(texts(look)[0]!, new RegExp(`^add server tg.g/${server(a, 1)} `));
});

test("a target that refused connections gets a fresh server, and the old one's sessions go on", () => {
  const rows = [row(A, "DOWN", { checkStatus: "HANA", markDowns: 1 }), row(`${A}:open`, "no check")];
  const fleet = seasoned();
  const look = fleet.look(stateOf(a), rows, [], 100);
  assert.match(texts(look)[0]!, new RegExp(`^add server tg.g/${server(a, 1)} `));
  assert.ok(texts(look).includes(`set server tg.g/${A} state maint`));
  assert.ok(!texts(look).some((text) => text.startsWith("shutdown")));
  assert.deepEqual(fleet.commit(look), []);
});

test("the state that a new worker starts from tells up, down, draining and new targets apart", () => {
  const fleet = new Fleet();
  const targets = ["up", "bad", "new", "out"].map((id) => ({ ...a, id }));
  const [good, bad, fresh, out] = targets as [TargetState, TargetState, TargetState, TargetState];
  const wanted = stateOf(good, bad, fresh, out);
  const rows = [
    ...up(server(good)),
    row(server(bad), "DOWN", { checkStatus: "L4CON" }),
    row(`${server(bad)}:open`, "no check"),
    row(server(fresh), "DOWN", { checkStatus: "INI" }),
    row(`${server(fresh)}:open`, "MAINT"),
    ...up(server(out)),
  ];
  fleet.commit(fleet.look(wanted, rows, [], 0));
  const drained = stateOf(good, bad, fresh, { ...out, draining: true });
  fleet.commit(fleet.look(drained, rows, [], 100));
  const lines = renderServerState(drained, fleet.tracks).split("\n");
  assert.equal(lines[0], "1");
  const told = lines
    .slice(2, -1)
    .map((line) => line.split(" "))
    .map((words) => [words[3], words[5], words[6], words[12]].join(" "));
  assert.deepEqual(told, [
    `${server(good)} 2 0 6`,
    `${server(good)}:open 2 0 0`,
    `${server(bad)} 0 0 0`,
    `${server(bad)}:open 2 0 0`,
    `${server(fresh)} 0 0 0`,
    `${server(fresh)}:open 0 1 0`,
    `${server(out)} 2 8 6`,
    `${server(out)}:open 0 1 0`,
  ]);
});

test("a worker that starts is given all targets, the new ones down, and needs no command for them", () => {
  const fleet = seasoned();
  const state = stateOf(a, b, { ...b, id: "leaves", draining: true });
  fleet.expect(state);
  const written = fleet.written(state).get("g") ?? [];
  assert.deepEqual(
    written.map(({ name }) => name),
    [A, server(b)],
  );
  const lines = renderServerState(state, fleet.tracks).split("\n");
  const word = (name: string, index: number) => lines.find((line) => line.includes(` ${name} `))?.split(" ")[index];
  assert.deepEqual([word(A, 5), word(server(b), 5)], ["2", "0"], "operational states: running, stopped");
  assert.equal(word(backupName(server(b)), 6), "1", "administrative state: maintenance");
  const down = [row(server(b), "DOWN", { checkStatus: "INI" }), row(backupName(server(b)), "MAINT")];
  const look = fleet.look(state, [...up(), ...down], [], 0);
  assert.deepEqual(texts(look), []);
  assert.equal(look.reports.get("tg.g/b")?.state, "initial");
});
