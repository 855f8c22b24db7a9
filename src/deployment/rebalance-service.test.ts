import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { rollingLimits } from "./limits.ts";
import { rebalanceMoves } from "./rebalance-service.ts";
import { SimulatedHosts } from "./testing/hosts.ts";

const MINUTE_MS = 60_000;

/** A service at peace on two hosts, with a host that has just joined beside them. */
function joined(
  desiredCount: number,
  zones: readonly [string, string, string] = ["a", "a", "a"],
  over = {},
): SimulatedHosts {
  const sim = new SimulatedHosts(zones.slice(0, 2), { desiredCount, ...over });
  sim.calmDown();
  sim.now += 10 * MINUTE_MS;
  sim.join(zones[2]);
  sim.settle();
  return sim;
}

const said = (sim: SimulatedHosts, part: string) => sim.events.filter((e) => e.includes(part));

test("[DP24] tasks move onto a host that joined, one at a time, each started and healthy before another is stopped", () => {
  const sim = joined(6);
  assert.deepEqual(rebalanceMoves(sim.observe(), sim.now).length, 2, "a dry run shows every move");
  sim.settle();
  assert.deepEqual(sim.counts, [3, 3, 0], "not before the host has been there for a while");
  assert.equal(sim.lookAgainAt, sim.now + MINUTE_MS);
  sim.now += MINUTE_MS;
  sim.settle();
  assert.deepEqual(sim.counts, [3, 3, 1]);
  sim.agentsCatchUp();
  sim.settle();
  sim.now += 39_000;
  sim.settle();
  assert.deepEqual(sim.counts, [3, 3, 1], "the new one is not healthy yet");
  assert.notEqual(sim.service.steadyAt, undefined, "the service is steady all the while");
  sim.now += 1000;
  sim.settle();
  assert.deepEqual(sim.counts, [2, 3, 1]);
  sim.calmDown();
  assert.deepEqual([sim.counts, sim.moves], [[2, 2, 2], 2]);
  assert.equal(said(sim, "has reached a steady state.").length, 1);
  assert.match(
    said(sim, "is not balanced")[0] ?? "",
    /^is not balanced over its container instances with 3 tasks on \(container-instance i1\), 0 tasks on \(container-instance i3\)\. Rebalancing in progress\.$/,
  );
  assert.match(
    said(sim, "has stopped 1 running tasks on")[0] ?? "",
    /on \(container-instance i1\) due to rebalancing: \(task \d+\)\.$/,
  );
  assert.deepEqual(said(sim, "is balanced"), ["is balanced over its container instances."]);
  assert.deepEqual(rebalanceMoves(sim.observe(), sim.now), []);
});

test("[DP24] zones are evened out with ECS's words", () => {
  const sim = joined(5, ["a", "b", "c"]);
  assert.deepEqual(sim.counts, [3, 2, 0]);
  sim.calmDown();
  assert.deepEqual([sim.counts, sim.moves], [[2, 2, 1], 1]);
  assert.deepEqual(
    said(sim, "AZ ").map((e) => e.replace(/task \d+/, "task")),
    [
      "is not AZ balanced with 3 tasks in a, 2 tasks in b, 0 tasks in c. AZ Rebalancing in progress.",
      "is AZ balanced with 2 tasks in a, 2 tasks in b, 1 tasks in c.",
    ].toSpliced(1, 0, "has stopped 1 running tasks in a due to AZ rebalancing: (task)."),
  );
});

const STAYING = [
  { why: "DISABLED", over: { availabilityZoneRebalancing: "DISABLED" } },
  { why: "binpack", over: { placementStrategy: [{ type: "binpack", field: "cpu" }] } },
  { why: "no room above desiredCount", over: { minimumHealthyPercent: 50, maximumPercent: 100 } },
] as const;

for (const { why, over } of STAYING) {
  test(`[DP24] tasks stay where they are: ${why}`, () => {
    const sim = joined(6, undefined, over);
    sim.calmDown();
    assert.deepEqual([sim.counts, sim.moves], [[3, 3, 0], 0]);
  });
}

test("[DP24] a host that was back for less than the time takes no task, and the time begins anew with each return", () => {
  const sim = joined(6);
  for (let i = 0; i < 3; i++) {
    sim.now += MINUTE_MS - 1;
    sim.settle();
    sim.hosts[2] = { ...sim.hosts[2]!, connectivityChangedAt: sim.now };
    sim.settle();
  }
  assert.equal(sim.moves, 0);
});

test("[DP24] [DP19] protected tasks do not move, and an event says so of a zone", () => {
  const sim = joined(4, ["a", "a", "b"]);
  for (const task of sim.wanted) sim.change(task, { protectedUntil: sim.now + 100 * 60 * MINUTE_MS });
  sim.now += MINUTE_MS;
  sim.settleTelling();
  assert.equal(sim.moves, 0);
  assert.deepEqual(said(sim, "was unable to AZ Rebalance"), [
    "was unable to AZ Rebalance because (taskSet ecs-svc/1) was unable to scale in due to (reason 4 tasks under protection).",
  ]);
});

