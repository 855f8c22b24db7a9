import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { taskLoadBalancersOf } from "../model/deployment.ts";
import { primaryDeployment } from "../model/service.ts";
import { isFinished } from "../model/service-deployment.ts";
import type { LifecycleHook, ShiftSettings } from "../model/traffic-shift.ts";
import { MINUTE_MS, shiftSteps } from "./lifecycle.ts";
import { reconcileService } from "./reconcile.ts";
import {
  ALTERNATE_GROUP,
  PRIMARY_GROUP,
  pauseAt,
  type ShiftedService,
  shiftedHealthy,
  taskAt,
} from "./testing/shifted.ts";

const STAGES = [
  "PRE_SCALE_UP",
  "POST_SCALE_UP",
  "PRE_PRODUCTION_TRAFFIC_SHIFT",
  "POST_PRODUCTION_TRAFFIC_SHIFT",
] as const;

const hooks: fc.Arbitrary<LifecycleHook[]> = fc.array(
  fc
    .tuple(fc.constantFrom(...STAGES), fc.boolean())
    .map(([stage, isTask]) => (isTask ? taskAt(stage) : pauseAt(stage))),
  { maxLength: 2 },
);

const settings: fc.Arbitrary<ShiftSettings> = fc
  .tuple(hooks, fc.constantFrom(0, 5))
  .chain(([hooks, bakeTimeMinutes]) =>
    fc.constantFrom<ShiftSettings>(
      { strategy: "BLUE_GREEN", bakeTimeMinutes, hooks },
      { strategy: "CANARY", bakeTimeMinutes, hooks, canary: { canaryPercent: 10, canaryBakeTimeMinutes: 10 } },
      { strategy: "LINEAR", bakeTimeMinutes, hooks, linear: { stepPercent: 33.4, stepBakeTimeMinutes: 5 } },
    ),
  );

/** What may happen to a service between two looks. Few and coarse, so that ties and exact fits are common. */
const happening = fc.oneof(
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("deploy" as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("scale" as const), to: fc.integer({ min: 0, max: 3 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("crash" as const), which: fc.nat(9) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("sicken" as const), which: fc.nat(9) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("drain" as const), which: fc.nat(9) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("stop" as const) }) },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant("continue" as const) }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("hook" as const), code: fc.constantFrom(0, 0, 0, 1) }) },
  { weight: 12, arbitrary: fc.record({ kind: fc.constant("run" as const) }) },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant("wait" as const), minutes: fc.constantFrom(1, 5, 10) }) },
);
type Happening = typeof happening extends fc.Arbitrary<infer T> ? T : never;

function happen(sim: ShiftedService, what: Happening): void {
  const pick = (which: number) => sim.wanted[which % Math.max(1, sim.wanted.length)];
  const isUnderWay = sim.record.status === "PENDING" || sim.record.status === "IN_PROGRESS";
  switch (what.kind) {
    case "deploy":
      sim.deploy();
      return;
    case "scale":
      sim.service = { ...sim.service, desiredCount: what.to };
      return;
    case "crash": {
      const task = pick(what.which);
      if (task !== undefined) sim.crash(task);
      return;
    }
    case "sicken": {
      const task = pick(what.which);
      if (task?.lastStatus === "RUNNING") sim.sick.add(task.arn);
      return;
    }
    case "drain": {
      const task = pick(what.which);
      if (task !== undefined) sim.draining.add(task.arn);
      return;
    }
    case "stop":
      if (isUnderWay) sim.requestRollback();
      return;
    case "continue":
      if (sim.record.status === "IN_PROGRESS" && sim.shift?.hooks.some((r) => r.status === "AWAITING_ACTION")) {
        sim.resolvePause();
      }
      return;
    case "hook":
      if (sim.shift?.hooks.some((r) => r.status === "IN_PROGRESS" && r.taskArn !== undefined)) sim.endHook(what.code);
      return;
    case "run":
      sim.agentsCatchUp();
      return;
    case "wait":
      sim.now += what.minutes * MINUTE_MS;
  }
}

/** Looks once, and checks what must hold of any step of the traffic. */
function lookAndCheck(sim: ShiftedService): void {
  const before = new Map([PRIMARY_GROUP, ALTERNATE_GROUP].map((group) => [group, sim.share(group)]));
  const primary = primaryDeployment(sim.service);
  const group = taskLoadBalancersOf(primary)[0]?.targetGroupArn ?? "";
  const had = before.get(group) ?? 0;
  const good = sim.healthyOf(primary).filter((t) => !sim.draining.has(t.arn)).length;
  const others = new Set(sim.tasks.map((t) => t.arn));
  sim.look();
  for (const task of sim.tasks.filter((t) => !others.has(t.arn))) {
    const isOld =
      task.deploymentId !== sim.primaryId && sim.service.deployments.some((d) => d.id === task.deploymentId);
    const isInGroup = task.loadBalancers[0]?.targetGroupArn === group && sim.primaryId === primary.id;
    assert.ok(!(isOld && isInGroup), "an earlier revision's task was started in the new one's target group");
  }
  const has = sim.share(group);
  if (has > had && sim.primaryId === primary.id) {
    assert.ok(good >= sim.service.desiredCount, `${had} -> ${has} percent for ${good} healthy tasks`);
    assert.ok(shiftSteps(sim.service.shift!, true).includes(has) || has === 100, `${has} is no step`);
  }
  if (has < had && !isFinished(sim.record.status))
    assert.equal(has, 0, `${had} -> ${has}: traffic goes back at once or not`);
  const sum = sim.share(PRIMARY_GROUP) + sim.share(ALTERNATE_GROUP);
  assert.ok(Math.abs(sum - 100) < 1e-9, `the shares add up to ${sum}`);
}

