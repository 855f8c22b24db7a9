import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { HostError } from "./host-error.ts";

/** The programs that a local host is made with, and the Debian package of each. */
export const HOST_PROGRAMS = {
  dockerd: "docker.io",
  containerd: "containerd",
  runc: "runc",
  ip: "iproute2",
  iptables: "iptables",
  nsenter: "util-linux",
  unshare: "util-linux",
  flock: "util-linux",
} as const satisfies Record<string, string>;

/** Whether there is such a program on the PATH or where system programs lie. */
export function hasProgram(program: string, path = process.env.PATH ?? ""): boolean {
  const dirs = [...path.split(delimiter), "/usr/local/sbin", "/usr/sbin", "/sbin"];
  return dirs.some((dir) => dir !== "" && isExecutable(join(dir, program)));
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false; // not there, or not a program
  }
}

/** Throws HostError naming all that this machine lacks for local hosts, and how to get it. */
export function checkRequirements(): void {
  if (process.platform !== "linux")
    throw new HostError(
      `local hosts need Linux; this is ${process.platform}. Run an agent beside a Docker Engine instead.`,
    );
  if (process.geteuid?.() !== 0)
    throw new HostError("local hosts need root, to make network namespaces and run engines. Try again with sudo.");
  const missing = Object.entries(HOST_PROGRAMS).filter(([program]) => !hasProgram(program));
  if (missing.length === 0) return;
  const packages = [...new Set(missing.map(([, name]) => name))].join(" ");
  throw new HostError(
    `local hosts need ${missing.map(([program]) => program).join(", ")}, which this machine lacks. ` +
      `On Debian or Ubuntu: apt-get install --no-install-recommends ${packages}`,
  );
}
