import { type ChildProcess, execFile, execFileSync, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { eventually } from "./eventually.ts";

const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** How long a start may take, and its end. */
const UP_LIMIT_MS = 60_000;
const END_LIMIT_MS = 45_000;

/** A copy of the project as a clone would have it, in a directory that everybody may read. `remove` deletes it. */
export function cleanClone(): { readonly dir: string; remove(): void } {
  const dir = mkdtempSync(join(tmpdir(), "bsc-"));
  const list = execFileSync("git", ["ls-files", "-co", "--exclude-standard", "-z"], { cwd: ROOT, encoding: "utf8" });
  const files = list.split("\0").filter((file) => file !== "" && existsSync(join(ROOT, file)));
  const archive = execFileSync("tar", ["--null", "-T", "-", "-cf", "-"], {
    cwd: ROOT,
    input: files.join("\0"),
    maxBuffer: 256 * 1024 * 1024,
  });
  execFileSync("tar", ["-xf", "-", "-C", dir], { input: archive });
  symlinkSync(join(ROOT, "node_modules"), join(dir, "node_modules"));
  execFileSync("chmod", ["a+rX", dir]);
  return { dir, remove: () => rmSync(dir, { recursive: true, force: true }) };
}

/** Ports on loopback that were free a moment ago. */
export async function freePorts(count: number): Promise<readonly number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer();
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      return server;
    }),
  );
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

/** A command as a person types it, in a process group of its own as a terminal gives it. */
export class StartProcess {
  readonly child: ChildProcess;
  readonly startedAt = performance.now();
  output = "";

  constructor(command: readonly string[], options: { readonly cwd: string; readonly env: NodeJS.ProcessEnv }) {
    const [program = "", ...args] = command;
    this.child = spawn(program, args, { ...options, detached: true, stdio: ["ignore", "pipe", "pipe"] });
    for (const stream of [this.child.stdout, this.child.stderr])
      stream?.setEncoding("utf8").on("data", (text: string) => {
        this.output += text;
      });
  }

  /** Waits for a text in what it prints; fails at once if it ends before. */
  async prints(what: string): Promise<void> {
    await eventually(`it prints "${what}"`, UP_LIMIT_MS, () => {
      if (this.output.includes(what)) return true;
      if (this.hasEnded) throw new Error(`it ended before it printed "${what}":\n${this.output}`);
      return false;
    }).catch((error: Error) => {
      throw new Error(`${error.message}\n${this.output}`);
    });
  }

  async up(): Promise<number> {
    await this.prints("Berth is up");
    await this.prints("Ctrl-C stops and removes");
    return performance.now() - this.startedAt;
  }

  get hasEnded(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null;
  }

  /** Sends a signal to its whole process group, as a terminal's Ctrl-C does. */
  signalGroup(signal: NodeJS.Signals): void {
    process.kill(-(this.child.pid ?? 0), signal);
  }

  /** Waits for its end and answers the exit code; null if a signal ended it. */
  async end(): Promise<number | null> {
    await eventually("it ends", END_LIMIT_MS, () => this.hasEnded).catch((error: Error) => {
      throw new Error(`${error.message}\n${this.output}`);
    });
    return this.child.exitCode;
  }
}

/** The names by which a test's start is told from everything else on the machine. */
export interface Footprint {
  readonly dataDir: string;
  readonly bridge: string;
  readonly subnetBase: string;
  readonly hostPrefix: string;
  readonly clone: string;
}

/** Everything on this machine that bears the names of a start, one thing a line. Empty when nothing is left. */
export function footprint(mark: Footprint): string[] {
  const names = [
    `${mark.dataDir}/`,
    mark.bridge,
    mark.subnetBase,
    `berth-${mark.hostPrefix}`,
    `berth/${mark.hostPrefix}`,
  ];
  const isOurs = (line: string) => names.some((name) => line.includes(name));
  const lines = (text: string) => text.split("\n").filter(isOurs);
  const run = (command: string) =>
    execFileSync("sh", ["-c", command], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
  return [
    ...lines(run("ip netns list; ip -o link; ip -o addr; ip route; iptables-save")),
    ...lines(readFileSync("/proc/mounts", "utf8")),
    ...lines(run("find /sys/fs/cgroup -type d -path '*berth*'")),
    ...lines(run("ls -d /run/berth/ip-forward/* 2>/dev/null || true")),
    ...readdirSync("/proc")
      .filter((pid) => /^\d+$/.test(pid))
      .map(processLine)
      .filter((line) => isOurs(line) || line.includes(`${mark.clone}/`)),
    ...(existsSync(mark.dataDir) ? [mark.dataDir] : []),
  ];
}

function processLine(pid: string): string {
  try {
    return `${pid} ${readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ")}`;
  } catch {
    return ""; // it has ended
  }
}

/** SIGKILL to every process that bears the names of a start. */
export function killAllOf(mark: Footprint): void {
  for (const line of readdirSync("/proc")
    .filter((pid) => /^\d+$/.test(pid))
    .map(processLine)) {
    const pid = Number(line.split(" ")[0]);
    if (pid === process.pid || !(line.includes(`${mark.dataDir}/`) || line.includes(`${mark.clone}/`))) continue;
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // It has ended by itself.
    }
  }
}

/** Runs a command and answers its exit code and what it wrote. */
export async function outcome(
  command: readonly string[],
  options: { readonly cwd: string; readonly env: NodeJS.ProcessEnv },
): Promise<{ readonly code: number; readonly stdout: string; readonly stderr: string }> {
  const [program = "", ...args] = command;
  try {
    return { code: 0, ...(await promisify(execFile)(program, args, { ...options, timeout: 30_000 })) };
  } catch (error) {
    const { code, stdout, stderr } = error as { code?: unknown; stdout: string; stderr: string };
    return { code: typeof code === "number" ? code : -1, stdout, stderr };
  }
}
