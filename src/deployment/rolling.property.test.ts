import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { rollingLimits } from "./limits.ts";
import { SimulatedService } from "./testing.ts";

/** What may happen to a service between two looks. Few and coarse, so that ties and exact fits are common. */
const happening = fc.oneof(
  fc.record({ kind: fc.constant("deploy" as const) }),
  fc.record({ kind: fc.constant("scale" as const), to: fc.integer({ min: 0, max: 5 }) }),
  fc.record({
    kind: fc.constant("percents" as const),
    min: fc.constantFrom(0, 50, 100),
    max: fc.constantFrom(100, 150, 200),
  }),
  fc.record({ kind: fc.constant("crash" as const), which: fc.nat(9) }),
  fc.record({ kind: fc.constant("sicken" as const), which: fc.nat(9) }),
  fc.record({ kind: fc.constant("drain" as const), which: fc.nat(9) }),
  fc.record({ kind: fc.constant("protect" as const), which: fc.nat(9), minutes: fc.constantFrom(1, 120) }),
  fc.record({ kind: fc.constant("run" as const) }),
  fc.record({ kind: fc.constant("wait" as const), seconds: fc.constantFrom(1, 20, 40, 300) }),
);

function happen(sim: SimulatedService, what: typeof happening extends fc.Arbitrary<infer T> ? T : never): void {
  const pick = (which: number) => sim.wanted[which % Math.max(1, sim.wanted.length)];
  switch (what.kind) {
    case "deploy":
      sim.deploy();
      return;
    case "scale":
      sim.service = { ...sim.service, desiredCount: what.to };
      return;
    case "percents":
      sim.service = { ...sim.service, minimumHealthyPercent: what.min, maximumPercent: what.max };
      return;
    case "crash": {
      const task = pick(what.which);
      if (task !== undefined) sim.crash(task);
      return;
    }
    case "sicken": {
      const task = pick(what.which);
      if (task?.lastStatus === "RUNNING") sim.change(task, { healthStatus: "UNHEALTHY" });
      return;
    }
    case "drain": {
      const task = pick(what.which);
      if (task !== undefined) sim.draining.add(task.arn);
      return;
    }
    case "protect": {
      const task = pick(what.which);
      if (task !== undefined) sim.change(task, { protectedUntil: sim.now + what.minutes * 60_000 });
      return;
    }
    case "run":
      sim.agentsCatchUp();
      return;
    case "wait":
      sim.now += what.seconds * 1000;
      return;
  }
}

/** Lets the agents do their part and time pass until the service is steady, at most a simulated day. */
function calmDown(sim: SimulatedService): void {
  const end = sim.now + 24 * 3600 * 1000;
  for (let i = 0; i < 500 && sim.now < end; i++) {
    sim.settleTelling();
    sim.agentsCatchUp();
    sim.settleTelling();
    if (sim.service.steadyAt !== undefined && sim.tasks.every((t) => t.lastStatus !== "STOPPING")) return;
    sim.now = Math.max(sim.now + 1000, sim.lookAgainAt ?? 0);
  }
  throw new Error(`not steady: ${JSON.stringify({ ...sim.service, tasks: sim.wanted })}`);
}

test("[DP1] [DP5] [DP19] whatever happens, no start passes the maximum, no stop of a healthy task passes the minimum, none is of a protected one, and it converges", () => {
  const seen = { deploys: 0, stuck: 0, held: 0 };
  fc.assert(
    fc.property(fc.array(happening, { maxLength: 14 }), fc.integer({ min: 0, max: 4 }), (happenings, desiredCount) => {
      // SimulatedService throws when a start passes the maximum, a stop the minimum, or a protected task is stopped.
      const sim = new SimulatedService({ desiredCount });
      for (const what of happenings) {
        happen(sim, what);
        sim.settleTelling();
        seen.held += sim.events.some((e) => e.includes("tasks under protection")) ? 1 : 0;
        seen.deploys += what.kind === "deploy" ? 1 : 0;
      }
      const { floor, ceiling } = rollingLimits(sim.service);
      if (floor === ceiling && floor > 0) {
        // Nothing can roll with these percentages: what is asked for is only that it does not break.
        seen.stuck++;
        sim.service = { ...sim.service, minimumHealthyPercent: 100, maximumPercent: 200 };
      }
      calmDown(sim);
      assert.equal(sim.wanted.length, sim.service.desiredCount);
      assert.ok(sim.wanted.every((t) => t.deploymentId === sim.primaryId && t.lastStatus === "RUNNING"));
      assert.ok(sim.wanted.every((t) => !sim.draining.has(t.arn) && t.healthStatus !== "UNHEALTHY"));
      assert.deepEqual(
        sim.service.deployments.map((d) => [d.status, d.rolloutState, d.desiredCount]),
        [["PRIMARY", "COMPLETED", sim.service.desiredCount]],
      );
      assert.deepEqual(sim.look(), [], "a steady service leaves nothing to do");
    }),
    { numRuns: 600 },
  );
  assert.ok(seen.deploys > 100 && seen.stuck > 0 && seen.held > 0);
});
