import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { clusterArn, containerInstanceArn } from "../../wire/arn.ts";
import {
  DEFAULT_HOST_LOSS_SETTINGS,
  decideHostLoss,
  type HostLossAction,
  type HostLossSettings,
  NOTHING_SEEN,
  type ObservedHost,
} from "./host-loss.ts";

const SCOPE = { region: "us-east-1", accountId: "000000000000" };
const STEP_MS = 500;

interface SimulatedHost {
  readonly id: number;
  readonly cluster?: string;
  /** Answers at these times; the last pong before a cut is at the cut. */
  readonly cuts?: readonly (readonly [from: number, to: number])[];
  readonly neverHeard?: boolean;
  readonly wasConnected?: boolean;
  readonly tasks?: number;
}

/** Runs time on in steps, as the controller does, and answers what was decided and when. */
function simulate(hosts: readonly SimulatedHost[], untilMs: number, over: Partial<HostLossSettings> = {}) {
  const settings = { ...DEFAULT_HOST_LOSS_SETTINGS, ...over };
  const log: { readonly at: number; readonly action: HostLossAction }[] = [];
  const connected = new Map(hosts.map((h) => [h.id, h.wasConnected ?? true]));
  const abandoned = new Set<string>();
  let state = NOTHING_SEEN;
  for (let now = 0; now <= untilMs; now += STEP_MS) {
    const observed = hosts.map((host): ObservedHost => {
      const silentMs = host.neverHeard === true ? now : silence(host, now);
      if (host.neverHeard !== true && silentMs === 0) connected.set(host.id, true);
      const arn = arnOf(host);
      return {
        arn,
        clusterArn: clusterArn(SCOPE, { clusterName: host.cluster ?? "default" }),
        silentMs,
        wasHeard: host.neverHeard !== true,
        agentConnected: connected.get(host.id) ?? false,
        serviceTasks: abandoned.has(arn) ? 0 : (host.tasks ?? 1),
      };
    });
    const decided = decideHostLoss(state, observed, settings, now);
    state = decided.state;
    for (const action of decided.actions) {
      log.push({ at: now, action });
      if (action.kind === "disconnect") connected.set(hosts.find((h) => arnOf(h) === action.arn)!.id, false);
      if (action.kind === "abandon") abandoned.add(action.arn);
    }
  }
  return log;
}

const arnOf = ({ id, cluster = "default" }: SimulatedHost) =>
  containerInstanceArn(SCOPE, { clusterName: cluster, containerInstanceId: `host${id}` });

function silence({ cuts = [] }: SimulatedHost, now: number): number {
  const cut = cuts.find(([from, to]) => from < now && now < to);
  return cut === undefined ? 0 : now - cut[0];
}

/** What happened, as `<time> <kind> <hosts>`. */
function story(log: ReturnType<typeof simulate>): string[] {
  return log.map(({ at, action }) => `${at} ${action.kind} ${detail(action)}`);
}

function detail(action: HostLossAction): string {
  const id = (arn: string) => arn.slice(arn.lastIndexOf("host") + 4);
  if (action.kind === "hold") return `${action.hosts.map(id)}: ${action.gone} of ${action.of}`;
  return action.kind === "release" ? action.cause : id(action.arn);
}

const FOREVER = 1e9;
const range = (count: number, of: (id: number) => Partial<SimulatedHost>): SimulatedHost[] =>
  Array.from({ length: count }, (_, i) => ({ id: i + 1, ...of(i + 1) }));
const cutFrom = (from: number, to = FOREVER): Pick<SimulatedHost, "cuts"> => ({ cuts: [[from, to]] });
const only = (kind: HostLossAction["kind"], lines: readonly string[]) => lines.filter((l) => l.includes(` ${kind} `));

describe("one host", () => {
  const cases: readonly { readonly title: string; readonly host: SimulatedHost; readonly expected: string[] }[] = [
    { title: "[HL1] that answers stays", host: { id: 1 }, expected: [] },
    { title: "[HL2] that is frozen for 3 s stays", host: { id: 1, ...cutFrom(1000, 4000) }, expected: [] },
    {
      title: "[HL2] that is silent for 6.5 s is not connected, and keeps its tasks",
      host: { id: 1, ...cutFrom(0, 6500) },
      expected: ["6000 disconnect 1"],
    },
    {
      title: "[HL3] that is silent for 7 s loses its tasks",
      host: { id: 1, ...cutFrom(0) },
      expected: ["6000 disconnect 1", "7000 abandon 1"],
    },
    {
      title: "[HL3] without tasks of services has nothing to lose",
      host: { id: 1, tasks: 0, ...cutFrom(0) },
      expected: ["6000 disconnect 1"],
    },
    {
      title: "[HL4] that has not come back after a start of the control plane has 30 s",
      host: { id: 1, neverHeard: true },
      expected: ["30000 disconnect 1", "31000 abandon 1"],
    },
    {
      title: "[HL4] that was not connected before the start has 30 s too",
      host: { id: 1, neverHeard: true, wasConnected: false },
      expected: ["31000 abandon 1"],
    },
  ];
  for (const { title, host, expected } of cases) {
    test(`${title}`, () => assert.deepEqual(story(simulate([host], 40_000)), expected));
  }

  test("[HL3] the grace is a setting", () => {
    assert.deepEqual(only("abandon", story(simulate([{ id: 1, ...cutFrom(0) }], 40_000, { graceMs: 20_000 }))), [
      "26000 abandon 1",
    ]);
  });
});

