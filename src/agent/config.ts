import { join } from "node:path";
import { parseArgs } from "node:util";
import { defaultDataDir } from "../runtime/data-dir.ts";
import { LOGGING_DRIVERS } from "./capabilities.ts";
import { type DockerEndpoint, parseDockerHost } from "./docker/endpoint.ts";
import { parseDuration } from "./duration.ts";
import { PULL_BEHAVIOURS, type PullBehaviour } from "./engine/settings.ts";
import { refuseUnknownEnvironment } from "./environment.ts";
import { AgentUsageError } from "./usage-error.ts";

/** Everything an operator may tell an agent. */
export interface AgentConfig {
  /** The control plane's API. */
  readonly endpoint: URL;
  /** Absent: the cluster `default`, which alone is made if it is not there. */
  readonly cluster?: string;
  readonly dockerHost: DockerEndpoint;
  readonly stateDir: string;
  /** This host's address; absent: found out. */
  readonly address?: string;
  readonly region: string;
  readonly availabilityZone: string;
  /** Absent: made of the machine's size. */
  readonly instanceType?: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly tags: Readonly<Record<string, string>>;
  readonly reservedMemoryMiB: number;
  readonly reservedPorts: readonly number[];
  readonly reservedPortsUdp: readonly number[];
  readonly loggingDrivers: readonly string[];
  readonly pullBehaviour: PullBehaviour;
  /** Whole seconds, at least 1. */
  readonly stopTimeoutSeconds: number;
  readonly cleanupWaitMs: number;
  readonly containerMetadata: boolean;
  /** The control group in which those of tasks with limits of their own are made, such as "/ecs". This agent's alone. */
  readonly cgroupParent: string;
  /** Absent: tasks are held to limits of their own where the machine can. True: an agent that cannot does not start. */
  readonly taskLimits?: boolean;
  readonly logLevel: string;
}

export const AGENT_HELP = `Usage: berth agent --endpoint URL [options]

Runs this host's tasks: registers it with a control plane and drives its Docker Engine.

  --endpoint URL             the control plane's API (ECS_BACKEND_HOST)
  --cluster NAME             cluster to join (ECS_CLUSTER; "default")
  --docker-host URL          unix:///path or tcp://host:port (DOCKER_HOST; unix:///var/run/docker.sock)
  --state-dir DIR            where the agent keeps its state (ECS_DATADIR)
  --address IP               this host's address, as others reach it (ECS_HOST_ADDRESS; found out)
  --availability-zone ZONE   (ECS_AVAILABILITY_ZONE; the region followed by "a")
  --attributes JSON          custom attributes, {"name":"value"} (ECS_INSTANCE_ATTRIBUTES)
  --host-group NAME          the group of hosts that this one belongs to, which a capacity provider is made of: the attribute
                             berth.host-group
  --cgroup-parent PATH       control group below which tasks with task-level cpu or memory get theirs, for this agent alone
                             (ECS_CGROUP_PARENT; /ecs)
  --log-level LEVEL          debug, info, warn, error or silent (ECS_LOGLEVEL; info)
  --help                     this text

Also from the environment: AWS_REGION or AWS_DEFAULT_REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN,
AWS_SHARED_CREDENTIALS_FILE, AWS_PROFILE, ECS_INSTANCE_TYPE, ECS_CONTAINER_INSTANCE_TAGS, ECS_RESERVED_MEMORY (MiB),
ECS_RESERVED_PORTS, ECS_RESERVED_PORTS_UDP, ECS_AVAILABLE_LOGGING_DRIVERS, ECS_IMAGE_PULL_BEHAVIOR,
ECS_CONTAINER_STOP_TIMEOUT, ECS_ENGINE_TASK_CLEANUP_WAIT_DURATION, ECS_ENABLE_CONTAINER_METADATA,
ECS_ENABLE_TASK_CPU_MEM_LIMIT (where the machine can).
`;

/** The ports ECS reserves unless told otherwise: SSH, Docker and the official agent's own. */
const RESERVED_PORTS = [22, 2375, 2376, 51678, 51679];
const LOG_LEVELS = ["debug", "info", "warn", "error", "silent"];

/** What `--help` asks for instead of a configuration. */
export type ParsedAgentConfig = AgentConfig | "help";

