import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { AT, COUNTER_COUNT, type CounterRow, parseCounters } from "./traffic-counters.ts";
import { changes, TrafficLedger } from "./traffic-ledger.ts";
import type { TrafficSample } from "./traffic-sample.ts";

type Counts = Partial<Record<keyof typeof AT, number>>;

function row(kind: CounterRow["kind"], proxy: string, name: string, counts: Counts, active = 0, mode = "http") {
  const values = Array.from({ length: COUNTER_COUNT }, () => 0);
  for (const [what, count] of Object.entries(counts)) values[AT[what as keyof typeof AT]] = count;
  return { kind, proxy, name, mode, active, counts: values };
}

const frontend = (counts: Counts, active = 0) => row("frontend", "ls.web", "FRONTEND", counts, active);
const backend = (counts: Counts, active = 0) => row("backend", "tg.g", "BACKEND", counts, active);
const server = (id: string, counts: Counts, active = 0) =>
  row("server", "tg.g", `${id}:10.0.0.1:80:t:0`, counts, active);

const groupOf = (sample: TrafficSample) => sample.targetGroups.find(({ targetGroupId }) => targetGroupId === "g");

test("a worker's counts are told once, and what is idle is not told of", () => {
  const ledger = new TrafficLedger(0);
  ledger.open(1, false);
  const rows = [frontend({ requests: 3, "2xx": 3 }), backend({ requests: 3, "2xx": 3 }), server("a", { "2xx": 3 })];
  ledger.take(1, rows);
  const first = ledger.sample(5, 1000);
  assert.deepEqual([first.at, first.durationMs], [5, 1000]);
  assert.equal(first.listeners[0]?.requests, 3);
  assert.equal(groupOf(first)?.targets[0]?.answers["2xx"], 3);
  ledger.take(1, rows);
  assert.deepEqual(ledger.sample(6, 2500), { at: 6, durationMs: 1500, listeners: [], targetGroups: [] });
});

test("a worker that was found running is told of from then on", () => {
  const ledger = new TrafficLedger(0);
  ledger.open(1, true);
  ledger.take(1, [frontend({ requests: 90 })]);
  assert.deepEqual(ledger.sample(0, 1).listeners, []);
  ledger.take(1, [frontend({ requests: 92 }), server("new", { requests: 2 })]);
  const sample = ledger.sample(0, 2);
  assert.equal(sample.listeners[0]?.requests, 2);
  assert.equal(groupOf(sample)?.targets[0]?.requests, 2);
});

test("what is under way is the sum over workers, and none of one that is gone or does not answer", () => {
  const ledger = new TrafficLedger(0);
  for (const [worker, active] of [
    [1, 2],
    [2, 3],
  ] as const) {
    ledger.open(worker, false);
    ledger.take(worker, [frontend({}, active), backend({}, active), server("a", {}, active)]);
  }
  const active = () => {
    const sample = ledger.sample(0, 0);
    return [sample.listeners[0]?.activeConnections, groupOf(sample)?.active, groupOf(sample)?.targets[0]?.active];
  };
  assert.deepEqual(active(), [5, 5, 5]);
  ledger.close(1);
  assert.deepEqual(active(), [3, 3, 3]);
  ledger.lose(2);
  assert.deepEqual(active(), [undefined, undefined, undefined]);
});

test("an answer that is under way is not taken for HAProxy's own, nor does it hide one", () => {
  const ledger = new TrafficLedger(0);
  ledger.open(1, false);
  const own = () => groupOf(ledger.sample(0, 0))?.ownAnswers["5xx"] ?? 0;
  ledger.take(1, [backend({}, 1), server("a", { "5xx": 1 })]);
  assert.equal(own(), 0);
  ledger.take(1, [backend({ "5xx": 2 }), server("a", { "5xx": 1 })]);
  assert.equal(own(), 1);
});

test("a server that was deleted and added again by the same name counts from 0, though it counted more than before", () => {
  const ledger = new TrafficLedger(0);
  ledger.open(1, false);
  ledger.take(1, [server("a", { "2xx": 3 })]);
  ledger.forget(1, "tg.g/a:10.0.0.1:80:t:0");
  ledger.take(1, [server("a", { "2xx": 5 })]);
  assert.equal(groupOf(ledger.sample(0, 0))?.targetAnswers["2xx"], 8);
});

