import type { PlatformDevice, Resource } from "@aws-sdk/client-ecs";
import { NO_RESOURCES, type Resources } from "../../../model/resources.ts";
import { INT32_MAX } from "../../../wire/limits.ts";
import { invalidParameter, notCarriedOut } from "../errors.ts";

/** Ports that a host keeps for itself. Source: ECS developer guide, portMappings. */
const MAX_RESERVED_PORTS = 100;

/** More than any machine has: a bound on what a record may grow to. */
const MAX_GPUS = 128;
const GPU_ID = /^[\x21-\x7e]{1,128}$/;

/**
 * What a host offers, from RegisterContainerInstance: GPUs are its platform devices. Throws InvalidParameterException for what is no
 * amount, no port or no device.
 */
export function fromWireResources(
  given: readonly Resource[] | undefined,
  devices: readonly PlatformDevice[] = [],
): Resources {
  const byName = new Map((given ?? []).map((resource) => [resource.name, resource]));
  const known = new Set(["CPU", "MEMORY", "PORTS", "PORTS_UDP"]);
  for (const name of byName.keys()) {
    if (!known.has(name ?? "")) throw notCarriedOut(`resource ${name} in totalResources`);
  }
  const amount = (name: string): number => {
    const value = byName.get(name)?.integerValue ?? 0;
    if (value < 0 || value > INT32_MAX) throw invalidParameter(`${name} must be between 0 and ${INT32_MAX}.`);
    return value;
  };
  const ports = (name: string): readonly number[] => {
    const list = byName.get(name)?.stringSetValue ?? [];
    if (list.length > MAX_RESERVED_PORTS) {
      throw invalidParameter(`${name} cannot have more than ${MAX_RESERVED_PORTS} reserved ports.`);
    }
    return [...new Set(list.map((text) => portOf(name, text)))];
  };
  if (byName.get("CPU") === undefined || byName.get("MEMORY") === undefined) {
    throw invalidParameter("totalResources must have CPU and MEMORY.");
  }
  return {
    ...NO_RESOURCES,
    cpu: amount("CPU"),
    memoryMiB: amount("MEMORY"),
    ports: ports("PORTS"),
    portsUdp: ports("PORTS_UDP"),
    ...(devices.length === 0 ? {} : { gpus: gpusOf(devices) }),
  };
}

function gpusOf(devices: readonly PlatformDevice[]): readonly string[] {
  if (devices.length > MAX_GPUS) throw invalidParameter(`platformDevices cannot have more than ${MAX_GPUS} elements.`);
  const ids = devices.map(({ id = "" }) => id);
  const wrong = ids.find((id, i) => !GPU_ID.test(id) || ids.indexOf(id) !== i);
  if (wrong !== undefined)
    throw invalidParameter(`platformDevices: '${wrong.slice(0, 40)}' is no id, or is given twice.`);
  return ids;
}

function portOf(name: string, text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (port < 1 || port > 65_535) throw invalidParameter(`${name}: '${text.slice(0, 20)}' is not a port.`);
  return port;
}
