import { readFileSync, rmSync } from "node:fs";
import { get } from "node:http";
import { join } from "node:path";
import type { Clock } from "../../runtime/clock.ts";
import { cgroupOf } from "./cgroup.ts";
import type { HostPaths, HostRecord } from "./host-record.ts";
import { runsOnHost } from "./processes.ts";

/** An engine that does not answer a ping within this time is not up. */
const PING_LIMIT_MS = 2_000;
/** How long a killed containerd may take to go, before the engine is started again. */
const LEFTOVER_LIMIT_MS = 5_000;

/** The host's Docker Engine, with nothing shared with any other engine of the machine. */
export function engineCommand(record: HostRecord, paths: HostPaths): readonly string[] {
  return [
    "dockerd",
    ...["--data-root", paths.engineData],
    ...["--exec-root", join(paths.run, "docker")],
    ...["--pidfile", join(paths.run, "docker.pid")],
    ...["--host", `unix://${paths.socket}`],
    ...["--bip", record.containerNetwork],
    ...["--cgroup-parent", cgroupOf(record.name)],
    ...["--exec-opt", "native.cgroupdriver=cgroupfs"],
    // Containers outlive a restart of the engine.
    "--live-restore",
    // A container's output must not fill the machine's disk.
    ...["--log-opt", "max-size=20m", "--log-opt", "max-file=2"],
    // The machine's own settings (/etc/docker/daemon.json) are another engine's.
    ...["--config-file", join(paths.run, "daemon.json")],
  ];
}

/** Whether an engine answers on the socket. */
export function engineAnswers(socketPath: string): Promise<boolean> {
  return new Promise((resolve) => {
    const request = get({ socketPath, path: "/_ping", timeout: PING_LIMIT_MS }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    request.on("timeout", () => request.destroy());
    request.on("error", () => resolve(false));
  });
}

/**
 * Makes way for a new engine after one that was killed: its pid files may name processes of others by now, which would make the new
 * one refuse to start or adopt a stranger, and its containerd may be dying. Containers and their shims are left alone.
 */
export async function clearEngineLeftovers(record: HostRecord, paths: HostPaths, clock: Clock): Promise<void> {
  const containerdPidFile = join(paths.run, "docker", "containerd", "containerd.pid");
  const pid = readPid(containerdPidFile);
  if (pid !== undefined) {
    const deadline = clock.monotonic() + LEFTOVER_LIMIT_MS;
    while (isContainerd(record.name, pid) && clock.monotonic() < deadline) {
      process.kill(pid, "SIGKILL");
      await clock.sleep(20);
    }
  }
  for (const file of [containerdPidFile, join(paths.run, "docker.pid")]) rmSync(file, { force: true });
}

function isContainerd(host: string, pid: number): boolean {
  try {
    const program = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0")[0] ?? "";
    return /(^|\/)(docker-)?containerd$/.test(program) && runsOnHost(host, pid);
  } catch {
    return false; // it has ended
  }
}

function readPid(file: string): number | undefined {
  try {
    const pid = Number(readFileSync(file, "utf8"));
    return Number.isInteger(pid) && pid > 0 ? pid : undefined;
  } catch {
    return undefined; // the engine ended cleanly and removed it
  }
}
