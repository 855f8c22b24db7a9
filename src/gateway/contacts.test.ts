import assert from "node:assert/strict";
import { test } from "node:test";
import { containerInstanceArn } from "../wire/arn.ts";
import { Contacts } from "./contacts.ts";

const ARN = containerInstanceArn(
  { region: "us-east-1", accountId: "0".repeat(12) },
  { clusterName: "c", containerInstanceId: "1" },
);

test("an agent is heard without a gap for as long as no answer is more than a second late", () => {
  const contacts = new Contacts();
  assert.deepEqual([contacts.last(ARN), contacts.since(ARN, 0)], [undefined, undefined]);
  for (const now of [1000, 3000, 6000]) contacts.heard(ARN, now);
  assert.deepEqual([contacts.last(ARN), contacts.since(ARN, 9000)], [6000, 1000]);
  assert.equal(contacts.since(ARN, 9001), undefined, "silent");
  contacts.heard(ARN, 9500);
  assert.equal(contacts.since(ARN, 9500), 9500, "it was away, and is back");
  contacts.forget(ARN);
  assert.equal(contacts.last(ARN), undefined);
});
