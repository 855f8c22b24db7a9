import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { Service } from "@aws-sdk/client-ecs";
import { startControllers } from "../../../controllers/index.ts";
import { applyReport } from "../../../state/index.ts";
import { taskDefinitionArn } from "../../../wire/arn.ts";
import { createCluster } from "../clusters/clusters.ts";
import { arrange, TEST_CALL, TEST_SCOPE, testContext, testInstance } from "../testing.ts";
import { describeServices } from "./queries.ts";
import { createService, deleteService, updateService } from "./services.ts";

type Context = Awaited<ReturnType<typeof testContext>>;

/** What the SDKs' waiter ServicesStable waits for, for one service. */
const isStable = (s: Service) => s.deployments?.length === 1 && s.runningCount === s.desiredCount;
/** What makes ServicesStable fail. */
const isLost = (s: Service) => s.status === "DRAINING" || s.status === "INACTIVE";

async function world(): Promise<Context> {
  const context = await testContext();
  await createCluster(context, {}, TEST_CALL);
  await arrange(context, (tx) => {
    tx.containerInstances.put(testInstance());
    for (const revision of [1, 2]) {
      const containerDefinitions = [{ name: "web", image: "web", memory: 128, essential: true }];
      tx.taskDefinitions.put({
        arn: taskDefinitionArn(TEST_SCOPE, { family: "web", revision }),
        family: "web",
        revision,
        status: "ACTIVE",
        definition: { family: "web", containerDefinitions },
        registeredAt: 0,
        registeredBy: "",
        tags: {},
      });
    }
  });
  return context;
}

/** Plays agents and lets time pass until the service is as asked; fails after a while. */
async function until(context: Context, what: string, test: (service: Service) => boolean): Promise<void> {
  for (let i = 0; i < 200; i++) {
    const { services, failures } = await describeServices(context, { services: ["web"] }, TEST_CALL);
    assert.deepEqual(failures, []);
    if (services?.[0] !== undefined && test(services[0])) return;
    await arrange(context, (tx) => {
      for (const task of [...tx.tasks.all()]) {
        const status = { PENDING: "RUNNING", STOPPING: "STOPPED" }[task.lastStatus as string];
        if (status !== undefined) {
          applyReport(tx, task, { status: status as "RUNNING", containers: [] }, context.clock.now());
        }
      }
    });
    context.clock.advance(10_000);
    // Time has moved without a timer's doing: a look comes of any change, such as this.
    await arrange(context, (tx) => {
      for (const service of [...tx.services.all()]) tx.services.put({ ...service });
    });
    await sleep(5);
  }
  assert.fail(`the service was never ${what}`);
}

test("the SDKs' waiters end: stable after create, scale, update and force, inactive after delete", async () => {
  const context = await world();
  const loops = startControllers(context);
  try {
    await createService(context, { serviceName: "web", taskDefinition: "web:1", desiredCount: 2 }, TEST_CALL);
    await until(context, "stable after CreateService", isStable);
    for (const change of [
      { desiredCount: 4 },
      { desiredCount: 1 },
      { taskDefinition: "web:2" },
      { forceNewDeployment: true },
    ]) {
      const { service } = await updateService(context, { service: "web", ...change }, TEST_CALL);
      assert.equal(isStable(service ?? {}), false, `not stable in the answer to ${JSON.stringify(change)}`);
      assert.equal(isLost(service ?? {}), false);
      await until(context, `stable after ${JSON.stringify(change)}`, isStable);
    }
    await deleteService(context, { service: "web", force: true }, TEST_CALL);
    await until(context, "inactive", (s) => s.status === "INACTIVE");
  } finally {
    await loops.stop();
    await context.store.close();
  }
});
