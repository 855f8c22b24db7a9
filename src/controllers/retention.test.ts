import assert from "node:assert/strict";
import { test } from "node:test";
import { newDeployment } from "../deployment/index.ts";
import { SERVICE_DEPLOYMENT_RETENTION_MS } from "../model/service-deployment.ts";
import { STOPPED_TASK_LISTED_MS } from "../model/task.ts";
import { ManualClock } from "../runtime/manual-clock.ts";
import { addServiceEvent, applyReport, beginServiceDeployment, launchTask, newTask } from "../state/index.ts";
import type { BerthTransaction } from "../store/index.ts";
import { DELETED_DEFINITION_RETENTION_MS, forgetOnce, INACTIVE_RETENTION_MS, MAX_PER_STEP } from "./retention.ts";
import { DEFAULT_RETENTION_SETTINGS, type RetentionSettings } from "./retention-settings.ts";
import {
  CLUSTER_ARN,
  emptyHost,
  newService,
  putWorld,
  SERVICE_ARN,
  testDefinition,
  testHost,
  testPlane,
} from "./testing.ts";

const STOPPED = { status: "STOPPED", containers: [] } as const;

function runTask(tx: BerthTransaction, now: number, random: Parameters<typeof newTask>[1]["random"]) {
  const order = {
    clusterArn: CLUSTER_ARN,
    definition: testDefinition(1),
    instance: emptyHost(1),
    group: "g",
    tags: {},
  };
  return launchTask(tx, newTask(order, { now, random }));
}

async function world(retention: RetentionSettings = DEFAULT_RETENTION_SETTINGS) {
  const clock = new ManualClock(1_000_000);
  const plane = await testPlane(clock);
  const settled = putWorld(plane.store, 1);
  await clock.pass(10);
  await settled;
  /** Runs what needs the test's clock to go on. */
  const { store, random } = { store: plane.store, random: plane.context.random };
  return { clock, store, random, forget: () => clock.during(forgetOnce({ store, clock, retention })) };
}

test("a stopped task is forgotten after 30 days, and one that runs never", async () => {
  const { clock, store, random, forget } = await world();
  const { running, stopped } = await clock.during(
    store.transact("tasks", (tx) => {
      const running = runTask(tx, clock.now(), random);
      const stopped = applyReport(tx, runTask(tx, clock.now(), random), STOPPED, clock.now());
      return { running, stopped };
    }),
  );
  await clock.pass(DEFAULT_RETENTION_SETTINGS.stoppedTaskMs - 60_000);
  await forget();
  assert.ok(store.view.tasks.get(stopped.arn) !== undefined);
  await clock.pass(60_000);
  await forget();
  assert.equal(store.view.tasks.get(stopped.arn), undefined);
  assert.ok(store.view.tasks.get(running.arn) !== undefined);
});

test("beyond an hour a cluster keeps its newest stopped tasks, and a service a tenth of them", async () => {
  const { clock, store, random, forget } = await world({ stoppedTaskMs: 1e9, stoppedTaskLimit: 20 });
  const stop = (count: number, serviceArn?: typeof SERVICE_ARN) =>
    clock.during(
      store.transact("tasks", (tx) =>
        Array.from({ length: count }, () => {
          const task = tx.tasks.put({ ...runTask(tx, clock.now(), random), serviceArn, accounted: true });
          return applyReport(tx, task, STOPPED, clock.now()).arn;
        }),
      ),
    );
  const kept = (arns: readonly string[]) => arns.filter((arn) => store.view.tasks.get(arn) !== undefined).length;
  const oldOnes = [await stop(15), await stop(5, SERVICE_ARN)];
  await clock.pass(1000);
  const newOnes = [await stop(10), await stop(1, SERVICE_ARN)];
  await clock.pass(STOPPED_TASK_LISTED_MS - 1500);
  await forget();
  assert.equal(store.view.tasks.size, 31, "within the hour all are kept");
  await clock.pass(500);
  await forget();
  assert.deepEqual(
    [...oldOnes, ...newOnes].map(kept),
    [15, 2, 10, 1],
    "the old ones are past the hour, the new ones not",
  );
  await clock.pass(1000);
  await forget();
  assert.deepEqual([...oldOnes, ...newOnes].map(kept).slice(2), [10, 1], "the newest stay");
  assert.equal(store.view.tasks.size, 20);
  assert.equal(kept(oldOnes[1]!), 1, "a service keeps two of 20");
});

