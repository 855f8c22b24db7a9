import assert from "node:assert/strict";
import { test } from "node:test";
import { revisionArnOf, type ServiceDeploymentRecord } from "../model/service-deployment.ts";
import { serviceDeploymentArn } from "../wire/arn.ts";
import { breakerReport } from "./service-deployment.ts";
import { SimulatedService } from "./testing.ts";

const SCOPE = { region: "us-east-1", accountId: "000000000000" };
const ROLLS_BACK = { enable: true, rollback: true };

/** Records that the service's PRIMARY deployment has begun, as the API does. */
function record(sim: SimulatedService, over: Partial<ServiceDeploymentRecord> = {}): ServiceDeploymentRecord {
  const made: ServiceDeploymentRecord = {
    arn: serviceDeploymentArn(SCOPE, {
      clusterName: "default",
      serviceName: "web",
      serviceDeploymentId: `d${sim.serviceDeployments.length}`,
    }),
    serviceArn: sim.service.arn,
    clusterArn: sim.service.clusterArn,
    targetRevisionArn: revisionArnOf(sim.service.arn, sim.primaryId),
    sourceRevisionArns: [],
    status: "PENDING",
    settings: sim.service,
    breaker: breakerReport(sim.service),
    createdAt: sim.now,
    updatedAt: sim.now,
    ...over,
  };
  sim.serviceDeployments.push(made);
  return made;
}

const newest = (sim: SimulatedService) => sim.serviceDeployments.at(-1)!;
const set = (sim: SimulatedService, status: ServiceDeploymentRecord["status"]) => {
  sim.serviceDeployments[sim.serviceDeployments.length - 1] = { ...newest(sim), status };
};

/** A service whose first deployment is COMPLETED. */
function deployed(over: ConstructorParameters<typeof SimulatedService>[0] = {}): SimulatedService {
  const sim = new SimulatedService({ desiredCount: 2, circuitBreaker: ROLLS_BACK, ...over });
  record(sim);
  sim.look();
  assert.deepEqual([newest(sim).status, newest(sim).startedAt], ["IN_PROGRESS", 0]);
  sim.now = 5_000;
  sim.agentsCatchUp();
  sim.settle();
  assert.deepEqual([newest(sim).status, newest(sim).finishedAt], ["SUCCESSFUL", 5_000]);
  assert.equal(newest(sim).breaker.status, sim.service.circuitBreaker?.enable ? "MONITORING_COMPLETE" : "DISABLED");
  sim.now = 100_000;
  sim.settle();
  return sim;
}

/** Lets the PRIMARY deployment's tasks fail until it is given up. */
function fail(sim: SimulatedService): void {
  const id = sim.primaryId;
  for (let i = 0; i < 20 && sim.primaryId === id && sim.service.deployments[0]?.rolloutState === "IN_PROGRESS"; i++) {
    sim.settleTelling();
    for (const task of sim.wanted.filter((t) => t.deploymentId === id)) sim.crash(task);
    sim.look();
    sim.now = Math.max(sim.now, sim.lookAgainAt ?? 0);
  }
}

test("[DP35] a service deployment is PENDING, IN_PROGRESS at the first look, and SUCCESSFUL when its deployment is COMPLETED", () => {
  deployed();
  deployed({ circuitBreaker: undefined });
});

test("[DP35] the circuit breaker's count and threshold are told while it is monitored", () => {
  const sim = new SimulatedService({ desiredCount: 8, circuitBreaker: { enable: true, rollback: false } });
  record(sim);
  sim.settle();
  for (const task of sim.wanted.slice(0, 3)) sim.crash(task);
  sim.settle();
  assert.deepEqual(newest(sim).breaker, { status: "MONITORING", failureCount: 3, threshold: 4 });
});

