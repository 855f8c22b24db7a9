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
import { startServicesController } from "./services.ts";

/** A DAEMON service over two hosts, its tasks RUNNING. Its loop is woken by changes alone: no time to speak of passes. */
async function daemon() {
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
  const controller = startServicesController(context);
  const service = {
    schedulingStrategy: "DAEMON",
    desiredCount: 0,
    minimumHealthyPercent: 0,
    maximumPercent: 100,
  } as const;
  await change((tx) => tx.services.put(newService(service)));
  const catchUp = async () => {
    await clock.during(agentsCatchUp(store, clock));
    await clock.pass(20);
  };
  await catchUp();
  const hosts = () => liveTasks(store).map((t) => t.containerInstanceArn?.split("/").at(-1));
  const host = (number: number) => store.view.containerInstances.get(testHost(number).arn)!;
  return { clock, store, context, change, catchUp, hosts, host, stop: () => clock.during(controller.stop()) };
}

test("[DP20] [DP21] a DAEMON service has a task on each host, and on one that joins when its agent is connected", async () => {
  const { store, change, hosts, host, stop } = await daemon();
  assert.deepEqual(hosts().toSorted(), ["host1", "host2"]);
  assert.equal(store.view.services.get(SERVICE_ARN)?.desiredCount, 2);
  await change((tx) => tx.containerInstances.put({ ...testHost(3), agentConnected: false }));
  assert.equal(hosts().length, 2);
  await change((tx) => tx.containerInstances.put({ ...host(3), agentConnected: true }));
  assert.deepEqual(hosts().toSorted(), ["host1", "host2", "host3"]);
  await stop();
});

test("[DP21] on a host that drains the task goes when the last of the others has stopped", async () => {
  const { clock, context, change, catchUp, hosts, host, stop } = await daemon();
  const order = {
    clusterArn: CLUSTER_ARN,
    definition: testDefinition(2),
    instance: emptyHost(1),
    group: "g",
    tags: {},
  };
  const other = newTask(order, { now: clock.now(), random: context.random });
  await change((tx) => launchTask(tx, other));
  await change((tx) => tx.containerInstances.put({ ...host(1), status: "DRAINING" }));
  await catchUp();
  assert.deepEqual(hosts().toSorted(), ["host1", "host2"]);
  await change((tx) => applyReport(tx, tx.tasks.get(other.arn)!, { status: "STOPPED", containers: [] }, clock.now()));
  await catchUp();
  assert.deepEqual(hosts(), ["host2"]);
  await stop();
});

test("[DP20] an attribute decides at once, and the service's own task has no say in it", async () => {
  const { store, change, catchUp, hosts, host, stop } = await daemon();
  const placementConstraints = [
    { type: "memberOf", expression: "attribute:stack == prod and runningTasksCount < 1" },
  ] as const;
  await change((tx) => {
    const service = tx.services.get(SERVICE_ARN)!;
    tx.services.put({
      ...service,
      deployments: service.deployments.map((d) => ({ ...d, placementConstraints: [...placementConstraints] })),
    });
  });
  await catchUp();
  assert.deepEqual(hosts(), []);
  await change((tx) => tx.containerInstances.put({ ...host(2), attributes: [{ name: "stack", value: "prod" }] }));
  await catchUp();
  assert.deepEqual(hosts(), ["host2"]);
  assert.notEqual(store.view.services.get(SERVICE_ARN)?.steadyAt, undefined, "it stays");
  await stop();
});

test("[DP22] where there is no room an event says so once, the others get theirs, and room that is made is used", async () => {
  const { clock, context, store, change, hosts, host, stop } = await daemon();
  const order = {
    clusterArn: CLUSTER_ARN,
    definition: testDefinition(2),
    instance: emptyHost(3),
    group: "g",
    tags: {},
  };
  const halves = [1, 2].map(() => ({
    ...newTask(order, { now: clock.now(), random: context.random }),
    resources: { ...NO_RESOURCES, cpu: 500 },
  }));
  await change((tx) => {
    tx.containerInstances.put(testHost(3));
    for (const half of halves) launchTask(tx, half);
    tx.containerInstances.put(testHost(4));
  });
  assert.deepEqual(hosts().toSorted(), ["host1", "host2", "host4"]);
  await change((tx) => tx.containerInstances.put({ ...host(3), version: 2 }));
  const told = messages(store).filter((m) => m.includes("was unable to place a task"));
  assert.deepEqual(told.length, 1);
  assert.match(told[0] ?? "", /\(container-instance host3\) has insufficient CPU units available/);
  const report = { status: "STOPPED", containers: [] } as const;
  await change((tx) => applyReport(tx, tx.tasks.get(halves[0]?.arn ?? "")!, report, clock.now()));
  assert.deepEqual(hosts().toSorted(), ["host1", "host2", "host3", "host4"]);
  await stop();
});
