import assert from "node:assert/strict";
import { test } from "node:test";
import { targetKey } from "../model/load-balancer.ts";
import { NO_RESOURCES } from "../model/resources.ts";
import { TASK_MOVES, TASK_STATUSES, type TaskRecord } from "../model/task.ts";
import { systemClock } from "../runtime/clock.ts";
import { silentLog } from "../runtime/log.ts";
import { type BerthStore, MemoryDisk, MemoryJournal, openStore, SCHEMA } from "../store/index.ts";
import {
  clusterArn,
  containerArn,
  containerInstanceArn,
  targetGroupArn,
  taskArn,
  taskDefinitionArn,
} from "../wire/arn.ts";
import {
  abandonTask,
  applyReport,
  deregisterTarget,
  finishDraining,
  launchTask,
  registerTarget,
  removeTarget,
  requestStop,
} from "./index.ts";

const SCOPE = { region: "us-east-1", accountId: "000000000000" };
const INSTANCE = containerInstanceArn(SCOPE, { clusterName: "default", containerInstanceId: "1".repeat(32) });
const GROUP = targetGroupArn(SCOPE, { targetGroupName: "web", targetGroupId: "0123456789abcdef" });
const TASK = taskArn(SCOPE, { clusterName: "default", taskId: "a".repeat(32) });
const BY_USER = { stopCode: "UserInitiated", reason: "enough" } as const;

const task: TaskRecord = {
  arn: TASK,
  clusterArn: clusterArn(SCOPE, { clusterName: "default" }),
  taskDefinitionArn: taskDefinitionArn(SCOPE, { family: "web", revision: 1 }),
  containerInstanceArn: INSTANCE,
  launchType: "EC2",
  group: "family:web",
  desiredStatus: "RUNNING",
  lastStatus: "PENDING",
  containers: [
    {
      arn: containerArn(SCOPE, { clusterName: "default", taskId: "a".repeat(32), containerId: "c" }),
      name: "web",
      image: "web",
      lastStatus: "PENDING",
      networkBindings: [],
      healthStatus: "UNKNOWN",
      essential: true,
      checksHealth: false,
      cpu: 0,
    },
  ],
  healthStatus: "UNKNOWN",
  resources: { cpu: 256, memoryMiB: 512, ports: [80], portsUdp: [] },
  overrides: { containerOverrides: [] },
  attributes: [],
  loadBalancers: [],
  enableExecuteCommand: false,
  createdAt: 0,
  version: 1,
  tags: {},
  delivered: { start: false, stop: false },
};

/** A store with one instance and the task launched on it, moved on by the reports given. */
async function launched(...reports: readonly ("RUNNING" | "STOPPED")[]): Promise<BerthStore> {
  const clock = systemClock();
  const store = await openStore({
    schema: SCHEMA,
    journal: new MemoryJournal({ disk: new MemoryDisk(), clock }),
    log: silentLog(),
  });
  await store.transact("arrange", (tx) => {
    tx.containerInstances.put({
      arn: INSTANCE,
      clusterArn: task.clusterArn,
      status: "ACTIVE",
      agentConnected: true,
      connectivityChangedAt: 0,
      registered: { cpu: 1024, memoryMiB: 1024, ports: [], portsUdp: [] },
      attributes: [],
      registeredAt: 0,
      version: 1,
      sequence: 0,
      tags: {},
    });
    launchTask(tx, task);
    for (const status of reports) applyReport(tx, current(tx), { status, containers: [] }, 1);
  });
  return store;
}

const current = (tables: { tasks: { get(key: string): TaskRecord | undefined } }): TaskRecord => {
  const found = tables.tasks.get(TASK);
  assert.ok(found !== undefined);
  return found;
};
const used = (store: BerthStore) =>
  store.view.containerInstances.derived.placement.fleet(task.clusterArn).used(INSTANCE);

