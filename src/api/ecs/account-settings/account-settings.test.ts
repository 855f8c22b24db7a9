import assert from "node:assert/strict";
import { test } from "node:test";
import { refused, TEST_CALL, testContext } from "../testing.ts";
import {
  deleteAccountSetting,
  listAccountSettings,
  PUT_ACCOUNT_SETTING_REFUSED,
  putAccountSetting,
  putAccountSettingDefault,
  SETTINGS,
} from "./account-settings.ts";

const ROOT = TEST_CALL.principal.arn;

test("effective settings are the built-in ones until others are put, and come ten at a time", async () => {
  const context = await testContext();
  const list = (given: Parameters<typeof listAccountSettings>[1]) => listAccountSettings(context, given, TEST_CALL);
  assert.deepEqual((await list({})).settings, []);
  const first = await list({ effectiveSettings: true });
  const second = await list({ effectiveSettings: true, nextToken: first.nextToken });
  const all = [...(first.settings ?? []), ...(second.settings ?? [])];
  assert.deepEqual([first.settings?.length, second.nextToken], [10, undefined]);
  assert.equal(all.length, Object.keys(SETTINGS).length + 1);
  assert.deepEqual(all[1], { name: "containerInsights", value: "disabled", principalArn: ROOT, type: "user" });
  const one = await list({ effectiveSettings: true, name: "taskLongArnFormat", value: "enabled" });
  assert.equal(one.settings?.length, 1);
  await refused(() => list({ value: "enabled" }), "InvalidParameterException");
  await refused(() => list({ principalArn: "arn:aws:iam::111111111111:root" }), "InvalidParameterException");
});

test("a setting is put for a principal or for the account, listed, and deleted", async () => {
  const context = await testContext();
  const user = "arn:aws:iam::000000000000:user/u";
  await putAccountSettingDefault(context, { name: "containerInsights", value: "disabled" }, TEST_CALL);
  const put = await putAccountSetting(
    context,
    { name: "serviceLongArnFormat", value: "true", principalArn: user },
    TEST_CALL,
  );
  assert.deepEqual(put.setting, {
    name: "serviceLongArnFormat",
    value: "enabled",
    principalArn: user,
    type: "user",
  });
  const own = async () => (await listAccountSettings(context, { principalArn: user }, TEST_CALL)).settings;
  assert.deepEqual(await own(), [put.setting]);
  const name = "serviceLongArnFormat";
  assert.deepEqual((await deleteAccountSetting(context, { name, principalArn: user }, TEST_CALL)).setting, put.setting);
  assert.deepEqual(await own(), []);
  assert.equal((await deleteAccountSetting(context, { name }, TEST_CALL)).setting?.value, "enabled");
});

test("every value that would change what Berth does not do is refused by name", async () => {
  const context = await testContext();
  let tried = 0;
  for (const [name, rule] of Object.entries(SETTINGS) as [
    keyof typeof SETTINGS,
    (typeof SETTINGS)["taskLongArnFormat"],
  ][]) {
    for (const value of rule.values) {
      const put = () => putAccountSetting(context, { name, value }, TEST_CALL);
      if (!rule.refused.includes(value)) await put();
      else
        await refused(
          put,
          "InvalidParameterException",
          new RegExp(`does not carry out the value ${value} for ${name}`),
        );
      tried++;
    }
    assert.ok(!rule.refused.includes(rule.builtIn));
    await refused(() => putAccountSetting(context, { name, value: "maybe" }, TEST_CALL), "InvalidParameterException");
  }
  assert.ok(tried > 20);
  assert.equal(PUT_ACCOUNT_SETTING_REFUSED.length, Object.keys(SETTINGS).length);
  const readOnly = () => putAccountSetting(context, { name: "guardDutyActivate", value: "on" }, TEST_CALL);
  await refused(readOnly, "InvalidParameterException", /read-only/);
});