test("a row whose counts went back began anew", () => {
  assert.deepEqual(changes([5, 5], [6, 4]), [6, 4]);
  assert.deepEqual(changes([5, 5], [6, 5]), [1, 0]);
  assert.deepEqual(changes(undefined, [2, 1]), [2, 1]);
  assert.deepEqual(changes([6, 5], [0, 0]), [0, 0]);
  assert.equal(changes([6, 5], [6, 5]), undefined);
  assert.equal(changes(undefined, [0, 0]), undefined);
});

/** What happens to a load balancer, as a property's steps. */
const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant("answer" as const), worker: fc.nat(2), target: fc.nat(2) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("own" as const), worker: fc.nat(2) }) },
  { weight: 2, arbitrary: fc.constant({ kind: "count" as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: "sample" as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: "reload" as const }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("end" as const), worker: fc.nat(2) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("delete" as const), worker: fc.nat(2), target: fc.nat(2) }) },
);

test("whatever order workers, targets and samples come and go in, all adds up and nothing is negative", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const ledger = new TrafficLedger(0);
      const workers = new Map<number, { own: number; ofTargets: number; targets: Map<string, number> }>();
      const made = { own: 0, targets: [0, 0, 0] };
      const told = { own: 0, answers: 0, targets: [0, 0, 0] };
      let pid = 0;
      const begin = () => {
        pid += 1;
        workers.set(pid, { own: 0, ofTargets: 0, targets: new Map() });
        ledger.open(pid, false);
      };
      const count = (worker: number) => {
        const { own, ofTargets, targets } = workers.get(worker) ?? assert.fail();
        const servers = [...targets].map(([id, answers]) => server(id, { requests: answers, "2xx": answers }));
        ledger.take(worker, [backend({ requests: own + ofTargets, "2xx": own + ofTargets }), ...servers]);
      };
      const sample = () => {
        const group = groupOf(ledger.sample(0, 0));
        told.own += group?.ownAnswers["2xx"] ?? 0;
        told.answers += group?.answers["2xx"] ?? 0;
        for (const { targetId, answers } of group?.targets ?? []) {
          assert.ok(answers["2xx"] >= 0);
          told.targets[Number(targetId)]! += answers["2xx"];
        }
      };
      begin();
      for (const s of steps) {
        const worker = "worker" in s ? [...workers.keys()].at(-1 - s.worker) : undefined;
        const seen = workers.get(worker ?? 0);
        if (s.kind === "reload") begin();
        else if (s.kind === "sample") sample();
        else if (s.kind === "count") for (const each of workers.keys()) count(each);
        else if (worker === undefined || seen === undefined) continue;
        else if (s.kind === "own") {
          seen.own += 1;
          made.own += 1;
        } else if (s.kind === "end") {
          if (workers.size === 1) continue;
          count(worker);
          ledger.close(worker);
          workers.delete(worker);
        } else if (s.kind === "delete") {
          count(worker);
          seen.targets.delete(String(s.target));
          ledger.forget(worker, `tg.g/${s.target}:10.0.0.1:80:t:0`);
        } else {
          const id = String(s.target);
          seen.targets.set(id, (seen.targets.get(id) ?? 0) + 1);
          seen.ofTargets += 1;
          made.targets[s.target]! += 1;
        }
      }
      for (const each of workers.keys()) count(each);
      sample();
      assert.deepEqual(told.targets, made.targets);
      assert.equal(told.own, made.own);
      assert.equal(told.answers, made.own + made.targets.reduce((a, b) => a + b));
    }),
  );
});

test("counters are read by the names of their columns", () => {
  const header =
    "# pxname,svname,scur,stot,bin,bout,ereq,econ,eresp,lbtot,type,hrsp_2xx,hrsp_3xx,hrsp_4xx,hrsp_5xx,req_tot,conn_tot,mode,";
  const [only, ...rest] = parseCounters(
    `${header}\nls.a,FRONTEND,4,9,100,200,1,,,,0,5,6,7,8,26,3,http,\nx,y,,,,,,,,,3,,,,,,,,\n`,
  );
  assert.deepEqual(rest, []);
  const counts = { requests: 26, clientConnections: 3, sessions: 9, bytesIn: 100, bytesOut: 200, badRequests: 1 };
  assert.deepEqual(only, {
    ...row("frontend", "ls.a", "FRONTEND", { ...counts, "2xx": 5, "3xx": 6, "4xx": 7, "5xx": 8 }),
    active: 4,
  });
});
