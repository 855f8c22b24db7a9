import { type ChildProcess, spawn } from "node:child_process";
import { openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { eventually } from "./eventually.ts";

const BERTH = fileURLToPath(new URL("../../bin/berth", import.meta.url));

/** A `berth server` that is ready; what it says otherwise is in `server.log` of the directory. */
export async function launchServer(
  args: readonly string[],
  dataDir: string,
  env: NodeJS.ProcessEnv = process.env,
): Promise<ChildProcess> {
  const log = openSync(join(dataDir, "server.log"), "a");
  const child = spawn(process.execPath, [BERTH, "server", ...args], { env, stdio: ["ignore", "pipe", log] });
  let seen = "";
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    seen += text;
  });
  await eventually("the server is ready", 20_000, () => {
    if (child.exitCode !== null)
      throw new Error(`the server ended: ${readFileSync(join(dataDir, "server.log"), "utf8").slice(-2000)}`);
    return /^ready /m.test(seen);
  });
  return child;
}

/** SIGINT: the server takes its load balancer along. */
export async function endServer(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return;
  const gone = new Promise((resolve) => server.once("exit", resolve));
  server.kill("SIGINT");
  const limit = setTimeout(() => server.kill("SIGKILL"), 15_000);
  await gone;
  clearTimeout(limit);
}
