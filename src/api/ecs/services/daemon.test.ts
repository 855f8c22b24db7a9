import assert from "node:assert/strict";
import { test } from "node:test";
import { type TasksRig, tasksRig } from "../tasks/testing.ts";
import { arrange, refused } from "../testing.ts";

async function world(): Promise<TasksRig> {
  const rig = await tasksRig();
  await rig.define("agent");
  await rig.define("other");
  return rig;
}

const DAEMON = { serviceName: "agent", taskDefinition: "agent", schedulingStrategy: "DAEMON" } as const;

test("CreateService takes a DAEMON service with its own percentages, and ListServices finds it", async () => {
  const rig = await world();
  const { service } = await rig.call("CreateService", DAEMON);
  const { schedulingStrategy, desiredCount, deploymentConfiguration } = service!;
  assert.deepEqual([schedulingStrategy, desiredCount], ["DAEMON", 0]);
  assert.deepEqual([deploymentConfiguration?.minimumHealthyPercent, deploymentConfiguration?.maximumPercent], [0, 100]);
  const list = async (strategy: "DAEMON" | "REPLICA") =>
    (await rig.call("ListServices", { schedulingStrategy: strategy })).serviceArns;
  assert.deepEqual([await list("DAEMON"), await list("REPLICA")], [[service?.serviceArn], []]);
  assert.deepEqual(
    (await rig.call("CreateService", DAEMON)).service?.serviceArn,
    service?.serviceArn,
    "the same again",
  );
});

test("a DAEMON service takes neither a desired count nor a strategy nor another maximum, at first and later", async () => {
  const rig = await world();
  const rows = [
    [{ desiredCount: 2 }, /a desired count for services\. Remove the desired count value and try again\.$/],
    [{ placementStrategy: [{ type: "random" }] }, /a placement strategy/],
    [{ deploymentConfiguration: { maximumPercent: 200 } }, /maximumPercent/],
  ] as const;
  for (const [over, message] of rows) {
    const given = over as object;
    await refused(() => rig.call("CreateService", { ...DAEMON, ...given }), "InvalidParameterException", message);
  }
  await rig.call("CreateService", DAEMON);
  for (const [over, message] of rows) {
    const given = over as object;
    await refused(
      () => rig.call("UpdateService", { service: "agent", ...given }),
      "InvalidParameterException",
      message,
    );
  }
  const { service } = await rig.call("UpdateService", {
    service: "agent",
    deploymentConfiguration: { minimumHealthyPercent: 50, maximumPercent: 100 },
    placementStrategy: [{}],
  });
  assert.equal(service?.deploymentConfiguration?.minimumHealthyPercent, 50);
});

test("[DP20] constraints that change hold from the next deployment on", async () => {
  const rig = await world();
  await rig.call("CreateService", DAEMON);
  const placementConstraints = [{ type: "memberOf", expression: "attribute:stack == prod" }] as const;
  const ofDeployments = () =>
    [...rig.context.store.view.services.all()][0]?.deployments.map((d) => d.placementConstraints?.length);
  await rig.call("UpdateService", { service: "agent", placementConstraints: [...placementConstraints] });
  assert.deepEqual(ofDeployments(), [0]);
  await rig.call("UpdateService", { service: "agent", forceNewDeployment: true });
  assert.deepEqual(ofDeployments(), [1, 0]);
});

test("[DP20] a new DAEMON service counts its instances from the first moment on", async () => {
  const rig = await world();
  await rig.host("1");
  await rig.host("2", { attributes: [{ name: "stack", value: "prod" }] });
  const placementConstraints = [{ type: "memberOf" as const, expression: "attribute:stack == prod" }];
  const { service } = await rig.call("CreateService", { ...DAEMON, placementConstraints });
  assert.deepEqual([service?.desiredCount, service?.deployments?.[0]?.desiredCount], [1, 1]);
});

test("a DAEMON service is deleted without force", async () => {
  const rig = await world();
  const { service } = await rig.call("CreateService", DAEMON);
  await arrange(rig.context, (tx) => {
    tx.services.put({ ...tx.services.get(service?.serviceArn ?? "")!, desiredCount: 3 });
  });
  assert.equal((await rig.call("DeleteService", { service: "agent" })).service?.status, "DRAINING");
});

test("[DP22] RunTask leaves the room that a DAEMON service still lacks on an instance", async () => {
  const rig = await world();
  const host = await rig.host("1");
  // 1024 units: the daemon takes 100 of them, so that nine of the others fit and not ten.
  const whole = await rig.call("RunTask", { taskDefinition: "other", count: 10 });
  assert.equal(whole.tasks?.length, 10);
  for (const task of whole.tasks ?? []) {
    await rig.call("SubmitTaskStateChange", { task: task.taskArn, status: "STOPPED" });
  }
  await rig.call("CreateService", DAEMON);
  const rest = await rig.call("RunTask", { taskDefinition: "other", count: 10 });
  assert.equal(rest.tasks?.length, 9);
  assert.deepEqual(
    rest.failures?.map(({ arn, reason }) => ({ arn, reason })),
    [{ arn: host, reason: "RESOURCE:CPU" }],
  );
});
