import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import type { TaskRecord } from "../../model/task.ts";
import { ManualClock } from "../../runtime/manual-clock.ts";
import { applyReport, launchTask, newTask } from "../../state/index.ts";
import type { ContainerInstanceArn } from "../../wire/arn.ts";
import {
  CLUSTER_ARN,
  emptyHost,
  messages,
  newService,
  putWorld,
  SERVICE_ARN,
  testDefinition,
  testHost,
  testPlane,
} from "../testing.ts";
import { startInstancesController } from "./instances.ts";

const endings: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0)) await end();
});

/** `hosts` hosts, each with one task of the service `web` and one standalone task, and their agents' pongs. */
async function plane(hosts: number) {
  const clock = new ManualClock(1_000_000);
  const { store, context } = await testPlane(clock);
  const settle = async <T>(work: Promise<T>): Promise<T> => {
    await clock.pass(10);
    return work;
  };
  await settle(putWorld(store, hosts));
  const cut = new Set<ContainerInstanceArn>();
  const heard = new Map<ContainerInstanceArn, number>();
  const numbers = Array.from({ length: hosts }, (_, i) => i + 1);
  await settle(
    store.transact("tasks", (tx) => {
      tx.services.put(newService({ desiredCount: hosts }));
      for (const number of numbers) {
        for (const kind of [{ serviceArn: SERVICE_ARN, group: "service:web" }, { group: "alone" }]) {
          const instance = emptyHost(number);
          const order = { clusterArn: CLUSTER_ARN, definition: testDefinition(1), instance, tags: {}, ...kind };
          const task = launchTask(tx, newTask(order, { now: clock.now(), random: context.random }));
          applyReport(tx, task, { status: "RUNNING", containers: [] }, clock.now());
        }
      }
    }),
  );
  const setConnected = (arn: ContainerInstanceArn, agentConnected: boolean) =>
    store.transact("connectivity", (tx) => {
      tx.containerInstances.put({ ...tx.containerInstances.get(arn)!, agentConnected });
    });
  const controller = startInstancesController(context, {
    lastHeard: (arn) => heard.get(arn),
    declareSilent: (arn) => setConnected(arn, false),
  });
  const pings = clock.every(2000, () => {
    for (const number of numbers) {
      const { arn } = testHost(number);
      if (!cut.has(arn)) heard.set(arn, clock.monotonic());
    }
  });
  endings.push(async () => {
    pings.cancel();
    await controller.stop();
  });
  await clock.pass(4000);
  const tasksOn = (number: number): TaskRecord[] =>
    [...store.view.tasks.all()].filter((t) => t.containerInstanceArn === testHost(number).arn);
  return {
    clock,
    store,
    cut,
    heard,
    tasksOn,
    stopped: () => [...store.view.tasks.all()].filter((t) => t.lastStatus === "STOPPED"),
  };
}

test("[HL3] the tasks of services on a lost host are given up with a reason, and standalone tasks stay", async () => {
  const { clock, store, cut, tasksOn } = await plane(3);
  cut.add(testHost(1).arn);
  await clock.pass(5900);
  assert.equal(store.view.containerInstances.get(testHost(1).arn)?.agentConnected, true);
  await clock.pass(1700);
  assert.equal(store.view.containerInstances.get(testHost(1).arn)?.agentConnected, false);
  const [ofService, alone] = tasksOn(1).sort((a, b) =>
    a.serviceArn === undefined ? 1 : b.serviceArn === undefined ? -1 : 0,
  );
  assert.deepEqual(
    [ofService?.lastStatus, ofService?.stopCode, ofService?.stoppedReason],
    [
      "STOPPED",
      "InfrastructureHealth",
      "Host lost: the agent of (container-instance host1) has not been heard from for 7 s.",
    ],
  );
  assert.equal(alone?.lastStatus, "RUNNING");
  assert.ok(tasksOn(2).every((t) => t.lastStatus === "RUNNING"));
});

test("[HL2] a host that is frozen for 3 s keeps everything", async () => {
  const { clock, cut, stopped } = await plane(3);
  cut.add(testHost(1).arn);
  await clock.pass(3000);
  cut.clear();
  await clock.pass(20_000);
  assert.deepEqual(stopped(), []);
});

test("[HL5] [HL6] [HL8] when four of ten hosts are cut off at once nothing is replaced, an event says so, and another that it is over", async () => {
  const { clock, store, cut, stopped } = await plane(10);
  for (const number of [1, 2, 3, 4]) cut.add(testHost(number).arn);
  await clock.pass(20_000);
  assert.deepEqual(stopped(), []);
  assert.deepEqual(messages(store), [
    "is holding back the replacement of 4 tasks: 4 of 10 container instances lost contact within 30 s, which looks like " +
      "a failure of the network rather than of hosts. The tasks of one container instance are replaced every 30 s until " +
      "contact is back.",
  ]);
  cut.clear();
  await clock.pass(5000);
  assert.deepEqual(stopped(), []);
  assert.deepEqual(messages(store).slice(1), [
    "is no longer holding back the replacement of tasks: contact with container instances is back.",
  ]);
});

test("[HL7] [HL8] hosts that are really gone are replaced one by one", async () => {
  const { clock, store, cut, stopped } = await plane(10);
  for (const number of [1, 2, 3, 4]) cut.add(testHost(number).arn);
  await clock.pass(40_000);
  assert.equal(stopped().length, 1);
  await clock.pass(90_000);
  assert.equal(stopped().length, 4);
  assert.equal(
    messages(store).at(-1),
    "is no longer holding back the replacement of tasks: all that were lost are being replaced.",
  );
});
