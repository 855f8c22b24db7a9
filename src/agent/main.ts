import { hostname } from "node:os";
import { join } from "node:path";
import type { Clock } from "../runtime/clock.ts";
import type { Log } from "../runtime/log.ts";
import type { Random } from "../runtime/random.ts";
import { type Credentials, signRequest } from "../wire/sign.ts";
import { acsReceiver } from "./acs/acs.ts";
import { taskLogs } from "./acs/task-logs.ts";
import { capabilityAttributes, ecsArchitecture } from "./capabilities.ts";
import { type TaskLimitSupport, taskLimitSupport } from "./cgroup/support.ts";
import type { AgentConfig } from "./config.ts";
import type { ContainerRuntime, RuntimeHost, RuntimeVersion } from "./container-runtime.ts";
import { type EcsApi, ecsApi } from "./ecs-api.ts";
import { type TaskEngine, taskEngine } from "./engine/engine.ts";
import { emptyHost, stopOrphans } from "./engine/orphans.ts";
import type { TaskRecord } from "./engine/task-record.ts";
import { AgentExit, EXIT } from "./exit-code.ts";
import { sourceAddressTowards } from "./host-address.ts";
import {
  DEFAULT_CLUSTER,
  Deregistered,
  type HostOffer,
  instanceIdOf,
  type Registered,
  register,
  savedRegistration,
} from "./registration.ts";
import { type PollEndpoints, pollEndpointSource } from "./session/poll-endpoint.ts";
import { keepSession } from "./session/session.ts";
import type { AgentState } from "./state/agent-state.ts";
import { submitter } from "./submit.ts";
import { signedFrame } from "./tcs/frame.ts";
import { sampler } from "./tcs/metrics.ts";
import { telemetry } from "./tcs/tcs.ts";

/** What the agent says it is. */
export const AGENT_VERSION = "1.0.0";
const AGENT_HASH = "berth";
const BYTES_PER_MIB = 1024 * 1024;
/** Between attempts to reach a daemon that is not up yet. */
const DAEMON_RETRY_MS = 250;
/** While the daemon stays away, it is said once in so many attempts. */
const DAEMON_SAY_EVERY = 40;

/** What an agent is put together from. */
export interface AgentDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly runtime: ContainerRuntime;
  readonly state: AgentState;
  readonly credentials: () => Credentials;
  /** Aborted: the agent leaves. Containers stay as they are. */
  readonly signal: AbortSignal;
}

/** Runs the agent until its signal is aborted; resolves to the process's exit code (agent protocol, 1.1). */
export async function runAgent(config: AgentConfig, deps: AgentDeps): Promise<number> {
  try {
    await run(config, deps);
    return EXIT.ok;
  } catch (error) {
    if (deps.signal.aborted) return EXIT.ok;
    deps.log.error({ error: String(error) }, error instanceof AgentExit ? error.message : "the agent failed");
    return error instanceof AgentExit ? error.exitCode : EXIT.failed;
  }
}

async function run(config: AgentConfig, deps: AgentDeps): Promise<void> {
  const { clock, random, log, signal, credentials } = deps;
  const machine = await waitForDaemon(deps);
  const userAgent = `Berth Agent/${AGENT_VERSION} (linux)`;
  const api = ecsApi({ endpoint: config.endpoint.href, region: config.region, credentials, clock, userAgent });
  const taskLimits = taskLimitsOf(config, machine.host, log);
  const offer = await hostOffer(config, machine, taskLimits);
  const instanceId = await instanceIdOf(deps);
  const cluster = config.cluster ?? DEFAULT_CLUSTER;
  const reporter = submitter({ api, clock, random, log, cluster, acknowledged: (task) => engine.acknowledged(task) });
  const parts = { offer, cluster, instanceId, taskLimits };
  let engine: TaskEngine;
  try {
    const registered = await register({ ...deps, api, cluster: config.cluster }, offer);
    log.info({ cluster, ...registered }, "registered");
    engine = engineOf(config, deps, {
      ...parts,
      registered,
      onChange: (task) => {
        reporter.noticed(task);
        sessions.telemetry.noticed(task);
      },
    });
    const sessions = openSessions(config, deps, { api, engine, reporter, cluster, machine, ...registered });
    engine.start();
    await new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      signal.addEventListener("abort", () => resolve(), { once: true });
    });
    log.info({}, "leaving; containers keep running");
    sessions.close();
    engine.close();
  } catch (error) {
    if (!(error instanceof Deregistered)) throw error;
    // No session will be had, but what runs here must not outlive its place in the cluster.
    const registered = savedRegistration(deps.state, offer);
    engine = engineOf({ ...config, cleanupWaitMs: 0 }, deps, { ...parts, registered, onChange: reporter.noticed });
    engine.start();
    await emptyHost(engine, { clock, log, signal });
    engine.close();
    throw error;
  } finally {
    reporter.close();
  }
}

