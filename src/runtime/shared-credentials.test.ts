import assert from "node:assert/strict";
import { test } from "node:test";
import { formatSharedCredentials, parseSharedCredentials } from "./shared-credentials.ts";

test("a credentials file that was written is read back", () => {
  const key = { accessKeyId: "AKIA1", secretAccessKey: "s/e+c=ret", sessionToken: undefined };
  assert.deepEqual(parseSharedCredentials(formatSharedCredentials("default", key), "default"), key);
});

test("another profile's keys are not taken, and comments are passed over", () => {
  const text = "# c\n[other]\naws_access_key_id=A\naws_secret_access_key=B\n[default]\n; c\naws_access_key_id = C\n";
  assert.deepEqual(parseSharedCredentials(text, "other"), {
    accessKeyId: "A",
    secretAccessKey: "B",
    sessionToken: undefined,
  });
  assert.equal(parseSharedCredentials(text, "default"), undefined);
  assert.equal(parseSharedCredentials(text, "none"), undefined);
});
