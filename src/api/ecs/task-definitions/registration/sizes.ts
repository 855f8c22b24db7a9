import { clientError } from "../../errors.ts";

/** 1024 CPU units are one vCPU. Source: ECS API reference, RegisterTaskDefinition. */
const CPU_UNITS_PER_VCPU = 1024;
const MIB_PER_GB = 1024;
/** Source: ECS API reference: task cpu on EC2 and EXTERNAL, from 0.125 to 192 vCPU. */
const TASK_CPU_RANGE = { low: 128, high: 196_608 } as const;
/** Docker reserves this much for a container at least. Source: ECS API reference, ContainerDefinition.memory. */
export const MIN_CONTAINER_MEMORY_MIB = 6;

const HELP = "For more information, see the Troubleshooting section of the Amazon ECS Developer Guide.";

/**
 * A task's `cpu`, given as units ("1024") or as vCPU ("1 vCPU", ".5 vcpu"), as units. Throws ClientException for anything
 * else or less than 128 or more than 196,608 units.
 */
export function parseTaskCpu(text: string | undefined): number | undefined {
  return parseSize(text, {
    unit: "vcpu",
    perUnit: CPU_UNITS_PER_VCPU,
    ...TASK_CPU_RANGE,
    problem: `Invalid 'cpu' setting for task. ${HELP}`,
  });
}

/**
 * A task's `memory`, given as MiB ("1024") or as GB ("1GB", "1 GB"), in MiB. Throws ClientException for anything else or
 * for less than a container needs.
 */
export function parseTaskMemory(text: string | undefined): number | undefined {
  return parseSize(text, {
    unit: "gb",
    perUnit: MIB_PER_GB,
    low: MIN_CONTAINER_MEMORY_MIB,
    high: 2 ** 31 - 1,
    problem: `Invalid 'memory' setting for task. ${HELP}`,
  });
}

function parseSize(
  text: string | undefined,
  rule: { unit: string; perUnit: number; low: number; high: number; problem: string },
): number | undefined {
  if (text === undefined || text === "") return undefined;
  const match = /^\s*(\d{1,10}|\d{0,9}\.\d{1,9})\s*([a-z]*)\s*$/i.exec(text);
  const [, figure = "", unit = ""] = match ?? [];
  const factor = unit === "" ? 1 : unit.toLowerCase() === rule.unit ? rule.perUnit : Number.NaN;
  const size = Number(figure) * factor;
  if (match === null || !Number.isInteger(size) || size < rule.low || size > rule.high) throw clientError(rule.problem);
  return size;
}

/** Which memory Fargate offers for a cpu. Source: ECS developer guide, Fargate task sizes. */
const FARGATE_SIZES: Readonly<Record<number, readonly number[]>> = {
  256: [512, 1024, 2048],
  512: steps(1024, 4096, 1024),
  1024: steps(2048, 8192, 1024),
  2048: steps(4096, 16_384, 1024),
  4096: steps(8192, 30_720, 1024),
  8192: steps(16_384, 61_440, 4096),
  16384: steps(32_768, 122_880, 8192),
};

function steps(low: number, high: number, step: number): readonly number[] {
  return Array.from({ length: (high - low) / step + 1 }, (_, i) => low + i * step);
}

/** True for a pair that Fargate offers. */
export function isFargateSize(cpu: number, memoryMiB: number): boolean {
  return FARGATE_SIZES[cpu]?.includes(memoryMiB) ?? false;
}
