import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { eventually } from "../../../test/rig/eventually.ts";
import type { TrafficSample } from "../metering/traffic-sample.ts";
import type { BalancerState, TargetReport, TargetState } from "../state.ts";
import type { Carrier } from "./carriers.ts";
import { type CarriersRig, carriersRig, FakeBalancer, MemoryKept } from "./testing.ts";

const PRIVATE_KEY = "-----BEGIN PRIVATE KEY-----\nc2VjcmV0IG9mIGEgY2VydGlmaWNhdGU=\n-----END PRIVATE KEY-----\n";

let rig: CarriersRig | undefined;
afterEach(async () => {
  await rig?.close();
  rig = undefined;
});

function stateOf(targets: readonly TargetState[], over: Partial<BalancerState> = {}): BalancerState {
  return {
    listeners: [
      {
        id: "l1",
        protocol: "HTTP",
        address: "127.0.0.1",
        port: 8080,
        idleTimeoutSeconds: 60,
        rules: [],
        defaultAction: { type: "forward", targetGroups: [{ targetGroupId: "web", weight: 1 }] },
      },
    ],
    targetGroups: [
      {
        id: "web",
        protocol: "HTTP",
        algorithm: "round_robin",
        healthCheck: {
          enabled: true,
          protocol: "HTTP",
          port: "traffic-port",
          path: "/",
          intervalSeconds: 5,
          timeoutSeconds: 2,
          healthyThreshold: 2,
          unhealthyThreshold: 2,
          matcher: "200",
        },
        targets,
      },
    ],
    certificates: [],
    ...over,
  };
}

const target = (n: number, draining = false): TargetState => ({
  id: `10.0.0.1:${n}@1`,
  address: "10.0.0.1",
  port: n,
  draining,
});

const report = (n: number, state: TargetReport["state"]): TargetReport => ({
  targetGroupId: "web",
  targetId: target(n).id,
  state,
  sessions: 0,
});

/** The first balancer that joins. */
async function joined(at: CarriersRig, name = "edge-1"): Promise<Carrier> {
  return await eventually(`${name} has joined`, 5_000, () => at.carriers.connected().find((c) => c.name === name));
}

test("a host carries what is wanted, on its own address, and then what changes", async () => {
  rig = await carriersRig();
  const local = new FakeBalancer();
  rig.host({ balancer: local, address: "0.0.0.0" });
  const { balancer, address } = await joined(rig);
  assert.equal(address, "127.0.0.1");
  balancer.apply(stateOf([target(1)]));
  await balancer.settled();
  assert.equal(local.newest?.listeners[0]?.address, "0.0.0.0");
  assert.deepEqual(local.newest?.targetGroups[0]?.targets, [target(1)]);
  const heardBefore = rig.heard.length;
  balancer.apply(stateOf([target(1, true), target(2)]));
  await balancer.settled();
  assert.deepEqual(local.newest?.targetGroups[0]?.targets, [target(1, true), target(2)]);
  const change = Buffer.concat(rig.heard.slice(heardBefore)).toString("latin1");
  assert.ok(change.includes("10.0.0.1:2@1") && !change.includes("idleTimeoutSeconds"), "more went than had changed");
});

test("reports come whole upon connect and then as they change, and how HAProxy is", async () => {
  rig = await carriersRig();
  const local = new FakeBalancer();
  local.known = Array.from({ length: 2_500 }, (_, i) => report(i + 1, "healthy"));
  local.now = { ...local.now, failedListeners: [{ listenerId: "l1", error: "in use" }], lastError: "a full disk" };
  rig.host({ balancer: local });
  const { balancer } = await joined(rig);
  const heard: TargetReport[] = [];
  balancer.onReport((changed) => heard.push(...changed));
  await eventually("all reports have come", 5_000, () => balancer.reports().length === 2_500);
  local.report([report(3, "unhealthy")]);
  await eventually("the change has come", 5_000, () => heard.at(-1)?.state === "unhealthy");
  assert.equal(balancer.reports().length, 2_500);
  await eventually("the status has come", 5_000, () => balancer.status().version === "2.6.12");
  assert.deepEqual(balancer.status(), local.now);
});

