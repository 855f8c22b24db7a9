import assert from "node:assert/strict";
import { test } from "node:test";
import { tasksRig } from "../tasks/testing.ts";
import { refused } from "../testing.ts";

test("DiscoverPollEndpoint answers the address by which the agent reached us", async () => {
  const rig = await tasksRig();
  assert.deepEqual(await rig.call("DiscoverPollEndpoint", {}, { host: "berth.local:7070" }), {
    endpoint: "http://berth.local:7070/acs",
    telemetryEndpoint: "http://berth.local:7070/tcs",
  });
  const secure = await rig.call("DiscoverPollEndpoint", {}, { host: "berth.local", secure: true });
  assert.deepEqual(secure, { endpoint: "https://berth.local/acs", telemetryEndpoint: "https://berth.local/tcs" });
  await refused(() => rig.call("DiscoverPollEndpoint", {}, { host: "a/b@c" }), "ClientException", /Host/);
});
