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
import { EXAMPLE } from "./example.ts";
import { keepRunning, logFile } from "./server-process.ts";

/** The hosts of a start: real local ones, or the one engine that this machine has. */
export interface StartedHosts {
  readonly names: readonly string[];
  /** True if what runs on them must be stopped task by task, since the engine stays. */
  readonly engineStays: boolean;
  remove(): Promise<void>;
}

const LOCAL_HOSTS = [
  { name: "host-1", zone: "a" },
  { name: "host-2", zone: "b" },
  { name: "host-3", zone: "c" },
] as const;

/** How long a joined host may take to be seen by the server. */
const JOIN_LIMIT_MS = 60_000;
const POLL_MS = 100;

/** Where the local hosts of a start are kept: apart from hosts that were added by hand. */
export function startHostsSettings(dataDir: string, env: NodeJS.ProcessEnv): HostsSettings {
  return hostsSettings({ BERTH_BRIDGE: "berth1", BERTH_SUBNET: "10.212.0.0/24", ...env, BERTH_HOSTS_DIR: dataDir });
}

/** Removes hosts that an earlier start left behind, if any. */
export async function removeLeftHosts(settings: HostsSettings): Promise<void> {
  for (const host of await listHosts(settings)) await removeHost(host.name, settings);
}

/** Makes three local hosts at once, each with the example's images, and waits until they have joined. */
export async function startLocalHosts(
  connection: Connection & { readonly credentialsFile: string },
  settings: HostsSettings,
): Promise<StartedHosts> {
  const remove = async () => {
    await Promise.all(LOCAL_HOSTS.map((host) => removeHost(host.name, settings)));
  };
  try {
    await Promise.all(
      LOCAL_HOSTS.map(async ({ name, zone }) => {
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
        for (const version of EXAMPLE.versions) await buildHelloImage(host.dockerHost, `${EXAMPLE.image}:${version}`);
      }),
    );
  } catch (error) {
    await remove();
    throw error;
  }
  return { names: LOCAL_HOSTS.map((h) => h.name), engineStays: false, remove };
}

/** Makes the engine that this machine has the cluster's one host: an agent that talks to it. */
export async function startEngineHost(
  connection: Connection & { readonly credentialsFile: string },
  dataDir: string,
  dockerHost: string,
  clock: Clock,
): Promise<StartedHosts> {
  for (const version of EXAMPLE.versions) await buildHelloImage(dockerHost, `${EXAMPLE.image}:${version}`);
  const agent = await keepRunning(clock, {
    args: [
      "agent",
      "--endpoint",
      connection.endpoint,
      "--cluster",
      EXAMPLE.cluster,
      "--docker-host",
      dockerHost,
      "--state-dir",
      join(dataDir, "agent"),
    ],
    env: {
      ...process.env,
      AWS_SHARED_CREDENTIALS_FILE: connection.credentialsFile,
      AWS_REGION: connection.region,
      ECS_INSTANCE_ATTRIBUTES: JSON.stringify({ "berth.host-name": "this-machine" }),
      ECS_ENABLE_CONTAINER_METADATA: "true",
      // The engine is the user's own: stopped containers are not left in it.
      ECS_ENGINE_TASK_CLEANUP_WAIT_DURATION: "1s",
    },
    logFile: logFile(dataDir, "agent"),
  });
  return { names: ["this machine"], engineStays: true, remove: () => agent.end() };
}

/** Waits until that many hosts take tasks. Throws when they do not within a minute. */
export async function waitForHosts(client: AwsClient, clock: Clock, count: number): Promise<void> {
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
    await clock.sleep(POLL_MS);
  }
}
