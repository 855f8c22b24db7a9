import type { Codes, Latency, ListenerTraffic, TargetGroupTraffic, TrafficSample } from "../balancer/index.ts";
import type { ListenerRecord, LoadBalancerRecord, TargetGroupRecord, TargetRecord } from "../model/load-balancer.ts";
import type { Clock } from "../runtime/clock.ts";
import { silentLog } from "../runtime/log.ts";
import {
  type BerthStore,
  type BerthTransaction,
  MemoryDisk,
  MemoryJournal,
  openStore,
  SCHEMA,
} from "../store/index.ts";

const ELB = "arn:aws:elasticloadbalancing:us-east-1:000000000000";
export const BALANCER = `${ELB}:loadbalancer/app/web/0123456789abcdef`;
export const LISTENER = `${ELB}:listener/app/web/0123456789abcdef/0123456789abcdef`;
export const GROUP = `${ELB}:targetgroup/web/0123456789abcdef`;
export const BALANCER_NAME = "app/web/0123456789abcdef";
export const GROUP_NAME = "targetgroup/web/0123456789abcdef";

type TargetStates = Readonly<Record<string, TargetRecord["state"]>>;

/** An application load balancer `web` with a listener that forwards to a group of targets, by their states. */
export function fillWithTraffic(tx: BerthTransaction, targets: TargetStates): void {
  tx.loadBalancers.put({ arn: BALANCER, name: "web", type: "application", attributes: {} } as LoadBalancerRecord);
  tx.listeners.put({
    arn: LISTENER,
    loadBalancerArn: BALANCER,
    protocol: "HTTP",
    port: 80,
    defaultActions: [{ Type: "forward", TargetGroupArn: GROUP }],
    defaultRuleArn: "rule",
    attributes: {},
  } as unknown as ListenerRecord);
  tx.targetGroups.put({ arn: GROUP, name: "hello", protocol: "HTTP", attributes: {} } as TargetGroupRecord);
  for (const [id, state] of Object.entries(targets))
    tx.targets.put({ targetGroupArn: GROUP, id, port: 80, state, registeredAt: 1 } as TargetRecord);
}

/** A store in memory with that load balancer. */
export async function storeWithTraffic(clock: Clock, targets: TargetStates): Promise<BerthStore> {
  const journal = new MemoryJournal({ disk: new MemoryDisk(), clock });
  const store = await openStore({ schema: SCHEMA, journal, log: silentLog() });
  await store.transact("fill", (tx) => fillWithTraffic(tx, targets));
  return store;
}

const NO_CODES: Codes = { "2xx": 0, "3xx": 0, "4xx": 0, "5xx": 0 };
const NO_LATENCY: Latency = { sumMs: 0, buckets: {} };
export const codes = (some: Partial<Codes>): Codes => ({ ...NO_CODES, ...some });

const CARRIED = {
  requests: 0,
  connections: 0,
  bytesIn: 0,
  bytesOut: 0,
  answers: NO_CODES,
  connectionErrors: 0,
  responseErrors: 0,
  latency: NO_LATENCY,
  active: 0,
};

/** A sample of the listener, the group and its targets, of which what is not given is zero. */
export function sampleOf(
  at: number,
  listener: Partial<ListenerTraffic>,
  group?: Partial<TargetGroupTraffic>,
  targets: Readonly<Record<string, Partial<TargetGroupTraffic["targets"][number]>>> = {},
): TrafficSample {
  const { active: _, connectionErrors: __, responseErrors: ___, ...none } = CARRIED;
  return {
    at,
    durationMs: 1000,
    listeners: [{ listenerId: LISTENER, ...none, badRequests: 0, activeConnections: 0, ...listener }],
    targetGroups: [
      {
        targetGroupId: GROUP,
        ...CARRIED,
        targetAnswers: NO_CODES,
        ownAnswers: NO_CODES,
        ...group,
        targets: Object.entries(targets).map(([id, given]) => ({ ...CARRIED, targetId: `${id}:80@1`, ...given })),
      },
    ],
  };
}
