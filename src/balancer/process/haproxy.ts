import { type ChildProcess, execFile, spawn } from "node:child_process";
import {
  chmodSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Clock } from "../../runtime/clock.ts";
import type { Log } from "../../runtime/log.ts";
import {
  type Certificates,
  parseCertificates,
  parseList,
  showsCertificate,
  type wantedCertificates,
} from "../configuration/certificates.ts";
import { type MapContents, parseMap } from "../configuration/live-map.ts";
import { commandLine } from "./command-line.ts";
import { type BalancerFiles, balancerFiles, checkPath, type Launcher, type ProgramLine } from "./launcher.ts";
import { type Endpoint, type RuntimeCommand, RuntimeUnreachable, runCommands, runMasterCommand } from "./runtime.ts";
import { alerts, failedBinds } from "./start-messages.ts";
import {
  type Processes,
  parseInfo,
  parseProcesses,
  parseServers,
  parseSessions,
  type ServerRow,
  type WorkerInfo,
} from "./statistics.ts";

const execute = promisify(execFile);

/** How long a start or reload may take until it counts as failed. Large configurations on a busy machine need seconds. */
const READY_TIMEOUT_MS = 10_000;

/** How long HAProxy may take to end at once, connections and all, before it is killed. */
const TERM_TIMEOUT_MS = 2000;

/** How long a killed process may take to be gone. */
const KILL_TIMEOUT_MS = 2000;

/** What HAProxy has written to its log is dropped at the next reload past this size. */
const LOG_LIMIT_BYTES = 1024 * 1024;

/** HAProxy did not take a configuration. What ran before still runs. */
export class ConfigurationRefused extends Error {
  /** What each frontend could not bind, by its name in the configuration. Empty: the reason is another. */
  readonly binds: ReadonlyMap<string, string>;
  constructor(message: string, binds: ReadonlyMap<string, string>) {
    super(message);
    this.name = "ConfigurationRefused";
    this.binds = binds;
  }
}

/** Which sockets the configuration at `text` binds for clients, by frontend. */
export function boundSockets(text: string): Map<string, string> {
  const sockets = new Map<string, string>();
  for (const match of text.matchAll(/^frontend (ls\.\S+)\n(?: {2}.*\n)*? {2}bind (\S+)( .*)?$/gm))
    sockets.set(match[1]!, match[2]!);
  return sockets;
}

/** All that a worker starts from. */
export interface WorkerConfiguration {
  /** haproxy.cfg. */
  readonly text: string;
  /** The same with a server for each group where there may be thousands: whatever HAProxy could refuse is in it. */
  readonly sample: string;
  /** What `show info` is to say of it, so that it is known when it is there. */
  readonly description: string;
  readonly serverState: string;
  /** Path to text: the maps. */
  readonly maps: ReadonlyMap<string, string>;
  /** Path to text: the certificates. */
  readonly certificates: ReadonlyMap<string, string>;
}

export interface Snapshot {
  readonly info: WorkerInfo;
  readonly rows: readonly ServerRow[];
}

/**
 * HAProxy as a process of its own: detached, so that it outlives this one, and found again through the sockets in its
 * directory. One HAProxy per directory.
 */
export class HaproxyProcess {
  readonly files: BalancerFiles;
  readonly #launcher: Launcher;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #onExit: () => void;
  #child: ChildProcess | undefined;
  #lastPids: { master: number; worker: number } | undefined;

  /** `onExit` is called when an HAProxy that this process started is gone. */
  constructor(dir: string, launcher: Launcher, clock: Clock, log: Log, onExit: () => void) {
    this.files = balancerFiles(dir);
    checkPath(this.files.weights);
    this.#launcher = launcher;
    this.#clock = clock;
    this.#log = log;
    this.#onExit = onExit;
    // A worker without rights may go through it to a socket that it knows (handover.ts), and see nothing.
    mkdirSync(dir, { recursive: true, mode: 0o711 });
    chmodSync(dir, 0o711);
    mkdirSync(this.files.certificates, { recursive: true, mode: 0o700 });
  }

  /** The command socket of the worker that takes new connections. */
  get endpoint(): Endpoint {
    return this.#launcher.runtime(this.files).endpoint;
  }

  /** The workers and their servers now. Throws RuntimeUnreachable if HAProxy is not there. */
  async look(): Promise<Snapshot> {
    const [info = "", rows = ""] = await this.command(["show info", "show stat -1 4 -1"]);
    return { info: parseInfo(info), rows: parseServers(rows) };
  }

