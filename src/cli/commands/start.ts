import { join } from "node:path";
import { type Command, InvalidArgumentError } from "commander";
import { detectMachine } from "../../capacity/index.ts";
import { systemClock } from "../../runtime/clock.ts";
import { defaultDataDir, LOCAL_ROOT_FILE } from "../../runtime/data-dir.ts";
import { startDataDir } from "../connection.ts";
import type { SetExitCode } from "../exit-code.ts";
import { claimDataDir } from "../start/claim.ts";
import { StartedCluster, type StartOptions } from "../start/cluster.ts";
import { startHostsSettings } from "../start/hosts.ts";
import { parseListen } from "../start/ports.ts";
import { checkMachine } from "../start/requirements.ts";
import { aborted, StopRequested, stopRequest } from "../start/stop-request.ts";
import { welcome } from "../start/welcome.ts";

/** `berth start` (`npm start`): a whole cluster on this machine with the example service, until Ctrl-C. */
export function startCommand(program: Command, setExitCode: SetExitCode): void {
  program
    .command("start")
    .description("run a whole cluster on this machine with an example service, until Ctrl-C")
    .option("--listen <host:port>", "where the API is served", "127.0.0.1:7070")
    .option("--port <port>", "the port of the example service on 127.0.0.1", portNumber, 8080)
    .option("--https-port <port>", "the same over HTTPS (default: 8443, if it is free)", portNumber)
    .option("--host-prefix <prefix>", "what the names of the local hosts begin with", hostPrefix, "host-")
    .addHelpText(
      "after",
      `
As root on Linux it makes three local hosts, each with its own Docker Engine. Elsewhere the Docker Engine in reach (DOCKER_HOST)
is the only host. Ctrl-C stops and removes all that it made.

Environment:
  BERTH_DATA_DIR   where its state is kept while it runs (default: /var/lib/berth for root, else ~/.berth)
  BERTH_SUBNET     the network of the local hosts (default: 10.212.0.0/24)
  BERTH_BRIDGE     the bridge of the local hosts (default: berth1)`,
    )
    .action(async (options: { listen: string; port: number; httpsPort?: number; hostPrefix: string }) =>
      setExitCode(await start({ ...options, listen: parseListen(options.listen) })),
    );
}

function hostPrefix(text: string): string {
  if (!/^[a-z][a-z0-9-]{0,19}$/.test(text))
    throw new InvalidArgumentError("It must be 1 to 20 lower-case letters, digits or hyphens, starting with a letter.");
  return text;
}

function portNumber(text: string): number {
  const port = Number(text);
  if (!/^\d+$/.test(text) || port < 1 || port > 65535)
    throw new InvalidArgumentError("It must be a port from 1 to 65535.");
  return port;
}

async function start(options: StartOptions): Promise<number> {
  process.stdout.on("error", () => {}); // a terminal that has gone must not keep us from removing things
  process.stderr.on("error", () => {});
  const clock = systemClock();
  const started = clock.monotonic();
  const signal = stopRequest(clock, say);
  const machine = checkMachine(await detectMachine(), process.env);
  const dataDir = startDataDir(defaultDataDir(process.env));
  const settings = startHostsSettings(dataDir, process.env);
  const claim = await claimDataDir(dataDir, clock, say);
  const cluster = new StartedCluster({ machine, dataDir, settings, clock }, options, claim, { signal, say });
  let failure: unknown;
  try {
    const connection = await cluster.up();
    const seconds = (clock.monotonic() - started) / 1000;
    const { port } = options;
    const { httpsPort } = cluster;
    const rootFile = join(dataDir, LOCAL_ROOT_FILE);
    say(welcome({ connection, port, httpsPort, rootFile, seconds, dataDir: process.env.BERTH_DATA_DIR || undefined }));
    await aborted(signal);
  } catch (error) {
    failure = signal.aborted || error instanceof StopRequested ? undefined : error;
  }
  if (failure !== undefined) process.stderr.write(`berth: ${(failure as Error).message}\n`);
  say("\nstopping and removing everything that was started");
  const left = await cluster.down();
  for (const what of left) process.stderr.write(`berth: not removed: ${what}; the next \`berth start\` tries again\n`);
  if (left.length === 0) say("everything is removed");
  return failure === undefined && left.length === 0 ? 0 : 1;
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}
