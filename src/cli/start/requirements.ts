import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import type { Machine } from "../../capacity/index.ts";
import { UsageError } from "../usage.ts";

/** The machine, if a cluster can run on it. Throws UsageError naming all that is missing and how to get it. */
export function checkMachine(
  machine: Machine,
  env: NodeJS.ProcessEnv,
  exists: (file: string) => boolean = existsSync,
): Machine {
  const hasDocker = (env.PATH ?? "").split(delimiter).some((dir) => dir !== "" && exists(join(dir, "docker")));
  const lacking = [
    ...(machine.mode === "none" ? [...machine.missing, noEngine(env.DOCKER_HOST)] : []),
    ...(machine.haproxy === "none"
      ? [
          "haproxy (2.6 or newer) is missing; on Debian or Ubuntu: apt-get install haproxy; on macOS: brew install haproxy",
        ]
      : []),
    ...(machine.haproxy === "container" && !hasDocker
      ? ["haproxy (2.6 or newer) is missing, and so is the docker command to run it as a container; install either"]
      : []),
  ];
  if (lacking.length === 0) return machine;
  throw new UsageError(`a cluster cannot run on this machine:\n${lacking.map((line) => `  - ${line}`).join("\n")}`);
}

function noEngine(dockerHost: string | undefined): string {
  return dockerHost === undefined || dockerHost === ""
    ? "no Docker Engine answers that could be the host instead; start one, or set DOCKER_HOST to one that this user may use"
    : `no Docker Engine answers at DOCKER_HOST (${dockerHost}) that could be the host instead; start it, or correct DOCKER_HOST`;
}
