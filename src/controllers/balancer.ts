import type { Balancer, TargetReport } from "../balancer/index.ts";
import type { CertificateRecord } from "../model/certificate.ts";
import { deregistrationDelayMs, type TargetRecord, targetKey } from "../model/load-balancer.ts";
import type { Sealer } from "../runtime/sealer.ts";
import { applyTargetHealth, removeTarget } from "../state/index.ts";
import type { BerthTransaction, BerthView } from "../store/index.ts";
import { balancerState, isInUse, registrationId } from "./balancer-state.ts";
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
  "listenerRules",
  "certificates",
  "targets",
  "containerInstances",
]);

/**
 * Gives the balancer what the records want of it, and takes what it sees of targets back into the records. A target
 * that left is removed when it has no request any more, or when its group's deregistration delay is over.
 */
export function startBalancerController(
  context: ControllerContext,
  balancer: Balancer,
  sealer: Sealer,
): { stop(): Promise<void> } {
  const { store, clock, log } = context;
  const openKey = (certificate: CertificateRecord) => sealer.open(certificate.sealedPrivateKey, certificate.arn);
  const unusable = ({ arn }: CertificateRecord, error: unknown) =>
    log.error({ certificate: arn, error: String(error) }, "a certificate cannot be used: import it again");
  let gathering = false;
  const give = () => {
    gathering = false;
    balancer.apply(balancerState(store.view, openKey, unusable));
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
