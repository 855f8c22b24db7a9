import { spawn } from "node:child_process";
import { mkdirSync } from "node:fs";
import { HostError } from "./host-error.ts";

/** Bridges, kernel settings and cgroups belong to the machine, so the lock does too. */
const LOCK_DIR = "/run/berth";
/** How long to wait for another command that makes or removes a host, in seconds. A step under the lock takes about 0.1. */
const LOCK_WAIT_S = 60;

/**
 * Runs `work` while no other process of this machine does. The kernel holds the lock for a `flock` process that ends when we
 * do, so a crash frees it. Throws HostError when another holds it for a minute.
 */
export async function withLock<T>(work: () => Promise<T>): Promise<T> {
  mkdirSync(LOCK_DIR, { recursive: true });
  const holder = spawn("flock", ["--wait", `${LOCK_WAIT_S}`, `${LOCK_DIR}/lock`, "sh", "-c", "echo held; cat"], {
    stdio: ["pipe", "pipe", "ignore"],
  });
  const ended = new Promise<void>((resolve) => holder.once("close", () => resolve()));
  try {
    await new Promise<void>((resolve, reject) => {
      holder.once("error", (error) => reject(new HostError(`cannot run flock: ${error.message}`, { cause: error })));
      holder.once("close", () =>
        reject(
          new HostError(`another command has held ${LOCK_DIR}/lock for ${LOCK_WAIT_S} s. Try again when it is done.`),
        ),
      );
      holder.stdout.once("data", () => resolve());
    });
    return await work();
  } finally {
    holder.stdin.end();
    await ended;
  }
}
