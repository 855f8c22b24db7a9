import type { ContainerSpec } from "../container-runtime.ts";

const BYTES_PER_MIB = 1024 * 1024;
/** Length of the window over which a processor limit is measured, in microseconds. */
const CPU_PERIOD_US = 100_000;

type Json = Record<string, unknown>;

/** The body of the daemon's "create container" call: what the spec says, with the spec's overlay laid over it. */
export function createBody(spec: ContainerSpec): Json {
  const config = overlaid(
    {
      Image: spec.image,
      Env: Object.entries(spec.environment).map(([name, value]) => `${name}=${value}`),
      ...(spec.command ? { Cmd: spec.command } : {}),
      ...(spec.entryPoint ? { Entrypoint: spec.entryPoint } : {}),
      ExposedPorts: Object.fromEntries(spec.ports.map((port) => [`${port.containerPort}/${port.protocol}`, {}])),
    },
    spec.overlay.config ?? {},
  );
  // The agent finds its containers by these: nothing may take their place.
  config.Labels = { ...(config.Labels as Json | undefined), ...spec.labels };
  const hostConfig = overlaid(
    {
      CpuShares: spec.cpuShares,
      ...(spec.cpuLimit ? { CpuPeriod: CPU_PERIOD_US, CpuQuota: Math.round(spec.cpuLimit * CPU_PERIOD_US) } : {}),
      ...(spec.memoryMiB ? { Memory: spec.memoryMiB * BYTES_PER_MIB } : {}),
      ...(spec.cgroupParent ? { CgroupParent: spec.cgroupParent } : {}),
      PortBindings: portBindings(spec),
      Binds: spec.mounts.map((mount) => `${mount.source}:${mount.target}${mount.readOnly ? ":ro" : ""}`),
      VolumesFrom: spec.volumesFrom.map((from) => `${from.container}${from.readOnly ? ":ro" : ""}`),
      Links: spec.links.map((link) => `${link.container}:${link.alias}`),
      ...(spec.networkMode ? { NetworkMode: spec.networkMode } : {}),
      ...(spec.pidMode ? { PidMode: spec.pidMode } : {}),
      ...(spec.ipcMode ? { IpcMode: spec.ipcMode } : {}),
    },
    spec.overlay.hostConfig ?? {},
  );
  return { ...config, HostConfig: hostConfig };
}

function portBindings(spec: ContainerSpec): Json {
  const bindings: Record<string, { HostPort: string }[]> = {};
  for (const port of spec.ports) {
    const key = `${port.containerPort}/${port.protocol}`;
    bindings[key] ??= [];
    bindings[key].push({ HostPort: port.hostPort ? String(port.hostPort) : "" });
  }
  return bindings;
}

/** `over` laid on `base`: objects are merged member by member, everything else is replaced. */
export function overlaid(base: Json, over: Readonly<Json>): Json {
  const result: Json = { ...base };
  for (const [key, value] of Object.entries(over)) {
    const below = result[key];
    result[key] = isObject(value) && isObject(below) ? overlaid(below, value) : value;
  }
  return result;
}

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
