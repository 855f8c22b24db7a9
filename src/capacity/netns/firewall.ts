import { attempt, run } from "./command.ts";

/** A rule of the machine's packet filter, exactly as it is added and removed. */
export interface Rule {
  readonly table: "filter" | "nat";
  readonly chain: string;
  readonly match: readonly string[];
}

const OURS = ["-m", "comment", "--comment", "berth"];

/** The hosts may talk to each other and to the world beyond this machine, under its address. */
export function networkRules(bridge: string, subnet: string): readonly Rule[] {
  const answers = ["-m", "conntrack", "--ctstate", "RELATED,ESTABLISHED"];
  return [
    rule("nat", "POSTROUTING", ["-s", subnet, "!", "-o", bridge], "MASQUERADE"),
    rule("filter", "FORWARD", ["-i", bridge], "ACCEPT"),
    rule("filter", "FORWARD", ["-o", bridge, ...answers], "ACCEPT"),
    // route_localnet is on for the port below; without this a host could reach everything that listens on loopback.
    rule("filter", "INPUT", ["-i", bridge, "-d", "127.0.0.0/8", "-m", "conntrack", "!", "--ctstate", "DNAT"], "DROP"),
  ];
}

/** What the hosts send to the gateway's `port` arrives at loopback's, where the control plane listens. */
export function forwardRules(bridge: string, gateway: string, port: number): readonly Rule[] {
  const from = ["-i", bridge, "-p", "tcp"];
  const translated = ["-m", "conntrack", "--ctstate", "DNAT"];
  return [
    rule("nat", "PREROUTING", [...from, "-d", gateway, "--dport", `${port}`], "DNAT", `127.0.0.1:${port}`),
    rule("filter", "INPUT", [...from, "-d", "127.0.0.1", "--dport", `${port}`, ...translated], "ACCEPT"),
  ];
}

/** Adds the rules that are not there yet, in front of the others, since a machine's own may end in a refusal. */
export async function addRules(rules: readonly Rule[]): Promise<void> {
  for (const { table, chain, match } of rules) {
    const there = await attempt("iptables", ["-w", "10", "-t", table, "-C", chain, ...match]);
    if (!there.ok) await run("iptables", ["-w", "10", "-t", table, "-I", chain, ...match]);
  }
}

/** Removes every copy of the rules. A rule that is not there (any more) is fine. */
export async function removeRules(rules: readonly Rule[]): Promise<void> {
  for (const { table, chain, match } of rules)
    while ((await attempt("iptables", ["-w", "10", "-t", table, "-D", chain, ...match])).ok);
}

function rule(table: Rule["table"], chain: string, match: readonly string[], target: string, to?: string): Rule {
  const destination = to === undefined ? [] : ["--to-destination", to];
  return { table, chain, match: [...match, ...OURS, "-j", target, ...destination] };
}