test("much is forgotten in steps", async () => {
  const { clock, store, random, forget } = await world();
  await clock.during(
    store.transact("tasks", (tx) => {
      for (let i = 0; i < MAX_PER_STEP + 1; i++)
        applyReport(tx, runTask(tx, clock.now(), random), STOPPED, clock.now());
    }),
  );
  await clock.pass(DEFAULT_RETENTION_SETTINGS.stoppedTaskMs);
  assert.deepEqual([await forget(), store.view.tasks.size], [true, 1]);
  assert.deepEqual([await forget(), store.view.tasks.size], [false, 0]);
});

test("deleted services with their events, deregistered instances and used tokens are forgotten after a day", async () => {
  const { clock, store, random, forget } = await world();
  const now = clock.now();
  await clock.during(
    store.transact("old", (tx) => {
      addServiceEvent(tx, newService({ status: "INACTIVE", deletedAt: now }), "(service web) gone.", { now, random });
      tx.containerInstances.put({ ...testHost(2), status: "INACTIVE", deregisteredAt: now });
      tx.requestTokens.put({ key: "RunTask/default/t", parametersDigest: "", resourceArns: [], createdAt: now });
    }),
  );
  const sizes = () =>
    [store.view.services, store.view.serviceEvents, store.view.containerInstances, store.view.requestTokens].map(
      (t) => t.size,
    );
  await forget();
  assert.deepEqual(sizes(), [1, 1, 2, 1]);
  await clock.pass(INACTIVE_RETENTION_MS);
  await forget();
  assert.deepEqual(sizes(), [0, 0, 1, 0]);
});

test("a task definition that is deleted goes only when no task refers to it", async () => {
  const { clock, store, random, forget } = await world();
  const now = clock.now();
  const task = await clock.during(
    store.transact("deleted", (tx) => {
      for (const revision of [1, 2]) {
        tx.taskDefinitions.put({ ...testDefinition(revision), status: "DELETE_IN_PROGRESS", deleteRequestedAt: now });
      }
      return runTask(tx, now, random);
    }),
  );
  await clock.pass(DELETED_DEFINITION_RETENTION_MS);
  await forget();
  const left = () => [...store.view.taskDefinitions.all()].map((d) => d.revision);
  assert.deepEqual(left(), [1]);
  await clock.during(
    store.transact("stop", (tx) => void applyReport(tx, tx.tasks.get(task.arn)!, STOPPED, clock.now())),
  );
  await forget();
  assert.deepEqual(left(), []);
});

test("[DP35] a service deployment is forgotten 90 days after its end, its revision too unless the service still has it", async () => {
  const { clock, store, forget } = await world();
  const ends = clock.now();
  const [over, current] = ["ecs-svc/1", "ecs-svc/2"];
  await clock.during(
    store.transact("deployments", (tx) => {
      const service = newService({});
      tx.services.put(service);
      const begin = (id: string, deployment: string, at: number) => {
        const deployments = [newDeployment(deployment, service, at)];
        const next = { ...service, deployments };
        tx.services.put(beginServiceDeployment(tx, next, testDefinition(1), { id, now: at }));
      };
      begin("a", over ?? "", ends);
      begin("b", current ?? "", ends);
      for (const record of tx.serviceDeployments.all()) {
        const status = "SUCCESSFUL";
        tx.serviceDeployments.put({ ...record, status, finishedAt: ends, createdAt: ends });
      }
    }),
  );
  assert.equal(store.view.serviceDeployments.size, 2);
  await clock.pass(SERVICE_DEPLOYMENT_RETENTION_MS - 60_000);
  await forget();
  assert.equal(store.view.serviceDeployments.size, 2);
  await clock.pass(60_000);
  await forget();
  await forget();
  assert.equal(store.view.serviceDeployments.size, 0);
  assert.deepEqual(
    [...store.view.serviceRevisions.all()].map((r) => r.arn.split("/").at(-1)),
    ["2"],
  );
  await clock.during(
    store.transact("gone", (tx) => {
      tx.services.put({
        ...tx.services.get(SERVICE_ARN)!,
        status: "INACTIVE",
        deployments: [],
        deletedAt: clock.now(),
      });
    }),
  );
  await forget();
  assert.equal(store.view.serviceRevisions.size, 0, "they go with the service's deployments");
});
