import { join } from "node:path";
import {
  addHost,
  buildHelloImage,
  type HostsSettings,
  hostsSettings,
  listHosts,
  removeHost,
} from "../../capacity/index.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { AwsClient } from "../../wire/client.ts";
import type { Connection } from "../connection.ts";
import { EXAMPLE, exampleImages } from "./example.ts";
import { type KeptProcess, keepRunning } from "./kept-process.ts";

/** A connection whose key is in a file, which agents read it from. */
export type FileConnection = Connection & { readonly credentialsFile: string };

/** A start makes one local host in each of these zones of the region. */
const ZONES = ["a", "b", "c"] as const;

/** How many local hosts a start makes. */
export const LOCAL_HOST_COUNT = ZONES.length;

/** How long a joined host may take to be seen by the server. */
const JOIN_LIMIT_MS = 60_000;
const POLL_MS = 100;

/** Where the local hosts of a start are kept: apart from hosts that were added by hand. */
export function startHostsSettings(dataDir: string, env: NodeJS.ProcessEnv): HostsSettings {
  return hostsSettings({ BERTH_BRIDGE: "berth1", BERTH_SUBNET: "10.212.0.0/24", ...env, BERTH_HOSTS_DIR: dataDir });
}

/** Removes all hosts, those that were added by hand too. */
export async function removeAllHosts(settings: HostsSettings): Promise<void> {
  const hosts = await listHosts(settings);
  await everyOne(hosts.map((host) => removeHost(host.name, settings)));
}

/** Makes three local hosts at once, PREFIX1 to PREFIX3, each with the example's images. When it throws, none is being made any more; some may be there. */
export async function startLocalHosts(
  connection: FileConnection,
  settings: HostsSettings,
  prefix: string,
  signal: AbortSignal,
): Promise<void> {
  await everyOne(
    ZONES.map(async (zone, i) => {
      const name = `${prefix}${i + 1}`;
      const host = await addHost(
        {
          name,
          endpoint: connection.endpoint,
          cluster: EXAMPLE.cluster,
          credentialsFile: connection.credentialsFile,
          region: connection.region,
          availabilityZone: `${connection.region}${zone}`,
          attributes: { "berth.host-name": name },
        },
        settings,
      );
      signal.throwIfAborted();
      for (const image of exampleImages()) await buildHelloImage(host.dockerHost, image);
    }),
  );
}

/** Waits for all, also when one fails; then throws what the first failure threw. */
async function everyOne(work: readonly Promise<void>[]): Promise<void> {
  const failed = (await Promise.allSettled(work)).find((result) => result.status === "rejected");
  if (failed !== undefined) throw failed.reason;
}

/** Makes the engine that this machine has the cluster's one host: an agent that talks to it. */
export async function startEngineHost(
  connection: FileConnection,
  engine: {
    readonly dataDir: string;
    readonly dockerHost: string;
    readonly clock: Clock;
    readonly signal: AbortSignal;
  },
): Promise<KeptProcess> {
  const { dataDir, dockerHost } = engine;
  for (const image of exampleImages()) await buildHelloImage(dockerHost, image);
  const flags = {
    endpoint: connection.endpoint,
    cluster: EXAMPLE.cluster,
    "docker-host": dockerHost,
    "state-dir": join(dataDir, "agent"),
  };
  return keepRunning({
    ...engine,
    name: "agent",
    dir: dataDir,
    args: ["agent", ...Object.entries(flags).flatMap(([name, value]) => [`--${name}`, value])],
    env: engineAgentEnvironment(connection, process.env),
  });
}

/** The agent's environment: what a person has set for AWS, or for another agent, is not meant for this one. */
export function engineAgentEnvironment(connection: FileConnection, env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return {
    ...Object.fromEntries(Object.entries(env).filter(([name]) => !/^(AWS|ECS)_/.test(name))),
    AWS_SHARED_CREDENTIALS_FILE: connection.credentialsFile,
    AWS_REGION: connection.region,
    ECS_INSTANCE_ATTRIBUTES: JSON.stringify({ "berth.host-name": "this-machine" }),
    ECS_ENABLE_CONTAINER_METADATA: "true",
    // The engine is the user's own: stopped containers are not left in it.
    ECS_ENGINE_TASK_CLEANUP_WAIT_DURATION: "1s",
  };
}

/** Waits until that many hosts take tasks. Throws when they do not within a minute, and when the signal is aborted. */
export async function waitForHosts(client: AwsClient, clock: Clock, count: number, signal: AbortSignal): Promise<void> {
  const deadline = clock.monotonic() + JOIN_LIMIT_MS;
  for (;;) {
    const { containerInstanceArns: arns = [] } = await client.ecs("ListContainerInstances", {
      cluster: EXAMPLE.cluster,
    });
    if (arns.length >= count) {
      const described = await client.ecs("DescribeContainerInstances", {
        cluster: EXAMPLE.cluster,
        containerInstances: arns,
      });
      if ((described.containerInstances ?? []).filter((i) => i.agentConnected).length >= count) return;
    }
    if (clock.monotonic() > deadline)
      throw new Error(`only ${arns.length} of ${count} hosts joined the cluster within a minute`);
    await clock.sleep(POLL_MS, signal);
  }
}
