import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";

const run = promisify(execFile);
const BENCH = join(import.meta.dirname, "..", "bench", "no-request-lost.ts");
const CHANGES = 40;

test("no request fails while services, hosts and the load balancer change, and a killed HAProxy is back within a second", async () => {
  const args = ["--updates", String(CHANGES), "--rate", "100", "--haproxy-kills", "1"];
  const { stdout } = await run(process.execPath, [BENCH, ...args], { timeout: 90_000 }).catch((error) => {
    assert.fail(`${error.stdout}\n${error.stderr}`);
  });
  console.log(stdout);
  assert.match(stdout, new RegExp(`^${CHANGES} changes in \\d+ s: 0 of `, "m"));
  assert.match(stdout, /^0 requests failed of [1-9]/m);
});
