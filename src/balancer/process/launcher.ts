import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Endpoint } from "./runtime.ts";

/** The files of one balancer, all in its directory. */
export interface BalancerFiles {
  readonly dir: string;
  readonly config: string;
  /** A configuration that is being checked. */
  readonly nextConfig: string;
  readonly serverState: string;
  /** The weights of forwards, for a worker that starts. */
  readonly weights: string;
  /** What cookies lead to, for a worker that starts. */
  readonly sticky: string;
  /** What ACME servers are answered, for a worker that starts. */
  readonly challenges: string;
  /** Certificates with their private keys, and lists of them: a folder for its owner alone. */
  readonly certificates: string;
  readonly pid: string;
  readonly log: string;
}

export interface ProgramLine {
  readonly file: string;
  readonly args: readonly string[];
}

/** How HAProxy is run here. */
export interface Launcher {
  /** For people: what runs it. */
  readonly name: string;
  /** The worker's command socket, and how the configuration names it. */
  runtime(files: BalancerFiles): { readonly endpoint: Endpoint; readonly bind: string };
  /** The master's command socket, and how `-S` names it. */
  master(files: BalancerFiles): { readonly endpoint: Endpoint; readonly bind: string };
  /** A socket for the workers alone: its address, which means the same to all workers of one balancer. */
  handover(name: string): string;
  /** Runs the master in the foreground, in the balancer's directory. */
  run(files: BalancerFiles): ProgramLine;
  /** Checks `files.nextConfig`; exits 0 if HAProxy would take it. */
  check(files: BalancerFiles): ProgramLine;
  /** Prints the version. */
  version(): ProgramLine;
  /**
   * Sends the master a signal where it cannot be signalled by its pid from here; undefined where it can. SIGKILL also clears
   * away what a dead master leaves behind, and may fail if there is nothing.
   */
  signal?(files: BalancerFiles, signal: "SIGUSR1" | "SIGTERM" | "SIGKILL"): ProgramLine;
  /** Whom the workers become, or undefined if they stay what the master is. */
  readonly user?: { readonly name: string; readonly group: string };
}

export function balancerFiles(dir: string): BalancerFiles {
  return {
    dir,
    config: join(dir, "haproxy.cfg"),
    nextConfig: join(dir, "haproxy.cfg.next"),
    serverState: join(dir, "servers.state"),
    weights: join(dir, "weights.map"),
    sticky: join(dir, "sticky.map"),
    challenges: join(dir, "challenges.map"),
    certificates: join(dir, "certificates"),
    pid: join(dir, "haproxy.pid"),
    log: join(dir, "haproxy.log"),
  };
}

/** A Unix socket's address holds 107 bytes, and HAProxy binds `<path>.<pid>.tmp` first: pids have up to 7 digits. */
const LONGEST_SOCKET_PATH = 107 - ".1234567.tmp".length;

