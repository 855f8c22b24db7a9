import type { Random } from "../../runtime/random.ts";
import { parsePortRange } from "./container-spec.ts";
import { type ContainerRecord, payloadOf, type RangeBinding, type TaskRecord } from "./task-record.ts";

/** Where host ranges are taken from: the part of the port space that is for passing use on Linux. */
export const DYNAMIC_PORTS = { first: 32_768, last: 60_999 } as const;
const TRIES = 100;

/**
 * Picks a host range for each containerPortRange of a container, at random, away from the ranges already in use here.
 * Whether the ports are really free only shows when the container starts. Throws an Error if there is no room.
 */
export function pickRanges(
  task: TaskRecord,
  container: ContainerRecord,
  used: readonly RangeBinding[],
  random: Random,
): RangeBinding[] {
  const picked: RangeBinding[] = [];
  for (const mapping of payloadOf(task, container).portMappings ?? []) {
    if (!mapping.containerPortRange) continue;
    const inside = parsePortRange(mapping.containerPortRange);
    if (inside.first < 1 || inside.last > 65535 || inside.last < inside.first)
      throw new Error(`containerPortRange ${mapping.containerPortRange} is not a range of ports`);
    const protocol = mapping.protocol ?? "tcp";
    const hostPortRange = pickRange(inside.last - inside.first + 1, [...used, ...picked], random);
    picked.push({ containerPortRange: mapping.containerPortRange, hostPortRange, protocol });
  }
  return picked;
}

function pickRange(length: number, used: readonly RangeBinding[], random: Random): string {
  const room = DYNAMIC_PORTS.last - DYNAMIC_PORTS.first + 1 - length;
  for (let attempt = 0; attempt < TRIES && room >= 0; attempt++) {
    const first = DYNAMIC_PORTS.first + Math.floor(random.next() * (room + 1));
    const last = first + length - 1;
    const taken = used.some((it) => {
      const other = parsePortRange(it.hostPortRange);
      return first <= other.last && other.first <= last;
    });
    if (!taken) return `${first}-${last}`;
  }
  throw new Error(`no ${length} host ports in a row are free`);
}