interface EngineParts {
  readonly offer: HostOffer;
  readonly cluster: string;
  readonly instanceId: string;
  readonly taskLimits: TaskLimitSupport;
  readonly registered: Registered;
  readonly onChange: (task: TaskRecord) => void;
}

function engineOf(config: AgentConfig, deps: AgentDeps, parts: EngineParts): TaskEngine {
  const { clock, random, log, runtime, state } = deps;
  const { offer, cluster, instanceId, taskLimits, registered, onChange } = parts;
  const ports = [...config.reservedPorts.map((it) => `${it}/tcp`), ...config.reservedPortsUdp.map((it) => `${it}/udp`)];
  return taskEngine({
    ...{ runtime, state, clock, random, log, taskLimits, onChange },
    settings: {
      ...{ region: config.region, cluster, pullBehaviour: config.pullBehaviour },
      ...{ stopTimeoutSeconds: config.stopTimeoutSeconds, cleanupWaitMs: config.cleanupWaitMs },
      metadataDir: config.containerMetadata ? join(config.stateDir, "metadata") : undefined,
    },
    host: { ...registered, instanceId, privateIp: offer.privateIp, hostName: hostname() },
    resources: { cpu: offer.cpus * 1024, memoryMiB: offer.memoryMiB, ports: new Set(ports) },
  });
}

interface Machine {
  readonly host: RuntimeHost;
  readonly version: RuntimeVersion;
}

/** The daemon may start after the agent, or be away just now. */
async function waitForDaemon({ runtime, clock, log, signal }: AgentDeps): Promise<Machine> {
  for (let attempt = 0; ; attempt++) {
    try {
      return { host: await runtime.host(), version: await runtime.version() };
    } catch (error) {
      if (attempt % DAEMON_SAY_EVERY === 0) log.warn({ error: String(error) }, "waiting for the Docker daemon");
      await clock.sleep(DAEMON_RETRY_MS, signal);
    }
  }
}

/** Throws AgentExit where the operator insists on what this machine cannot do. */
function taskLimitsOf(config: AgentConfig, host: RuntimeHost, log: Log): TaskLimitSupport {
  if (config.taskLimits === false) return { kind: "unsupported", why: "ECS_ENABLE_TASK_CPU_MEM_LIMIT is false" };
  const support = taskLimitSupport(host, config.dockerHost, config.cgroupParent);
  if (support.kind === "supported") return support;
  if (config.taskLimits)
    throw new AgentExit(EXIT.usage, `ECS_ENABLE_TASK_CPU_MEM_LIMIT is true, but it is not supported: ${support.why}`);
  log.warn({ why: support.why }, "tasks with task-level cpu or memory cannot run on this host");
  return support;
}

async function hostOffer(
  config: AgentConfig,
  { host, version }: Machine,
  taskLimits: TaskLimitSupport,
): Promise<HostOffer> {
  const totalMiB = Math.floor(host.memoryBytes / BYTES_PER_MIB);
  if (config.reservedMemoryMiB >= totalMiB)
    throw new AgentExit(
      EXIT.usage,
      `ECS_RESERVED_MEMORY is ${config.reservedMemoryMiB} MiB, but the host has only ${totalMiB}`,
    );
  const { loggingDrivers } = config;
  const facts = {
    ...{ apiVersion: version.apiVersion, volumeDrivers: host.volumeDrivers, loggingDrivers },
    taskLimits: taskLimits.kind === "supported",
  };
  return {
    cpus: host.cpus,
    memoryMiB: totalMiB - config.reservedMemoryMiB,
    reservedPorts: config.reservedPorts,
    reservedPortsUdp: config.reservedPortsUdp,
    privateIp: config.address ?? (await sourceAddressTowards(config.endpoint)),
    instanceType: config.instanceType ?? `berth.${host.cpus}x${Math.round(totalMiB / 1024)}`,
    availabilityZone: config.availabilityZone,
    region: config.region,
    architecture: ecsArchitecture(process.arch),
    capabilities: capabilityAttributes({ ...facts, architecture: process.arch }),
    customAttributes: Object.entries(config.attributes).map(([name, value]) => ({ name, value })),
    tags: Object.entries(config.tags).map(([key, value]) => ({ key, value })),
  };
}