test("a private key is not readable in what travels, and arrives", async () => {
  rig = await carriersRig();
  const local = new FakeBalancer();
  rig.host({ balancer: local });
  const { balancer } = await joined(rig);
  const certificate = { id: "cert-1", certificates: "-----BEGIN CERTIFICATE-----", privateKey: PRIVATE_KEY };
  balancer.apply(stateOf([], { certificates: [certificate] }));
  await balancer.settled();
  assert.deepEqual(local.newest?.certificates, [certificate]);
  // A client's frames are masked: what it sends is looked for in what it receives, the other direction, only.
  const travelled = Buffer.concat(rig.heard).toString("latin1");
  assert.ok(travelled.includes("cert-1") && travelled.includes("BEGIN CERTIFICATE"), "the bytes were not captured");
  for (const piece of ["PRIVATE KEY", PRIVATE_KEY.split("\n")[1] ?? "", Buffer.from(PRIVATE_KEY).toString("base64")])
    assert.ok(!travelled.includes(piece), `${piece} is readable`);
});

test("while a change is on its way newer states replace each other", async () => {
  rig = await carriersRig();
  const local = new FakeBalancer();
  rig.host({ balancer: local });
  const { balancer } = await joined(rig);
  for (let n = 1; n <= 200; n++) balancer.apply(stateOf([target(n)]));
  await balancer.settled();
  assert.deepEqual(local.newest?.targetGroups[0]?.targets, [target(200)]);
  assert.ok(local.applied.length <= 3, `${local.applied.length} states were sent`);
});

test("settled waits for HAProxy, and rejects with what HAProxy says and when the host is gone", async () => {
  rig = await carriersRig();
  const local = new FakeBalancer();
  const host = rig.host({ balancer: local });
  const { balancer } = await joined(rig);
  local.isHeld = true;
  balancer.apply(stateOf([target(1)]));
  let isSettled = false;
  const settled = balancer.settled().then(() => {
    isSettled = true;
  });
  await eventually("the state has come", 5_000, () => local.newest !== undefined);
  assert.equal(isSettled, false);
  local.release();
  await settled;
  local.problem = "HAProxy refuses it";
  balancer.apply(stateOf([target(2)]));
  await assert.rejects(balancer.settled(), /HAProxy refuses it/);
  local.problem = undefined;
  await eventually("it is tried again", 5_000, () =>
    balancer.settled().then(
      () => true,
      () => false,
    ),
  );
  local.isHeld = true;
  balancer.apply(stateOf([target(3)]));
  const broken = assert.rejects(balancer.settled(), /not connected/);
  await host.stop();
  await broken;
});

test("what a host cannot carry is told with the reason, and what follows is carried", async () => {
  rig = await carriersRig();
  const local = new FakeBalancer();
  rig.host({ balancer: local });
  const { balancer } = await joined(rig);
  balancer.apply(stateOf([{ ...target(1), address: "no address" }]));
  await assert.rejects(balancer.settled(), /is not an IP address/);
  assert.match(balancer.status().lastError ?? "", /cannot be carried out.*is not an IP address/);
  balancer.apply(stateOf([target(1)]));
  await balancer.settled();
  assert.equal(balancer.status().lastError, undefined);
});

test("of two listeners on one port a host opens the first and names the other", async () => {
  rig = await carriersRig();
  const local = new FakeBalancer();
  rig.host({ balancer: local, address: "10.1.1.1" });
  const { balancer } = await joined(rig);
  const [first] = stateOf([]).listeners;
  if (first === undefined) throw new Error("not arranged");
  balancer.apply(stateOf([], { listeners: [first, { ...first, id: "l2", address: "127.0.0.2" }] }));
  await balancer.settled();
  assert.deepEqual(local.newest?.listeners, [{ ...first, address: "10.1.1.1" }]);
  await eventually("it is told", 5_000, () => balancer.status().failedListeners.length === 1);
  assert.deepEqual(balancer.status().failedListeners, [
    { listenerId: "l2", error: "port 8080 is taken here by listener l1" },
  ]);
});

test("every balancer is asked for a port, and the one that has none is named", async () => {
  const own = new FakeBalancer();
  rig = await carriersRig({ own: { balancer: own, address: "127.0.0.1" } });
  const local = new FakeBalancer();
  rig.host({ balancer: local });
  await joined(rig);
  assert.deepEqual(
    rig.carriers.connected().map(({ name }) => name),
    ["edge-1", "server"],
  );
  assert.equal(await rig.carriers.checkBind("127.0.0.1", 80), undefined);
  own.taken = new Set([81]);
  assert.equal(await rig.carriers.checkBind("127.0.0.1", 81), "127.0.0.1 port 81 is taken");
  local.taken = new Set([80]);
  assert.equal(await rig.carriers.checkBind("127.0.0.1", 80), "on balancer edge-1: 0.0.0.0 port 80 is taken");
});