test("[DP35] a tripped breaker that rolls back: ROLLBACK_IN_PROGRESS to the earlier revision, then ROLLBACK_SUCCESSFUL", () => {
  const sim = deployed();
  sim.deploy();
  record(sim);
  fail(sim);
  const reason = "Service deployment rolled back because the circuit breaker threshold was exceeded.";
  assert.deepEqual(
    [newest(sim).status, newest(sim).statusReason, newest(sim).breaker.status],
    ["ROLLBACK_IN_PROGRESS", reason, "TRIGGERED"],
  );
  assert.equal(newest(sim).breaker.failureCount >= 3, true);
  assert.deepEqual(newest(sim).rollback, {
    reason,
    startedAt: newest(sim).updatedAt,
    revisionArn: revisionArnOf(sim.service.arn, "ecs-svc/1"),
  });
  sim.settle();
  assert.deepEqual([newest(sim).status, newest(sim).finishedAt], ["ROLLBACK_SUCCESSFUL", sim.now]);
});

test("[DP35] a tripped breaker without rollback: STOPPED; with it and nothing to roll back to: ROLLBACK_FAILED", () => {
  const rows = [
    [false, "STOPPED", "Service deployment stopped because the circuit breaker threshold was exceeded."],
    [true, "ROLLBACK_FAILED", "No rollback candidate was found to run the rollback."],
  ] as const;
  for (const [rollback, status, reason] of rows) {
    const sim = new SimulatedService({ desiredCount: 2, circuitBreaker: { enable: true, rollback } });
    record(sim);
    fail(sim);
    assert.deepEqual(
      [newest(sim).status, newest(sim).statusReason, newest(sim).breaker.status],
      [status, reason, "TRIGGERED"],
    );
    assert.equal(newest(sim).stoppedAt, rollback ? undefined : sim.service.deployments[0]?.updatedAt);
  }
});

test("[DP35] a rollback whose tasks fail too is ROLLBACK_FAILED", () => {
  const sim = deployed({ minimumHealthyPercent: 0, maximumPercent: 100 });
  sim.deploy();
  record(sim);
  sim.settle();
  sim.agentsCatchUp();
  fail(sim);
  assert.equal(newest(sim).status, "ROLLBACK_IN_PROGRESS");
  sim.settle();
  fail(sim);
  assert.equal(newest(sim).status, "ROLLBACK_FAILED");
});

test("[DP36] a rollback that was asked for is done without any breaker, and told in the service's history", () => {
  const sim = deployed({ circuitBreaker: undefined });
  const { id } = sim.deploy();
  record(sim);
  sim.settle();
  set(sim, "ROLLBACK_REQUESTED");
  sim.look();
  assert.deepEqual([newest(sim).status, sim.primaryId], ["ROLLBACK_IN_PROGRESS", "ecs-svc/1"]);
  assert.equal(newest(sim).breaker.status, "DISABLED");
  assert.ok(sim.events.includes(`(deployment ${id}) deployment stopped: its rollback was requested.`));
  assert.ok(sim.events.includes("rolling back to deployment ecs-svc/1."));
  sim.settle();
  assert.equal(newest(sim).status, "ROLLBACK_SUCCESSFUL");
});

test("[DP36] without a completed deployment a requested rollback stops what is under way", () => {
  const sim = new SimulatedService({ desiredCount: 2 });
  record(sim);
  sim.settle();
  set(sim, "ROLLBACK_REQUESTED");
  sim.settle();
  assert.deepEqual(
    [newest(sim).status, newest(sim).statusReason],
    ["STOPPED", "No rollback candidate was found to run the rollback."],
  );
  assert.deepEqual([sim.wanted.length, sim.service.deployments[0]?.rolloutState], [0, "FAILED"]);
});

test("[DP36] a deployment that is COMPLETED before its rollback is begun is SUCCESSFUL", () => {
  const sim = deployed();
  set(sim, "ROLLBACK_REQUESTED");
  sim.settle();
  assert.equal(newest(sim).status, "SUCCESSFUL");
});

test("[DP35] what was told to stop is STOPPED at the next look, of a deleted service too", () => {
  for (const status of ["ACTIVE", "DRAINING"] as const) {
    const sim = new SimulatedService({ desiredCount: 1 });
    record(sim, { status: "STOP_REQUESTED" });
    sim.service = { ...sim.service, status };
    sim.look();
    assert.equal(newest(sim).status, "STOPPED");
  }
});
