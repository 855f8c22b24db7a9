import { isIPv4 } from "node:net";
import type { Balancer, BalancerState, TargetReport } from "../balancer/index.ts";
import {
  deregistrationDelayMs,
  type ListenerRecord,
  type TargetGroupRecord,
  type TargetRecord,
  targetKey,
} from "../model/load-balancer.ts";
import { applyTargetHealth, removeTarget } from "../state/index.ts";
import type { BerthTransaction, BerthView } from "../store/index.ts";
import type { ControllerContext } from "./context.ts";

/** How often the drains that may have run out of time are looked at. */
const DRAIN_LOOK_MS = 250;

/** How long changes are gathered before the balancer is given the new whole. */
const GATHER_MS = 5;

/** The tables that a balancer's work is made of. */
const TABLES: ReadonlySet<string> = new Set([
  "loadBalancers",
  "targetGroups",
  "listeners",
  "targets",
  "containerInstances",
]);

/**
 * Gives the balancer what the records want of it, and takes what it sees of targets back into the records. A target
 * that left is removed when it has no request any more, or when its group's deregistration delay is over.
 */
export function startBalancerController(context: ControllerContext, balancer: Balancer): { stop(): Promise<void> } {
  const { store, clock, log } = context;
  let gathering = false;
  const give = () => {
    gathering = false;
    balancer.apply(balancerState(store.view));
  };
  const gather = () => {
    if (gathering) return;
    gathering = true;
    clock.after(GATHER_MS, give);
  };

  let latest = new Map<string, TargetReport>();
  let writing: Promise<void> | undefined;
  const write = async (): Promise<void> => {
    while (latest.size > 0) {
      const batch = [...latest.values()];
      latest = new Map();
      try {
        await store.transact("target-health", (tx) => {
          for (const report of batch) takeReport(tx, report);
        });
      } catch (error) {
        log.error({ error: String(error) }, "target health could not be recorded");
      }
    }
    writing = undefined;
  };
  const take = (reports: readonly TargetReport[]) => {
    for (const report of reports) latest.set(`${report.targetGroupId} ${report.targetId}`, report);
    writing ??= write();
  };

  const endDrains = async (): Promise<void> => {
    const now = clock.now();
    const over = store.view.targets.where("draining", "yes").filter((t) => drainIsOver(store.view, t, now));
    if (over.length === 0) return;
    await store.transact("drain-deadline", (tx) => {
      for (const seen of over) {
        const target = tx.targets.get(targetKey(seen));
        if (target !== undefined && drainIsOver(tx, target, now)) removeTarget(tx, target);
      }
    });
  };

  const unwatch = store.watch((change) => {
    const touched = [...change.puts, ...change.deletes];
    if (touched.some((c) => TABLES.has(c.table))) gather();
  });
  const unreport = balancer.onReport(take);
  const timer = clock.every(DRAIN_LOOK_MS, () => {
    endDrains().catch((error) => log.error({ error: String(error) }, "drained targets could not be removed"));
  });
  give();
  return {
    stop: async () => {
      timer.cancel();
      unwatch();
      unreport();
      await writing;
    },
  };
}

function takeReport(tx: BerthTransaction, report: TargetReport): void {
  const target = tx.targets
    .where("targetGroup", report.targetGroupId)
    .find((t) => registrationId(t) === report.targetId);
  if (target === undefined) return;
  if (target.drainingSince !== undefined) {
    if (report.state === "drained") removeTarget(tx, target);
    return;
  }
  if (report.state === "draining" || report.state === "drained") return;
  const { state, reason, description } = report;
  applyTargetHealth(tx, target, { state, reason, description } as Pick<
    TargetRecord,
    "state" | "reason" | "description"
  >);
}

/** A group that no listener sends requests to has nothing to finish; any other has its deregistration delay. */
function drainIsOver(tables: BerthView, target: TargetRecord, now: number): boolean {
  const group = tables.targetGroups.get(target.targetGroupArn);
  if (group === undefined || target.drainingSince === undefined) return true;
  return !isInUse(tables, group) || now >= target.drainingSince + deregistrationDelayMs(group);
}

const isInUse = (tables: BerthView, group: TargetGroupRecord) => tables.listeners.count("targetGroup", group.arn) > 0;

/** One id for each time a target is registered: the same address registered again is a new target to the balancer. */
export function registrationId(target: TargetRecord): string {
  return `${target.id}:${target.port}@${target.registeredAt}`;
}

/** The whole of what the records want of the balancer: every listener, and every target group that one forwards to. */
export function balancerState(tables: BerthView): BalancerState {
  const listeners = [...tables.listeners.all()];
  const groups = [...tables.targetGroups.all()].filter((g) => isInUse(tables, g));
  return {
    listeners: listeners.flatMap((l) => listenerState(tables, l)),
    targetGroups: groups.map((g) => groupState(tables, g)),
  };
}

function listenerState(tables: BerthView, listener: ListenerRecord): BalancerState["listeners"] {
  const owner = tables.loadBalancers.get(listener.loadBalancerArn);
  if (owner === undefined) return [];
  const idle =
    listener.protocol === "TCP"
      ? (listener.attributes["tcp.idle_timeout.seconds"] ?? "350")
      : (owner.attributes["idle_timeout.timeout_seconds"] ?? "60");
  return [
    {
      id: listener.arn,
      protocol: listener.protocol,
      address: owner.address,
      port: listener.port,
      idleTimeoutSeconds: Number(idle),
      defaultAction: {
        type: "forward",
        targetGroups: forwards(listener).map(({ arn, weight }) => ({ targetGroupId: arn, weight })),
      },
    },
  ];
}

/** The target groups of a listener's forward, each with its share. */
function forwards(listener: ListenerRecord): { readonly arn: string; readonly weight: number }[] {
  const groups = listener.defaultActions.flatMap((action) => action.ForwardConfig?.TargetGroups ?? []);
  return groups.map((g) => ({ arn: g.TargetGroupArn ?? "", weight: g.Weight ?? 1 }));
}

function groupState(tables: BerthView, group: TargetGroupRecord): BalancerState["targetGroups"][number] {
  const { healthCheck: check } = group;
  return {
    id: group.arn,
    protocol: group.protocol,
    algorithm:
      group.attributes["load_balancing.algorithm.type"] === "least_outstanding_requests"
        ? "least_outstanding_requests"
        : "round_robin",
    healthCheck: {
      enabled: check.enabled,
      protocol: check.protocol,
      port: check.port === "traffic-port" ? "traffic-port" : Number(check.port),
      path: check.path ?? "/",
      intervalSeconds: check.intervalSeconds,
      timeoutSeconds: check.timeoutSeconds,
      healthyThreshold: check.healthyThreshold,
      unhealthyThreshold: check.unhealthyThreshold,
      matcher: check.matcher?.HttpCode ?? "200",
    },
    targets: tables.targets.where("targetGroup", group.arn).flatMap((t) => {
      const address = addressOf(tables, t);
      return address === undefined
        ? []
        : [{ id: registrationId(t), address, port: t.port, draining: t.drainingSince !== undefined }];
    }),
  };
}

/** An `ip` target is its own address; an instance's is where its agent said the host is. */
function addressOf(tables: BerthView, target: TargetRecord): string | undefined {
  if (isIPv4(target.id)) return target.id;
  return tables.containerInstances.where("ec2InstanceId", target.id)[0]?.address;
}
