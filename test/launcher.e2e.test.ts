/** `bin/berth`, as far as it decides how Node.js runs. */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { endServer, launchServer } from "./rig/server-process.ts";

/** The arguments with which the control plane's process runs when it is ready. */
async function argumentsOfServer(env: NodeJS.ProcessEnv): Promise<readonly string[]> {
  const dataDir = mkdtempSync(join(tmpdir(), "berth-launcher-"));
  const server = await launchServer(
    ["--data-dir", dataDir, "--listen", "127.0.0.1:0", "--log-level", "warn"],
    dataDir,
    env,
  );
  try {
    return readFileSync(`/proc/${server.pid}/cmdline`, "utf8").split("\0");
  } finally {
    await endServer(server);
    rmSync(dataDir, { recursive: true });
  }
}

/** Those that say how garbage is collected. */
async function ofGarbage(env: NodeJS.ProcessEnv): Promise<readonly string[]> {
  return (await argumentsOfServer(env)).filter((arg) => /^--(v8-pool-size|max-semi-space-size)=/.test(arg));
}

test("the control plane leaves a processor to its main thread, and has a nursery for what does not live long", async () => {
  const threads = Math.max(1, availableParallelism() - 1);
  const pool = threads < 4 ? [`--v8-pool-size=${threads}`] : [];
  assert.deepEqual(await ofGarbage(process.env), [...pool, "--max-semi-space-size=64"]);
});

test("what the user says of it is kept", async () => {
  const NODE_OPTIONS = "--v8-pool-size=4 --max-semi-space-size=8";
  assert.deepEqual(await ofGarbage({ ...process.env, NODE_OPTIONS }), []);
});
