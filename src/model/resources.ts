import type { Resource } from "@aws-sdk/client-ecs";

/** An amount of what an instance offers and a task holds. 1024 CPU units are one vCPU. */
export interface Resources {
  readonly cpu: number;
  readonly memoryMiB: number;
  /** Host ports, each once. Dynamic ports are not reserved in advance and are not here. */
  readonly ports: readonly number[];
  readonly portsUdp: readonly number[];
  /** Ids of GPUs, each once; absent where there is none. */
  readonly gpus?: readonly string[];
}

export const NO_RESOURCES: Resources = { cpu: 0, memoryMiB: 0, ports: [], portsUdp: [] };

/** What both hold together. */
export function addResources(a: Resources, b: Resources): Resources {
  return {
    cpu: a.cpu + b.cpu,
    memoryMiB: a.memoryMiB + b.memoryMiB,
    ports: b.ports.length === 0 ? a.ports : [...a.ports, ...b.ports],
    portsUdp: b.portsUdp.length === 0 ? a.portsUdp : [...a.portsUdp, ...b.portsUdp],
    ...gpusOf([...(a.gpus ?? []), ...(b.gpus ?? [])]),
  };
}

/** What is left of `a` without `b`; a port that `a` holds twice is taken out once. */
export function subtractResources(a: Resources, b: Resources): Resources {
  return {
    cpu: a.cpu - b.cpu,
    memoryMiB: a.memoryMiB - b.memoryMiB,
    ports: without(a.ports, b.ports),
    portsUdp: without(a.portsUdp, b.portsUdp),
    ...gpusOf(without(a.gpus ?? [], b.gpus ?? [])),
  };
}

/** The member of an amount that has these GPUs: none without any, as it was recorded before there were GPUs. */
function gpusOf(gpus: readonly string[]): Pick<Resources, "gpus"> {
  return gpus.length === 0 ? {} : { gpus };
}

function without<T>(all: readonly T[], taken: readonly T[]): readonly T[] {
  if (taken.length === 0) return all;
  const left = [...all];
  for (const port of taken) {
    const at = left.indexOf(port);
    if (at >= 0) left.splice(at, 1);
  }
  return left;
}

/**
 * Resources as DescribeContainerInstances shows them. For ports, ECS lists those in use, in both the registered and
 * the remaining list. GPUs are listed by id, only for instances that have some.
 */
export function toWireResources(
  amount: { cpu: number; memoryMiB: number; gpus?: readonly string[] },
  usedPorts: readonly number[],
  usedUdp: readonly number[],
): Resource[] {
  const integer = (name: string, integerValue: number): Resource => ({
    name,
    type: "INTEGER",
    doubleValue: 0,
    longValue: 0,
    integerValue,
  });
  const set = (name: string, items: readonly (number | string)[]): Resource => ({
    name,
    type: "STRINGSET",
    doubleValue: 0,
    longValue: 0,
    integerValue: 0,
    stringSetValue: items.map(String),
  });
  return [
    integer("CPU", amount.cpu),
    integer("MEMORY", amount.memoryMiB),
    set("PORTS", usedPorts),
    set("PORTS_UDP", usedUdp),
    ...(amount.gpus === undefined ? [] : [set("GPU", amount.gpus)]),
  ];
}
