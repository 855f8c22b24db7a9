/** `bin/berth`, as far as it decides how Node.js runs. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { eventually } from "./rig/eventually.ts";

const BERTH = fileURLToPath(new URL("../bin/berth", import.meta.url));

/** The arguments with which the control plane's process runs when it is ready. */
async function argumentsOfServer(env: NodeJS.ProcessEnv): Promise<readonly string[]> {
  const dataDir = mkdtempSync(join(tmpdir(), "berth-launcher-"));
  const args = [BERTH, "server", "--data-dir", dataDir, "--listen", "127.0.0.1:0", "--log-level", "warn"];
  const child = spawn(process.execPath, args, { env, stdio: ["ignore", "pipe", "inherit"] });
  const ended = once(child, "exit");
  try {
    let printed = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      printed += text;
    });
    await eventually("the server is ready", 20_000, () => {
      if (child.exitCode !== null) throw new Error("the server ended");
      return printed.startsWith("ready ");
    });
    return readFileSync(`/proc/${child.pid}/cmdline`, "utf8").split("\0");
  } finally {
    child.kill("SIGINT");
    await ended;
    rmSync(dataDir, { recursive: true });
  }
}

test("the control plane leaves a processor to its main thread", async () => {
  const expected = availableParallelism() > 4 ? undefined : `--v8-pool-size=${Math.max(1, availableParallelism() - 1)}`;
  const args = await argumentsOfServer(process.env);
  assert.equal(
    args.find((arg) => arg.startsWith("--v8-pool-size")),
    expected,
  );
});

test("what the user says of it is kept", async () => {
  const args = await argumentsOfServer({ ...process.env, NODE_OPTIONS: "--v8-pool-size=4" });
  assert.equal(
    args.find((arg) => arg.startsWith("--v8-pool-size")),
    undefined,
  );
});
