import assert from "node:assert/strict";
import { test } from "node:test";
import { newDeployment } from "../../deployment/index.ts";
import type { TaskSetRecord } from "../../model/task-set.ts";
import { ManualClock } from "../../runtime/manual-clock.ts";
import type { BerthTransaction } from "../../store/index.ts";
import { taskSetArn } from "../../wire/arn.ts";
import { agentsCatchUp, liveTasks, messages, newService, putWorld, SERVICE_ARN, testPlane } from "../testing.ts";
import { startServicesController } from "./services.ts";

const SCOPE = { region: "us-east-1", accountId: "000000000000" };

test("[DP26] [DP27] the tasks of a task set are started on hosts, told of, and gone with it; what finds no room waits quietly", async () => {
  const clock = new ManualClock(1_000_000);
  const opening = testPlane(clock);
  await clock.pass(0);
  const { store, context } = await opening;
  const change = async (fn: (tx: BerthTransaction) => unknown) => {
    await clock.during(store.transact("change", (tx) => void fn(tx)));
    await clock.pass(20);
  };
  const scale = (over: Partial<TaskSetRecord>) =>
    change((tx) => {
      const service = tx.services.get(SERVICE_ARN)!;
      tx.services.put({ ...service, taskSets: (service.taskSets ?? []).map((set) => ({ ...set, ...over })) });
    });
  await clock.during(putWorld(store, 1));
  const controller = startServicesController(context);
  const id = "ecs-svc/7";
  // Eight tasks of 128 units fit on the host.
  const service = newService({ desiredCount: 10, deploymentController: "EXTERNAL" });
  const set: TaskSetRecord = {
    arn: taskSetArn(SCOPE, { clusterName: "default", serviceName: "web", taskSetId: id }),
    status: "PRIMARY",
    scalePercent: 20,
    deployment: { ...newDeployment(id, service, 0), rolloutState: "COMPLETED" },
    stabilityStatus: "STABILIZING",
    stabilityStatusAt: 0,
    tags: {},
    createdAt: 0,
    updatedAt: 0,
  };
  await change((tx) => tx.services.put({ ...service, deployments: [], taskSets: [set] }));
  assert.deepEqual(
    liveTasks(store).map((t) => [t.startedBy, t.group, t.containerInstanceArn?.endsWith("/host1")]),
    [
      [id, "service:web", true],
      [id, "service:web", true],
    ],
  );
  await clock.during(agentsCatchUp(store, clock));
  await clock.pass(20);
  assert.equal(store.view.services.get(SERVICE_ARN)?.taskSets?.[0]?.stabilityStatus, "STEADY_STATE");
  assert.match(messages(store)[0] ?? "", /^has started 2 tasks: /);
  assert.equal(messages(store)[1], "has reached a steady state.");

  await scale({ scalePercent: 100 });
  assert.equal(liveTasks(store).length, 8);
  const told = messages(store).filter((m) => m.includes("was unable to place a task"));
  assert.equal(told.length, 1);
  const looks = store.view.services.get(SERVICE_ARN);
  await clock.pass(5_000);
  assert.equal(store.view.services.get(SERVICE_ARN), looks, "nothing is written while it waits");

  await scale({ status: "DRAINING" });
  await clock.during(agentsCatchUp(store, clock));
  await clock.pass(20);
  assert.deepEqual([liveTasks(store).length, store.view.services.get(SERVICE_ARN)?.taskSets], [0, []]);
  await clock.during(controller.stop());
});