/** Throws on a path that cannot stand in the configuration as it is. */
export function checkPath(path: string): void {
  if (/[\s,@$"'\\#(){}]/.test(path)) throw new Error(`${path} has a character that HAProxy cannot take in a path`);
}

function unixSocket(files: BalancerFiles, name: string) {
  const path = join(files.dir, name);
  if (Buffer.byteLength(path) > LONGEST_SOCKET_PATH)
    throw new Error(`${path} is too long for a Unix socket: at most ${LONGEST_SOCKET_PATH} bytes`);
  checkPath(path);
  return { endpoint: { path }, bind: `unix@${path}` };
}

const runArguments = (files: BalancerFiles, masterBind: string) => [
  "-W",
  "-S",
  masterBind,
  "-p",
  files.pid,
  "-f",
  files.config,
];

/** An account without rights for the workers of a root master: HAProxy's own where its package made one, else nobody. */
function unprivilegedUser(): Launcher["user"] {
  if (process.getuid?.() !== 0) return undefined;
  const groups = readFileSync("/etc/group", "utf8");
  const has = (text: string, name: string) => new RegExp(`^${name}:`, "m").test(text);
  if (has(readFileSync("/etc/passwd", "utf8"), "haproxy") && has(groups, "haproxy"))
    return { name: "haproxy", group: "haproxy" };
  return { name: "nobody", group: has(groups, "nogroup") ? "nogroup" : "nobody" };
}

/** Runs the `haproxy` at `binary` (a path, or a name looked up on the PATH), commanded over Unix sockets. */
export function localLauncher(binary = "haproxy"): Launcher {
  return {
    name: binary,
    runtime: (files) => unixSocket(files, "runtime.sock"),
    master: (files) => unixSocket(files, "master.sock"),
    // From its own directory: an unprivileged worker may not go through the folders above.
    handover: (name) => `unix@${name}.sock`,
    run: (files) => ({
      file: binary,
      args: runArguments(files, `${unixSocket(files, "master.sock").bind},mode,600,level,admin`),
    }),
    check: (files) => ({ file: binary, args: ["-c", "-f", files.nextConfig] }),
    version: () => ({ file: binary, args: ["-v"] }),
    user: unprivilegedUser(),
  };
}

export interface ContainerLauncherOptions {
  /** The `docker` program. */
  readonly docker: string;
  /** An image whose PATH has `haproxy`, 2.6 or newer. */
  readonly image: string;
  /**
   * Loopback ports for the command sockets, where a Unix socket cannot cross into the container (Docker Desktop). Anyone on
   * this machine can then command HAProxy; leave it out on Linux.
   */
  readonly loopback?: { readonly runtimePort: number; readonly masterPort: number };
}

/** Runs HAProxy in a container on the host's network, with the balancer's directory mounted at the same path. */
export function containerLauncher({ docker, image, loopback }: ContainerLauncherOptions): Launcher {
  const nameOf = (files: BalancerFiles) =>
    `berth-balancer-${createHash("sha256").update(files.dir).digest("hex").slice(0, 12)}`;
  const tcp = (port: number) => ({ endpoint: { host: "127.0.0.1", port }, bind: `ipv4@127.0.0.1:${port}` });
  const runtime = (files: BalancerFiles) =>
    loopback === undefined ? unixSocket(files, "runtime.sock") : tcp(loopback.runtimePort);
  const master = (files: BalancerFiles) =>
    loopback === undefined ? unixSocket(files, "master.sock") : tcp(loopback.masterPort);
  const mount = (files: BalancerFiles) => ["--volume", `${files.dir}:${files.dir}`, "--user", "0"];
  return {
    name: `${image} in ${docker}`,
    runtime,
    master,
    // A place of the container's own: a folder that is mounted from another system carries no sockets.
    handover: (name) => `unix@/tmp/${name}.sock`,
    run: (files) => {
      const bind = `${master(files).bind}${loopback === undefined ? ",mode,600" : ""},level,admin`;
      const container = ["--rm", "--name", nameOf(files), "--network", "host", ...mount(files)];
      return {
        file: docker,
        args: ["run", ...container, "--entrypoint", "haproxy", image, ...runArguments(files, bind)],
      };
    },
    check: (files) => ({
      file: docker,
      args: ["run", "--rm", ...mount(files), "--entrypoint", "haproxy", image, "-c", "-f", files.nextConfig],
    }),
    version: () => ({ file: docker, args: ["run", "--rm", "--entrypoint", "haproxy", image, "-v"] }),
    signal: (files, signal) => ({
      file: docker,
      args: signal === "SIGKILL" ? ["rm", "--force", nameOf(files)] : ["kill", "--signal", signal, nameOf(files)],
    }),
  };
}

const run = promisify(execFile);

/** The version of HAProxy that `launcher` runs, e.g. `2.6.12-1+deb12u4`. Throws, saying what is missing, below 2.6. */
export async function haproxyVersion(launcher: Launcher): Promise<string> {
  const { file, args } = launcher.version();
  let output: string;
  try {
    output = (await run(file, args, { timeout: 120_000 })).stdout;
  } catch (error) {
    throw new Error(`HAProxy cannot be run (${launcher.name}): ${(error as Error).message}`, { cause: error });
  }
  const version = /version (\d+)\.(\d+)(\S*)/.exec(output);
  if (version === null) throw new Error(`${launcher.name} is not HAProxy: ${output.slice(0, 200)}`);
  const text = `${version[1]}.${version[2]}${version[3]}`;
  if (Number(version[1]) * 1000 + Number(version[2]) < 2006)
    throw new Error(`HAProxy 2.6 or newer is needed; ${launcher.name} is ${text}`);
  return text;
}
