import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { ECSClient } from "@aws-sdk/client-ecs";
import { ElasticLoadBalancingV2Client } from "@aws-sdk/client-elastic-load-balancing-v2";
import {
  addHost,
  buildHelloImage,
  type Host,
  type HostStatus,
  type HostsSettings,
  hostsSettings,
  killHost,
  listHosts,
  removeHost,
} from "../../src/capacity/index.ts";
import { type AccessKey, parseSharedCredentials } from "../../src/runtime/shared-credentials.ts";
import { endServer, launchServer } from "./server-process.ts";
import { claim, DATA_DIR_PREFIX, sweep } from "./sweep.ts";

/** A whole Berth for one test file: a server process, local hosts with real engines, and the official clients. */
export interface Cluster {
  readonly dataDir: string;
  readonly endpoint: string;
  readonly key: AccessKey;
  readonly ecs: ECSClient;
  readonly elb: ElasticLoadBalancingV2Client;
  readonly hosts: readonly Host[];
  /** The environment with which the aws CLI and `berth` reach the server. */
  readonly env: NodeJS.ProcessEnv;
  serverPid(): number;
  /** SIGKILL to the server, and a new one on the same data, after `whileDown`; resolves when it is ready. */
  crashServer(whileDown?: () => Promise<void>): Promise<void>;
  addHost(name: string): Promise<Host>;
  killHost(name: string): Promise<void>;
  /** Plugs a host's cable in, or pulls it: nothing runs differently on the host, and nothing of it is heard. */
  cable(name: string, is: "up" | "down"): Promise<void>;
  /** The process ids of a host's supervisor, agent, engine and balancer, those that run. */
  pids(name: string): Promise<HostStatus["pids"]>;
  removeHost(name: string): Promise<void>;
  /** Runs the Docker CLI against a host's engine and answers its standard output. */
  docker(host: Host, ...args: string[]): Promise<string>;
  close(): Promise<void>;
}

const run = promisify(execFile);

/** Each test process has names and a network of its own, so that several may run beside each other. */
const PREFIX = `t${process.pid.toString(36)}-`;
const NETWORK = `10.${100 + (process.pid % 100)}.${Math.floor(process.pid / 100) % 250}`;

/** The address by which this process's hosts reach the machine. */
export const GATEWAY = `${NETWORK}.1`;

/**
 * Starts a server on a free port and `hosts` local hosts, each with the example images hello:v1 and hello:v2. Everything
 * is removed by `close`, which must be called also when a test fails.
 */
export async function startCluster(options: {
  readonly hosts: number;
  readonly serverArgs?: readonly string[];
  /** Whether every host carries the load balancers, beside the server. */
  readonly balancers?: boolean;
}): Promise<Cluster> {
  await sweep();
  const dataDir = mkdtempSync(join(tmpdir(), DATA_DIR_PREFIX));
  const network = {
    BERTH_HOSTS_DIR: join(dataDir, "h"),
    BERTH_BRIDGE: `bt${process.pid.toString(36)}`,
    BERTH_SUBNET: `${NETWORK}.0/24`,
  };
  claim(dataDir, network);
  const settings = hostsSettings(network);
  const args = ["--data-dir", dataDir, "--log-level", "info", ...(options.serverArgs ?? [])];
  let server = await launchServer([...args, "--listen", "127.0.0.1:0"], dataDir);
  const { endpoint } = serverFile(dataDir);
  const listen = new URL(endpoint).host;
  const key = parseSharedCredentials(readFileSync(join(dataDir, "credentials"), "utf8"), "default");
  if (key === undefined) throw new Error("the server wrote no credentials");
  const client = { endpoint, region: "us-east-1", credentials: key, maxAttempts: 1 };
  const hosts: Host[] = [];
  const cluster: Cluster = {
    dataDir,
    endpoint,
    key,
    ecs: new ECSClient(client),
    elb: new ElasticLoadBalancingV2Client(client),
    hosts,
    env: environment(endpoint, key, dataDir),
    serverPid: () => server.pid ?? -1,
    crashServer: async (whileDown) => {
      const gone = new Promise((resolve) => server.once("exit", resolve));
      server.kill("SIGKILL");
      await gone;
      await whileDown?.();
      server = await launchServer([...args, "--listen", listen], dataDir);
    },
    addHost: async (name) => {
      const host = await newHost(name, { endpoint, dataDir, balancer: options.balancers }, settings);
      hosts.push(host);
      return host;
    },
    killHost: (name) => killHost(name, settings),
    cable: async (name, is) => {
      const record = readFileSync(join(settings.dir, "hosts", name, "host.json"), "utf8");
      const { bridge, number } = JSON.parse(record) as { bridge: string; number: number };
      await run("ip", ["link", "set", `${bridge}.${number}`, is]);
    },
    pids: async (name) => (await listHosts(settings)).find((h) => h.name === name)?.pids ?? {},
    removeHost: async (name) => {
      hosts.splice(0, hosts.length, ...hosts.filter((h) => h.name !== name));
      await removeHost(name, settings);
    },
    docker: async (host, ...dockerArgs) => (await run("docker", ["-H", host.dockerHost, ...dockerArgs])).stdout.trim(),
    close: async () => {
      cluster.ecs.destroy();
      cluster.elb.destroy();
      for (const left of await listHosts(settings)) await removeHost(left.name, settings);
      await endServer(server);
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
  try {
    await Promise.all(Array.from({ length: options.hosts }, (_, i) => cluster.addHost(`${PREFIX}${i + 1}`)));
    hosts.sort((a, b) => (a.name < b.name ? -1 : 1));
  } catch (error) {
    await cluster.close();
    throw error;
  }
  return cluster;
}

async function newHost(
  name: string,
  of: { readonly endpoint: string; readonly dataDir: string; readonly balancer?: boolean },
  settings: HostsSettings,
): Promise<Host> {
  const { endpoint, dataDir, balancer } = of;
  const host = await addHost(
    {
      name,
      endpoint,
      balancer,
      cluster: "default",
      credentialsFile: join(dataDir, "credentials"),
      region: "us-east-1",
      attributes: { "berth.host-name": name },
    },
    settings,
  );
  await buildHelloImage(host.dockerHost, "hello:v1");
  await buildHelloImage(host.dockerHost, "hello:v2");
  return host;
}

function serverFile(dataDir: string): { endpoint: string } {
  return JSON.parse(readFileSync(join(dataDir, "server.json"), "utf8"));
}

function environment(endpoint: string, key: AccessKey, dataDir: string): NodeJS.ProcessEnv {
  return {
    PATH: process.env.PATH,
    HOME: dataDir,
    AWS_ENDPOINT_URL: endpoint,
    AWS_ACCESS_KEY_ID: key.accessKeyId,
    AWS_SECRET_ACCESS_KEY: key.secretAccessKey,
    AWS_DEFAULT_REGION: "us-east-1",
    AWS_PAGER: "",
    AWS_EC2_METADATA_DISABLED: "true",
  };
}
