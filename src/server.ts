import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { createSecureContext } from "node:tls";
import { setFlagsFromString } from "node:v8";
import type { Principal } from "./api/context.ts";
import { type Balancer, containerLauncher, localLauncher, startBalancer } from "./balancer/index.ts";
import type { CertificateIssuers } from "./controllers/index.ts";
import { type Clock, systemClock } from "./runtime/clock.ts";
import { type Log, processLog } from "./runtime/log.ts";
import { type Random, systemRandom } from "./runtime/random.ts";
import { createSealer } from "./runtime/sealer.ts";
import { certificateIssuers } from "./server-certificates.ts";
import { type ControlPlane, composeControlPlane } from "./server-compose.ts";
import { administratorKey, keptSecret } from "./server-credentials.ts";
import type { ServerSettings } from "./server-settings.ts";
import { type BerthStore, MIGRATIONS, openStore, SCHEMA, sqliteJournal } from "./store/index.ts";
import {
  AccessFiles,
  controlPlaneMetrics,
  createAccessLog,
  formatMetrics,
  PROMETHEUS_CONTENT_TYPE,
  type Telemetry,
  trafficMetrics,
} from "./telemetry/index.ts";
import { answerUnavailable, createWireHandler } from "./wire/server.ts";

/** How long an end may wait for what is under way, before the process ends all the same. */
const END_LIMIT_MS = 10_000;

/** How much longer than its silence a connection may be kept that sends no request, in milliseconds. */
const KEEP_ALIVE_MS = 65_000;

/** How many connections are open at once at most: agents, clients and scrapers together. */
const MAX_CONNECTIONS = 20_000;

/**
 * The heap may double before all of it is looked through for garbage. Left to itself, V8 looks after a third or half as much
 * while thousands of tasks are being launched, and calls wait for each look.
 */
const HEAP_GROWTH = "--heap-growing-percent=100";

/**
 * Runs the control plane until it is told to end, and answers the exit code. SIGTERM leaves the load balancer running, for
 * the next start to take over; SIGINT (Ctrl-C) ends it too.
 */
export async function runServer(settings: ServerSettings): Promise<number> {
  const log = processLog("berth-server", settings["log-level"]);
  const clock = systemClock();
  const random = systemRandom();
  const dataDir = settings["data-dir"];
  setFlagsFromString(HEAP_GROWTH);
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const issuers = certificateIssuers(settings, clock);
  const ended = endSignal();
  // The port comes first: a second server on it must end before it touches anything.
  const http = openHttp(settings.tls);
  const endpoint = `${settings.tls === "" ? "http" : "https"}://${await listen(http, settings.listen)}`;
  const store = await openStore({
    schema: SCHEMA,
    migrations: MIGRATIONS,
    journal: sqliteJournal({ path: join(dataDir, "berth.db"), clock, log }),
    log,
  });
  const balancer = await openBalancer(settings, clock, log);
  const controlPlane = compose({ settings, store, balancer, issuers, clock, random, log });
  http.removeAllListeners("request").on("request", controlPlane.answer);
  http.on("upgrade", (request, socket, head) => {
    const { carriers, gateway } = controlPlane;
    (carriers.isAsked(request) ? carriers : gateway).handleUpgrade(request, socket, head);
  });
  const serverFile = join(dataDir, "server.json");
  writeFileSync(serverFile, JSON.stringify({ endpoint, region: settings.region, pid: process.pid }));
  process.stdout.write(`ready ${endpoint}\n`);

  const cause = await Promise.race([ended, store.failed.then((error) => ({ error }))]);
  clock.after(END_LIMIT_MS, () => process.exit(1));
  http.close();
  http.closeAllConnections();
  await controlPlane.stop();
  rmSync(serverFile, { force: true });
  if ("error" in cause) {
    // What is not durable must not be acknowledged: without its journal a control plane ends.
    log.error({ error: String(cause.error) }, "the store failed");
    await balancer?.stop({ keepRunning: true });
    process.stderr.write(`berth: ${cause.error.message}\n`);
    return 1;
  }
  await balancer?.stop({ keepRunning: cause.signal === "SIGTERM" });
  await store.close();
  return 0;
}

/** An HTTP server, or with a certificate an HTTPS server, that answers 503 until it is given something better. */
function openHttp(tls: string): Server {
  const starting = (request: IncomingMessage, response: ServerResponse) =>
    answerUnavailable(request, response, "The control plane is starting.");
  const http = tls === "" ? createServer(starting) : createTlsServer(readTls(tls), starting);
  http.maxConnections = MAX_CONNECTIONS;
  http.keepAliveTimeout = KEEP_ALIVE_MS;
  return http;
}

