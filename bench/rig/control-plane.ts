import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseSharedCredentials } from "../../src/runtime/shared-credentials.ts";
import { eventually } from "../../test/rig/eventually.ts";
import type { Caller } from "./signed-http.ts";

const BERTH = fileURLToPath(new URL("../../bin/berth", import.meta.url));
/** Linux counts processor time in hundredths of a second. */
const TICKS_PER_SECOND = 100;

/** What a process has used so far. */
export interface Usage {
  /** User and system time of all threads. */
  readonly cpuSeconds: number;
  /** Of the thread that runs JavaScript: the one that is the limit. */
  readonly mainSeconds: number;
  readonly rssMiB: number;
  readonly peakMiB: number;
}

/** A `berth server` of its own, on a store of its own in a temporary directory. */
export interface ControlPlane {
  readonly caller: Caller;
  readonly dataDir: string;
  readonly pid: number;
  usage(): Usage;
  /** SIGKILL to the server, and after `whileDown` a new one on the same data and port; resolves when it is ready. */
  crash(whileDown: () => Promise<void>): Promise<void>;
  /** Ends the process and removes its files. */
  close(): Promise<void>;
}

export interface ControlPlaneOptions {
  /** Where the processor profile of the server is written when it ends. */
  readonly profileDir?: string;
  /** Puts what the server is to find into its data directory. */
  readonly prepare?: (dataDir: string) => Promise<void>;
  /** Further arguments of `berth server`. */
  readonly args?: readonly string[];
}

/** Starts a server on loopback. */
export async function startControlPlane(options: ControlPlaneOptions = {}): Promise<ControlPlane> {
  const dataDir = mkdtempSync(join(tmpdir(), "berth-bench-"));
  try {
    await options.prepare?.(dataDir);
  } catch (error) {
    rmSync(dataDir, { recursive: true, force: true });
    throw error;
  }
  const profile = options.profileDir === undefined ? [] : ["--cpu-prof", `--cpu-prof-dir=${options.profileDir}`];
  const launch = (listen: string) => {
    const where = ["server", "--data-dir", dataDir, "--listen", listen, "--log-level", "warn"];
    return launchServer([...profile, BERTH, ...where, ...(options.args ?? [])], dataDir);
  };
  let server = launch("127.0.0.1:0");
  const close = async () => {
    await endServer(server.child);
    const said = readFileSync(join(dataDir, "server.log"), "utf8").trim();
    if (said !== "") console.error(`the server said:\n${said.slice(0, 4000)}`);
    rmSync(dataDir, { recursive: true, force: true });
  };
  try {
    const { host, port } = await server.ready();
    const credentials = parseSharedCredentials(readFileSync(join(dataDir, "credentials"), "utf8"), "default");
    if (credentials === undefined) throw new Error("the server wrote no credentials");
    const crash = async (whileDown: () => Promise<void>) => {
      const gone = new Promise((resolve) => server.child.once("exit", resolve));
      server.child.kill("SIGKILL");
      await gone;
      await whileDown();
      server = launch(`${host}:${port}`);
      await server.ready();
    };
    return {
      caller: { host, port, region: "us-east-1", credentials },
      dataDir,
      get pid() {
        return server.child.pid ?? -1;
      },
      usage: () => usageOf(server.child.pid ?? -1),
      crash,
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

interface Launched {
  readonly child: ChildProcess;
  /** Resolves with where it serves. */
  ready(): Promise<{ readonly host: string; readonly port: number }>;
}

function launchServer(args: readonly string[], dataDir: string): Launched {
  const log = openSync(join(dataDir, "server.log"), "a");
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", log] });
  closeSync(log);
  let printed = "";
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    printed += text;
  });
  const ready = async () => {
    await eventually("the server is ready", 20_000, () => {
      if (child.exitCode !== null) throw new Error("the server ended");
      return /^ready /m.test(printed);
    });
    return endpointOf(printed);
  };
  return { child, ready };
}

async function endServer(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGINT");
  const limit = setTimeout(() => child.kill("SIGKILL"), 30_000);
  await gone;
  clearTimeout(limit);
}

function endpointOf(printed: string): { readonly host: string; readonly port: number } {
  const url = new URL(/^ready (\S+)/m.exec(printed)?.[1] ?? "");
  return { host: url.hostname, port: Number(url.port) };
}

/** What a process has used so far, from /proc. */
export function usageOf(pid: number): Usage {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const mib = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(status)?.[1] ?? 0) / 1024;
  const threads = readdirSync(`/proc/${pid}/task`);
  const seconds = new Map(threads.map((thread) => [thread, cpuSecondsOf(`/proc/${pid}/task/${thread}/stat`)]));
  return {
    cpuSeconds: cpuSecondsOf(`/proc/${pid}/stat`),
    mainSeconds: seconds.get(String(pid)) ?? 0,
    rssMiB: mib("VmRSS"),
    peakMiB: mib("VmHWM"),
  };
}

function cpuSecondsOf(file: string): number {
  const stat = readFileSync(file, "utf8");
  // The name in parentheses may hold spaces; utime and stime are the 14th and 15th fields of all.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}
