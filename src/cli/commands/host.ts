import { existsSync } from "node:fs";
import { type Command, Option } from "commander";
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
} from "../../capacity/index.ts";
import { systemClock } from "../../runtime/clock.ts";
import { defaultDataDir } from "../../runtime/data-dir.ts";
import type { AwsClient } from "../../wire/client.ts";
import { AwsError } from "../../wire/errors.ts";
import { connect, findConnection, startDataDir } from "../connection.ts";
import { allContainerInstances, hostName } from "../listing.ts";
import { type OutputFormat, printJson, printRows } from "../output.ts";
import { exampleImages } from "../start/example.ts";
import { startHostsSettings } from "../start/hosts.ts";
import { UsageError } from "../usage.ts";

/** How long the agent of a new host may take to join. */
const JOIN_LIMIT_MS = 30_000;
const JOIN_POLL_MS = 100;

interface ServerOptions {
  readonly cluster: string;
  readonly endpoint?: string;
  readonly region?: string;
  readonly dataDir?: string;
}

interface AddOptions extends ServerOptions {
  readonly availabilityZone?: string;
  readonly hostGroup?: string;
  readonly balancer?: boolean;
  readonly output: OutputFormat;
}

/** `berth host add|ls|rm|kill`: local hosts, each a network namespace with its own address, Docker Engine and agent. */
export function hostCommand(program: Command): void {
  const host = program
    .command("host")
    .description("make and remove local hosts, each a real engine with its own address (root on Linux)");
  withServerOptions(host.command("add").description("make a local host and join it to a cluster"))
    .argument("<name>", "1 to 31 lower-case letters, digits and hyphens")
    .option("--availability-zone <zone>", "the zone that the host says it is in (default: the region's a)")
    .option("--host-group <name>", "the group of hosts that it belongs to, which a capacity provider is made of")
    .option("--balancer", "it carries the load balancers too")
    .addOption(outputOption())
    .action(add);
  host
    .command("ls")
    .description("list this machine's local hosts, those of `berth start` too")
    .option("--data-dir <dir>", "the data directory of this machine's server")
    .addOption(outputOption())
    .action(list);
  withServerOptions(host.command("rm").description("remove local hosts and all that runs on them"))
    .argument("<names...>", "their names, as `berth host ls` shows them")
    .action(async (names: string[], options: ServerOptions) => {
      for (const name of names) await remove(name, options);
    });
  host
    .command("kill")
    .description("pull the plug of a local host: everything on it dies at once; remove it with rm")
    .argument("<name>", "its name, as `berth host ls` shows it")
    .option("--data-dir <dir>", "the data directory of this machine's server")
    .action(async (name: string, options: { dataDir?: string }) => {
      const [, settings] = await find(name, options.dataDir);
      await killHost(name, settings);
    });
}

const outputOption = () =>
  new Option("-o, --output <format>", "table or json").choices(["table", "json"]).default("table");

function withServerOptions(command: Command): Command {
  return command
    .addOption(new Option("-c, --cluster <name>", "the cluster of the host").env("ECS_CLUSTER").default("default"))
    .option("--endpoint <url>", "the server (default: AWS_ENDPOINT_URL, else the server of this machine)")
    .option("--region <region>", "the region (default: the server's)")
    .option("--data-dir <dir>", "the data directory of this machine's server");
}

const baseOf = ({ dataDir }: { readonly dataDir?: string }) => dataDir ?? defaultDataDir(process.env);

/** Hosts that were added by hand, and those of `berth start`, are kept apart: that start removes its own when it ends. */
function hostSets(dataDir: string | undefined): readonly HostsSettings[] {
  const base = baseOf({ dataDir });
  const byHand = hostsSettings({ ...process.env, BERTH_HOSTS_DIR: process.env.BERTH_HOSTS_DIR || base });
  const start = startDataDir(base);
  return existsSync(start) ? [byHand, startHostsSettings(start, process.env)] : [byHand];
}

async function find(name: string, dataDir: string | undefined): Promise<readonly [HostStatus, HostsSettings]> {
  for (const settings of hostSets(dataDir)) {
    const host = (await listHosts(settings)).find((it) => it.name === name);
    if (host !== undefined) return [host, settings];
  }
  throw new Error(`there is no local host named '${name}'; \`berth host ls\` lists them`);
}

