import { mkdirSync, rmSync } from "node:fs";
import { connect, createServer, type Server } from "node:net";
import { join } from "node:path";
import { containerLauncher, localLauncher, openKeptState, startBalancer, startCarrierHost } from "../balancer/index.ts";
import { systemClock } from "../runtime/clock.ts";
import { processLog } from "../runtime/log.ts";
import { systemRandom } from "../runtime/random.ts";
import { credentialSource } from "../wire/credential-source.ts";
import type { BalancerSettings } from "./balancer-settings.ts";
import { UsageError } from "./usage.ts";

/**
 * Carries the load balancers on this host until the process is told to end, and answers the exit code. SIGTERM leaves HAProxy
 * running, for the next start to take over; SIGINT (Ctrl-C) ends it too. Throws UsageError for settings that cannot be used.
 */
export async function runBalancer(settings: BalancerSettings, env: NodeJS.ProcessEnv): Promise<number> {
  if (settings.endpoint === "")
    throw new UsageError(
      "berth balancer needs the control plane's URL: --endpoint, BERTH_ENDPOINT or AWS_ENDPOINT_URL",
    );
  const ended = endSignal();
  const clock = systemClock();
  const random = systemRandom();
  const log = processLog("berth-balancer", settings["log-level"]);
  const credentials = credentialSource(env);
  credentials(); // whoever has no key is to learn it now
  const dir = settings["state-dir"];
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const claim = await claimDirectory(dir);
  const kept = openKeptState(dir, { clock, random, log });
  const launcher =
    settings.haproxy === "container"
      ? containerLauncher({ docker: "docker", image: settings["haproxy-image"] })
      : localLauncher(settings.haproxy);
  const balancer = await startBalancer({ dir: join(dir, "haproxy"), launcher, clock, log });
  let isReady = false;
  const host = startCarrierHost({
    balancer,
    address: settings.address,
    clientAddress: settings["client-address"] || (settings.address === "0.0.0.0" ? undefined : settings.address),
    name: settings.name,
    endpoint: new URL(settings.endpoint),
    region: settings.region,
    credentials,
    kept,
    clock,
    random,
    log,
    onConnected: () => {
      if (!isReady) process.stdout.write(`ready ${settings.name}\n`);
      isReady = true;
    },
  });
  const signal = await ended;
  await host.stop();
  await balancer.stop({ keepRunning: signal === "SIGTERM" });
  claim.close();
  return 0;
}

function endSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => resolve(signal));
  });
}

/**
 * One process at a time has a directory: two would command one HAProxy. What is answered keeps it, and this process alive. Throws an
 * Error if another one has it. A socket that a killed process left behind is nobody's.
 */
async function claimDirectory(dir: string): Promise<Server> {
  const path = join(dir, "claim.sock");
  if (await isAnswered(path))
    throw new Error(`another \`berth balancer\` runs on ${dir}: end it, or give this one a directory by --state-dir`);
  rmSync(path, { force: true });
  const server = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(path, resolve);
  });
  return server;
}

function isAnswered(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}
