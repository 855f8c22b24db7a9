import { resolve } from "node:path";
import { type Clock, systemClock } from "../../runtime/clock.ts";
import { hostLimit } from "./allocation.ts";
import { HostError } from "./host-error.ts";
import { formatSubnet, parseSubnet, type Subnet } from "./subnet.ts";

/** Where the local hosts of this machine live. Two sets of hosts with different settings do not touch each other. */
export interface HostsSettings {
  /** Holds hosts/NAME/ for each host. Default `/var/lib/berth`, environment BERTH_HOSTS_DIR. */
  readonly dir: string;
  /** The hosts' network; its first address is the gateway. Default 10.213.0.0/24, environment BERTH_SUBNET. */
  readonly subnet: Subnet;
  /** Name of the Linux bridge, at most 11 characters. Default `berth0`, environment BERTH_BRIDGE. */
  readonly bridge: string;
  readonly clock: Clock;
}

/** Reads the settings from environment variables. Throws HostError naming the variable that is wrong. */
export function hostsSettings(env: Readonly<Record<string, string | undefined>>): HostsSettings {
  const dir = resolve(env.BERTH_HOSTS_DIR ?? "/var/lib/berth");
  const subnet = parseSubnet(env.BERTH_SUBNET ?? "10.213.0.0/24");
  if (subnet === undefined || hostLimit(subnet) < 1)
    throw new HostError(
      `BERTH_SUBNET is "${env.BERTH_SUBNET}", which is not an IPv4 network with room for hosts. Give one such as 10.213.0.0/24 (a /28 or larger).`,
    );
  const bridge = env.BERTH_BRIDGE ?? "berth0";
  if (!/^[a-z][a-z0-9-]{0,10}$/.test(bridge))
    throw new HostError(
      `BERTH_BRIDGE is "${bridge}". It must be 1 to 11 lower-case letters, digits or hyphens, starting with a letter.`,
    );
  return { dir, subnet, bridge, clock: systemClock() };
}

/** The address by which hosts reach this machine. */
export function gatewayOf(subnet: Subnet): string {
  return formatSubnet({ base: subnet.base + 1, prefix: 32 }).slice(0, -3);
}
