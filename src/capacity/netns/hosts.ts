import { existsSync, readFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { lowestFreePlace } from "./allocation.ts";
import { cgroupOf, cgroupProcesses, makeCgroups, removeCgroups } from "./cgroup.ts";
import { engineAnswers } from "./engine.ts";
import { HostError } from "./host-error.ts";
import {
  checkHostName,
  type HostProcess,
  type HostRecord,
  hostNames,
  hostPaths,
  readHostRecord,
  readSupervisorState,
  writeHostRecord,
} from "./host-record.ts";
import { launchSupervisor } from "./launch.ts";
import { withLock } from "./lock.ts";
import { unmountBelow } from "./mounts.ts";
import { connectHost, disconnectHost, ensureNetwork, removeNetwork, unplugHost } from "./network.ts";
import { killHostProcesses, namespacePath, runsOnHost } from "./processes.ts";
import { checkRequirements } from "./requirements.ts";
import { gatewayOf, type HostsSettings, hostsSettings } from "./settings.ts";
import { formatSubnet } from "./subnet.ts";

const LAUNCHER = fileURLToPath(new URL("../../../bin/berth", import.meta.url));
/** How long engine and agent may take to come up. Typically 0.5 s; a loaded machine with a slow disk needs more. */
const START_LIMIT_MS = 60_000;
const START_POLL_MS = 20;

/** What a new host is to be. */
export interface HostRequest {
  /** 1 to 31 lower-case letters, digits and hyphens. Becomes its host name too. */
  readonly name: string;
  /** Where the control plane listens, such as "http://127.0.0.1:7070". On loopback it is reached through the gateway. */
  readonly endpoint: string;
  readonly cluster: string;
  /** AWS shared-credentials file that the agent signs with, profile `default`. */
  readonly credentialsFile: string;
  readonly region: string;
  /** Attribute `ecs.availability-zone` of the container instance. */
  readonly availabilityZone?: string;
  /** Custom attributes of the container instance. */
  readonly attributes?: Readonly<Record<string, string>>;
  /** Whether it carries the load balancers too: it needs HAProxy on this machine. */
  readonly balancer?: boolean;
  /** Runs in place of `bin/berth agent`, with the same arguments after its own. */
  readonly agentCommand?: readonly string[];
}

/** A local host that is up. */
export interface Host {
  readonly name: string;
  /** Its address in the hosts' network, such as "10.213.0.11". */
  readonly address: string;
  /** Its engine, such as "unix:///var/lib/berth/hosts/host-1/run/docker.sock". */
  readonly dockerHost: string;
  /** Where its logs are: dockerd.log, agent.log, supervisor.log, and balancer.log of one that carries load balancers. */
  readonly logDir: string;
}

/** A local host as it is now. */
export interface HostStatus extends Omit<Host, "address"> {
  /** Undefined for a host whose making was cut off before it had one. */
  readonly address: string | undefined;
  readonly engineUp: boolean;
  readonly agentUp: boolean;
  /** Undefined for one that carries no load balancers. */
  readonly balancerUp?: boolean;
  /** Ids of its processes, those that run. */
  readonly pids: {
    readonly supervisor?: number;
    readonly engine?: number;
    readonly agent?: number;
    readonly balancer?: number;
  };
}

/**
 * Makes a host on this machine: own network namespace and address, own Docker Engine, own agent. Resolves when its engine answers
 * and its agent runs. Throws HostError saying what is wrong; then nothing of it is left.
 */
export async function addHost(request: HostRequest, settings = hostsSettings(process.env)): Promise<Host> {
  checkRequirements();
  checkHostName(settings, request.name);
  const { record, procsFiles } = await withLock(() => prepareHost(request, settings));
  try {
    const pid = await launchSupervisor(settings, record, procsFiles);
    await waitUntilUp(record, pid, settings);
  } catch (error) {
    await removeHost(request.name, settings);
    throw error;
  }
  return describe(settings, record.name, record.address);
}

async function prepareHost(request: HostRequest, settings: HostsSettings) {
  const { name } = request;
  const names = hostNames(settings);
  if (names.includes(name))
    throw new HostError(
      `a host named ${name} exists already. Choose another name, or remove it: berth host rm ${name}`,
    );
  if (existsSync(namespacePath(name)))
    throw new HostError(
      `a network namespace berth-${name} exists already, from hosts kept elsewhere (BERTH_HOSTS_DIR). Choose another name.`,
    );
  const strangers = [...cgroupProcesses(name)];
  if (strangers.length > 0)
    throw new HostError(
      `processes of another host named ${name} run in the control group ${cgroupOf(name)} (${strangers.slice(0, 3).join(", ")}), from hosts kept elsewhere. Choose another name.`,
    );
  const record = makeRecord(request, settings, names);
  try {
    writeHostRecord(settings, record);
    await ensureNetwork(settings, record.forwardedPort);
    await connectHost(record);
    return { record, procsFiles: makeCgroups(name) };
  } catch (error) {
    await dismantle(name, settings);
    throw error;
  }
}

function makeRecord(request: HostRequest, settings: HostsSettings, names: readonly string[]): HostRecord {
  const numbers = names.map((name) => readHostRecord(settings, name)?.number).filter((number) => number !== undefined);
  const place = lowestFreePlace(settings.subnet, new Set(numbers));
  if (place === undefined)
    throw new HostError(
      `the hosts' network ${formatSubnet(settings.subnet)} is full (${names.length} hosts). Remove a host, or set BERTH_SUBNET to a larger one.`,
    );
  const gateway = gatewayOf(settings.subnet);
  const { endpoint, forwardedPort } = endpointSeenFromHost(request.endpoint, gateway);
  return {
    name: request.name,
    ...place,
    ...{ gateway, prefix: settings.subnet.prefix, bridge: settings.bridge },
    ...{ endpoint: request.endpoint, forwardedPort },
    agent: agentProcess(request, settings, endpoint),
    ...(request.balancer ? { balancer: balancerProcess(request, settings, endpoint, place.address) } : {}),
  };
}

/** A control plane on loopback is reached at the gateway's address; any other at its own. Throws HostError for what is no URL. */
export function endpointSeenFromHost(
  endpoint: string,
  gateway: string,
): { readonly endpoint: string; readonly forwardedPort?: number } {
  const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol))
    throw new HostError(`the endpoint "${endpoint}" is not a URL such as http://127.0.0.1:7070`);
  if (url.hostname === "[::1]")
    throw new HostError(`hosts cannot reach ${endpoint}: let the control plane listen on 127.0.0.1 instead of ::1`);
  if (!/^(127\.\d+\.\d+\.\d+|localhost)$/.test(url.hostname)) return { endpoint };
  const forwardedPort = Number(url.port || (url.protocol === "https:" ? 443 : 80));
  return { endpoint: `${url.protocol}//${gateway}:${forwardedPort}`, forwardedPort };
}

