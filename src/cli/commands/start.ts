import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import { detectMachine, type HostsSettings, type Machine } from "../../capacity/index.ts";
import { type Clock, systemClock } from "../../runtime/clock.ts";
import { defaultDataDir } from "../../runtime/data-dir.ts";
import { parseSharedCredentials } from "../../runtime/shared-credentials.ts";
import { type Connection, connect } from "../connection.ts";
import { deployExample, EXAMPLE, removeExample, waitForExample } from "../start/example.ts";
import {
  removeLeftHosts,
  type StartedHosts,
  startEngineHost,
  startHostsSettings,
  startLocalHosts,
  waitForHosts,
} from "../start/hosts.ts";
import { type KeptProcess, keepRunning, logFile } from "../start/server-process.ts";
import { UsageError } from "../usage.ts";

/** How long the example's tasks may take to stop where the engine stays. */
const REMOVE_LIMIT_MS = 30_000;

/** `berth start` (`npm start`): a whole cluster on this machine with the example service, until Ctrl-C. */
export function startCommand(program: Command): void {
  program
    .command("start")
    .description("run a whole cluster on this machine with an example service, until Ctrl-C")
    .option("--listen <host:port>", "where the API is served", "127.0.0.1:7070")
    .action(async (options: { listen: string }) => {
      const machine = usableMachine(await detectMachine());
      const clock = systemClock();
      const stop = stopSignal();
      const run = new Start(machine, options.listen, clock);
      try {
        await Promise.race([run.up(), stop]);
        await stop;
      } finally {
        await run.down();
      }
    });
}

/** The machine, if a cluster can run on it. Throws UsageError naming what is missing and how to get it. */
function usableMachine(machine: Machine): Machine {
  const lacking = [
    ...(machine.mode === "none"
      ? [...machine.missing, "no Docker Engine answers either; start one, or set DOCKER_HOST to one"]
      : []),
    ...(machine.haproxy === "none"
      ? ["haproxy (2.6 or newer) is not on the PATH; install it, or start a Docker Engine to run it in"]
      : []),
  ];
  if (lacking.length > 0) throw new UsageError(`a cluster cannot run on this machine:\n  ${lacking.join("\n  ")}`);
  return machine;
}

/** Everything that one start makes, and its removal in the opposite order. */
class Start {
  readonly #machine: Machine;
  readonly #listen: string;
  readonly #clock: Clock;
  readonly #dataDir = join(defaultDataDir(process.env), "start");
  readonly #settings: HostsSettings;
  #server: KeptProcess | undefined;
  #hosts: StartedHosts | undefined;
  #connection: (Connection & { readonly credentialsFile: string }) | undefined;
  #starting: Promise<void> = Promise.resolve();

  constructor(machine: Machine, listen: string, clock: Clock) {
    this.#machine = machine;
    this.#listen = listen;
    this.#clock = clock;
    this.#settings = startHostsSettings(this.#dataDir, process.env);
  }

  up(): Promise<void> {
    this.#starting = this.#up();
    return this.#starting;
  }

  async #up(): Promise<void> {
    await step("clearing what an earlier start left", () => this.#clear());
    await step(`starting the server on ${this.#listen}`, () => this.#startServer());
    const connection = this.#readConnection();
    this.#connection = connection;
    const client = connect(connection);
    await client.ecs("CreateCluster", { clusterName: EXAMPLE.cluster });
    const what =
      this.#machine.mode === "hosts"
        ? "making three local hosts, each with its own Docker Engine"
        : "joining this machine's Docker Engine";
    await step(what, async () => {
      this.#hosts =
        this.#machine.mode === "hosts"
          ? await startLocalHosts(connection, this.#settings)
          : await startEngineHost(connection, this.#dataDir, this.#machine.dockerHost ?? "", this.#clock);
      await waitForHosts(client, this.#clock, this.#hosts.names.length);
    });
    await step(`deploying the example service on ${EXAMPLE.tasks} tasks`, async () => {
      await deployExample(client);
      await waitForExample(client, this.#clock, (event) => say(`    ${event}`));
    });
    say(welcome(connection));
  }

  /** Takes down what there is, also when it came up half way. Errors are told; what is left is cleared by the next start. */
  async down(): Promise<void> {
    say("\nstopping and removing everything that was started");
    await this.#starting.catch(() => {});
    const connection = this.#connection;
    const steps: readonly (() => Promise<void> | undefined)[] = [
      () =>
        this.#hosts?.engineStays && connection !== undefined
          ? removeExample(connect(connection), this.#clock, REMOVE_LIMIT_MS)
          : undefined,
      () => this.#hosts?.remove(),
      () => this.#server?.end(),
      () => this.#clear(),
    ];
    for (const take of steps) {
      try {
        await take();
      } catch (error) {
        say(`  not removed: ${(error as Error).message}`);
        process.exitCode = 1;
      }
    }
  }

  async #clear(): Promise<void> {
    if (this.#machine.mode === "hosts") await removeLeftHosts(this.#settings);
    await endServerOf(this.#dataDir, this.#clock);
    rmSync(this.#dataDir, { recursive: true, force: true });
  }

  async #startServer(): Promise<void> {
    mkdirSync(this.#dataDir, { recursive: true });
    chmodSync(this.#dataDir, 0o700);
    const haproxy = this.#machine.haproxy === "container" ? ["--haproxy", "container"] : [];
    this.#server = await keepRunning(this.#clock, {
      args: ["server", "--data-dir", this.#dataDir, "--listen", this.#listen, ...haproxy],
      env: { ...process.env },
      logFile: logFile(this.#dataDir, "server"),
      ready: "ready",
    });
  }

  #readConnection(): Connection & { readonly credentialsFile: string } {
    const credentialsFile = join(this.#dataDir, "credentials");
    const key = parseSharedCredentials(readFileSync(credentialsFile, "utf8"), "default");
    const server = JSON.parse(readFileSync(join(this.#dataDir, "server.json"), "utf8")) as {
      endpoint: string;
      region: string;
    };
    if (key === undefined) throw new Error(`${credentialsFile} holds no key`);
    return { ...server, key, credentialsFile };
  }
}

/** Ends a server that an earlier start left running (its own end was cut off), and with it its load balancer. */
async function endServerOf(dataDir: string, clock: Clock): Promise<void> {
  const file = join(dataDir, "server.json");
  if (!existsSync(file)) return;
  const { pid } = JSON.parse(readFileSync(file, "utf8")) as { pid: number };
  for (let tries = 0; tries < 100 && isBerthServer(pid, dataDir); tries++) {
    if (tries === 0) process.kill(pid, "SIGINT");
    await clock.sleep(100);
  }
}

/** True if that process is the server of that data directory: pids are used again. */
function isBerthServer(pid: number, dataDir: string): boolean {
  try {
    const line = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
    return line.includes("server") && line.includes(dataDir);
  } catch {
    return false; // no such process, or no /proc: nothing to end
  }
}

function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => resolve());
  });
}

async function step(what: string, run: () => Promise<void>): Promise<void> {
  say(`- ${what}`);
  await run();
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

function welcome(connection: Connection): string {
  return `
Berth is up.
  the example service   curl http://127.0.0.1:${EXAMPLE.port}
  the API               ${connection.endpoint}
  for the aws CLI       eval "$(bin/berth env)" && aws ecs list-services
  what runs             bin/berth ps, bin/berth services, bin/berth hosts, bin/berth events ${EXAMPLE.name}
  ship version 2        aws ecs update-service --service ${EXAMPLE.name} --task-definition ${EXAMPLE.name}:2
Ctrl-C stops and removes all of it.`;
}
