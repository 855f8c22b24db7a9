import assert from "node:assert/strict";
import { test } from "node:test";
import type { Balancer, BalancerState, BalancerStatus, CarriersWatcher, TargetReport } from "../../balancer/index.ts";
import type { ListenerRecord, LoadBalancerRecord, TargetGroupRecord, TargetRecord } from "../../model/load-balancer.ts";
import { ManualClock } from "../../runtime/manual-clock.ts";
import { seededRandom } from "../../runtime/random.ts";
import { createSealer } from "../../runtime/sealer.ts";
import { deregisterTarget, registerTarget } from "../../state/index.ts";
import { MemoryDisk } from "../../store/index.ts";
import type { ListenerArn, ListenerRuleArn, LoadBalancerArn, TargetGroupArn } from "../../wire/arn.ts";
import { testPlane } from "../testing.ts";
import { type BalancersSeen, startBalancerController } from "./balancer.ts";

const LB: LoadBalancerRecord = {
  arn: "lb" as LoadBalancerArn,
  name: "web",
  type: "network",
  scheme: "internal",
  ipAddressType: "ipv4",
  subnets: [],
  securityGroups: [],
  address: "127.0.0.1",
  attributes: {},
  tags: {},
  createdAt: 0,
};

const GROUP: TargetGroupRecord = {
  arn: "tg" as TargetGroupArn,
  name: "web",
  protocol: "TCP",
  port: 80,
  targetType: "ip",
  healthCheck: {
    enabled: true,
    protocol: "TCP",
    port: "traffic-port",
    intervalSeconds: 5,
    timeoutSeconds: 2,
    healthyThreshold: 2,
    unhealthyThreshold: 2,
  },
  attributes: { "deregistration_delay.timeout_seconds": "300" },
  tags: {},
  createdAt: 0,
};

const LISTENER: ListenerRecord = {
  arn: "ls" as ListenerArn,
  loadBalancerArn: LB.arn,
  protocol: "TCP",
  port: 443,
  defaultActions: [{ Type: "forward", ForwardConfig: { TargetGroups: [{ TargetGroupArn: GROUP.arn, Weight: 1 }] } }],
  defaultRuleArn: "rule" as ListenerRuleArn,
  attributes: {},
  tags: {},
  createdAt: 0,
};

/** A balancer that says what it is told to say. */
class ToldBalancer implements Balancer {
  newest: BalancerState | undefined;
  lastError: string | undefined;
  #listener: ((changed: readonly TargetReport[]) => void) | undefined;

  /** Of every target that it was given. */
  say(state: TargetReport["state"]): void {
    const said = (this.newest?.targetGroups ?? []).flatMap((group) =>
      group.targets.map(({ id }) => ({ targetGroupId: group.id, targetId: id, state, sessions: 0 })),
    );
    this.#listener?.(said);
  }

  apply(state: BalancerState): void {
    this.newest = state;
  }
  onReport(listener: (changed: readonly TargetReport[]) => void): () => void {
    this.#listener = listener;
    return () => {
      this.#listener = undefined;
    };
  }
  onTraffic = () => () => {};
  onAccess = () => () => {};
  reports = () => [];
  settled = () => Promise.resolve();
  checkBind = () => Promise.resolve(undefined);
  status = (): BalancerStatus => ({ version: "", generation: 1, failedListeners: [], lastError: this.lastError });
  stop = () => Promise.resolve();
}

/** Balancers that come and go as they are told. */
class ToldCarriers implements BalancersSeen {
  readonly #there = new Map<string, ToldBalancer>();
  #watcher: CarriersWatcher | undefined;

