import * as v from "valibot";
import {
  type ContainerFacts,
  type ContainerState,
  type ImageFacts,
  type ListedContainer,
  type NetworkCounter,
  type PortBinding,
  RuntimeError,
  type RuntimeHost,
  type StatsSample,
} from "../container-runtime.ts";

const strings = v.nullish(v.record(v.string(), v.string()));

const info = v.object({
  NCPU: v.number(),
  MemTotal: v.number(),
  Plugins: v.nullish(v.object({ Volume: v.nullish(v.array(v.string())) })),
  CgroupDriver: v.nullish(v.string()),
  CgroupVersion: v.nullish(v.string()),
  SecurityOptions: v.nullish(v.array(v.string())),
  KernelVersion: v.nullish(v.string()),
  OperatingSystem: v.nullish(v.string()),
});

/** One run of a container's health check. */
const healthCheckRun = v.looseObject({ End: v.nullish(v.string()), Output: v.nullish(v.string()) });

const inspected = v.object({
  Id: v.string(),
  Name: v.string(),
  Image: v.string(),
  Created: v.nullish(v.string()),
  Config: v.object({ Labels: strings }),
  State: v.object({
    Status: v.string(),
    ExitCode: v.nullish(v.number()),
    OOMKilled: v.nullish(v.boolean()),
    Error: v.nullish(v.string()),
    StartedAt: v.nullish(v.string()),
    FinishedAt: v.nullish(v.string()),
    Health: v.nullish(v.object({ Status: v.string(), Log: v.nullish(v.array(healthCheckRun)) })),
  }),
  NetworkSettings: v.nullish(
    v.object({
      Ports: v.nullish(
        v.record(v.string(), v.nullish(v.array(v.object({ HostIp: v.nullish(v.string()), HostPort: v.string() })))),
      ),
      Networks: v.nullish(v.record(v.string(), v.nullish(v.object({ IPAddress: v.nullish(v.string()) })))),
    }),
  ),
});

const listed = v.array(
  v.object({ Id: v.string(), Names: v.nullish(v.array(v.string())), Labels: strings, State: v.string() }),
);

const image = v.object({
  Id: v.string(),
  RepoDigests: v.nullish(v.array(v.string())),
  Config: v.nullish(v.object({ Env: v.nullish(v.array(v.string())) })),
});

const networkStats = v.record(v.string(), v.record(v.string(), v.number()));
const stats = v.object({
  read: v.string(),
  cpu_stats: v.object({ cpu_usage: v.object({ total_usage: v.number() }) }),
  memory_stats: v.nullish(
    v.object({ usage: v.nullish(v.number()), stats: v.nullish(v.record(v.string(), v.number())) }),
  ),
  networks: v.nullish(networkStats),
  blkio_stats: v.nullish(
    v.object({
      io_service_bytes_recursive: v.nullish(v.array(v.object({ op: v.string(), value: v.number() }))),
    }),
  ),
});

/** Checks an answer against the shape we rely on. */
export function expectShape<T>(schema: v.GenericSchema<unknown, T>, answer: unknown, what: string): T {
  const result = v.safeParse(schema, answer);
  if (result.success) return result.output;
  throw new RuntimeError(
    "failed",
    `the Docker daemon's answer to "${what}" has an unknown shape: ${v.summarize(result.issues)}`,
  );
}

export function runtimeHost(answer: unknown): RuntimeHost {
  const it = expectShape(info, answer, "info");
  return {
    cpus: it.NCPU,
    memoryBytes: it.MemTotal,
    volumeDrivers: it.Plugins?.Volume ?? ["local"],
    cgroupDriver: it.CgroupDriver ?? "none",
    cgroupVersion: it.CgroupVersion ?? "1",
    rootless: (it.SecurityOptions ?? []).some((option) => option.split(",").includes("name=rootless")),
    kernel: it.KernelVersion ?? "",
    operatingSystem: it.OperatingSystem ?? "",
  };
}