async function add(name: string, options: AddOptions): Promise<void> {
  const connection = findConnection(options, process.env);
  if (connection.credentialsFile === undefined) {
    throw new UsageError(
      "a host's agent needs a credentials file: set AWS_SHARED_CREDENTIALS_FILE to the server's (DIR/credentials) instead of AWS_ACCESS_KEY_ID, or name the server's data directory with --data-dir",
    );
  }
  const client = connect(connection);
  await checkCluster(client, options.cluster);
  // A host that joins the server of a start goes with it.
  const settings = hostSets(options.dataDir).find((set) => set.dir === connection.dataDir);
  const host = await addHost(
    {
      name,
      endpoint: connection.endpoint,
      cluster: options.cluster,
      credentialsFile: connection.credentialsFile,
      region: connection.region,
      availabilityZone: options.availabilityZone,
      balancer: options.balancer,
      attributes: {
        "berth.host-name": name,
        ...(options.hostGroup === undefined ? {} : { "berth.host-group": options.hostGroup }),
      },
    },
    settings ?? hostSets(options.dataDir)[0],
  );
  // The example's tasks may be placed on it, and no registry has their image.
  if (settings !== undefined && connection.dataDir === startDataDir(baseOf(options)))
    for (const image of exampleImages()) await buildHelloImage(host.dockerHost, image);
  await untilJoined(client, options.cluster, host);
  if (options.output === "json") return printJson(host);
  process.stdout.write(
    `host ${host.name} is up at ${host.address} and has joined cluster ${options.cluster}; its engine is ${host.dockerHost}\n`,
  );
}

/** Throws if the server does not answer, or has no such cluster. An agent makes the cluster `default` itself. */
async function checkCluster(client: AwsClient, cluster: string): Promise<void> {
  const { clusters } = await client.ecs("DescribeClusters", { clusters: [cluster] });
  if (cluster === "default" || clusters?.[0]?.status === "ACTIVE") return;
  throw new Error(`there is no cluster '${cluster}'; make it first: aws ecs create-cluster --cluster-name ${cluster}`);
}

async function untilJoined(client: AwsClient, cluster: string, host: Host): Promise<void> {
  const clock = systemClock();
  const deadline = clock.monotonic() + JOIN_LIMIT_MS;
  for (;;) {
    const instances = await allContainerInstances(client, cluster).catch((error: unknown) => {
      if (error instanceof AwsError && error.code === "ClusterNotFoundException") return [];
      throw error;
    });
    if (instances.some((instance) => hostName(instance) === host.name && instance.agentConnected)) return;
    if (clock.monotonic() > deadline)
      throw new Error(
        `host ${host.name} is up, but its agent has not joined within ${JOIN_LIMIT_MS / 1000} s; why is in ${host.logDir}/agent.log`,
      );
    await clock.sleep(JOIN_POLL_MS);
  }
}

async function list(options: { output: OutputFormat; dataDir?: string }): Promise<void> {
  const hosts = await Promise.all(hostSets(options.dataDir).map((settings) => listHosts(settings)));
  printRows(options.output, hosts.flat(), [
    { heading: "HOST", of: (h) => h.name },
    { heading: "ADDRESS", of: (h) => h.address ?? "-" },
    { heading: "ENGINE", of: (h) => (h.engineUp ? "up" : "down") },
    { heading: "AGENT", of: (h) => (h.agentUp ? "up" : "down") },
    { heading: "BALANCER", of: (h) => (h.balancerUp === undefined ? "-" : h.balancerUp ? "up" : "down") },
    { heading: "DOCKER_HOST", of: (h) => h.dockerHost },
  ]);
}

async function remove(name: string, options: ServerOptions): Promise<void> {
  const [host, settings] = await find(name, options.dataDir);
  await removeHost(name, settings);
  await deregister(name, options, host.balancerUp !== undefined).catch((error: Error) =>
    process.stderr.write(
      `berth: host ${name} is removed, but the server may still know its container instance${host.balancerUp === undefined ? "" : " and its balancer"}: ${error.message}\n`,
    ),
  );
}

/** The cluster is told that the host will not come back; where no server is in reach, nobody needs to know. */
async function deregister(name: string, options: ServerOptions, wasBalancer: boolean): Promise<void> {
  let connection: ReturnType<typeof findConnection>;
  try {
    connection = findConnection(options, process.env);
  } catch (error) {
    if (error instanceof UsageError) return;
    throw error;
  }
  const client = connect(connection);
  const { cluster } = options;
  if (wasBalancer) await forgetBalancer(client, name);
  for (const instance of await allContainerInstances(client, cluster)) {
    if (hostName(instance) !== name) continue;
    const containerInstance = instance.containerInstanceArn ?? "";
    await client.ecs("DeregisterContainerInstance", { cluster, containerInstance, force: true });
  }
}

/** The same of the balancer that it was. */
async function forgetBalancer(client: AwsClient, name: string): Promise<void> {
  await client.berth("RemoveBalancer", { name, force: true }).catch((error: unknown) => {
    if (!(error instanceof AwsError && error.code === "ResourceNotFoundException")) throw error;
  });
}