function agentProcess(request: HostRequest, settings: HostsSettings, endpoint: string): HostProcess {
  const paths = hostPaths(settings, request.name);
  const [command, ...before] = request.agentCommand ?? [process.execPath, LAUNCHER, "agent"];
  if (command === undefined) throw new HostError("the agent's command line is empty");
  const zone = request.availabilityZone === undefined ? {} : { "ecs.availability-zone": request.availabilityZone };
  return {
    command,
    args: [
      ...before,
      ...["--endpoint", endpoint, "--cluster", request.cluster],
      ...["--docker-host", `unix://${paths.socket}`, "--state-dir", paths.agentState],
      ...["--cgroup-parent", `${cgroupOf(request.name)}/ecs`], // Below the host's own: it goes with the host.
    ],
    env: {
      ...credentialsOf(request),
      ECS_INSTANCE_ATTRIBUTES: JSON.stringify({ ...request.attributes, ...zone }),
      ECS_ENABLE_CONTAINER_METADATA: "true",
    },
  };
}

function balancerProcess(
  request: HostRequest,
  settings: HostsSettings,
  endpoint: string,
  address: string,
): HostProcess {
  const { balancerState } = hostPaths(settings, request.name);
  return {
    command: process.execPath,
    args: [
      ...[LAUNCHER, "balancer", "--endpoint", endpoint, "--name", request.name],
      ...["--address", "0.0.0.0", "--client-address", address, "--state-dir", balancerState],
    ],
    env: credentialsOf(request),
  };
}

const credentialsOf = ({ credentialsFile, region }: HostRequest) => ({
  AWS_SHARED_CREDENTIALS_FILE: credentialsFile,
  AWS_REGION: region,
  AWS_DEFAULT_REGION: region,
});

