import assert from "node:assert/strict";
import { test } from "node:test";
import { NO_RESOURCES } from "../../model/resources.ts";
import { ManualClock } from "../../runtime/manual-clock.ts";
import { applyReport, launchTask, newTask } from "../../state/index.ts";
import type { BerthTransaction } from "../../store/index.ts";
import {
  agentsCatchUp,
  CLUSTER_ARN,
  emptyHost,
  liveTasks,
  messages,
  newService,
  putWorld,
  SERVICE_ARN,
  testDefinition,
  testHost,
  testPlane,
} from "../testing.ts";
import { FAILED_MOVE_REST_MS } from "./observe-places.ts";
import { startServicesController } from "./services.ts";

/** A steady service of four on two hosts, whose tasks count as healthy at once, and a third host that has just connected. */
async function world(memory = 128, heardSince?: (clock: ManualClock) => number | undefined) {
  const clock = new ManualClock(1_000_000);
  const opening = testPlane(clock);
  await clock.pass(0);
  const plane = await opening;
  const { store, context } = plane;
  const change = async <T>(fn: (tx: BerthTransaction) => T) => {
    await clock.during(store.transact("change", (tx) => void fn(tx)));
    await clock.pass(20);
  };
  await clock.during(putWorld(store, 2));
  const controller = startServicesController({
    ...context,
    ...(heardSince === undefined ? {} : { agents: { heardSince: () => heardSince(clock) } }),
    deployment: { healthyAfterMs: 0, rebalanceAfterMs: 10_000 },
  });
  await change((tx) => {
    const definition = testDefinition(1);
    const [web] = definition.definition.containerDefinitions ?? [];
    tx.taskDefinitions.put({
      ...definition,
      definition: { ...definition.definition, containerDefinitions: [{ ...web, memory }] },
    });
    tx.services.put(newService({ desiredCount: 4, availabilityZoneRebalancing: "ENABLED" }));
  });
  const catchUp = async () => {
    await clock.during(agentsCatchUp(store, clock));
    await clock.pass(20);
  };
  await catchUp();
  await change((tx) => tx.containerInstances.put({ ...testHost(3), connectivityChangedAt: clock.now() }));
  const counts = () =>
    [1, 2, 3].map((n) => liveTasks(store).filter((t) => t.containerInstanceArn === testHost(n).arn).length);
  return { clock, store, context, change, catchUp, counts, stop: () => clock.during(controller.stop()) };
}

test("[DP24] [DP25] a host that joined gets its share when it has been there for its time, and is told of", async () => {
  const { clock, store, catchUp, counts, stop } = await world();
  await clock.pass(9_000);
  assert.deepEqual(counts(), [2, 2, 0]);
  await clock.pass(1_100);
  assert.deepEqual(counts(), [2, 2, 1]);
  const mover = liveTasks(store).find((t) => t.move !== undefined);
  assert.equal(mover?.move?.from, testHost(1).arn);
  await catchUp();
  await catchUp();
  assert.deepEqual(counts(), [1, 2, 1]);
  assert.ok(liveTasks(store).every((t) => t.move === undefined));
  const told = messages(store).map((m) => m.replace(/\(task [0-9a-f]{32}\)/, "(task)"));
  assert.deepEqual(told.slice(-4), [
    "is not balanced over its container instances with 2 tasks on (container-instance host1), 0 tasks on (container-instance host3). Rebalancing in progress.",
    "has started 1 tasks on (container-instance host3) to rebalance: (task).",
    "has stopped 1 running tasks on (container-instance host1) due to rebalancing: (task).",
    "is balanced over its container instances.",
  ]);
  await stop();
});

test("[DP25] nothing moves while hosts are silent, and their time begins when they are heard again", async () => {
  let since: number | undefined;
  const { clock, counts, stop } = await world(128, () => since);
  await clock.pass(40_000);
  assert.deepEqual(counts(), [2, 2, 0]);
  since = clock.monotonic();
  await clock.pass(9_000);
  assert.deepEqual(counts(), [2, 2, 0]);
  await clock.pass(31_000);
  assert.deepEqual(counts(), [2, 2, 1]);
  await stop();
});

test("[DP25] where a moved task failed, none is moved to for ten minutes", async () => {
  const { clock, store, change, counts, stop } = await world();
  await clock.pass(10_100);
  const mover = liveTasks(store).find((t) => t.move !== undefined)!;
  await change((tx) =>
    applyReport(tx, tx.tasks.get(mover.arn)!, { status: "STOPPED", containers: [], reason: "no image" }, clock.now()),
  );
  await clock.pass(FAILED_MOVE_REST_MS - 1_000);
  assert.deepEqual(counts(), [2, 2, 0]);
  await clock.pass(1_100);
  assert.deepEqual(counts(), [2, 2, 1]);
  await stop();
});

test("[DP24] a service for which it was never set, or that is DISABLED, stays; and so does one that fits nowhere else", async () => {
  for (const setting of [undefined, "DISABLED"] as const) {
    const { clock, change, counts, stop } = await world();
    await change((tx) => tx.services.put({ ...tx.services.get(SERVICE_ARN)!, availabilityZoneRebalancing: setting }));
    await clock.pass(60_000);
    assert.deepEqual(counts(), [2, 2, 0]);
    await stop();
  }
  const { clock, context, change, counts, stop } = await world();
  await change((tx) => {
    const order = {
      clusterArn: CLUSTER_ARN,
      definition: testDefinition(1),
      instance: emptyHost(3),
      group: "g",
      tags: {},
    };
    const other = newTask(order, { now: clock.now(), random: context.random });
    launchTask(tx, { ...other, resources: { ...NO_RESOURCES, memoryMiB: 1000 } });
  });
  await clock.pass(60_000);
  assert.deepEqual(counts(), [2, 2, 0]);
  await stop();
});