test("a host that is cut off carries on, counts as left after three pings, and is back with the present state", async () => {
  rig = await carriersRig();
  const local = new FakeBalancer();
  const kept = new MemoryKept();
  rig.host({ balancer: local, kept });
  const { balancer } = await joined(rig);
  balancer.apply(stateOf([target(1)]));
  await balancer.settled();
  rig.cut();
  await eventually("it has left", 15_000, () => rig?.carriers.connected().length === 0);
  assert.equal(local.applied.length, 1);
  assert.deepEqual(kept.state?.targetGroups[0]?.targets, [target(1)]);
  rig.mend();
  const again = await joined(rig);
  again.balancer.apply(stateOf([target(2)]));
  await again.balancer.settled();
  assert.deepEqual(local.newest?.targetGroups[0]?.targets, [target(2)]);
});

test("a host that starts while the control plane is away carries what it kept, unless HAProxy ran on", async () => {
  rig = await carriersRig();
  rig.cut();
  const kept = new MemoryKept();
  kept.state = stateOf([target(7)]);
  const rebooted = new FakeBalancer();
  rebooted.now = { ...rebooted.now, pid: undefined };
  rig.host({ balancer: rebooted, kept, address: "10.1.1.1" });
  assert.deepEqual(rebooted.newest?.targetGroups[0]?.targets, [target(7)]);
  assert.equal(rebooted.newest?.listeners[0]?.address, "10.1.1.1");
  const adopted = new FakeBalancer();
  rig.host({ balancer: adopted, kept, name: "edge-2" });
  assert.equal(adopted.newest, undefined);
  await eventually("what was kept is carried all the same", 10_000, () => adopted.newest !== undefined);
});

for (const [what, options, refusal] of [
  ["the name of another host's", { name: "edge-1", kept: new MemoryKept("2".repeat(32)) }, /Another host carries/],
  ["the server's name", { name: "server", kept: new MemoryKept("2".repeat(32)) }, /cannot be a balancer's name/],
  ["a name that is none", { name: "no name" }, /cannot be a balancer's name/],
  ["an address that is none", { name: "edge-3", clientAddress: "here" }, /is not an IPv4 address/],
  [
    "a wrong secret",
    { name: "edge-4", credentials: () => ({ accessKeyId: "AKIATEST", secretAccessKey: "x" }) },
    /signature we calculated/,
  ],
  ["one more than may join", { name: "edge-5" }, /no more than this one/],
] as const)
  test(`a host is refused that comes with ${what}`, async () => {
    const reasons: string[] = [];
    const log = (): never => ({ ...silent, child: log, warn }) as never;
    const silent = { debug: () => {}, info: () => {}, error: () => {} };
    const warn = (fields: { readonly reason?: string }) => reasons.push(fields.reason ?? "");
    rig = await carriersRig({
      mayJoin: (name) => (name === "edge-5" ? "There may be no more than this one." : undefined),
    });
    rig.host();
    await joined(rig);
    rig.host({ ...options, log: log() });
    await eventually("it is told why", 5_000, () => reasons.some((reason) => refusal.test(reason)));
    assert.deepEqual(
      rig.carriers.connected().map(({ name }) => name),
      ["edge-1"],
    );
  });

test("the same host, come again before its old session was given up, takes its place", async () => {
  rig = await carriersRig();
  const events: string[] = [];
  rig.carriers.watch({ joined: ({ name }) => events.push(`+${name}`), left: ({ name }) => events.push(`-${name}`) });
  rig.host();
  await joined(rig);
  rig.host();
  await eventually("it has come again", 5_000, () => events.length >= 3);
  assert.deepEqual(events.slice(0, 3), ["+edge-1", "-edge-1", "+edge-1"]);
});

test("what a host's traffic is comes as of now, whatever its clock says, and what happens while nobody hears it is lost", async () => {
  rig = await carriersRig();
  const local = new FakeBalancer();
  rig.host({ balancer: local });
  const { balancer } = await joined(rig);
  const heard: TrafficSample[] = [];
  balancer.onTraffic((sample) => heard.push(sample));
  const before = Date.now();
  local.carry({ at: 7, durationMs: 1000, listeners: [], targetGroups: [] });
  await eventually("the sample has come", 5_000, () => heard.length === 1);
  assert.ok((heard[0]?.at ?? 0) >= before);
  assert.deepEqual(heard, [{ at: heard[0]?.at, durationMs: 1000, listeners: [], targetGroups: [] }]);
  rig.cut();
  await eventually("the session is over", 10_000, () => rig?.carriers.connected().length === 0);
  local.carry({ at: 8, durationMs: 1000, listeners: [], targetGroups: [] });
  assert.equal(heard.length, 1);
});
