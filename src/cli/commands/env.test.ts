import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { environmentFor, exportLines } from "./env.ts";

const connection = {
  endpoint: "http://127.0.0.1:7070",
  region: "us-east-1",
  key: { accessKeyId: "AKIA1", secretAccessKey: "a'b$c \"d" },
};

test("a shell reads the values as they are, quotes and all", () => {
  const script = `${exportLines(environmentFor(connection, {}))}\nprintf '%s|%s' "$AWS_ENDPOINT_URL" "$AWS_SECRET_ACCESS_KEY"`;
  const seen = execFileSync("sh", ["-c", script], { encoding: "utf8" });
  assert.equal(seen, "http://127.0.0.1:7070|a'b$c \"d");
});

test("an aws CLI that does not know AWS_ENDPOINT_URL is given it", () => {
  const script = `${exportLines(environmentFor(connection, {}))}\ncommand() { shift; echo "$@"; }\naws ecs list-tasks`;
  const seen = execFileSync("sh", ["-c", script], { encoding: "utf8" });
  assert.equal(seen, "--endpoint-url http://127.0.0.1:7070 ecs list-tasks\n");
});

test("a session token and a certificate bundle are passed on, and an old token is not left standing", () => {
  const key = { ...connection.key, sessionToken: "token" };
  const variables = environmentFor({ ...connection, key }, { AWS_CA_BUNDLE: "/ca.pem" });
  assert.equal(variables.AWS_SESSION_TOKEN, "token");
  assert.equal(variables.AWS_CA_BUNDLE, "/ca.pem");
  assert.match(exportLines(environmentFor(connection, {})), /^unset AWS_SESSION_TOKEN/m);
});
