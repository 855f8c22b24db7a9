import assert from "node:assert/strict";
import { test } from "node:test";
import { newDeployment, supersede } from "../../deployment/index.ts";
import { ManualClock } from "../../runtime/manual-clock.ts";
import { applyReport } from "../../state/index.ts";
import {
  agentsCatchUp,
  liveTasks,
  messages,
  newService,
  putWorld,
  SERVICE_ARN,
  type TestPlane,
  testDefinition,
  testPlane,
} from "../testing.ts";
import { startServicesController } from "./services.ts";

/** A service with a circuit breaker that rolls back, whose version 1 is COMPLETED and whose version 2 has just begun. */
async function updating(desiredCount: number, cpu: number) {
  const clock = new ManualClock(1_000_000);
  const plane = await clock.during(testPlane(clock));
  await clock.during(putWorld(plane.store, 3));
  const controller = startServicesController(plane.context);
  const circuitBreaker = { enable: true, rollback: true };
  await clock.during(
    plane.store.transact("create", (tx) => void tx.services.put(newService({ desiredCount, circuitBreaker }))),
  );
  await clock.pass(20);
  await clock.during(agentsCatchUp(plane.store, clock));
  await clock.pass(60_000);
  await clock.during(
    plane.store.transact("update", (tx) => {
      const second = testDefinition(2);
      const containerDefinitions = second.definition.containerDefinitions?.map((c) => ({ ...c, cpu }));
      tx.taskDefinitions.put({ ...second, definition: { ...second.definition, containerDefinitions } });
      const service = { ...tx.services.get(SERVICE_ARN)!, taskDefinitionArn: second.arn };
      const next = newDeployment("ecs-svc/2", service, clock.now());
      tx.services.put({ ...service, deployments: supersede(service.deployments, next, clock.now()) });
    }),
  );
  return { plane, clock, stop: () => clock.during(controller.stop()) };
}

function isRolledBack({ store }: TestPlane): boolean {
  const service = store.view.services.get(SERVICE_ARN);
  const [primary, ...others] = service?.deployments ?? [];
  return (
    primary?.id === "ecs-svc/1" &&
    primary.rolloutState === "COMPLETED" &&
    others.length === 0 &&
    service?.taskDefinitionArn === testDefinition(1).arn &&
    service.steadyAt !== undefined
  );
}

test("[DP31] [DP33] a version that finds no place for thirty seconds is rolled back, and the service is what it was", async () => {
  const { plane, clock, stop } = await updating(2, 2048);
  await clock.pass(29_900);
  assert.equal(plane.store.view.services.get(SERVICE_ARN)?.deployments[0]?.id, "ecs-svc/2");
  await clock.pass(500);
  assert.ok(isRolledBack(plane), messages(plane.store).join("\n"));
  assert.equal(liveTasks(plane.store).length, 2);
  await stop();
});

test("[DP31] [DP33] a version whose tasks fail to start is rolled back at once, and its waiting tasks are stopped", async () => {
  const { plane, clock, stop } = await updating(4, 128);
  await clock.pass(20);
  const started = liveTasks(plane.store).filter((t) => t.deploymentId === "ecs-svc/2");
  assert.equal(started.length, 4);
  for (const task of started.slice(0, 3)) {
    await clock.during(
      plane.store.transact(
        "fail",
        (tx) => void applyReport(tx, tx.tasks.get(task.arn)!, { status: "STOPPED", containers: [] }, clock.now()),
      ),
    );
  }
  await clock.pass(20);
  await clock.during(agentsCatchUp(plane.store, clock));
  await clock.pass(20);
  assert.ok(isRolledBack(plane), messages(plane.store).join("\n"));
  const said = messages(plane.store);
  const trip = said.indexOf("(deployment ecs-svc/2) deployment failed: tasks failed to start.");
  assert.deepEqual(said.slice(trip + 1, trip + 3), [
    "rolling back to deployment ecs-svc/1.",
    "stopped 1 pending tasks.",
  ]);
  await stop();
});
