import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { HostError } from "./host-error.ts";
import type { HostsSettings } from "./settings.ts";

/** What is known of a host. Written before anything is made, so that removal always finds what a crash left behind. */
export interface HostRecord {
  readonly name: string;
  /** 1..254, unique among the hosts of one directory. */
  readonly number: number;
  /** Address on the bridge, such as "10.213.0.11". */
  readonly address: string;
  readonly gateway: string;
  /** Prefix length of the hosts' network. */
  readonly prefix: number;
  readonly bridge: string;
  /** The engine's --bip, such as "10.214.1.1/24". */
  readonly containerNetwork: string;
  /** Where the control plane listens, as told. */
  readonly endpoint: string;
  /** The port of a control plane that listens on loopback and is reached through the gateway. */
  readonly forwardedPort?: number;
  readonly agent: HostProcess;
  /** Absent: the host carries no load balancers. */
  readonly balancer?: HostProcess;
}

/** The command line and the environment of a process that is kept running on a host, beside its engine. */
export interface HostProcess {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** The process ids that a supervisor last wrote to run/supervisor.json. */
export interface SupervisorState {
  readonly supervisor: number;
  readonly engine?: number;
  readonly agent?: number;
  readonly balancer?: number;
  readonly engineRestarts: number;
  readonly agentRestarts: number;
}

/** The files of one host. */
export interface HostPaths {
  readonly root: string;
  readonly record: string;
  readonly engineData: string;
  readonly agentState: string;
  readonly balancerState: string;
  readonly run: string;
  readonly log: string;
  readonly socket: string;
  readonly supervisorState: string;
}

/** A socket's path must fit in 108 bytes; containerd adds "/docker/containerd/containerd.sock.ttrpc" to the run directory. */
const LONGEST_RUN_DIR = 107 - "/docker/containerd/containerd-debug.sock.ttrpc".length;

export function hostPaths(settings: HostsSettings, name: string): HostPaths {
  const root = join(settings.dir, "hosts", name);
  const run = join(root, "run");
  return {
    root,
    record: join(root, "host.json"),
    engineData: join(root, "docker"),
    agentState: join(root, "agent"),
    balancerState: join(root, "balancer"),
    run,
    log: join(root, "log"),
    socket: join(run, "docker.sock"),
    supervisorState: join(run, "supervisor.json"),
  };
}

/** Throws HostError unless the name is one that a host may have and its paths are short enough for sockets. */
export function checkHostName(settings: HostsSettings, name: string): void {
  if (!/^[a-z0-9][a-z0-9-]{0,30}$/.test(name))
    throw new HostError(
      `"${name}" cannot be a host's name. Use 1 to 31 lower-case letters, digits and hyphens, not starting with a hyphen.`,
    );
  const { run } = hostPaths(settings, name);
  if (Buffer.byteLength(run) > LONGEST_RUN_DIR)
    throw new HostError(
      `${run} is too long for the engine's sockets (at most ${LONGEST_RUN_DIR} bytes). Set BERTH_HOSTS_DIR to a shorter path.`,
    );
}

/** Makes the host's directories and writes its record so that a crash leaves either none or all of it. */
export function writeHostRecord(settings: HostsSettings, record: HostRecord): void {
  const paths = hostPaths(settings, record.name);
  for (const dir of [paths.root, paths.engineData, paths.agentState, paths.balancerState, paths.run, paths.log])
    mkdirSync(dir, { recursive: true, mode: 0o700 });
  replaceFile(paths.record, `${JSON.stringify(record, null, 2)}\n`);
}

/** The record, or undefined when there is none or when it was cut off. */
export function readHostRecord(settings: HostsSettings, name: string): HostRecord | undefined {
  return readJson<HostRecord>(hostPaths(settings, name).record);
}

/** The names of all hosts with a directory, even half-made ones, in alphabetical order. */
export function hostNames(settings: HostsSettings): readonly string[] {
  const dir = join(settings.dir, "hosts");
  return existsSync(dir) ? readdirSync(dir).sort() : [];
}

/** What the supervisor last said, or undefined before its first word. */
export function readSupervisorState(settings: HostsSettings, name: string): SupervisorState | undefined {
  return readJson<SupervisorState>(hostPaths(settings, name).supervisorState);
}

/** Writes a file in such a way that a reader sees the old content or the new. */
export function replaceFile(path: string, content: string): void {
  writeFileSync(`${path}.new`, content, { mode: 0o600 });
  renameSync(`${path}.new`, path);
}

function readJson<T>(path: string): T | undefined {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as T;
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === "ENOENT";
    if (missing || error instanceof SyntaxError) return undefined;
    throw new HostError(`cannot read ${path}: ${String(error)}`, { cause: error });
  }
}