async function waitUntilUp(record: HostRecord, supervisor: number, settings: HostsSettings): Promise<void> {
  const { clock } = settings;
  const paths = hostPaths(settings, record.name);
  const deadline = clock.monotonic() + START_LIMIT_MS;
  for (;;) {
    const state = readSupervisorState(settings, record.name);
    const hasBalancer = record.balancer === undefined || state?.balancer !== undefined;
    if (state?.agent !== undefined && hasBalancer && (await engineAnswers(paths.socket))) return;
    const died = !existsSync(`/proc/${supervisor}`);
    if (died || clock.monotonic() > deadline)
      throw new HostError(
        `host ${record.name} did not come up${died ? "" : ` within ${START_LIMIT_MS / 1000} s`}. Its last words:\n${lastWords(paths.log)}`,
      );
    await clock.sleep(START_POLL_MS);
  }
}

function lastWords(logDir: string): string {
  const files = ["supervisor.log", "dockerd.log", "agent.log", "balancer.log"].map((file) => join(logDir, file));
  const tails = files.filter(existsSync).map((file) => readFileSync(file, "utf8").trim().split("\n").slice(-4));
  return tails.flat().join("\n");
}

/** All hosts, in alphabetical order, half-made and dead ones too. */
export async function listHosts(settings = hostsSettings(process.env)): Promise<readonly HostStatus[]> {
  return Promise.all(
    hostNames(settings).map(async (name) => {
      const state = readSupervisorState(settings, name);
      const running = (pid: number | undefined) => (pid !== undefined && runsOnHost(name, pid) ? pid : undefined);
      const pids = {
        supervisor: running(state?.supervisor),
        engine: running(state?.engine),
        agent: running(state?.agent),
        balancer: running(state?.balancer),
      };
      const engineUp = await engineAnswers(hostPaths(settings, name).socket);
      const { address, balancer } = readHostRecord(settings, name) ?? {};
      const balancerUp = balancer === undefined ? undefined : pids.balancer !== undefined;
      const up = { engineUp, agentUp: pids.agent !== undefined, balancerUp };
      return { ...describe(settings, name, address ?? ""), address, ...up, pids };
    }),
  );
}

/**
 * Removes a host with its containers and its data, and with the last host what they shared. Whatever state it is in, half-made or
 * killed. Does nothing when there is no such host.
 */
export async function removeHost(name: string, settings = hostsSettings(process.env)): Promise<void> {
  checkRequirements();
  checkHostName(settings, name);
  if (!hostNames(settings).includes(name)) return;
  const record = readHostRecord(settings, name);
  if (record !== undefined) await unplugHost(record);
  await killHostProcesses(name, settings.clock);
  const { root, engineData } = hostPaths(settings, name);
  await unmountBelow(root);
  await rm(engineData, { recursive: true, force: true }); // may be large: not under the lock
  await withLock(() => dismantle(name, settings));
}

/** What a host consists of besides its processes. Call under the lock. */
async function dismantle(name: string, settings: HostsSettings): Promise<void> {
  if (!hostNames(settings).includes(name)) return;
  const paths = hostPaths(settings, name);
  await killHostProcesses(name, settings.clock);
  await disconnectHost(name, readHostRecord(settings, name));
  await removeCgroups(name, settings.clock);
  await unmountBelow(paths.root);
  // The record goes last: what is cut off here is removed by the next attempt.
  for (const dir of [paths.engineData, paths.agentState, paths.balancerState, paths.run, paths.log])
    await rm(dir, { recursive: true, force: true });
  await rm(paths.root, { recursive: true, force: true });
  if (hostNames(settings).length === 0) await removeNetwork(settings);
}

/**
 * Pulls the host's plug: its cable goes down and all its processes die at once, without a word to anyone. Its address, data and record
 * stay until `removeHost`. Throws HostError when there is no such host.
 */
export async function killHost(name: string, settings = hostsSettings(process.env)): Promise<void> {
  checkRequirements();
  const record = readHostRecord(settings, name);
  if (record === undefined) throw new HostError(`there is no host named ${name}`);
  await unplugHost(record);
  await killHostProcesses(name, settings.clock);
}

function describe(settings: HostsSettings, name: string, address: string): Host {
  const paths = hostPaths(settings, name);
  return { name, address, dockerHost: `unix://${paths.socket}`, logDir: paths.log };
}