  command(commands: readonly RuntimeCommand[]): Promise<string[]> {
    return runCommands(this.endpoint, commands, this.#clock);
  }

  async processes(): Promise<Processes> {
    return parseProcesses(await this.#master("show proc"));
  }

  /** The servers of a worker that a reload retired. */
  async retiredRows(pid: number): Promise<ServerRow[]> {
    const answer = await this.#master(`@!${pid} show stat -1 4 -1`);
    return answer.startsWith("#") ? parseServers(answer) : []; // it may have ended since it was listed
  }

  /** Ends the sessions of a server in a retired worker, one by one: it refuses commands on servers of a stopped proxy. */
  async cutRetired(pid: number, { backend, name }: ServerRow): Promise<void> {
    const sessions = parseSessions(await this.#master(`@!${pid} show sess`));
    for (const session of sessions)
      if (session.backend === backend && session.server === name)
        await this.#master(`@!${pid} shutdown session ${session.id}`);
  }

  /** The running worker, or undefined if there is no HAProxy. */
  async find(): Promise<WorkerInfo | undefined> {
    try {
      const [info = ""] = await this.command(["show info"]);
      const worker = parseInfo(info);
      this.#lastPids = { master: (await this.processes()).master, worker: worker.pid };
      return worker;
    } catch (error) {
      if (error instanceof RuntimeUnreachable) return undefined;
      throw error;
    }
  }

  /** What the configuration on disk, that of the running HAProxy, binds (by frontend), and its backends. */
  carried(): { readonly sockets: ReadonlyMap<string, string>; readonly backends: ReadonlySet<string> } {
    const text = existsSync(this.files.config) ? readFileSync(this.files.config, "utf8") : "";
    return {
      sockets: boundSockets(text),
      backends: new Set(Array.from(text.matchAll(/^backend (\S+)$/gm), (m) => m[1]!)),
    };
  }

  /**
   * Starts HAProxy on `config`. None may be running: see kill. The start is the check: there is nothing that a configuration which
   * HAProxy refuses could take down, and every moment until it serves is an outage.
   */
  async start(config: WorkerConfiguration): Promise<WorkerInfo> {
    this.#writeParts(config);
    this.#write(config);
    renameSync(this.files.nextConfig, this.files.config);
    const from = this.#logSize();
    const log = openSync(this.files.log, "a", 0o600);
    const { file, args } = this.#launcher.run(this.files);
    const child = spawn(file, args, { detached: true, stdio: ["ignore", log, log], cwd: this.files.dir });
    closeSync(log);
    child.unref();
    let gone: string | undefined;
    child.on("error", (error) => {
      gone = error.message;
    });
    child.on("exit", (code, signal) => {
      gone ??= `HAProxy ended with ${signal ?? code}`;
      if (this.#child !== child) return;
      this.#child = undefined;
      this.#onExit();
    });
    this.#child = child;
    return this.#ready(config.description, async () => {
      if (gone !== undefined) throw this.#refused(from, gone);
    });
  }

  /** Has the running HAProxy take over `config` without dropping a connection. Throws ConfigurationRefused. */
  async reload(config: WorkerConfiguration): Promise<WorkerInfo> {
    const before = await this.processes();
    const good = readFileSync(this.files.config);
    this.#writeParts(config);
    writeFileSync(this.files.nextConfig, config.sample, { mode: 0o600 });
    await this.#check();
    this.#write(config);
    renameSync(this.files.nextConfig, this.files.config);
    if (this.#logSize() > LOG_LIMIT_BYTES) truncateSync(this.files.log);
    const from = this.#logSize();
    await this.#master("reload");
    try {
      return await this.#ready(config.description, async () => {
        const now = await this.processes().catch(() => before); // the master's socket is away for a moment
        if (now.failedReloads > before.failedReloads) throw this.#refused(from, "the reload failed");
      });
    } catch (error) {
      writeFileSync(this.files.config, good, { mode: 0o600 }); // of what still runs
      throw error;
    }
  }

  /** The map of that file that the worker has: empty if it has none. */
  async map(file: string): Promise<MapContents> {
    const [answer = ""] = await this.command([`show map ${file}`]);
    return parseMap(answer);
  }

  /** Of the certificates and lists that are `wanted`, those that the worker has. What an earlier process left undone is undone. */
  async certificates(wanted: ReturnType<typeof wantedCertificates>): Promise<Certificates> {
    const [all = ""] = await this.command(["show ssl cert"]);
    const { loaded, unfinished } = parseCertificates(all);
    const lists = [...wanted.lists.keys()];
    const answers = await this.command([
      ...unfinished.map((path) => `abort ssl cert ${path}`),
      ...lists.map((list) => `show ssl crt-list ${list}`),
      ...loaded.map((path) => `show ssl cert ${path}`),
    ]);
    const told = answers.slice(unfinished.length);
    const same = (path: string, index: number) =>
      showsCertificate(told[lists.length + index] ?? "", wanted.texts.get(path) ?? "");
    return {
      lists: new Map(
        lists.flatMap((list, index) => {
          const paths = parseList(told[index] ?? "");
          return paths === undefined ? [] : [[list, paths] as const];
        }),
      ),
      contents: new Map(
        loaded.map((path, index) => [
          path,
          wanted.texts.has(path) && same(path, index) ? (wanted.contents.get(path) ?? "") : "",
        ]),
      ),
    };
  }

  /** Makes the folder of certificates hold these files and no other. */
  keepCertificates(files: ReadonlyMap<string, string>): void {
    for (const [path, content] of files) writeFileSync(path, content, { mode: 0o600 });
    for (const name of readdirSync(this.files.certificates))
      if (!files.has(join(this.files.certificates, name))) rmSync(join(this.files.certificates, name));
  }

  /** Ends HAProxy: accepted connections get `graceMs` to finish. Resolves when it is gone. */
  async halt(graceMs: number): Promise<void> {
    const master = await this.processes().then(
      (processes) => processes.master,
      () => undefined,
    );
    if (master !== undefined) {
      if (graceMs > 0) await this.#signal(master, "SIGUSR1");
      if (graceMs === 0 || !(await this.#goneWithin(graceMs))) {
        await this.#signal(master, "SIGTERM");
        await this.#goneWithin(TERM_TIMEOUT_MS);
      }
    }
    await this.kill();
  }

  /** Makes sure that no HAProxy of this directory runs, at once. */
  async kill(): Promise<void> {
    const remove = this.#launcher.signal?.(this.files, "SIGKILL");
    if (remove !== undefined) {
      await execute(remove.file, [...remove.args], { timeout: 30_000 }).catch((error) =>
        this.#log.debug({ err: error }, "there was no HAProxy to remove"),
      );
      return;
    }
    const pids = new Set<number>();
    if (existsSync(this.files.pid)) pids.add(Number.parseInt(readFileSync(this.files.pid, "utf8"), 10));
    if (this.#lastPids !== undefined) pids.add(this.#lastPids.master).add(this.#lastPids.worker);
    for (const pid of pids) {
      if (!(await this.#isOurs(pid))) continue;
      this.#killPid(pid, "SIGKILL");
      await this.#deathOf(pid);
    }
    rmSync(this.files.pid, { force: true });
  }

  /** What runs read these at its start and never reads them again. */
  #writeParts({ maps, certificates }: WorkerConfiguration): void {
    for (const [path, content] of [...maps, ...certificates]) writeFileSync(path, content, { mode: 0o600 });
  }

  /** The configuration goes under the name of the next one. */
  #write({ text, serverState }: WorkerConfiguration): void {
    writeFileSync(this.files.nextConfig, text, { mode: 0o600 });
    writeFileSync(this.files.serverState, serverState, { mode: 0o600 });
  }

  async #check(): Promise<void> {
    const { file, args } = this.#launcher.check(this.files);
    try {
      await execute(file, args, { timeout: 60_000 });
    } catch (error) {
      const { stderr, message } = error as Error & { stderr?: string };
      throw new ConfigurationRefused(`HAProxy refuses its configuration: ${alerts(stderr || message)}`, new Map());
    }
  }

  async #ready(description: string, failed: () => Promise<void>): Promise<WorkerInfo> {
    const until = this.#clock.monotonic() + READY_TIMEOUT_MS;
    for (;;) {
      const worker = await this.find();
      if (worker !== undefined && worker.description === description && !worker.stopping) return worker;
      await failed();
      if (this.#clock.monotonic() > until)
        throw new ConfigurationRefused(`HAProxy was not ready within ${READY_TIMEOUT_MS} ms`, new Map());
      await this.#clock.sleep(15);
    }
  }

  #refused(from: number, why: string): ConfigurationRefused {
    const messages = existsSync(this.files.log) ? readFileSync(this.files.log).subarray(from).toString("utf8") : "";
    return new ConfigurationRefused(`${why}: ${alerts(messages)}`, failedBinds(messages));
  }

  #logSize(): number {
    return existsSync(this.files.log) ? statSync(this.files.log).size : 0;
  }

