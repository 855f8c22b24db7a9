import assert from "node:assert/strict";
import { test } from "node:test";
import { newDeployment } from "../deployment/index.ts";
import { testService } from "../deployment/testing.ts";
import type { ServiceRecord } from "../model/service.ts";
import { silentLog } from "../runtime/log.ts";
import { ManualClock } from "../runtime/manual-clock.ts";
import { MemoryDisk, MemoryJournal } from "./memory-journal.ts";
import { MIGRATIONS } from "./migrations.ts";
import { openStore } from "./open.ts";
import { SCHEMA } from "./schema.ts";
import { table } from "./table.ts";

/** The tables that a release without service deployments wrote these records to. */
const BEFORE = { services: table<ServiceRecord>()({ key: (s) => s.arn }) } as const;

async function openedAfter(services: readonly ServiceRecord[]) {
  const disk = new MemoryDisk();
  const clock = new ManualClock();
  const log = silentLog();
  const old = await clock.until(openStore({ schema: BEFORE, journal: new MemoryJournal({ disk, clock }), log }));
  const written = old.transact("write", (tx) => {
    for (const service of services) tx.services.put(service);
  });
  await clock.until(written);
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
  const store = await openedAfter([{ ...service, deployments: [done] }]);
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
});

test("a deployment that was under way in such a store is in progress, from what ran before it", async () => {
  const service = testService();
  const old = { ...newDeployment("ecs-svc/1", service, 0), status: "ACTIVE" as const, desiredCount: 2 };
  const next = newDeployment("ecs-svc/2", service, 7);
  const gone = testService({ status: "INACTIVE", arn: `${service.arn}x` as typeof service.arn, deployments: [old] });
  const store = await openedAfter([{ ...service, deployments: [next, old] }, gone]);
  const [found, ...others] = store.view.serviceDeployments.all();
  assert.deepEqual(others, [], "what is deleted gets none");
  assert.equal(found?.status, "IN_PROGRESS");
  assert.match(found?.targetRevisionArn ?? "", /\/2$/);
  assert.deepEqual(
    found?.sourceRevisionArns.map((arn) => arn.slice(-2)),
    ["/1"],
  );
});
