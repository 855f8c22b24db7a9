import type { Streams } from "./chance.ts";
import type { HostPlan } from "./host.ts";

/** Everything that may go wrong. */
export const FAULTS = [
  "crash",
  "crash-at-commit",
  "restart",
  "pause",
  "clock-jump",
  "slow-disk",
  "cut",
  "cut-many",
  "slow-network",
  "agent-killed",
  "agent-frozen",
  "host-lost",
  "container-killed",
] as const;
export type FaultKind = (typeof FAULTS)[number];

/** What a seed's world is. Each seed tries some of the faults and not others, so that they cannot hide each other. */
export interface Scenario {
  readonly clusters: readonly string[];
  readonly hosts: readonly HostPlan[];
  /** Hosts that carry the load balancers beside the control plane's own. */
  readonly edges: number;
  /** How long each user waits between deeds, on average, in milliseconds. */
  readonly users: readonly number[];
  /** The mean time between two faults of a kind, in milliseconds. A kind that is not here does not happen. */
  readonly faults: Readonly<Partial<Record<FaultKind, number>>>;
  /** Probabilities while faults are on. */
  readonly conflicts: number;
  readonly lostCalls: number;
  readonly repeatedCalls: number;
  readonly agentLapses: number;
  readonly unsoundRevisions: number;
}

/** Works a seed's world out. */
export function scenarioOf(streams: Streams): Scenario {
  const chance = streams.of("scenario");
  const clusters = chance.is(0.25) ? ["default", "other"] : ["default"];
  const count = chance.pick([1, 2, 3, 3, 4, 5, 6]);
  const zones = chance.pick([["zone-a"], ["zone-a", "zone-b"], ["zone-a", "zone-b", "zone-c"]]);
  const hosts = Array.from({ length: count }, (_, i) => ({
    name: `host-${i + 1}`,
    cluster: clusters[i % clusters.length] as string,
    zone: zones[i % zones.length] as string,
    cpu: chance.pick([1024, 2048, 4096]),
    memoryMiB: chance.pick([1024, 2048, 4096]),
    address: `10.0.0.${i + 1}`,
  }));
  const minute = 60_000;
  const faults = Object.fromEntries(
    FAULTS.filter(() => chance.is(0.4)).map((kind) => [kind, minute * 4 * 2 ** chance.between(0, 4)]),
  );
  const sometimes = (p: number) => (chance.is(0.4) ? chance.next() * p : 0);
  return {
    clusters,
    hosts,
    edges: streams.of("edges").pick([0, 0, 1, 2]),
    users: Array.from({ length: chance.int(1, 4) }, () => minute * 2 ** chance.between(-0.5, 2.5)),
    faults,
    conflicts: sometimes(0.1),
    lostCalls: sometimes(0.1),
    repeatedCalls: sometimes(0.1),
    agentLapses: sometimes(0.1),
    unsoundRevisions: chance.is(0.7) ? chance.next() * 0.6 : 0,
  };
}