  #master(command: string): Promise<string> {
    return runMasterCommand(this.#launcher.master(this.files).endpoint, command, this.#clock);
  }

  async #goneWithin(ms: number): Promise<boolean> {
    const until = this.#clock.monotonic() + ms;
    while (this.#clock.monotonic() < until) {
      if (!(await this.#masterAnswers())) return true;
      await this.#clock.sleep(50);
    }
    return false;
  }

  #masterAnswers(): Promise<boolean> {
    return this.processes().then(
      () => true,
      () => false,
    );
  }

  async #signal(master: number, signal: "SIGUSR1" | "SIGTERM"): Promise<void> {
    const line: ProgramLine | undefined = this.#launcher.signal?.(this.files, signal);
    if (line === undefined) return this.#killPid(master, signal);
    await execute(line.file, line.args, { timeout: 30_000 });
  }

  #killPid(pid: number, signal: NodeJS.Signals): void {
    try {
      process.kill(pid, signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
      this.#log.debug({ pid, signal }, "HAProxy was gone already");
    }
  }

  /** Waits for a killed process to go: until then it holds its ports. Throws if it does not (stuck in the kernel). */
  async #deathOf(pid: number): Promise<void> {
    const until = this.#clock.monotonic() + KILL_TIMEOUT_MS;
    while (await this.#isOurs(pid)) {
      if (this.#clock.monotonic() > until) throw new Error(`HAProxy (pid ${pid}) was killed but does not end`);
      await this.#clock.sleep(5);
    }
  }

  /** Whether `pid` is an HAProxy on our configuration, or one that ends: a pid may have been given to another program since. */
  async #isOurs(pid: number): Promise<boolean> {
    if (!Number.isInteger(pid) || pid < 2) return false;
    const line = await commandLine(pid);
    return line === "ending" || (line?.includes(this.files.config) ?? false);
  }
}
