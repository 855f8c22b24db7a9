import { readdirSync, readFileSync, readlinkSync, statSync } from "node:fs";
import type { Clock } from "../../runtime/clock.ts";
import { cgroupProcesses } from "./cgroup.ts";
import { HostError } from "./host-error.ts";

/** How long killed processes may take to go. */
const KILL_LIMIT_MS = 10_000;

/** The file that stands for a host's network namespace. */
export function namespacePath(name: string): string {
  return `/run/netns/berth-${name}`;
}

/** Whether the process runs in the host's network namespace. False also when there is no such process or namespace. */
export function runsOnHost(name: string, pid: number): boolean {
  const inode = namespaceInode(name);
  return inode !== undefined && networkInodeOf(`${pid}`) === inode;
}

function namespaceInode(name: string): string | undefined {
  const inode = statSync(namespacePath(name), { throwIfNoEntry: false })?.ino;
  return inode === undefined ? undefined : `net:[${inode}]`;
}

function networkInodeOf(pid: string): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/net`);
  } catch {
    return undefined; // it has ended, or it is a kernel thread
  }
}

/** All processes of a host: those in its control groups (its containers' too) and those in its network namespace. */
export function hostProcesses(name: string): ReadonlySet<number> {
  const pids = new Set(cgroupProcesses(name));
  const inode = namespaceInode(name);
  if (inode !== undefined)
    for (const entry of readdirSync("/proc"))
      if (/^\d+$/.test(entry) && networkInodeOf(entry) === inode) pids.add(Number(entry));
  return pids;
}

/** SIGKILL to all processes of a host, again and again until none is left. Throws HostError naming those that do not die. */
export async function killHostProcesses(name: string, clock: Clock): Promise<void> {
  const deadline = clock.monotonic() + KILL_LIMIT_MS;
  for (;;) {
    const alive = [...hostProcesses(name)].filter((pid) => pid !== process.pid && !isZombie(pid));
    if (alive.length === 0) return;
    if (clock.monotonic() > deadline)
      throw new HostError(
        `processes of host ${name} do not die: ${alive.join(", ")}. They may wait for a disk; try again later.`,
      );
    for (const pid of alive) sendKill(pid);
    await clock.sleep(10);
  }
}

function sendKill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

/** A dead process that its parent has not collected yet cannot be killed and holds nothing. */
function isZombie(pid: number): boolean {
  try {
    return /^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return true;
  }
}