interface SessionParts {
  readonly api: EcsApi;
  readonly engine: TaskEngine;
  readonly reporter: ReturnType<typeof submitter>;
  readonly cluster: string;
  readonly containerInstanceArn: string;
  readonly machine: Machine;
}

/** Where a session connects: the endpoint of that kind, with its query in order and signed. */
function signedTarget(config: AgentConfig, { credentials, clock }: AgentDeps, endpoints: () => Promise<PollEndpoints>) {
  return async (which: "acs" | "telemetry", query: Readonly<Record<string, string>>) => {
    const url = new URL((await endpoints())[which]);
    url.search = Object.entries(query)
      .map(([name, value]) => `${name}=${encodeURIComponent(value)}`)
      .sort()
      .join("&");
    const signed = signRequest({
      ...{ method: "GET", url, credentials: credentials() },
      ...{ region: config.region, service: "ecs", now: clock.now() },
    });
    return { url, headers: signed };
  };
}

/** The ACS and TCS sessions, and what they carry. */
function openSessions(config: AgentConfig, deps: AgentDeps, parts: SessionParts) {
  const { clock, random, log, runtime, state, credentials } = deps;
  const { engine, cluster, containerInstanceArn, machine } = parts;
  const endpoints = pollEndpointSource(parts.api, clock, containerInstanceArn, cluster);
  const common = { clock, random, log, onFailure: () => endpoints.doubt() };
  const agent = { agentHash: AGENT_HASH, agentVersion: AGENT_VERSION };
  let firstConnection = true;

  const target = signedTarget(config, deps, () => endpoints.get());
  const samples = sampler({
    ...{ runtime, clock, cpus: machine.host.cpus },
    ...{ tasks: () => engine.tasks(), connected: () => engine.connected() },
  });
  let tcsUrl: URL | undefined;
  const publisher = telemetry({
    ...{ clock, random, log, cluster, containerInstanceArn },
    ...{ tasks: () => engine.tasks(), sampler: samples, engineIsUp: () => engine.connected() },
    send: (type, message) => {
      if (!tcsUrl || !tcs.isOpen()) return;
      const signing = { url: tcsUrl, credentials: credentials(), region: config.region, now: clock.now() };
      tcs.send(signedFrame(type, message, signing));
    },
  });
  const tcs = keepSession({
    ...common,
    name: "TCS",
    target: async () => {
      const host = { cluster, containerInstance: containerInstanceArn, dockerVersion: machine.version.version };
      const found = await target("telemetry", { ...agent, ...host });
      tcsUrl = found.url;
      return found;
    },
    onOpen: () => publisher.opened(),
    onMessage: (type) => {
      if (/Exception$/.test(type)) log.warn({ type }, "the control plane did not take a telemetry message");
    },
  });
  const receiver = acsReceiver({
    ...{ engine, state, log },
    send: (type, message) => void acs.send(JSON.stringify({ type, message })),
    tellStopped: parts.reporter.tellStopped,
    onHeartbeat: () => publisher.publishInstanceStatus(),
    taskLogs: taskLogs({ engine, runtime, clock }),
  });
  const acs = keepSession({
    ...common,
    name: "ACS",
    target: () =>
      target("acs", {
        ...{ ...agent, clusterArn: cluster, containerInstanceArn },
        ...{ dockerVersion: `DockerVersion: ${machine.version.version}`, protocolVersion: "2", seqNum: "1" },
        sendCredentials: String(firstConnection),
      }),
    onOpen: () => {
      firstConnection = false;
    },
    onInactive: () => void stopOrphans(engine, log),
    onMessage: (type, message) => void receiver.receive(type, message),
  });
  samples.start();
  return {
    telemetry: publisher,
    close() {
      for (const it of [samples, publisher, tcs, acs]) it.close();
    },
  };
}