interface Parts {
  readonly settings: ServerSettings;
  readonly store: BerthStore;
  readonly balancer: Balancer | undefined;
  readonly issuers: CertificateIssuers;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

interface Served extends Pick<ControlPlane, "gateway" | "carriers" | "stop"> {
  answer(request: IncomingMessage, response: ServerResponse): void;
}

/** Puts the control plane together as the settings say, with its APIs behind HTTP. */
function compose({ settings, store, balancer, issuers, clock, random, log }: Parts): Served {
  const dataDir = settings["data-dir"];
  const { region } = settings;
  const key = administratorKey(dataDir, random);
  const principal: Principal = { accessKeyId: key.accessKeyId, arn: `arn:aws:iam::${settings["account-id"]}:root` };
  const authenticate = (accessKeyId: string, sessionToken?: string) =>
    accessKeyId === key.accessKeyId && sessionToken === undefined
      ? { secretAccessKey: key.secretAccessKey, principal }
      : undefined;
  const accountId = settings["account-id"];
  const files = new AccessFiles({
    dir: join(dataDir, "access-logs"),
    clock,
    log,
    keepMs: settings["access-log-retention"] * 86_400_000,
    keepBytes: settings["access-log-limit"] * 1024 * 1024,
  });
  const { gateway, carriers, telemetry, services, stop } = composeControlPlane({
    store,
    balancer,
    clock,
    random,
    log,
    authenticate,
    scope: { partition: "aws", region, accountId: settings["account-id"] },
    pageSecret: keptSecret(dataDir, "page-secret", random),
    sealer: createSealer(keptSecret(dataDir, "sealing-key", random), random),
    balancerAddress: settings["balancer-address"],
    issuers,
    deployment: {
      healthyAfterMs: settings["service-healthy-after"] * 1000,
      rebalanceAfterMs: settings["rebalance-after"] * 1000,
    },
    retention: {
      stoppedTaskMs: settings["stopped-task-retention"] * 3_600_000,
      stoppedTaskLimit: settings["stopped-task-limit"],
    },
    hostLoss: {
      graceMs: settings["host-loss-grace"] * 1000,
      startGraceMs: settings["start-grace"] * 1000,
      brakePercent: settings["host-loss-brake"],
    },
    takeAccess: createAccessLog({ store, clock, random, region, accountId, files }),
    attendance: { graceMs: settings["balancer-grace"] * 1000, startGraceMs: settings["start-grace"] * 1000 },
  });
  const api = createWireHandler({ services, authenticate, region, clock, random, log });
  const answer = (request: IncomingMessage, response: ServerResponse) =>
    route(request, response, { api, store, telemetry });
  const stopAll = async () => {
    await stop();
    await files.stop();
  };
  return { gateway, carriers, answer, stop: stopAll };
}

/** HAProxy, or nothing where there is none or none is wanted: then other hosts carry the load balancers, or nobody does. */
async function openBalancer(settings: ServerSettings, clock: Clock, log: Log): Promise<Balancer | undefined> {
  if (settings.haproxy === "none") return undefined;
  const dir = join(settings["data-dir"], "haproxy");
  const launcher =
    settings.haproxy === "container"
      ? containerLauncher({ docker: "docker", image: settings["haproxy-image"] })
      : localLauncher(settings.haproxy);
  try {
    return await startBalancer({ dir, launcher, clock, log });
  } catch (error) {
    log.warn(
      { error: String(error) },
      "no load balancer here: while no other host carries them, listeners are refused",
    );
    return undefined;
  }
}

function route(
  request: IncomingMessage,
  response: ServerResponse,
  to: {
    readonly api: (request: IncomingMessage, response: ServerResponse) => void;
    readonly store: BerthStore;
    readonly telemetry: Telemetry;
  },
): void {
  switch (request.method === "GET" ? request.url : undefined) {
    case "/healthz":
      response.writeHead(200, { "content-type": "text/plain" }).end("ok\n");
      return;
    case "/metrics":
      response
        .writeHead(200, { "content-type": PROMETHEUS_CONTENT_TYPE })
        .end(formatMetrics([...controlPlaneMetrics(to.store), ...trafficMetrics(to.telemetry.traffic, to.store.view)]));
      return;
    default:
      to.api(request, response);
  }
}

/** One PEM file with the certificate chain and its private key. Throws naming the file if it cannot be used. */
function readTls(file: string): { readonly cert: string; readonly key: string } {
  try {
    const pem = readFileSync(file, "utf8");
    createSecureContext({ cert: pem, key: pem });
    return { cert: pem, key: pem };
  } catch (error) {
    const what = (error as Error).message;
    throw new Error(
      `--tls ${file} cannot be used: ${what}. It must hold a certificate chain and its private key as PEM.`,
    );
  }
}

/** Opens the port and answers the address and port by which this machine reaches it. */
async function listen(http: Server, at: { readonly host: string; readonly port: number }): Promise<string> {
  await new Promise<void>((resolve, reject) => {
    http.once("error", (error: NodeJS.ErrnoException) => {
      const where = `${at.host}:${at.port}`;
      reject(
        error.code === "EADDRINUSE"
          ? new Error(`${where} is in use already: stop what listens there, or choose another address with --listen`)
          : new Error(`cannot listen on ${where}: ${error.message}`),
      );
    });
    http.listen(at.port, at.host, resolve);
  });
  const { port } = http.address() as AddressInfo;
  const host = at.host === "0.0.0.0" ? "127.0.0.1" : at.host.includes(":") ? `[${at.host}]` : at.host;
  return `${host}:${port}`;
}

function endSignal(): Promise<{ readonly signal: NodeJS.Signals }> {
  return new Promise((resolve) => {
    for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => resolve({ signal }));
  });
}
