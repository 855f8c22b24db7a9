import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../runtime/manual-clock.ts";
import { targetGroupArn as targetGroup } from "../wire/arn.ts";
import { startServicesController } from "./services/services.ts";
import { startTargetsController } from "./targets.ts";
import { agentsCatchUp, messages, newService, putWorld, testPlane } from "./testing.ts";

const GROUP = targetGroup(
  { region: "us-east-1", accountId: "000000000000" },
  { targetGroupName: "web", targetGroupId: "0".repeat(16) },
);

test("a service whose target group is gone says so once, and its tasks run on", async () => {
  const clock = new ManualClock(1_000_000);
  const { store, context } = await clock.during(testPlane(clock));
  await clock.during(putWorld(store, 2));
  const loops = [startServicesController(context), startTargetsController(context)];
  const loadBalancers = [{ targetGroupArn: GROUP, containerName: "web", containerPort: 80 }];
  await clock.during(
    store.transact("create", (tx) => void tx.services.put(newService({ desiredCount: 2, loadBalancers }))),
  );
  await clock.pass(20);
  await clock.during(agentsCatchUp(store, clock));
  await clock.pass(60_000);
  const told = messages(store).filter((message) => message.startsWith("failed to register targets"));
  assert.deepEqual(told, [
    `failed to register targets in (target-group ${GROUP}) with (error The specified target group does not exist.)`,
  ]);
  assert.equal([...store.view.tasks.all()].filter((task) => task.lastStatus === "RUNNING").length, 2);
  for (const loop of loops) await clock.during(loop.stop());
});