test("a launched task holds its resources until it is STOPPED, and gives them back once", async () => {
  const store = await launched("RUNNING");
  assert.deepEqual(used(store), task.resources);
  await store.transact("stop", (tx) => {
    applyReport(tx, current(tx), { status: "STOPPED", containers: [] }, 2);
    applyReport(tx, current(tx), { status: "STOPPED", containers: [] }, 3);
    abandonTask(tx, current(tx), BY_USER, 4);
  });
  assert.deepEqual(used(store), NO_RESOURCES);
  assert.equal(current(store.view).stoppedAt, 2);
});

test("a task that never ran failed to start; one that ran lost its essential container", async () => {
  const never = await launched("STOPPED");
  assert.deepEqual([current(never.view).stopCode, current(never.view).startedAt], ["TaskFailedToStart", undefined]);
  const ran = await launched("RUNNING", "STOPPED");
  assert.deepEqual(
    [current(ran.view).stopCode, current(ran.view).stoppedReason],
    ["EssentialContainerExited", "Essential container in task exited"],
  );
});

test("the first cause of a stop stands", async () => {
  const store = await launched("RUNNING");
  await store.transact("stop", (tx) => {
    requestStop(tx, current(tx), BY_USER, 5);
    requestStop(tx, current(tx), { stopCode: "ServiceSchedulerInitiated", reason: "other" }, 6);
    applyReport(tx, current(tx), { status: "STOPPED", reason: "agent's words", containers: [] }, 7);
  });
  const { stopCode, stoppedReason, stoppingAt, stoppedAt } = current(store.view);
  assert.deepEqual([stopCode, stoppedReason, stoppingAt, stoppedAt], ["UserInitiated", "enough", 5, 7]);
});

test("a task in rotation is drained before its agent is told to stop it", async () => {
  const store = await launched("RUNNING");
  const target = { targetGroupArn: GROUP, id: "i-1", port: 8080, taskArn: TASK };
  await store.transact("register", (tx) => void registerTarget(tx, target, 2));
  await store.transact("stop", (tx) => void requestStop(tx, current(tx), BY_USER, 3));
  assert.equal(current(store.view).lastStatus, "DEACTIVATING");
  await store.transact("drain", (tx) => {
    const registered = tx.targets.get(targetKey(target));
    assert.ok(registered !== undefined);
    removeTarget(tx, deregisterTarget(tx, registered, 4));
    finishDraining(tx, current(tx), 5);
  });
  assert.equal(current(store.view).lastStatus, "STOPPING");
});

test("a late RUNNING does not bring a stopping task back", async () => {
  const store = await launched();
  await store.transact("stop", (tx) => {
    requestStop(tx, current(tx), BY_USER, 2);
    applyReport(
      tx,
      current(tx),
      { status: "RUNNING", containers: [{ name: "web", lastStatus: "RUNNING", runtimeId: "r" }] },
      3,
    );
  });
  assert.deepEqual([current(store.view).lastStatus, current(store.view).containers[0]?.runtimeId], ["STOPPING", "r"]);
});

test("a report changes only the containers it names, and repeating it changes nothing", async () => {
  const store = await launched();
  const report = { status: "RUNNING", containers: [{ name: "web", lastStatus: "RUNNING", runtimeId: "r" }] } as const;
  await store.transact("run", (tx) => void applyReport(tx, current(tx), report, 2));
  const first = current(store.view);
  await store.transact("again", (tx) => void applyReport(tx, current(tx), report, 9));
  assert.deepEqual(current(store.view), first);
  assert.equal(first.startedAt, 2);
});

test("every status leads on to STOPPED, and nothing leads back", () => {
  for (const from of TASK_STATUSES) {
    const next = Object.keys(TASK_MOVES[from]);
    for (const to of next) {
      assert.ok(
        TASK_STATUSES.indexOf(to as (typeof TASK_STATUSES)[number]) > TASK_STATUSES.indexOf(from),
        `${from} -> ${to}`,
      );
    }
    assert.equal(next.length === 0, from === "STOPPED");
  }
});
