import assert from "node:assert/strict";
import { test } from "node:test";
import { newDeployment, supersede } from "../../deployment/index.ts";
import { revisionArnOf } from "../../model/service-deployment.ts";
import type { TaskRecord } from "../../model/task.ts";
import { ManualClock } from "../../runtime/manual-clock.ts";
import { applyReport, beginServiceDeployment, type ContainerReport } from "../../state/index.ts";
import { liveTasks, newService, putWorld, SERVICE_ARN, testDefinition, testPlane } from "../testing.ts";
import { startServicesController } from "./services.ts";

const D = `sha256:${"0a".repeat(32)}`;

/** A service that has just been created as the API creates it. Eight tasks fit on a host. */
async function created(desiredCount = 3, hosts = 3) {
  const clock = new ManualClock(1_000_000);
  const { store, context } = await clock.during(testPlane(clock));
  await clock.during(putWorld(store, hosts));
  const controller = startServicesController(context);
  const begin = (deployment: string) =>
    clock.during(
      store.transact("begin", (tx) => {
        const before = tx.services.get(SERVICE_ARN);
        const next = newDeployment(deployment, before ?? newService({ desiredCount }), clock.now());
        const service =
          before === undefined
            ? { ...newService({ desiredCount }), deployments: [next] }
            : { ...before, deployments: supersede(before.deployments, next, clock.now()) };
        tx.services.put(
          beginServiceDeployment(tx, service, testDefinition(1), { id: deployment.slice(8), now: clock.now() }),
        );
      }),
    );
  await begin("ecs-svc/1");
  await clock.pass(20);
  const report = async (
    task: TaskRecord,
    status: "PENDING" | "RUNNING" | "STOPPED",
    container: Partial<ContainerReport>,
  ) => {
    const containers = [{ name: "web", ...container }];
    await clock.during(
      store.transact(
        "report",
        (tx) => void applyReport(tx, tx.tasks.get(task.arn)!, { status, containers }, clock.now()),
      ),
    );
    await clock.pass(20);
  };
  const waiting = () => liveTasks(store).filter((t) => t.awaitsImages === true);
  const first = () => liveTasks(store).find((t) => t.awaitsImages !== true && t.lastStatus === "PENDING")!;
  const pinned = () => liveTasks(store).map((t) => t.containers[0]?.pinnedDigest);
  return { clock, store, report, waiting, first, pinned, begin, stop: () => clock.during(controller.stop()) };
}

test("[DP38] one task goes first, and when it has told its image the others are to take that one, later ones too", async () => {
  const { clock, store, report, waiting, first, pinned, stop } = await created();
  assert.deepEqual([liveTasks(store).length, waiting().length], [3, 2]);
  await report(first(), "RUNNING", { lastStatus: "RUNNING", imageDigest: D });
  assert.equal(waiting().length, 0);
  assert.deepEqual(pinned().toSorted(), [D, D, undefined]);
  const revision = store.view.serviceRevisions.get(revisionArnOf(SERVICE_ARN, "ecs-svc/1"));
  assert.deepEqual([revision?.containerImages[0]?.imageDigest, revision?.pinning], [D, undefined]);
  await clock.during(
    store.transact("scale", (tx) => void tx.services.put({ ...tx.services.get(SERVICE_ARN)!, desiredCount: 5 })),
  );
  await clock.pass(20);
  assert.equal(pinned().filter((digest) => digest === D).length, 4);
  assert.equal(waiting().length, 0);
  await stop();
});

test("[DP38] when the first task fails the next one goes first, and after three failures all go on without a digest", async () => {
  const { clock, store, report, waiting, first, pinned, stop } = await created();
  for (let i = 0; i < 3; i++) {
    assert.equal(liveTasks(store).filter((t) => t.awaitsImages !== true && t.lastStatus === "PENDING").length, 1);
    await report(first(), "STOPPED", { reason: "CannotPullContainerError: no" });
    // The next start is due a second after the round of failures.
    await clock.pass(10_000);
  }
  assert.equal(waiting().length, 0);
  assert.ok(pinned().every((digest) => digest === undefined));
  assert.equal(liveTasks(store).length, 3);
  await stop();
});

test("[DP38] each deployment asks anew", async () => {
  const { clock, report, waiting, first, begin, stop } = await created();
  await report(first(), "RUNNING", { lastStatus: "RUNNING", imageDigest: D });
  await begin("ecs-svc/2");
  await clock.pass(20);
  const mine = waiting().filter((t) => t.deploymentId === "ecs-svc/2");
  assert.equal(mine.length, 2);
  assert.ok(mine.every((t) => t.containers[0]?.pinnedDigest === undefined));
  await stop();
});

test("[DP38] of a service of hundreds, no more wait than one look lets go on, and all of them come to run", async () => {
  const { clock, store, report, waiting, first, pinned, stop } = await created(450, 60);
  assert.deepEqual([liveTasks(store).length, waiting().length], [201, 200]);
  await report(first(), "RUNNING", { lastStatus: "RUNNING", imageDigest: D });
  await clock.pass(5_000);
  assert.deepEqual([liveTasks(store).length, waiting().length], [450, 0]);
  assert.equal(pinned().filter((digest) => digest === D).length, 449);
  assert.equal(store.view.serviceRevisions.get(revisionArnOf(SERVICE_ARN, "ecs-svc/1"))?.pinning, undefined);
  await stop();
});
