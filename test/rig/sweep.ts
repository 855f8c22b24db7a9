import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { hostsSettings, listHosts, removeHost } from "../../src/capacity/index.ts";

/** How the data directories of test clusters begin. Short: a socket's path must fit in 107 bytes. */
export const DATA_DIR_PREFIX = "bt-";

/** Who made a cluster, and the network of its hosts. */
interface Owner {
  readonly pid: number;
  readonly network: Readonly<Record<string, string>>;
}

const OWNER_FILE = "owner.json";

/** Says whose a data directory is, so that a later run can clear it away if its test was killed. */
export function claim(dataDir: string, network: Readonly<Record<string, string>>): void {
  writeFileSync(join(dataDir, OWNER_FILE), JSON.stringify({ pid: process.pid, network } satisfies Owner));
}

/** Clears away what the clusters of killed tests left: hosts, server, load balancer and files. */
export async function sweep(): Promise<void> {
  for (const name of readdirSync(tmpdir()).filter((entry) => entry.startsWith(DATA_DIR_PREFIX))) {
    const dataDir = join(tmpdir(), name);
    const owner = read<Owner>(join(dataDir, OWNER_FILE));
    if (owner === undefined || existsSync(`/proc/${owner.pid}`)) continue;
    const settings = hostsSettings(owner.network);
    for (const host of await listHosts(settings)) await removeHost(host.name, settings);
    await end(read<{ pid: number }>(join(dataDir, "server.json"))?.pid, dataDir);
    // A server that was killed leaves its load balancer running.
    await end(read<number>(join(dataDir, "haproxy", "haproxy.pid")), join(dataDir, "haproxy", "haproxy.cfg"));
    rmSync(dataDir, { recursive: true, force: true });
  }
}

/** Ends a process, if it is the one whose command line holds that word: process ids are used again. */
async function end(pid: number | undefined, word: string): Promise<void> {
  for (let tries = 0; tries < 100 && pid !== undefined && hasWord(pid, word); tries++) {
    if (tries === 0) process.kill(pid, "SIGINT");
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

function hasWord(pid: number, word: string): boolean {
  const file = `/proc/${pid}/cmdline`;
  return existsSync(file) && readFileSync(file, "utf8").split("\0").includes(word);
}

function read<T>(file: string): T | undefined {
  return existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as T) : undefined;
}
