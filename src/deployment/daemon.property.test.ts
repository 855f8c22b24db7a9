import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { ContainerInstanceRecord } from "../model/container-instance.ts";
import { isProtected } from "../model/task.ts";
import { rollingLimits } from "./limits.ts";
import { SimulatedDaemon } from "./testing/daemon.ts";

const happening = fc.record({
  kind: fc.constantFrom(
    ...(["join", "drain", "drain-with-others", "activate", "others", "leave", "cut", "attribute"] as const),
    ...(["deploy", "crash", "sicken", "protect", "run", "run", "wait"] as const),
  ),
  which: fc.nat(5),
  amount: fc.constantFrom(1, 20, 40, 300),
});

function happen(sim: SimulatedDaemon, what: { kind: string; which: number; amount: number }): void {
  const host = sim.hosts[what.which % Math.max(1, sim.hosts.length)];
  const task = sim.wanted[what.which % Math.max(1, sim.wanted.length)];
  const set = (over: Partial<ContainerInstanceRecord>) => {
    if (host !== undefined && host.instance.status !== "INACTIVE") host.instance = { ...host.instance, ...over };
  };
  switch (what.kind) {
    case "join":
      if (sim.hosts.length < 6) sim.join();
      return;
    case "drain":
      set({ status: "DRAINING" });
      return;
    // What makes a task linger: by chance alone, some runs of this test would never see it.
    case "drain-with-others":
      set({ status: "DRAINING" });
      if (host !== undefined) host.hasOthers = true;
      return;
    case "activate":
      set({ status: "ACTIVE", agentConnected: true });
      return;
    case "others":
      if (host !== undefined) host.hasOthers = !host.hasOthers;
      return;
    case "leave":
      set({ status: "INACTIVE", agentConnected: false });
      for (const one of sim.tasks) {
        if (one.containerInstanceArn !== host?.instance.arn || one.lastStatus === "STOPPED") continue;
        const end = { desiredStatus: "STOPPED", lastStatus: "STOPPED", stoppedAt: sim.now } as const;
        sim.change(one, { ...end, stopCode: "InfrastructureHealth" });
      }
      return;
    case "cut":
      set({ agentConnected: false });
      return;
    case "attribute":
      if (host !== undefined) host.isEligible = !host.isEligible;
      return;
    case "deploy":
      sim.deploy();
      return;
    case "crash":
      if (task !== undefined) sim.crash(task);
      return;
    case "sicken":
      if (task?.lastStatus === "RUNNING") sim.change(task, { healthStatus: "UNHEALTHY" });
      return;
    case "protect":
      if (task !== undefined) sim.change(task, { protectedUntil: sim.now + what.amount * 1000 });
      return;
    case "run":
      sim.agentsCatchUp();
      return;
    case "wait":
      sim.now += what.amount * 1000;
      return;
  }
}

/** All hosts are heard again; the agents do their part, the others on DRAINING hosts end, and time passes until all is well. */
function calmDown(sim: SimulatedDaemon): void {
  for (const host of sim.hosts) {
    host.hasOthers = false;
    if (host.instance.status !== "INACTIVE") host.instance = { ...host.instance, agentConnected: true };
  }
  for (let i = 0; i < 500; i++) {
    sim.settleTelling();
    sim.agentsCatchUp();
    sim.settleTelling();
    const isCalm = sim.tasks.every((t) => t.lastStatus !== "STOPPING" && t.lastStatus !== "PENDING");
    if (sim.service.steadyAt !== undefined && isCalm) return;
    sim.now = Math.max(sim.now + 1000, sim.lookAgainAt ?? 0);
  }
  throw new Error(`not steady: ${JSON.stringify({ ...sim.service, tasks: sim.wanted, hosts: sim.hosts })}`);
}

test("[DP20] [DP21] [DP23] whatever happens, no instance has two, none starts where it should not, the minimum holds, and each gets its task", () => {
  const seen = { deploys: 0, stuck: 0, lingered: 0, protected: 0 };
  fc.assert(
    fc.property(
      fc.array(happening, { maxLength: 16 }),
      fc.integer({ min: 0, max: 4 }),
      fc.constantFrom(0, 50),
      (happenings, hosts, minimum) => {
        // SimulatedService throws when a stop of a healthy task leaves fewer than the minimum.
        const sim = new SimulatedDaemon(hosts, minimum);
        for (const what of happenings) {
          happen(sim, what);
          sim.settleTelling();
          seen.deploys += what.kind === "deploy" ? 1 : 0;
          seen.protected += sim.wanted.some((t) => isProtected(t, sim.now)) ? 1 : 0;
          const draining = sim.hosts
            .filter((h) => h.instance.status === "DRAINING")
            .map((h) => h.instance.arn as string);
          seen.lingered += sim.wanted.some((t) => draining.includes(t.containerInstanceArn ?? "")) ? 1 : 0;
        }
        const { floor, ceiling } = rollingLimits({ ...sim.service, desiredCount: sim.serving.length });
        if (floor === ceiling) {
          // Half of one is one: nothing can roll, and what is asked for is only that it does not break.
          seen.stuck++;
          sim.service = { ...sim.service, minimumHealthyPercent: 0 };
        }
        calmDown(sim);
        assert.deepEqual(
          sim.wanted.map((t) => t.containerInstanceArn).toSorted(),
          sim.serving.map((h) => h.instance.arn).toSorted(),
        );
        assert.ok(sim.wanted.every((t) => t.deploymentId === sim.primaryId && t.lastStatus === "RUNNING"));
        assert.deepEqual(
          sim.service.deployments.map((d) => [d.status, d.rolloutState, d.desiredCount]),
          [["PRIMARY", "COMPLETED", sim.serving.length]],
        );
        assert.equal(sim.service.desiredCount, sim.serving.length);
        assert.deepEqual(sim.look(), [], "a steady service leaves nothing to do");
      },
    ),
    { numRuns: 600 },
  );
  assert.ok(seen.deploys > 100 && seen.lingered > 0 && seen.stuck > 0 && seen.protected > 0, JSON.stringify(seen));
});
