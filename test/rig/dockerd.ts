import assert from "node:assert/strict";
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import {
  closeSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** A real Docker Engine of its own, in its own network namespace, for one test file. */
export interface TestDockerd {
  /** unix:///… */
  readonly host: string;
  readonly namespace: string;
  readonly dir: string;
  /** Runs the docker command against it and returns what it printed. */
  docker(...args: string[]): string;
  /** Runs a command in its network namespace. */
  inNamespace(...command: string[]): string;
  /** SIGKILL of the daemon alone: containers and containerd go on. */
  killDaemon(): Promise<void>;
  /** Starts the daemon again and waits until it answers. */
  startDaemon(): Promise<void>;
  /** Removes containers, daemon, namespace, cgroups and files. */
  remove(): Promise<void>;
}

/** Image with busybox's tools, for every test: it is made here, since no registry can be reached. */
export const BUSYBOX = "busybox-test:1";

const ANSWER_LIMIT_MS = 20_000;

/** Starts a dockerd. `name` is at most 10 letters: it names the namespace and the cgroup. */
export async function startDockerd(name: string, subnet: string): Promise<TestDockerd> {
  const dir = mkdtempSync(join(tmpdir(), "bt-"));
  const namespace = `berth-t-${name}`;
  const socket = join(dir, "d.sock");
  const host = `unix://${socket}`;
  let daemon: ChildProcess | undefined;
  tryRun("ip", "netns", "delete", namespace);
  run("ip", "netns", "add", namespace);
  run("ip", "-n", namespace, "link", "set", "lo", "up");

  async function startDaemon(): Promise<void> {
    // A killed process whose parent does not collect it stays in /proc, and a new daemon takes it for a living one.
    for (const file of [join(dir, "pid"), join(dir, "exec", "containerd", "containerd.pid")])
      if (!runs(file)) rmSync(file, { force: true });
    const log = openSync(join(dir, "dockerd.log"), "a");
    const own = [
      ...[
        "--data-root",
        join(dir, "data"),
        "--exec-root",
        join(dir, "exec"),
        "-H",
        host,
        "--pidfile",
        join(dir, "pid"),
      ],
      ...[
        "--bip",
        subnet,
        "--cgroup-parent",
        `/${namespace}`,
        "--live-restore",
        "--exec-opt",
        "native.cgroupdriver=cgroupfs",
      ],
    ];
    // Not `ip netns exec`: it mounts a new /sys, which hides the cgroups.
    daemon = spawn("nsenter", [`--net=/var/run/netns/${namespace}`, "dockerd", ...own], {
      stdio: ["ignore", log, log],
    });
    closeSync(log);
    const deadline = performance.now() + ANSWER_LIMIT_MS;
    while (!(await answers(socket))) {
      assert.ok(daemon.exitCode === null && performance.now() < deadline, `dockerd did not start:\n${lastLog(dir)}`);
      await sleep(50);
    }
  }
  async function end(signal: NodeJS.Signals): Promise<void> {
    if (!daemon || daemon.exitCode !== null || daemon.signalCode !== null) return;
    const gone = new Promise((resolve) => daemon?.once("exit", resolve));
    daemon.kill(signal);
    await gone;
  }
  const docker = (...args: string[]) => run("docker", "-H", host, ...args).trim();

  await startDaemon();
  return {
    host,
    namespace,
    dir,
    docker,
    inNamespace: (...command) => run("nsenter", `--net=/var/run/netns/${namespace}`, ...command),
    killDaemon: () => end("SIGKILL"),
    startDaemon,
    async remove() {
      if (!(await answers(socket))) await startDaemon();
      const containers = docker("ps", "-aq").split("\n").filter(Boolean);
      if (containers.length > 0) docker("rm", "-f", "-v", ...containers);
      await end("SIGTERM");
      await endContainerd(join(dir, "exec", "containerd", "containerd.pid"));
      for (const mount of readFileSync("/proc/mounts", "utf8")
        .split("\n")
        .map((line) => line.split(" ")[1] ?? "")
        .reverse())
        if (mount.startsWith(`${dir}/`)) tryRun("umount", "-l", mount);
      run("ip", "netns", "delete", namespace);
      removeCgroups(namespace);
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** Puts an image with busybox as every common tool into a daemon. */
export function importBusybox(dockerd: TestDockerd): void {
  const root = mkdtempSync(join(tmpdir(), "bt-image-"));
  try {
    const busybox = ["/bin/busybox", "/usr/bin/busybox"].find(existsSync);
    assert.ok(busybox, "busybox-static is not installed");
    for (const dir of ["bin", "tmp", "etc"]) mkdirSync(join(root, dir));
    cpSync(busybox, join(root, "bin", "busybox"), { dereference: true });
    for (const tool of [
      "sh",
      "sleep",
      "cat",
      "echo",
      "ls",
      "nc",
      "wget",
      "httpd",
      "env",
      "id",
      "kill",
      "true",
      "touch",
      "head",
      "tail",
      "pwd",
      "test",
    ])
      symlinkSync("busybox", join(root, "bin", tool));
    run(
      "sh",
      "-c",
      `tar -C ${root} -c . | docker -H ${dockerd.host} import --change 'CMD ["/bin/sleep","3600"]' - ${BUSYBOX}`,
    );
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

function run(command: string, ...args: string[]): string {
  return execFileSync(command, args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
}

/** For what need not be there. */
function tryRun(command: string, ...args: string[]): void {
  try {
    run(command, ...args);
  } catch {
    // Nothing to undo then.
  }
}

function answers(socketPath: string): Promise<boolean> {
  return new Promise((resolve) => {
    const call = request({ socketPath, path: "/_ping", timeout: 1000 }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    call.on("timeout", () => call.destroy());
    call.on("error", () => resolve(false));
    call.end();
  });
}

function lastLog(dir: string): string {
  return readFileSync(join(dir, "dockerd.log"), "utf8").split("\n").slice(-10).join("\n");
}

/** Whether the process that a pid file names is there and not a zombie. */
function runs(pidFile: string): boolean {
  if (!existsSync(pidFile)) return false;
  const stat = `/proc/${readFileSync(pidFile, "utf8").trim()}/stat`;
  return existsSync(stat) && !/\) Z /.test(readFileSync(stat, "utf8"));
}

/** A dockerd that was killed may leave its containerd, which the next one takes over but does not end. */
async function endContainerd(pidFile: string): Promise<void> {
  for (let wait = 0; wait < 50 && runs(pidFile); wait++) {
    const pid = Number(readFileSync(pidFile, "utf8"));
    if (wait === 0) process.kill(pid, "SIGTERM");
    if (wait === 40) process.kill(pid, "SIGKILL");
    await sleep(50);
  }
}

function removeCgroups(name: string): void {
  for (const controller of ["", ...readdirSync("/sys/fs/cgroup")]) {
    const group = join("/sys/fs/cgroup", controller, name);
    if (existsSync(group)) tryRun("find", group, "-depth", "-type", "d", "-exec", "rmdir", "{}", ";");
  }
}