/** Reads the command line, then the environment, under the official agent's names. Throws AgentUsageError. */
export function parseAgentConfig(args: readonly string[], env: NodeJS.ProcessEnv): ParsedAgentConfig {
  const flags = parseFlags(args);
  if (flags.help) return "help";
  refuseUnknownEnvironment(env);
  const given = (flag: string | undefined, variable: string) => flag ?? (env[variable] || undefined);
  const region = env.AWS_REGION || env.AWS_DEFAULT_REGION || "us-east-1";
  const { "ecs.availability-zone": zoneAttribute, ...attributes } = attributesOf(
    given(flags.attributes, "ECS_INSTANCE_ATTRIBUTES"),
    flags.attributes === undefined ? "ECS_INSTANCE_ATTRIBUTES" : "--attributes",
  );
  return {
    endpoint: endpointOf(given(flags.endpoint, "ECS_BACKEND_HOST")),
    cluster: given(flags.cluster, "ECS_CLUSTER"),
    dockerHost: dockerHostOf(given(flags["docker-host"], "DOCKER_HOST") ?? "unix:///var/run/docker.sock", env),
    stateDir: given(flags["state-dir"], "ECS_DATADIR") ?? join(defaultDataDir(env), "agent"),
    address: given(flags.address, "ECS_HOST_ADDRESS"),
    region,
    availabilityZone: given(flags["availability-zone"], "ECS_AVAILABILITY_ZONE") ?? zoneAttribute ?? `${region}a`,
    instanceType: env.ECS_INSTANCE_TYPE || undefined,
    attributes: flags["host-group"] === undefined ? attributes : { ...attributes, ...groupOf(flags["host-group"]) },
    tags: stringMap(env.ECS_CONTAINER_INSTANCE_TAGS, "ECS_CONTAINER_INSTANCE_TAGS"),
    reservedMemoryMiB: wholeNumber(env.ECS_RESERVED_MEMORY, "ECS_RESERVED_MEMORY") ?? 0,
    reservedPorts: ports(env.ECS_RESERVED_PORTS, "ECS_RESERVED_PORTS") ?? RESERVED_PORTS,
    reservedPortsUdp: ports(env.ECS_RESERVED_PORTS_UDP, "ECS_RESERVED_PORTS_UDP") ?? [],
    loggingDrivers: loggingDrivers(env.ECS_AVAILABLE_LOGGING_DRIVERS),
    pullBehaviour: oneOf(env.ECS_IMAGE_PULL_BEHAVIOR, "ECS_IMAGE_PULL_BEHAVIOR", PULL_BEHAVIOURS) ?? "default",
    stopTimeoutSeconds: Math.ceil(
      (duration(env.ECS_CONTAINER_STOP_TIMEOUT, "ECS_CONTAINER_STOP_TIMEOUT") ?? 30_000) / 1000,
    ),
    cleanupWaitMs:
      duration(env.ECS_ENGINE_TASK_CLEANUP_WAIT_DURATION, "ECS_ENGINE_TASK_CLEANUP_WAIT_DURATION") ?? 3 * 3_600_000,
    containerMetadata: yesOrNo(env.ECS_ENABLE_CONTAINER_METADATA, "ECS_ENABLE_CONTAINER_METADATA") ?? false,
    cgroupParent: cgroupParentOf(given(flags["cgroup-parent"], "ECS_CGROUP_PARENT") ?? "/ecs"),
    taskLimits: yesOrNo(env.ECS_ENABLE_TASK_CPU_MEM_LIMIT, "ECS_ENABLE_TASK_CPU_MEM_LIMIT"),
    logLevel: oneOf(given(flags["log-level"], "ECS_LOGLEVEL"), "--log-level (ECS_LOGLEVEL)", LOG_LEVELS) ?? "info",
  };
}

function parseFlags(args: readonly string[]) {
  const text = { type: "string" } as const;
  const options = {
    ...{ endpoint: text, cluster: text, "docker-host": text, "state-dir": text, address: text },
    ...{
      "availability-zone": text,
      attributes: text,
      "host-group": text,
      "cgroup-parent": text,
      "log-level": text,
      help: { type: "boolean", short: "h" } as const,
    },
  };
  try {
    return parseArgs({ args: [...args], options, allowPositionals: false }).values;
  } catch (error) {
    throw new AgentUsageError(error instanceof Error ? error.message : String(error), { cause: error });
  }
}

function groupOf(name: string): Readonly<Record<string, string>> {
  if (!/^[A-Za-z0-9_.@/\\ -]{1,128}$/.test(name) || name.trim() !== name)
    throw new AgentUsageError(
      `--host-group is "${name}": it must be 1 to 128 letters, digits, spaces and characters of _.@/\\-`,
    );
  return { "berth.host-group": name };
}