describe("the brake", () => {
  test("[HL5] holds when four of ten go at once, though they were last heard at different times", () => {
    const hosts = range(10, (id) => (id <= 4 ? cutFrom(10_000 + id * 450) : {}));
    const lines = story(simulate(hosts, 25_000)).filter((l) => !l.includes("disconnect"));
    assert.equal(lines[0], "17500 hold 1: 4 of 10");
    assert.deepEqual(only("abandon", lines), []);
    assert.deepEqual(
      only("hold", lines).map((l) => l.replace(/^\d+ /, "")),
      ["hold 1: 4 of 10", "hold 2: 4 of 10", "hold 3: 4 of 10", "hold 4: 4 of 10"],
    );
  });

  const trips: readonly { readonly title: string; readonly hosts: readonly SimulatedHost[]; readonly held: boolean }[] =
    [
      {
        title: "three of ten are not more than 30 %",
        hosts: range(10, (id) => (id <= 3 ? cutFrom(0) : {})),
        held: false,
      },
      { title: "three of nine are", hosts: range(9, (id) => (id <= 3 ? cutFrom(0) : {})), held: true },
      { title: "two of two are not three", hosts: range(2, () => cutFrom(0)), held: false },
      { title: "all of three are", hosts: range(3, () => cutFrom(0)), held: true },
      {
        title: "three of nine that go 60 s apart do not go together",
        hosts: range(9, (id) => (id <= 3 ? cutFrom(id * 60_000) : {})),
        held: false,
      },
      {
        title: "three of nine that go 10 s apart do, from the third on",
        hosts: range(9, (id) => (id <= 3 ? cutFrom(id * 10_000) : {})),
        held: true,
      },
      {
        title: "hosts of two clusters do not add up",
        hosts: range(8, (id) => ({ cluster: id % 2 === 0 ? "even" : "odd", ...(id <= 4 ? cutFrom(0) : {}) })),
        held: false,
      },
      {
        title: "hosts that never come back after a start count",
        hosts: range(6, (id) => (id <= 4 ? { neverHeard: true } : {})),
        held: true,
      },
      {
        title: "hosts that were gone long before the start do not",
        hosts: range(6, (id) => (id <= 4 ? { neverHeard: true, wasConnected: false } : {})),
        held: false,
      },
    ];
  for (const { title, hosts, held } of trips) {
    test(`[HL5] ${title}`, () => {
      const lines = story(simulate(hosts, 200_000));
      assert.equal(only("hold", lines).length > 0, held, lines.join("\n"));
    });
  }

  test("[HL7] [HL8] lets the tasks of one host go every 30 s, the longest silent first, and is released after the last", () => {
    const hosts = range(10, (id) => (id <= 4 ? cutFrom(1000 * id) : {}));
    const lines = story(simulate(hosts, 200_000)).filter((l) => !l.includes("disconnect"));
    assert.deepEqual(lines.slice(-5), [
      "38000 abandon 1",
      "68000 abandon 2",
      "98000 abandon 3",
      "128000 abandon 4",
      "128500 release replaced",
    ]);
  });

  test("[HL8] is released when hosts are back, and what is still gone is then given up at once", () => {
    const hosts = range(10, (id) => (id <= 4 ? cutFrom(0, id <= 2 ? 20_000 : FOREVER) : {}));
    const lines = story(simulate(hosts, 60_000)).filter((l) => !l.includes("disconnect"));
    assert.deepEqual(lines, [
      "7000 hold 1,2,3,4: 4 of 10",
      "20000 release returned",
      "20000 abandon 3",
      "20000 abandon 4",
    ]);
  });

  test("[HL8] loses nothing when all hosts come back", () => {
    const hosts = range(10, (id) => (id <= 9 ? cutFrom(0, 25_000) : {}));
    const lines = story(simulate(hosts, 60_000)).filter((l) => !l.includes("disconnect"));
    assert.deepEqual(lines, ["7000 hold 1,2,3,4,5,6,7,8,9: 9 of 10", "25000 release returned"]);
  });

  test("[HL6] tells of hosts that join those held back", () => {
    const hosts = range(10, (id) => (id <= 4 ? cutFrom(0) : id === 5 ? cutFrom(5000) : {}));
    const lines = story(simulate(hosts, 14_000));
    assert.deepEqual(only("hold", lines), ["7000 hold 1,2,3,4: 4 of 10", "12000 hold 5: 5 of 10"]);
  });
});
