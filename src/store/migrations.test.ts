import assert from "node:assert/strict";
import { test } from "node:test";
import { newDeployment } from "../deployment/index.ts";
import { testInstance, testService, testTask } from "../deployment/testing.ts";
import type { OccupiedInstance } from "../model/container-instance.ts";
import type { ServiceRecord } from "../model/service.ts";
import type { TaskRecord } from "../model/task.ts";
import { silentLog } from "../runtime/log.ts";
import { ManualClock } from "../runtime/manual-clock.ts";
import { MemoryDisk, MemoryJournal } from "./memory-journal.ts";
import { MIGRATIONS } from "./migrations.ts";
import { openStore } from "./open.ts";
import { SCHEMA } from "./schema.ts";
import type { Transaction } from "./store.ts";
import { table } from "./table.ts";

/** Tables as the first release wrote them. */
const BEFORE = {
  services: table<ServiceRecord>()({ key: (s) => s.arn }),
  containerInstances: table<OccupiedInstance>()({ key: (i) => i.arn }),
  tasks: table<TaskRecord>()({ key: (t) => t.arn }),
} as const;

/** A store that holds what `write` wrote to the old one, opened for the second time. */
async function openedAfter(write: (tx: Transaction<typeof BEFORE>) => void) {
  const disk = new MemoryDisk();
  const clock = new ManualClock();
  const log = silentLog();
  const old = await clock.until(openStore({ schema: BEFORE, journal: new MemoryJournal({ disk, clock }), log }));
  await clock.until(old.transact("write", write));
  await clock.until(old.close());
  for (let opened = 0; opened < 2; opened++) {
    const journal = new MemoryJournal({ disk, clock });
    const store = await clock.until(openStore({ schema: SCHEMA, journal, log, migrations: MIGRATIONS }));
    if (opened === 1) return store;
    await clock.until(store.close());
  }
  throw new Error("not reached");
}

test("a store of before service deployments opens, and its services have their revisions and a current service deployment", async () => {
  const id = (digit: string) => `ecs-svc/${digit.repeat(19)}`;
  const service = testService();
  const done = { ...newDeployment(id("1"), service, 5), rolloutState: "COMPLETED" as const, updatedAt: 9 };
  const store = await openedAfter((tx) => tx.services.put({ ...service, deployments: [done] }));
  const base = service.arn.replace(":service/", ":service-revision/");
  assert.deepEqual(
    [...store.view.serviceRevisions.all()].map((r) => [r.arn, r.taskDefinitionArn]),
    [[`${base}/${"1".repeat(19)}`, service.taskDefinitionArn]],
  );
  const [found, ...others] = store.view.serviceDeployments.where("service", service.arn);
  assert.deepEqual(others, []);
  assert.deepEqual(
    [found?.status, found?.finishedAt, found?.targetRevisionArn],
    ["SUCCESSFUL", 9, `${base}/${"1".repeat(19)}`],
  );
  assert.equal(store.view.services.get(service.arn)?.currentServiceDeploymentArn, found?.arn);
  assert.equal(store.view.balancers.size, 0, "a table that is new is empty, and nothing stands in its way");
});

test("a deployment that was under way in such a store is in progress, from what ran before it", async () => {
  const service = testService();
  const old = { ...newDeployment("ecs-svc/1", service, 0), status: "ACTIVE" as const, desiredCount: 2 };
  const next = newDeployment("ecs-svc/2", service, 7);
  const gone = testService({ status: "INACTIVE", arn: `${service.arn}x` as typeof service.arn, deployments: [old] });
  const store = await openedAfter((tx) => {
    tx.services.put({ ...service, deployments: [next, old] });
    tx.services.put(gone);
  });
  const [found, ...others] = store.view.serviceDeployments.all();
  assert.deepEqual(others, [], "what is deleted gets none");
  assert.equal(found?.status, "IN_PROGRESS");
  assert.match(found?.targetRevisionArn ?? "", /\/2$/);
  assert.deepEqual(
    found?.sourceRevisionArns.map((arn) => arn.slice(-2)),
    ["/1"],
  );
});

test("a store whose container instances said what their tasks hold opens, and goes by the tasks", async () => {
  const resources = { cpu: 100, memoryMiB: 200, ports: [8080], portsUdp: [] };
  const instance = testInstance(1, { used: resources });
  const running = testTask(1, { containerInstanceArn: instance.arn, resources });
  const stopped = testTask(2, { containerInstanceArn: instance.arn, resources, lastStatus: "STOPPED" });
  const { view } = await openedAfter((tx) => {
    tx.containerInstances.put(instance);
    for (const task of [running, stopped]) tx.tasks.put(task);
  });
  const { used, ...rest } = instance;
  const record = view.containerInstances.get(instance.arn);
  assert.deepEqual(record, rest);
  assert.deepEqual(view.containerInstances.derived.placement.occupied(rest).used, used);
});