  connected() {
    return [...this.#there].map(([name, balancer]) => ({ name, address: "10.0.0.9", balancer }));
  }
  watch(watcher: CarriersWatcher): () => void {
    this.#watcher = watcher;
    return () => {
      this.#watcher = undefined;
    };
  }
  join(name: string): ToldBalancer {
    const balancer = new ToldBalancer();
    this.#there.set(name, balancer);
    this.#watcher?.joined({ name, address: "10.0.0.9", balancer });
    return balancer;
  }
  leave(name: string): void {
    const balancer = this.#there.get(name);
    if (balancer === undefined) throw new Error(`${name} is not there`);
    this.#there.delete(name);
    this.#watcher?.left({ name, address: "10.0.0.9", balancer });
  }
}

/** One target behind a listener, and a controller over it. */
async function bench(disk = new MemoryDisk(), names: readonly string[] = []) {
  const clock = new ManualClock(1_000_000);
  const { store, context } = await clock.during(testPlane(clock, disk));
  const carriers = new ToldCarriers();
  const before = names.map((name) => carriers.join(name));
  const sealer = createSealer("0".repeat(64), seededRandom(1));
  const controller = startBalancerController(context, carriers, sealer);
  const change = (what: (tx: Parameters<Parameters<typeof store.transact>[1]>[0]) => void) =>
    clock.during(store.transact("arrange", (tx) => void what(tx)));
  const put = async () => {
    await change((tx) => {
      tx.loadBalancers.put(LB);
      tx.targetGroups.put(GROUP);
      tx.listeners.put(LISTENER);
      registerTarget(tx, { targetGroupArn: GROUP.arn, id: "10.0.0.1", port: 8080 }, clock.now());
    });
    await clock.pass(100);
  };
  const target = (): TargetRecord | undefined => [...store.view.targets.all()][0];
  const say = async (balancer: ToldBalancer, state: TargetReport["state"]) => {
    balancer.say(state);
    await clock.pass(100);
    return target()?.state;
  };
  return { clock, store, carriers, before, controller, change, put, target, say, disk };
}

test("[BC6] a new target is healthy when the last balancer has found it so; [BC11] and gone when the last has drained it", async () => {
  const { carriers, put, say, change, target, clock } = await bench();
  const [a, b] = [carriers.join("a"), carriers.join("b")];
  await put();
  assert.deepEqual(a.newest, b.newest);
  assert.equal(await say(a, "healthy"), "initial");
  assert.equal(await say(b, "initial"), "initial");
  assert.equal(await say(b, "healthy"), "healthy");
  await change((tx) => {
    for (const one of tx.targets.all()) deregisterTarget(tx, one, clock.now());
  });
  await clock.pass(100);
  assert.equal(b.newest?.targetGroups[0]?.targets[0]?.draining, true);
  assert.equal(await say(a, "drained"), "draining");
  assert.equal(await say(b, "drained"), undefined);
  assert.equal(target(), undefined);
});

test("[BC1] a balancer that is gone is waited for, and then judged without", async () => {
  const { carriers, put, say, target, clock } = await bench();
  const [a] = [carriers.join("a"), carriers.join("b")];
  await put();
  await say(a, "healthy");
  carriers.leave("b");
  await clock.pass(9_000);
  assert.equal(target()?.state, "initial");
  await clock.pass(1_500);
  assert.equal(target()?.state, "healthy");
  const again = carriers.join("b");
  await clock.pass(1_000);
  assert.deepEqual(again.newest, a.newest);
  assert.equal(target()?.state, "healthy");
  assert.equal(await say(again, "unhealthy"), "healthy");
  assert.equal(await say(a, "unhealthy"), "unhealthy");
});

test("[BC2] a balancer that cannot bring its HAProxy to what is wanted holds nothing up for longer than the grace", async () => {
  const { carriers, put, say, target, clock } = await bench();
  const [a, b] = [carriers.join("a"), carriers.join("b")];
  b.lastError = "a full disk";
  await put();
  await say(a, "healthy");
  assert.equal(target()?.state, "initial");
  await clock.pass(11_000);
  assert.equal(target()?.state, "healthy");
  assert.equal(await say(b, "initial"), "healthy");
});

test("[BC2] what a balancer that fails says of a target is heard, all the more if it is the only one", async () => {
  const { carriers, put, say, clock } = await bench();
  const a = carriers.join("a");
  a.lastError = "a full disk";
  await put();
  await clock.pass(60_000);
  assert.equal(await say(a, "healthy"), "healthy");
  assert.equal(await say(a, "unhealthy"), "unhealthy");
});

test("[BC3] after a start those that were there are waited for, and the server's own is forgotten where it carries no more", async () => {
  const first = await bench(undefined, ["server"]);
  const b = first.carriers.join("b");
  first.carriers.join("c");
  await first.put();
  first.carriers.leave("c");
  await first.clock.pass(1_000);
  assert.deepEqual(
    [...first.store.view.balancers.all()].map(({ name, connected, address }) => [name, connected, address]),
    [
      ["server", true, "10.0.0.9"],
      ["b", true, "10.0.0.9"],
      ["c", false, "10.0.0.9"],
    ],
  );
  assert.ok(b.newest);
  await first.clock.during(first.controller.stop());
  await first.clock.during(first.store.close());
  const { store, carriers, say, target, clock } = await bench(first.disk);
  const a = carriers.join("a");
  await clock.pass(100);
  assert.equal(store.view.balancers.get("server"), undefined);
  await say(a, "healthy");
  await clock.pass(29_000);
  assert.equal(target()?.state, "initial");
  await clock.pass(1_500);
  assert.equal(target()?.state, "healthy");
});

test("[BC4] a balancer that is removed is waited for no more", async () => {
  const { carriers, put, say, target, change, clock } = await bench();
  const [a] = [carriers.join("a"), carriers.join("b")];
  await put();
  await say(a, "healthy");
  carriers.leave("b");
  await clock.pass(500);
  assert.equal(target()?.state, "initial");
  await change((tx) => void tx.balancers.delete("b"));
  await clock.pass(500);
  assert.equal(target()?.state, "healthy");
});

test("[BC5] while no balancer is there, targets stay as they are", async () => {
  const { carriers, put, say, target, clock } = await bench();
  const a = carriers.join("a");
  await put();
  assert.equal(await say(a, "healthy"), "healthy");
  carriers.leave("a");
  await clock.pass(60_000);
  assert.equal(target()?.state, "healthy");
});
