import { type Command, Option } from "commander";
import { addHost, killHost, listHosts, removeHost } from "../../capacity/index.ts";
import { findConnection } from "../connection.ts";
import { type OutputFormat, printRows } from "../output.ts";
import { UsageError } from "../usage.ts";

interface AddOptions {
  readonly cluster: string;
  readonly endpoint?: string;
  readonly region?: string;
  readonly dataDir?: string;
  readonly availabilityZone?: string;
}

/** `berth host add|ls|rm|kill`: local hosts, each a network namespace with its own address, Docker Engine and agent. */
export function hostCommand(program: Command): void {
  const host = program
    .command("host")
    .description("make and remove local hosts, each a real engine with its own address");
  host
    .command("add")
    .description("make a local host and join it to a cluster")
    .argument("<name>", "lower-case letters, digits and hyphens")
    .addOption(new Option("-c, --cluster <name>", "the cluster to join").env("ECS_CLUSTER").default("default"))
    .option("--endpoint <url>", "the server (default: the server of this machine)")
    .option("--region <region>", "the region (default: the server's)")
    .option("--data-dir <dir>", "the data directory of this machine's server")
    .option("--availability-zone <zone>", "the zone that the host says it is in (default: the region's a)")
    .action(add);
  host
    .command("ls")
    .description("list this machine's local hosts")
    .addOption(new Option("-o, --output <format>", "table or json").choices(["table", "json"]).default("table"))
    .action(async (options: { output: OutputFormat }) => {
      printRows(options.output, await listHosts(), [
        { heading: "HOST", of: (h) => h.name },
        { heading: "ADDRESS", of: (h) => h.address ?? "-" },
        { heading: "ENGINE", of: (h) => (h.engineUp ? "up" : "down") },
        { heading: "AGENT", of: (h) => (h.agentUp ? "up" : "down") },
        { heading: "DOCKER_HOST", of: (h) => h.dockerHost },
      ]);
    });
  host
    .command("rm")
    .description("remove local hosts and all that runs on them")
    .argument("<names...>")
    .action(async (names: string[]) => {
      for (const name of names) await removeHost(name);
    });
  host
    .command("kill")
    .description("pull the plug of a local host: everything on it dies at once; remove it with rm")
    .argument("<name>")
    .action((name: string) => killHost(name));
}

async function add(name: string, options: AddOptions): Promise<void> {
  const connection = findConnection(options, process.env);
  if (connection.credentialsFile === undefined) {
    throw new UsageError(
      "a host's agent needs a credentials file: set AWS_SHARED_CREDENTIALS_FILE to the server's (DIR/credentials) instead of AWS_ACCESS_KEY_ID",
    );
  }
  const host = await addHost({
    name,
    endpoint: connection.endpoint,
    cluster: options.cluster,
    credentialsFile: connection.credentialsFile,
    region: connection.region,
    availabilityZone: options.availabilityZone,
    attributes: { "berth.host-name": name },
  });
  process.stdout.write(`${host.name} is up at ${host.address}, its engine at ${host.dockerHost}\n`);
}