test("[DP24] a zone whose instances have no room is told of", () => {
  const sim = new SimulatedHosts(["a"], { desiredCount: 4 }, 4);
  sim.calmDown();
  const host = sim.join("b");
  sim.hosts[1] = { ...host, registered: { ...host.registered, cpu: 0 } };
  const { observe } = sim;
  sim.observe = () => ({
    ...observe.call(sim),
    places: () => sim.hosts.map((instance) => ({ instance, room: 0, openFrom: 0 })),
  });
  sim.settleTelling();
  assert.deepEqual(said(sim, "unable to place"), [
    "is unable to place a task in b because no container instance met all of its requirements.",
  ]);
});

test("[DP24] a deployment that begins ends a move: its new task goes first", () => {
  const sim = joined(4, ["a", "a", "b"]);
  sim.now += MINUTE_MS;
  sim.settle();
  const [mover] = sim.on(2);
  assert.ok(mover?.move !== undefined);
  sim.deploy();
  sim.settle();
  sim.calmDown();
  assert.equal(sim.service.deployments.length, 1);
  assert.deepEqual(sim.wanted.length, 4);
});

test("[DP24] a move is given up when moving is switched off", () => {
  const sim = joined(6);
  sim.now += MINUTE_MS;
  sim.settle();
  assert.deepEqual(sim.counts, [3, 3, 1]);
  sim.service = { ...sim.service, availabilityZoneRebalancing: "DISABLED" };
  sim.settle();
  assert.deepEqual(sim.counts, [3, 3, 0]);
});

test("[DP24] moving begins after the steady state, not with it", () => {
  const sim = new SimulatedHosts(["a"], { desiredCount: 4 });
  sim.settle();
  sim.join("b");
  sim.now += MINUTE_MS;
  sim.agentsCatchUp();
  sim.settle();
  assert.deepEqual(
    sim.events.slice(-2).map((e) => e.split(" with")[0]),
    ["has reached a steady state.", "is not AZ balanced"],
  );
});

test("[DP24] a task that cannot start where it was to move is no loss: the old one stays", () => {
  const sim = joined(4);
  sim.now += MINUTE_MS;
  sim.settle();
  sim.crash(sim.on(2)[0]!);
  sim.settle();
  assert.deepEqual([sim.counts, sim.moves], [[2, 2, 0], 1], "it is not tried again at once");
});

const happening = fc.record({
  kind: fc.constantFrom("join", "cut", "back", "scale", "crash", "sicken", "deploy", "protect", "run", "run", "wait"),
  which: fc.nat(5),
  zone: fc.constantFrom("a", "b"),
  seconds: fc.constantFrom(1, 40, 70, 300),
});

function happen(sim: SimulatedHosts, what: { kind: string; which: number; zone: string; seconds: number }): void {
  const index = what.which % sim.hosts.length;
  const host = sim.hosts[index]!;
  const task = sim.wanted[what.which % Math.max(1, sim.wanted.length)];
  switch (what.kind) {
    case "join":
      if (sim.hosts.length < 5) sim.join(what.zone);
      return;
    case "cut":
      sim.hosts[index] = { ...host, agentConnected: false, connectivityChangedAt: sim.now };
      for (const one of sim.on(index)) sim.crash(one);
      return;
    case "back":
      if (!host.agentConnected) sim.hosts[index] = { ...host, agentConnected: true, connectivityChangedAt: sim.now };
      return;
    case "scale":
      sim.service = { ...sim.service, desiredCount: what.which };
      return;
    case "crash":
      if (task !== undefined) sim.crash(task);
      return;
    case "sicken":
      if (task?.lastStatus === "RUNNING") sim.change(task, { healthStatus: "UNHEALTHY" });
      return;
    case "deploy":
      sim.deploy();
      return;
    case "protect":
      if (task !== undefined) sim.change(task, { protectedUntil: sim.now + what.seconds * 1000 });
      return;
    case "run":
      sim.agentsCatchUp();
      return;
    case "wait":
      sim.now += what.seconds * 1000;
      return;
  }
}

test("[DP24] [DP25] whatever happens, moves keep the limits, come to an end, and leave the tasks even", () => {
  const seen = { moves: 0 };
  fc.assert(
    fc.property(fc.array(happening, { maxLength: 14 }), fc.integer({ min: 1, max: 6 }), (happenings, desiredCount) => {
      // SimulatedService throws when a start passes the maximum, a stop the minimum, or a protected task is stopped.
      const sim = new SimulatedHosts(["a", "b"], { desiredCount });
      for (const what of happenings) {
        happen(sim, what);
        sim.settleTelling();
      }
      for (const [i, host] of sim.hosts.entries()) sim.hosts[i] = { ...host, agentConnected: true };
      const before = sim.moves;
      sim.calmDown();
      seen.moves += sim.moves;
      const bound = sim.service.desiredCount * 2 + 2;
      assert.ok(sim.moves - before <= bound, `${sim.moves - before} moves for ${sim.service.desiredCount} tasks`);
      assert.equal(sim.wanted.length, sim.service.desiredCount);
      assert.ok(sim.wanted.every((t) => t.move === undefined));
      const { ceiling } = rollingLimits(sim.service);
      if (ceiling > sim.service.desiredCount) assert.deepEqual(rebalanceMoves(sim.observe(), sim.now), []);
      const again = sim.moves;
      sim.now += 24 * 60 * MINUTE_MS;
      sim.calmDown();
      assert.equal(sim.moves, again, "nothing moves in peace");
    }),
    { numRuns: 400 },
  );
  assert.ok(seen.moves > 50, JSON.stringify(seen));
});
