import type { AwsClient } from "../../wire/client.ts";
import { connect, findConnection } from "../connection.ts";
import type { Claim } from "./claim.ts";
import { deployExample, EXAMPLE, serveExampleSecurely, stopAllTasks, waitForExample } from "./example.ts";
import { type FileConnection, LOCAL_HOST_COUNT, startEngineHost, startLocalHosts, waitForHosts } from "./hosts.ts";
import { type KeptProcess, keepRunning } from "./kept-process.ts";
import { clearAll, type Place } from "./leftovers.ts";
import { type Address, checkFree } from "./ports.ts";

/** How long tasks may take to stop in order where the engine stays; the example's need about a second. */
const STOP_LIMIT_MS = 30_000;

const USUAL_HTTPS_PORT = 8443;

/** What a start is told. */
export interface StartOptions {
  readonly listen: Address;
  /** The port of the example service on 127.0.0.1. */
  readonly port: number;
  /** The same over HTTPS; undefined: 8443 if it is free. */
  readonly httpsPort?: number;
  /** What the names of the local hosts begin with. */
  readonly hostPrefix: string;
}

/** Everything that one start makes, and its removal in the opposite order. */
export class StartedCluster {
  readonly #place: Place;
  readonly #options: StartOptions;
  readonly #claim: Claim;
  readonly #signal: AbortSignal;
  readonly #say: (text: string) => void;
  #server: KeptProcess | undefined;
  #agent: KeptProcess | undefined;
  #client: AwsClient | undefined;
  #httpsPort: number | undefined;

  constructor(
    place: Place,
    options: StartOptions,
    claim: Claim,
    on: { readonly signal: AbortSignal; readonly say: (text: string) => void },
  ) {
    this.#place = place;
    this.#options = options;
    this.#claim = claim;
    this.#signal = on.signal;
    this.#say = on.say;
  }

  /** Brings it up. Throws what went wrong, or the signal's reason when that is aborted: `down` is to follow in either case. */
  async up(): Promise<FileConnection> {
    const { clock } = this.#place;
    const { listen, port, hostPrefix } = this.#options;
    const signal = this.#signal;
    await this.#step("clearing what an earlier start left", async () => {
      await clearAll(this.#place);
      await checkFree(listen, "the API", "--listen");
      await checkFree({ host: "127.0.0.1", port }, "the example service", "--port");
      await this.#chooseHttpsPort();
    });
    await this.#step(`starting the server on ${listen.host}:${listen.port}`, () => this.#startServer());
    const connection = this.#readConnection();
    const client = connect(connection);
    this.#client = client;
    await client.ecs("CreateCluster", { clusterName: EXAMPLE.cluster });
    const { mode, dockerHost = "" } = this.#place.machine;
    const hosts =
      mode === "hosts"
        ? `making ${LOCAL_HOST_COUNT} local hosts, each with its own Docker Engine`
        : `joining the Docker Engine at ${dockerHost}`;
    await this.#step(hosts, async () => {
      if (mode === "hosts") await startLocalHosts(connection, this.#place.settings, hostPrefix, signal);
      else this.#agent = await startEngineHost(connection, { ...this.#place, dockerHost, signal });
      await waitForHosts(client, clock, mode === "hosts" ? LOCAL_HOST_COUNT : 1, signal);
    });
    await this.#step(`deploying the example service on ${EXAMPLE.tasks} tasks`, async () => {
      const front = await deployExample(client, port);
      if (this.#httpsPort !== undefined) await serveExampleSecurely(client, clock, front, this.#httpsPort, signal);
      await waitForExample(client, clock, (event) => this.#say(`    ${event}`), signal);
    });
    return connection;
  }

  /** Where the example is served over HTTPS, if it is. */
  get httpsPort(): number | undefined {
    return this.#httpsPort;
  }

  /** One that was asked for must be free; without the usual one there is no HTTPS. */
  async #chooseHttpsPort(): Promise<void> {
    const { httpsPort: wanted } = this.#options;
    const port = wanted ?? USUAL_HTTPS_PORT;
    try {
      await checkFree({ host: "127.0.0.1", port }, "the example service over HTTPS", "--https-port");
      this.#httpsPort = port;
    } catch (error) {
      if (wanted !== undefined) throw error;
      this.#say(`    ${(error as Error).message}; going on without HTTPS`);
    }
  }

  /** Takes down what there is, also when it came up half way. Answers what could not be removed; the next start tries again. */
  async down(): Promise<readonly string[]> {
    const client = this.#client;
    const steps: readonly (() => Promise<void> | undefined)[] = [
      async () => this.#claim.stopping(),
      () => (this.#agent && client ? stopAllTasks(client, this.#place.clock, STOP_LIMIT_MS) : undefined),
      () => this.#agent?.end(),
      () => this.#server?.end(),
      () => clearAll(this.#place),
    ];
    const failures: string[] = [];
    for (const take of steps) {
      try {
        await take();
      } catch (error) {
        failures.push((error as Error).message);
      }
    }
    if (failures.length === 0) this.#claim.release();
    return failures;
  }

  async #step(what: string, run: () => Promise<void>): Promise<void> {
    this.#signal.throwIfAborted();
    this.#say(`- ${what}`);
    await run();
  }

  async #startServer(): Promise<void> {
    const { machine, dataDir, clock } = this.#place;
    const { host, port } = this.#options.listen;
    const listen = `${host.includes(":") ? `[${host}]` : host}:${port}`;
    const inContainer = machine.haproxy === "container";
    this.#server = await keepRunning({
      name: "server",
      dir: dataDir,
      args: [
        ...["server", "--data-dir", dataDir, "--listen", listen],
        ...(inContainer ? ["--haproxy", "container"] : []),
      ],
      env: inContainer ? { ...process.env, DOCKER_HOST: machine.dockerHost } : process.env,
      ready: "ready",
      clock,
      signal: this.#signal,
    });
  }

  #readConnection(): FileConnection {
    const connection = findConnection({ dataDir: this.#place.dataDir }, process.env);
    return { ...connection, credentialsFile: connection.credentialsFile ?? "" };
  }
}
