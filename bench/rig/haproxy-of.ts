import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { eventually } from "../../test/rig/eventually.ts";

/** What a control plane's HAProxy is at the moment, asked over its command socket. */
export interface RunningHaproxy {
  readonly master: number;
  readonly worker: number;
  /** How often it has been started or reloaded. */
  readonly generation: number;
}

/** How long it may be away: during a reload its socket and its pid file are, for a moment. */
const AWAY_MS = 5_000;

export function haproxyOf(dataDir: string): Promise<RunningHaproxy> {
  return eventually("HAProxy tells of itself", AWAY_MS, () => look(join(dataDir, "haproxy")).catch(() => undefined));
}

async function look(dir: string): Promise<RunningHaproxy> {
  const info = await ask(join(dir, "runtime.sock"), "show info");
  const master = Number.parseInt(readFileSync(join(dir, "haproxy.pid"), "utf8"), 10);
  const worker = Number(/^Pid: (\d+)$/m.exec(info)?.[1]);
  const generation = Number(/^description: berth (\d+) /m.exec(info)?.[1]);
  if (!Number.isInteger(worker) || !Number.isInteger(generation)) throw new Error(`HAProxy said: ${info}`);
  return { master, worker, generation };
}

function ask(path: string, command: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = "";
    const socket = connect(path, () => socket.end(`${command}\n`));
    socket.setEncoding("utf8").on("data", (part: string) => {
      text += part;
    });
    socket.on("error", reject);
    socket.on("close", () => resolve(text));
  });
}
