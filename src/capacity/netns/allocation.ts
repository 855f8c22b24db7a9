import { addressAt, type Subnet, size } from "./subnet.ts";

/** Offset of the first host's address less one: host number 1 of 10.213.0.0/24 is 10.213.0.11. Those below are for people. */
const ADDRESS_OFFSET = 10;
/** Host numbers go into the third byte of the containers' network, 10.214.N.0/24. */
const MOST_HOSTS = 254;

/** What a host is given that no other host has. */
export interface Place {
  /** 1..254. */
  readonly number: number;
  /** Its address on the bridge, such as "10.213.0.11". */
  readonly address: string;
  /** The address of its engine's own bridge with prefix, such as "10.214.1.1/24". */
  readonly containerNetwork: string;
}

/** How many hosts fit in the subnet: its addresses less the first eleven and the broadcast address, at most 254. */
export function hostLimit(subnet: Subnet): number {
  return Math.max(0, Math.min(MOST_HOSTS, size(subnet) - 2 - ADDRESS_OFFSET));
}

/** The lowest free place, or undefined when the subnet is full. `taken` holds the numbers in use. */
export function lowestFreePlace(subnet: Subnet, taken: ReadonlySet<number>): Place | undefined {
  for (let number = 1; number <= hostLimit(subnet); number++)
    if (!taken.has(number))
      return {
        number,
        address: addressAt(subnet, ADDRESS_OFFSET + number),
        containerNetwork: `10.214.${number}.1/24`,
      };
  return undefined;
}