/** An absolute path of ordinary names, so that nothing outside it is ever touched. */
function cgroupParentOf(text: string): string {
  if (!/^(\/[A-Za-z0-9_-][A-Za-z0-9._-]*)+$/.test(text) || text.endsWith(".slice"))
    throw new AgentUsageError(
      `--cgroup-parent (ECS_CGROUP_PARENT) is "${text}": it must be the path of a control group, such as /ecs`,
    );
  return text;
}

function yesOrNo(text: string | undefined, what: string): boolean | undefined {
  const value = oneOf(text, what, ["true", "false"]);
  return value === undefined ? undefined : value === "true";
}

/** A bare host means https, as for the official agent. */
function endpointOf(text: string | undefined): URL {
  if (!text) throw new AgentUsageError("no control plane: give --endpoint URL or ECS_BACKEND_HOST");
  const full = /^https?:\/\//.test(text) ? text : `https://${text}`;
  if (!URL.canParse(full) || text.includes("://") !== /^https?:\/\//.test(text))
    throw new AgentUsageError(
      `--endpoint (ECS_BACKEND_HOST) is "${text}": it must be a URL such as http://127.0.0.1:7070`,
    );
  return new URL(full);
}

function dockerHostOf(text: string, env: NodeJS.ProcessEnv): DockerEndpoint {
  if (env.DOCKER_TLS_VERIFY)
    throw new AgentUsageError("DOCKER_TLS_VERIFY is set, but TLS to the Docker daemon is not supported");
  try {
    return parseDockerHost(text);
  } catch (error) {
    throw new AgentUsageError(`--docker-host (DOCKER_HOST): ${(error as Error).message}`, { cause: error });
  }
}

/** Names and values as PutAttributes takes them. */
function attributesOf(text: string | undefined, what: string): Record<string, string> {
  const attributes = stringMap(text, what);
  for (const [name, value] of Object.entries(attributes))
    if (!/^[A-Za-z0-9_./\\-]{1,128}$/.test(name) || !/^[\p{L}\p{N}_.@:/\\ -]{0,128}$/u.test(value))
      throw new AgentUsageError(
        `${what}: attribute "${name}"="${value}": names have 1 to 128 letters, digits and -_./\\; values up to 128 letters, digits, spaces and -_.@:/\\`,
      );
  return attributes;
}

function json(text: string, what: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new AgentUsageError(`${what} is "${text}", which is not JSON`, { cause: error });
  }
}

function stringMap(text: string | undefined, what: string): Record<string, string> {
  if (!text) return {};
  const value = json(text, what);
  const isMap = typeof value === "object" && value !== null && !Array.isArray(value);
  if (!isMap || !Object.values(value).every((it) => typeof it === "string"))
    throw new AgentUsageError(`${what} is ${text}: it must be a JSON object of strings, such as {"rack":"7"}`);
  return value as Record<string, string>;
}

function wholeNumber(text: string | undefined, what: string): number | undefined {
  if (!text) return undefined;
  if (!/^\d{1,9}$/.test(text)) throw new AgentUsageError(`${what} is "${text}": it must be a whole number`);
  return Number(text);
}

function ports(text: string | undefined, what: string): number[] | undefined {
  if (!text) return undefined;
  const value = json(text, what);
  if (!Array.isArray(value) || !value.every((it) => Number.isInteger(it) && it >= 1 && it <= 65535))
    throw new AgentUsageError(`${what} is ${text}: it must be a JSON list of ports, such as [22,8080]`);
  return value;
}

function loggingDrivers(text: string | undefined): string[] {
  if (!text) return ["json-file", "none"];
  const value = json(text, "ECS_AVAILABLE_LOGGING_DRIVERS");
  const known = LOGGING_DRIVERS as readonly string[];
  if (!Array.isArray(value) || !value.every((it) => known.includes(it)))
    throw new AgentUsageError(
      `ECS_AVAILABLE_LOGGING_DRIVERS is ${text}: it must be a JSON list of ${known.join(", ")}`,
    );
  return value;
}

function duration(text: string | undefined, what: string): number | undefined {
  if (!text) return undefined;
  const ms = parseDuration(text);
  if (ms === undefined || ms < 1000)
    throw new AgentUsageError(`${what} is "${text}": it must be a duration of at least 1s, such as 30s or 1h30m`);
  return ms;
}

function oneOf<T extends string>(text: string | undefined, what: string, allowed: readonly T[]): T | undefined {
  if (!text) return undefined;
  const found = allowed.find((it) => it === text);
  if (!found) throw new AgentUsageError(`${what} is "${text}": it must be one of ${allowed.join(", ")}`);
  return found;
}