/** Everything that was decided, and what was left to a later time. */
const decided = (sim: ShiftedService) => JSON.stringify(reconcileService(sim.observe(), sim.now));

test("[TS3] [TS5] [TS9] whatever happens, shares follow the plan or go to 0, and the revision with traffic is the one that was healthy", () => {
  const seen = { shifted: 0, rolledBack: 0, completed: 0 };
  fc.assert(
    fc.property(settings, fc.array(happening, { maxLength: 40, size: "max" }), (shift, happenings) => {
      const sim = shiftedHealthy(shift);
      sim.deploy();
      for (const what of happenings) {
        happen(sim, what);
        for (let i = 0; i < 3; i++) {
          lookAndCheck(sim);
          const share = sim.share(ALTERNATE_GROUP);
          if (share > 0 && share < 100) seen.shifted++;
        }
      }
      for (const { status } of sim.serviceDeployments.slice(1)) {
        if (status === "SUCCESSFUL") seen.completed++;
        if (status === "ROLLBACK_SUCCESSFUL") seen.rolledBack++;
      }
    }),
    { numRuns: 300 },
  );
  assert.ok(
    Object.values(seen).every((n) => n > 10),
    JSON.stringify(seen),
  );
});

/** A crash, and a further deployment while the first revision is being cleaned up. */
const DEPLOYED_OVER: Happening[] = [
  { kind: "deploy" },
  ...Array.from({ length: 3 }, (): Happening => ({ kind: "run" })),
  ...Array.from({ length: 2 }, (): Happening => ({ kind: "continue" })),
  { kind: "crash", which: 2 },
  { kind: "wait", minutes: 1 },
  { kind: "wait", minutes: 5 },
  { kind: "deploy" },
  { kind: "run" },
];

test("[TS4] while traffic is shifted, the revision that has it is never short by what a deployment does", () => {
  fc.assert(
    fc.property(settings, fc.array(happening, { maxLength: 30, size: "max" }), (shift, happenings) => {
      const sim = shiftedHealthy(shift);
      for (const what of happenings) {
        happen(sim, what);
        const [first, ...others] = sim.service.deployments;
        const isBefore = sim.shift === undefined || sim.shift.stage !== "CLEAN_UP";
        // One that was deployed over while the one before was being cleaned up has the traffic, though it is not completed.
        const blue = others.find((d) => sim.shareOf(d) > 0) ?? others.find((d) => d.rolloutState === "COMPLETED");
        const healthy = sim.healthyOf(blue).filter((t) => !sim.draining.has(t.arn)).length;
        sim.look();
        if (!isBefore || blue === undefined || first?.id !== sim.primaryId || sim.shift?.stage === "CLEAN_UP") continue;
        const left = sim.healthyOf(blue).filter((t) => !sim.draining.has(t.arn)).length;
        assert.ok(left >= Math.min(healthy, sim.service.desiredCount), `${healthy} healthy tasks became ${left}`);
      }
    }),
    { numRuns: 300, examples: [[{ strategy: "BLUE_GREEN", bakeTimeMinutes: 5, hooks: [] }, DEPLOYED_OVER]] },
  );
});

test("[TS15] looking again at any point, or after having been away, decides the same", () => {
  fc.assert(
    fc.property(settings, fc.array(happening, { maxLength: 30, size: "max" }), (shift, happenings) => {
      const sim = shiftedHealthy(shift);
      for (const what of happenings) {
        happen(sim, what);
        // What a look that was lost before its commit decided is decided again.
        assert.equal(decided(sim), decided(sim));
        sim.look();
      }
      // When all has come to rest, a further look changes nothing.
      sim.run();
      const before = JSON.stringify([
        sim.service,
        sim.serviceDeployments,
        [...sim.rules.entries()].map(([k, v]) => [k, [...v]]),
      ]);
      sim.look();
      const after = JSON.stringify([
        sim.service,
        sim.serviceDeployments,
        [...sim.rules.entries()].map(([k, v]) => [k, [...v]]),
      ]);
      assert.equal(after, before);
    }),
    { numRuns: 200 },
  );
});

test("whatever has happened, a deployment that nobody stops comes to an end", () => {
  fc.assert(
    fc.property(settings, fc.array(happening, { maxLength: 20, size: "max" }), (shift, happenings) => {
      const sim = shiftedHealthy(shift);
      for (const what of happenings) {
        happen(sim, what);
        sim.look();
      }
      sim.sick.clear();
      sim.draining.clear();
      const isAtRest = () => isFinished(sim.record.status) && sim.wanted.length === sim.service.desiredCount;
      for (let i = 0; i < 200 && !isAtRest(); i++) {
        sim.run();
        if (sim.record.status === "IN_PROGRESS" && sim.shift?.hooks.some((r) => r.status === "AWAITING_ACTION"))
          sim.resolvePause();
        if (sim.shift?.hooks.some((r) => r.status === "IN_PROGRESS" && r.taskArn !== undefined)) sim.endHook(0);
        sim.now += 10 * MINUTE_MS;
      }
      sim.run();
      assert.ok(isFinished(sim.record.status), `${sim.record.status} in ${sim.shift?.stage}`);
      const [primary] = sim.service.deployments;
      assert.equal(sim.service.deployments.length, 1);
      assert.equal(sim.shareOf(primary!), 100);
      assert.equal(sim.wanted.length, sim.service.desiredCount);
    }),
    { numRuns: 200 },
  );
});
