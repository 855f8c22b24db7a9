import type { ContainerDefinition, Device, LinuxParameters } from "@aws-sdk/client-ecs";

/** Engine configuration, each part as JSON in a string, with Docker's own member names. Source: agent protocol, dockerConfig. */
export interface DockerConfig {
  readonly config: string;
  readonly hostConfig: string;
}

const MIB = 1024 * 1024;
const NANOSECONDS = 1_000_000_000;

/** What ECS takes for the members of a health check that are not given, in seconds and tries. */
const HEALTH_CHECK_DEFAULTS = { interval: 30, timeout: 5, retries: 3 } as const;

/** The parts of a container that travel as engine configuration. Memory is in MiB, 0 for no hard limit. */
export function dockerConfig(
  container: ContainerDefinition,
  limits: { readonly networkMode: string; readonly memory: number; readonly memoryReservation: number | undefined },
): DockerConfig {
  return {
    config: JSON.stringify({
      User: container.user,
      WorkingDir: container.workingDirectory,
      Hostname: container.hostname,
      OpenStdin: container.interactive,
      Tty: container.pseudoTerminal,
      NetworkDisabled: container.disableNetworking,
      Labels: container.dockerLabels,
      Healthcheck: healthCheck(container),
    }),
    hostConfig: JSON.stringify({
      NetworkMode: limits.networkMode,
      MemoryReservation: limits.memoryReservation === undefined ? undefined : limits.memoryReservation * MIB,
      LogConfig:
        container.logConfiguration === undefined
          ? undefined
          : { Type: container.logConfiguration.logDriver, Config: container.logConfiguration.options ?? {} },
      Privileged: container.privileged,
      ReadonlyRootfs: container.readonlyRootFilesystem,
      ...linuxParameters(container.linuxParameters, limits.memory),
      Ulimits: container.ulimits?.map((u) => ({ Name: u.name, Soft: u.softLimit, Hard: u.hardLimit })),
      ExtraHosts: container.extraHosts?.map((h) => `${h.hostname}:${h.ipAddress}`),
      Dns: container.dnsServers,
      DnsSearch: container.dnsSearchDomains,
      SecurityOpt: container.dockerSecurityOptions,
      Sysctls: sysctls(container),
    }),
  };
}

function healthCheck({ healthCheck: check }: ContainerDefinition): object | undefined {
  if (check === undefined) return undefined;
  return {
    Test: check.command,
    Interval: (check.interval ?? HEALTH_CHECK_DEFAULTS.interval) * NANOSECONDS,
    Timeout: (check.timeout ?? HEALTH_CHECK_DEFAULTS.timeout) * NANOSECONDS,
    Retries: check.retries ?? HEALTH_CHECK_DEFAULTS.retries,
    StartPeriod: check.startPeriod === undefined ? undefined : check.startPeriod * NANOSECONDS,
  };
}

function linuxParameters(linux: LinuxParameters | undefined, memoryMiB: number): object {
  if (linux === undefined) return {};
  return {
    CapAdd: linux.capabilities?.add,
    CapDrop: linux.capabilities?.drop,
    Devices: linux.devices?.map(device),
    Init: linux.initProcessEnabled,
    ShmSize: linux.sharedMemorySize === undefined ? undefined : linux.sharedMemorySize * MIB,
    Tmpfs:
      linux.tmpfs === undefined
        ? undefined
        : Object.fromEntries(
            linux.tmpfs.map((t) => [t.containerPath, [...(t.mountOptions ?? []), `size=${t.size}m`].join(",")]),
          ),
    ...swap(linux, memoryMiB),
  };
}

/** Docker counts memory and swap together. Without maxSwap, swappiness means nothing. Source: ECS, LinuxParameters. */
function swap({ maxSwap, swappiness }: LinuxParameters, memoryMiB: number): object {
  if (maxSwap === undefined || memoryMiB === 0) return {};
  return { MemorySwap: (memoryMiB + maxSwap) * MIB, MemorySwappiness: swappiness };
}

const PERMISSIONS = { read: "r", write: "w", mknod: "m" } as const;

function device({ hostPath, containerPath, permissions = [] }: Device): object {
  const given = (["read", "write", "mknod"] as const).filter(
    (p) => permissions.length === 0 || permissions.includes(p),
  );
  return {
    PathOnHost: hostPath,
    PathInContainer: containerPath ?? hostPath,
    CgroupPermissions: given.map((p) => PERMISSIONS[p]).join(""),
  };
}

function sysctls({ systemControls = [] }: ContainerDefinition): object | undefined {
  if (systemControls.length === 0) return undefined;
  return Object.fromEntries(systemControls.map((s) => [s.namespace, s.value]));
}
