import { existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { HostsSettings, Machine } from "../../capacity/index.ts";
import type { Clock } from "../../runtime/clock.ts";
import { removeContainersOf, removeImages } from "./engine.ts";
import { exampleImages } from "./example.ts";
import { removeAllHosts } from "./hosts.ts";
import { endProcessesOf } from "./processes.ts";

/** What a start works on. */
export interface Place {
  readonly machine: Machine;
  readonly dataDir: string;
  readonly settings: HostsSettings;
  readonly clock: Clock;
}

/**
 * Removes all that a start made, in whatever state it was left: processes, HAProxy, hosts, containers and images in an engine that
 * stays, and the files, but not the claim on the directory. Throws Error naming what could not be removed.
 */
export async function clearAll({ machine, dataDir, settings, clock }: Place): Promise<void> {
  await endProcessesOf(join(dataDir, "agent.pid"), dataDir, "SIGINT", clock);
  await endProcessesOf(join(dataDir, "server.pid"), dataDir, "SIGINT", clock);
  // The server takes its load balancer along, unless it was killed.
  await endProcessesOf(join(dataDir, "haproxy", "haproxy.pid"), dataDir, "SIGTERM", clock);
  if (machine.mode === "hosts") await removeAllHosts(settings);
  if (machine.dockerHost !== undefined && hasUsedEngine(dataDir)) {
    await removeContainersOf(dataDir, machine.dockerHost);
    if (machine.mode === "engine") await removeImages(exampleImages(), machine.dockerHost);
  }
  for (const name of existsSync(dataDir) ? readdirSync(dataDir) : [])
    if (name !== "start.json") rmSync(join(dataDir, name), { recursive: true, force: true });
}

/** Whether there was a start here that may have put containers into the engine that stays. */
function hasUsedEngine(dataDir: string): boolean {
  return existsSync(join(dataDir, "server.pid"));
}
