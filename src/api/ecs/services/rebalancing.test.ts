import assert from "node:assert/strict";
import { test } from "node:test";
import { tasksRig } from "../tasks/testing.ts";
import { refused } from "../testing.ts";

async function world() {
  const rig = await tasksRig();
  await rig.define("web");
  const create = (over: object) =>
    rig.call("CreateService", { serviceName: "web", taskDefinition: "web", desiredCount: 1, ...over });
  const update = (over: object) => rig.call("UpdateService", { service: "web", ...over });
  return { create, update };
}

const settingOf = async (answer: Promise<{ service?: { availabilityZoneRebalancing?: string } }>) =>
  (await answer).service?.availabilityZoneRebalancing;

test("[DP24] a new service's tasks are evened out unless that is switched off or cannot be, and updates keep the setting", async () => {
  const rows = [
    [{}, "ENABLED"],
    [{ availabilityZoneRebalancing: "DISABLED" }, "DISABLED"],
    [{ placementStrategy: [{ type: "spread", field: "host" }] }, "ENABLED"],
    [{ placementStrategy: [{ type: "binpack", field: "cpu" }] }, "DISABLED"],
    [{ placementStrategy: [{ type: "random" }] }, "DISABLED"],
    [{ deploymentConfiguration: { maximumPercent: 100 } }, "DISABLED"],
    [{ schedulingStrategy: "DAEMON", desiredCount: undefined }, "DISABLED"],
  ] as const;
  for (const [over, expected] of rows) {
    const { create, update } = await world();
    assert.equal(await settingOf(create(over)), expected, JSON.stringify(over));
    assert.equal(await settingOf(update({ enableECSManagedTags: true })), expected);
  }
  const { create, update } = await world();
  await create({});
  assert.equal(await settingOf(update({ availabilityZoneRebalancing: "DISABLED" })), "DISABLED");
  assert.equal(await settingOf(update({})), "DISABLED");
  assert.equal(await settingOf(update({ availabilityZoneRebalancing: "ENABLED" })), "ENABLED");
});

test("ENABLED is refused where tasks cannot be moved, with the reason", async () => {
  const rows = [
    [{ placementStrategy: [{ type: "binpack", field: "cpu" }] }, /does not begin with spread/],
    [{ deploymentConfiguration: { maximumPercent: 100 } }, /a maximumPercent of 100/],
    [
      {
        placementConstraints: [{ type: "memberOf", expression: "attribute:ecs.availability-zone == a" }],
      },
      /a placement constraint on attribute:ecs.availability-zone/,
    ],
  ] as const;
  for (const [over, message] of rows) {
    const { create, update } = await world();
    const given = { ...over, availabilityZoneRebalancing: "ENABLED" };
    await refused(() => create(given), "InvalidParameterException", message);
    await create({});
    await refused(() => update(given), "InvalidParameterException", message);
  }
});
