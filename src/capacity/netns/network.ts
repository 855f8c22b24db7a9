import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { attempt, run } from "./command.ts";
import { addRules, forwardRules, networkRules, type Rule, removeRules } from "./firewall.ts";
import { HostError } from "./host-error.ts";
import { type HostRecord, replaceFile } from "./host-record.ts";
import { namespacePath } from "./processes.ts";
import { gatewayOf, type HostsSettings } from "./settings.ts";
import { formatSubnet, overlaps, parseSubnet } from "./subnet.ts";

/** One file per bridge that needs forwarding, and `before` with the kernel's setting of old. Gone with the next boot, like it. */
const FORWARDING_DIR = "/run/berth/ip-forward";
const FORWARDING_SETTING = "/proc/sys/net/ipv4/ip_forward";

/** What was changed on the machine for all hosts together; kept in network.json so that it can be taken back. */
interface NetworkState {
  readonly bridge: string;
  /** False while the bridge is being made: after a crash it is made anew. */
  readonly ready: boolean;
  readonly rules: readonly Rule[];
}

/** Makes what all hosts share, where it is missing: bridge, forwarding, firewall rules. Call under the lock. */
export async function ensureNetwork(settings: HostsSettings, forwardedPort: number | undefined): Promise<void> {
  const { bridge, subnet } = settings;
  let state = readNetworkState(settings);
  if (state?.ready === false) {
    await removeNetwork(settings);
    state = undefined;
  }
  const fresh = !existsSync(`/sys/class/net/${bridge}`);
  if (fresh) await refuseCollision(settings);
  else if (state === undefined)
    throw new HostError(
      `a network interface ${bridge} exists that is not ours. Remove it (ip link del ${bridge}) or set BERTH_BRIDGE to another name.`,
    );
  const gateway = gatewayOf(subnet);
  const rules = [
    ...networkRules(bridge, formatSubnet(subnet)),
    ...(forwardedPort === undefined ? [] : forwardRules(bridge, gateway, forwardedPort)),
  ];
  const known = state?.rules ?? [];
  const added = rules.filter((rule) => !known.some((other) => JSON.stringify(other) === JSON.stringify(rule)));
  const all = [...known, ...added];
  if (fresh || added.length > 0) writeNetworkState(settings, { bridge, ready: !fresh, rules: all });
  if (fresh) await makeBridge(bridge, `${gateway}/${subnet.prefix}`);
  await addRules(all);
  if (fresh) writeNetworkState(settings, { bridge, ready: true, rules: all });
}

async function makeBridge(bridge: string, addressWithPrefix: string): Promise<void> {
  await run("ip", ["link", "add", bridge, "type", "bridge"]);
  await run("ip", ["-batch", "-"], `address add ${addressWithPrefix} dev ${bridge}\nlink set ${bridge} up`);
  writeFileSync(`/proc/sys/net/ipv4/conf/${bridge}/route_localnet`, "1");
  turnForwardingOn(bridge);
}

/** Takes back all that `ensureNetwork` made. Call under the lock, when no host is left. */
export async function removeNetwork(settings: HostsSettings): Promise<void> {
  const state = readNetworkState(settings);
  if (state === undefined) return;
  await removeRules(state.rules);
  if (existsSync(`/sys/class/net/${state.bridge}`)) await run("ip", ["link", "delete", state.bridge]);
  restoreForwarding(state.bridge);
  rmSync(join(settings.dir, "network.json"), { force: true });
}

/** Gives a host its namespace, its address and its cable to the bridge. Call under the lock. */
export async function connectHost(record: HostRecord): Promise<void> {
  const { name, bridge, address, prefix, gateway } = record;
  const cable = cableOf(record);
  await run("ip", ["netns", "add", `berth-${name}`]);
  const outside = [
    `link add ${cable} type veth peer name eth0 netns berth-${name}`,
    `link set ${cable} master ${bridge} up`,
  ];
  const inside = [
    "link set lo up",
    `address add ${address}/${prefix} dev eth0`,
    "link set eth0 up",
    `route add default via ${gateway}`,
  ];
  await run("ip", ["-batch", "-"], outside.join("\n"));
  await run("ip", ["-n", `berth-${name}`, "-batch", "-"], inside.join("\n"));
}

/** Takes the host's cable down: nothing that it still says gets out. Does nothing when there is no cable. */
export async function unplugHost(record: HostRecord): Promise<void> {
  await attempt("ip", ["link", "set", cableOf(record), "down"]);
}

/** Removes the namespace, and with it the cable. The host has no process left. Does nothing when there is none. */
export async function disconnectHost(name: string, record: HostRecord | undefined): Promise<void> {
  // A namespace goes some time after its last user; its cable must be gone at once, for its name to be free.
  if (record !== undefined) await attempt("ip", ["link", "delete", cableOf(record)]);
  if (existsSync(namespacePath(name))) await run("ip", ["netns", "delete", `berth-${name}`]);
}

/** The bridge's end of the host's cable, such as "berth0.3". At most 15 characters: 11 of the bridge, a dot, 3 digits. */
function cableOf(record: HostRecord): string {
  return `${record.bridge}.${record.number}`;
}

async function refuseCollision(settings: HostsSettings): Promise<void> {
  const routes = await run("ip", ["-4", "route", "show", "table", "all"]);
  for (const line of routes.split("\n")) {
    const words = line.split(" ");
    const target = parseSubnet(words[0] ?? "") ?? parseSubnet(words[1] ?? "");
    if (target === undefined || target.prefix === 0 || !overlaps(target, settings.subnet)) continue;
    throw new HostError(
      `the hosts' network ${formatSubnet(settings.subnet)} collides with a route of this machine (${line.trim()}). ` +
        "Set BERTH_SUBNET to a network that is free, such as 10.99.0.0/24.",
    );
  }
}

function turnForwardingOn(bridge: string): void {
  mkdirSync(FORWARDING_DIR, { recursive: true });
  const before = readFileSync(FORWARDING_SETTING, "utf8").trim();
  if (!existsSync(join(FORWARDING_DIR, "before"))) writeFileSync(join(FORWARDING_DIR, "before"), before);
  writeFileSync(join(FORWARDING_DIR, `bridge-${bridge}`), "");
  if (before !== "1") writeFileSync(FORWARDING_SETTING, "1");
}

function restoreForwarding(bridge: string): void {
  if (!existsSync(join(FORWARDING_DIR, "before"))) return;
  rmSync(join(FORWARDING_DIR, `bridge-${bridge}`), { force: true });
  if (readdirSync(FORWARDING_DIR).some((file) => file.startsWith("bridge-"))) return;
  const before = readFileSync(join(FORWARDING_DIR, "before"), "utf8");
  // A Docker Engine of the machine that was started meanwhile needs forwarding too and believes to have set it.
  if (before === "0" && !existsSync("/sys/class/net/docker0")) writeFileSync(FORWARDING_SETTING, "0");
  rmSync(FORWARDING_DIR, { recursive: true });
}

function readNetworkState(settings: HostsSettings): NetworkState | undefined {
  const file = join(settings.dir, "network.json");
  return existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as NetworkState) : undefined;
}

function writeNetworkState(settings: HostsSettings, state: NetworkState): void {
  mkdirSync(settings.dir, { recursive: true });
  replaceFile(join(settings.dir, "network.json"), `${JSON.stringify(state, null, 2)}\n`);
}
