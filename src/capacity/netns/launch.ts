import { spawn } from "node:child_process";
import { closeSync, existsSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { HostError } from "./host-error.ts";
import { type HostRecord, hostPaths } from "./host-record.ts";
import { namespacePath } from "./processes.ts";
import type { HostsSettings } from "./settings.ts";

const SUPERVISOR = fileURLToPath(new URL("./supervisor.ts", import.meta.url));
/** What systemd-resolved really asks, when /etc/resolv.conf names its own address on loopback. */
const REAL_RESOLV_CONF = "/run/systemd/resolve/resolv.conf";

/**
 * $1: space-separated cgroup.procs files; $2: network namespace; $3: host name; $4: a resolv.conf to use, or nothing; then the command.
 * nsenter and not `ip netns exec`, which would hide the control groups behind a new /sys. With its own mount namespace, the engine's
 * mounts end with the host; mounts made on the machine later still arrive. The command is started again when a signal killed it.
 */
const ENTER_HOST = `
set -e
for file in $1; do echo $$ > "$file"; done
namespace=$2 host=$3 resolv=$4
shift 4
exec nsenter --net="$namespace" unshare --mount --uts --propagation slave sh -c '
  set -e
  echo "$0" > /proc/sys/kernel/hostname
  if [ -n "$1" ]; then mount --bind "$1" /etc/resolv.conf; fi
  shift
  while :; do
    status=0
    "$@" || status=$?
    if [ $status -le 128 ]; then exit $status; fi
    sleep 0.1
  done
' "$host" "$resolv" "$@"
`;

/** Starts the host's supervisor as one of the host's own processes. Answers its process id. */
export async function launchSupervisor(
  settings: HostsSettings,
  record: HostRecord,
  procsFiles: readonly string[],
): Promise<number> {
  const paths = hostPaths(settings, record.name);
  const output = openSync(join(paths.log, "supervisor.log"), "a", 0o600);
  const entry = [procsFiles.join(" "), namespacePath(record.name), record.name, resolvConf()];
  const command = [process.execPath, SUPERVISOR, settings.dir, record.name];
  const child = spawn("sh", ["-c", ENTER_HOST, "sh", ...entry, ...command], {
    cwd: "/",
    detached: true,
    env: hostEnvironment(process.env),
    stdio: ["ignore", output, output],
  });
  closeSync(output);
  await new Promise<void>((resolve, reject) => {
    child.once("spawn", resolve);
    child.once("error", (error) => reject(new HostError(`cannot run sh: ${error.message}`, { cause: error })));
  });
  child.unref();
  return child.pid ?? 0;
}

/** The environment of a host's processes: ours, less what configures this very process, its credentials above all. */
export function hostEnvironment(env: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const kept = Object.entries(env).filter(
    ([name, value]) =>
      value !== undefined && (name === "NODE_EXTRA_CA_CERTS" || !/^(AWS|ECS|DOCKER|BERTH|NODE|npm)_/.test(name)),
  );
  const own = Object.fromEntries(kept) as Record<string, string>;
  // Debian keeps dockerd and iptables where a plain user's PATH does not look.
  return { ...own, PATH: [own.PATH, "/usr/local/sbin", "/usr/sbin", "/sbin"].filter(Boolean).join(":") };
}

/** A resolver on the machine's loopback cannot be reached from a host. Answers a file that names one that can, or "". */
function resolvConf(): string {
  if (!existsSync("/etc/resolv.conf") || !existsSync(REAL_RESOLV_CONF)) return "";
  const servers = [...readFileSync("/etc/resolv.conf", "utf8").matchAll(/^nameserver\s+(\S+)/gm)].map(
    (match) => match[1],
  );
  return servers.length > 0 && servers.every((server) => /^127\.|^::1$/.test(server ?? "")) ? REAL_RESOLV_CONF : "";
}