export function containerFacts(answer: unknown): ContainerFacts {
  const it = expectShape(inspected, answer, "inspect container");
  const state = stateOf(it.State.Status);
  return {
    id: it.Id,
    name: it.Name.replace(/^\//, ""),
    labels: it.Config.Labels ?? {},
    imageId: it.Image,
    state,
    createdAt: instantOf(it.Created),
    startedAt: instantOf(it.State.StartedAt),
    finishedAt: instantOf(it.State.FinishedAt),
    exitCode: state === "exited" ? (it.State.ExitCode ?? undefined) : undefined,
    oomKilled: it.State.OOMKilled ?? false,
    error: it.State.Error || undefined,
    health: healthOf(it.State.Health?.Status, it.State.Health?.Log?.at(-1)),
    bindings: bindingsOf(it.NetworkSettings?.Ports ?? {}),
    networks: Object.entries(it.NetworkSettings?.Networks ?? {}).map(([name, network]) => ({
      name,
      ipv4: network?.IPAddress || undefined,
    })),
  };
}

/** Docker's own words are created, running, paused, restarting, removing, exited and dead. */
function stateOf(status: string): ContainerState {
  if (status === "created") return "created";
  return status === "exited" || status === "dead" || status === "removing" ? "exited" : "running";
}

/** "starting" and "none" are not a verdict. `last` is the newest run of the check. */
function healthOf(
  status: string | undefined,
  last: v.InferOutput<typeof healthCheckRun> | undefined,
): ContainerFacts["health"] {
  const since = instantOf(last?.End);
  if (status === "healthy") return { status: "HEALTHY", since };
  return status === "unhealthy" ? { status: "UNHEALTHY", since, output: last?.Output?.trim() || undefined } : undefined;
}

/** Docker writes year 1 for "never". */
function instantOf(text: string | null | undefined): number | undefined {
  if (!text || text.startsWith("0001-")) return undefined;
  const at = Date.parse(text);
  return Number.isNaN(at) ? undefined : at;
}

function bindingsOf(
  ports: Record<string, { HostIp?: string | null; HostPort: string }[] | null | undefined>,
): PortBinding[] {
  const bindings: PortBinding[] = [];
  for (const [key, hosts] of Object.entries(ports)) {
    const [port, protocol] = key.split("/");
    for (const host of hosts ?? []) {
      if (host.HostIp?.includes(":")) continue; // The IPv6 twin of a binding is not reported (agent protocol, 3.1).
      bindings.push({
        bindIP: host.HostIp || "0.0.0.0",
        containerPort: Number(port),
        hostPort: Number(host.HostPort),
        protocol: protocol === "udp" ? "udp" : "tcp",
      });
    }
  }
  return bindings.sort((a, b) => a.containerPort - b.containerPort || a.hostPort - b.hostPort);
}

export function listedContainers(answer: unknown): ListedContainer[] {
  return expectShape(listed, answer, "list containers").map((it) => ({
    id: it.Id,
    name: (it.Names?.[0] ?? "").replace(/^\//, ""),
    labels: it.Labels ?? {},
    state: stateOf(it.State),
  }));
}

/** `reference` is what was asked for: only its own repository's digests count, since others are not known there. */
export function imageFacts(answer: unknown, reference: string): ImageFacts {
  const it = expectShape(image, answer, "inspect image");
  return {
    id: it.Id,
    repoDigests: (it.RepoDigests ?? [])
      .filter((digest) => repositoryOf(digest) === repositoryOf(reference))
      .map((digest) => digest.slice(digest.indexOf("@") + 1)),
    environment: it.Config?.Env ?? [],
  };
}

/** A reference without tag and digest, in Docker's short form: `docker.io/library/web:1` gives `web`. */
function repositoryOf(reference: string): string {
  const name = reference.split("@")[0] ?? "";
  const colon = name.lastIndexOf(":");
  const repository = colon > name.lastIndexOf("/") ? name.slice(0, colon) : name;
  return repository.replace(/^docker\.io\//, "").replace(/^library\//, "");
}

/** Undefined of a container that is not running (Docker answers zeros). */
export function statsSample(answer: unknown): StatsSample | undefined {
  const it = expectShape(stats, answer, "container stats");
  const at = instantOf(it.read);
  if (at === undefined || it.memory_stats?.usage == null) return undefined;
  // Page cache that can be dropped at once is not counted, as `docker stats` does.
  const cache = it.memory_stats.stats?.total_inactive_file ?? it.memory_stats.stats?.inactive_file ?? 0;
  return {
    at,
    cpuNanos: it.cpu_stats.cpu_usage.total_usage,
    memoryBytes: Math.max(0, it.memory_stats.usage - cache),
    network: it.networks ? networkOf(it.networks) : undefined,
    readBytes: blockBytes(it.blkio_stats?.io_service_bytes_recursive, "read"),
    writeBytes: blockBytes(it.blkio_stats?.io_service_bytes_recursive, "write"),
  };
}

function networkOf(networks: Record<string, Record<string, number>>): Record<NetworkCounter, number> {
  const total = (name: string) => Object.values(networks).reduce((sum, network) => sum + (network[name] ?? 0), 0);
  return {
    rxBytes: total("rx_bytes"),
    rxDropped: total("rx_dropped"),
    rxErrors: total("rx_errors"),
    rxPackets: total("rx_packets"),
    txBytes: total("tx_bytes"),
    txDropped: total("tx_dropped"),
    txErrors: total("tx_errors"),
    txPackets: total("tx_packets"),
  };
}

function blockBytes(entries: { op: string; value: number }[] | null | undefined, op: string): number {
  return (entries ?? []).filter((it) => it.op.toLowerCase() === op).reduce((sum, it) => sum + it.value, 0);
}
