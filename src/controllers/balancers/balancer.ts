import { type BalancerState, type Carrier, type Carriers, OWN_NAME, type TargetReport } from "../../balancer/index.ts";
import type { CertificateMaterial, CertificateRecord } from "../../model/certificate.ts";
import { deregistrationDelayMs, registrationId, type TargetRecord, targetKey } from "../../model/load-balancer.ts";
import type { Sealer } from "../../runtime/sealer.ts";
import { applyTargetHealth, recordBalancer, recordBalancerLeft, removeTarget } from "../../state/index.ts";
import type { BerthTransaction, BerthView } from "../../store/index.ts";
import type { ControllerContext } from "../context.ts";
import { Attendance, type AttendanceSettings, type Attendant, DEFAULT_ATTENDANCE_SETTINGS } from "./attendance.ts";
import { balancerState, isInUse } from "./balancer-state.ts";
import { Opinions, registeredTarget } from "./opinions.ts";
import { targetVerdict, type Verdict } from "./target-verdict.ts";

/** How often the drains that may have run out of time, and which balancers count, are looked at. */
const LOOK_MS = 250;

/** How long changes are gathered before the balancers are given the new whole. */
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

/** What the controller asks of those that carry the load balancers. */
export type BalancersSeen = Pick<Carriers, "connected" | "watch">;

/**
 * Gives every balancer what the records want of it, and takes what they see of targets back into the records, as one
 * answer. A target that left is removed when no balancer has a request for it any more, or when its group's
 * deregistration delay is over.
 */
export function startBalancerController(
  context: ControllerContext,
  carriers: BalancersSeen,
  sealer: Sealer,
  settings: Partial<AttendanceSettings> = {},
): { stop(): Promise<void> } {
  const controller = new BalancerController(context, carriers, sealer, settings);
  controller.start();
  return controller;
}

class BalancerController {
  readonly #context: ControllerContext;
  readonly #carriers: BalancersSeen;
  readonly #sealer: Sealer;
  readonly #attendance: Attendance;
  readonly #opinions = new Opinions();
  /** What ends the listening to each balancer that is connected. */
  readonly #unreports = new Map<string, () => void>();
  readonly #ends: (() => void)[] = [];
  #newest: BalancerState | undefined;
  #isGathering = false;
  /** Targets whose verdict may be another: group and registration. */
  #touched = new Map<string, readonly [group: string, registration: string]>();
  #counted = "";
  #writing: Promise<void> | undefined;
  /** Records of which balancers are there, one after the other. */
  #presence: Promise<void> = Promise.resolve();

  constructor(
    context: ControllerContext,
    carriers: BalancersSeen,
    sealer: Sealer,
    settings: Partial<AttendanceSettings>,
  ) {
    this.#context = context;
    this.#carriers = carriers;
    this.#sealer = sealer;
    this.#attendance = new Attendance({ ...DEFAULT_ATTENDANCE_SETTINGS, ...settings });
  }

  start(): void {
    const { store, clock, log } = this.#context;
    const own = this.#carriers.connected().find(({ name }) => name === OWN_NAME);
    for (const { name, connected } of store.view.balancers.all()) {
      if (name === OWN_NAME && own === undefined) this.#record((tx) => void tx.balancers.delete(name));
      else if (connected) this.#attendance.expect(name, clock.monotonic());
    }
    this.#ends.push(
      store.watch((change) => {
        const touched = [...change.puts, ...change.deletes];
        if (touched.some((c) => TABLES.has(c.table))) this.#gather();
        for (const gone of change.deletes) {
          if (gone.table === "targets") this.#opinions.forgetTarget(gone.before);
          if (gone.table === "balancers") this.#removed(gone.before.name);
        }
      }),
    );
    const timer = clock.every(LOOK_MS, () => {
      this.#lookWhoCounts();
      this.#endDrains().catch((error) => log.error({ error: String(error) }, "drained targets could not be removed"));
    });
    this.#ends.push(() => timer.cancel());
    this.#ends.push(this.#carriers.watch({ joined: (c) => this.#joined(c), left: (c) => this.#left(c) }));
    this.#give();
    for (const carrier of this.#carriers.connected()) this.#joined(carrier);
  }

  async stop(): Promise<void> {
    for (const end of [...this.#ends, ...this.#unreports.values()]) end();
    await this.#writing;
    await this.#presence;
  }

  #joined(carrier: Carrier): void {
    const { name, address, balancer } = carrier;
    this.#attendance.joined(name);
    this.#unreports.set(
      name,
      balancer.onReport((reports) => this.#take(name, reports)),
    );
    this.#take(name, balancer.reports());
    this.#applyTo(carrier);
    const now = this.#context.clock.now();
    this.#record((tx) => void recordBalancer(tx, { name, address }, now));
  }

  #left({ name }: Carrier): void {
    this.#attendance.left(name, this.#context.clock.monotonic());
    this.#unreports.get(name)?.();
    this.#unreports.delete(name);
    const now = this.#context.clock.now();
    this.#record((tx) => recordBalancerLeft(tx, name, now));
  }

  #removed(name: string): void {
    if (this.#unreports.has(name)) return; // it has come back meanwhile
    this.#attendance.removed(name);
    this.#opinions.forgetBalancer(name);
    this.#lookWhoCounts();
  }

  #record(change: (tx: BerthTransaction) => void): void {
    const { store, log } = this.#context;
    this.#presence = this.#presence
      .then(() => store.transact("balancer-presence", change))
      .catch((error) => log.error({ error: String(error) }, "which balancers are there could not be recorded"));
  }

  #gather(): void {
    if (this.#isGathering) return;
    this.#isGathering = true;
    this.#context.clock.after(GATHER_MS, () => this.#give());
  }

  #give(): void {
    const { store, log } = this.#context;
    this.#isGathering = false;
    const openKey = ({ arn, sealedPrivateKey }: CertificateRecord & CertificateMaterial) =>
      this.#sealer.open(sealedPrivateKey, arn);
    const unusable = ({ arn }: CertificateRecord, error: unknown) =>
      log.error(
        { certificate: arn, error: String(error) },
        "a certificate cannot be used: import it again, or renew it",
      );
    this.#newest = balancerState(store.view, openKey, unusable);
    this.#opinions.keepGroups(new Set(this.#newest.targetGroups.map(({ id }) => id)));
    for (const carrier of this.#carriers.connected()) this.#applyTo(carrier);
  }

  #applyTo({ name, balancer }: Carrier): void {
    if (this.#newest === undefined) return;
    try {
      balancer.apply(this.#newest);
    } catch (error) {
      this.#context.log.error({ balancer: name, error: String(error) }, "what is wanted cannot be carried out");
    }
  }

  #take(name: string, reports: readonly TargetReport[]): void {
    for (const report of reports) {
      this.#opinions.take(name, report);
      this.#touch(report.targetGroupId, report.targetId);
    }
    if (reports.length > 0) this.#wakeWriter();
  }

  #counting(): readonly Attendant[] {
    const connected = new Map(this.#carriers.connected().map(({ name, balancer }) => [name, balancer]));
    const isFailing = (name: string) => connected.get(name)?.status().lastError !== undefined;
    return this.#attendance.counting(this.#context.clock.monotonic(), isFailing);
  }

  /** Another set of balancers that count may have another answer about every target. */
  #lookWhoCounts(): void {
    const counted = this.#counting()
      .map(({ name, isWaitedFor }) => `${name} ${isWaitedFor}`)
      .join();
    if (counted === this.#counted) return;
    this.#counted = counted;
    for (const target of this.#context.store.view.targets.all())
      this.#touch(target.targetGroupArn, registrationId(target));
    this.#wakeWriter();
  }

  #touch(group: string, registration: string): void {
    this.#touched.set(`${group} ${registration}`, [group, registration]);
  }

  #wakeWriter(): void {
    this.#writing ??= this.#write().finally(() => {
      this.#writing = undefined;
      if (this.#touched.size > 0) this.#wakeWriter();
    });
  }

  async #write(): Promise<void> {
    const { store, log } = this.#context;
    while (this.#touched.size > 0) {
      const batch = [...this.#touched.values()];
      this.#touched = new Map();
      const counting = this.#counting();
      const isDue = ([group, registration]: (typeof batch)[number]) => {
        const target = registeredTarget(store.view, group, registration);
        return target !== undefined && changes(target, this.#verdict(target, counting));
      };
      const due = batch.filter(isDue);
      if (due.length === 0) continue;
      try {
        await store.transact("target-health", (tx) => {
          for (const [group, registration] of due) {
            const target = registeredTarget(tx, group, registration);
            if (target !== undefined) carryOut(tx, target, this.#verdict(target, counting));
          }
        });
      } catch (error) {
        log.error({ error: String(error) }, "target health could not be recorded");
      }
    }
  }

  #verdict(target: TargetRecord, counting: readonly Attendant[]): Verdict {
    const registration = registrationId(target);
    const opinions = counting.flatMap(({ name, isWaitedFor }) => {
      const opinion = this.#opinions.of(name, target.targetGroupArn, registration);
      return isWaitedFor || (opinion !== undefined && opinion.state !== "initial") ? [opinion] : [];
    });
    return targetVerdict(target, opinions);
  }

  async #endDrains(): Promise<void> {
    const { store, clock } = this.#context;
    const now = clock.now();
    const over = store.view.targets.where("draining", "yes").filter((t) => drainIsOver(store.view, t, now));
    if (over.length === 0) return;
    await store.transact("drain-deadline", (tx) => {
      for (const seen of over) {
        const target = tx.targets.get(targetKey(seen));
        if (target !== undefined && drainIsOver(tx, target, now)) removeTarget(tx, target);
      }
    });
  }
}

function changes(target: TargetRecord, verdict: Verdict): boolean {
  if (verdict.kind !== "record") return verdict.kind === "remove";
  const { state, reason, description } = verdict.health;
  return target.state !== state || target.reason !== reason || target.description !== description;
}

function carryOut(tx: BerthTransaction, target: TargetRecord, verdict: Verdict): void {
  if (verdict.kind === "record") applyTargetHealth(tx, target, verdict.health);
  if (verdict.kind === "remove") removeTarget(tx, target);
}

/** A group that no listener sends requests to has nothing to finish; any other has its deregistration delay. */
function drainIsOver(tables: BerthView, target: TargetRecord, now: number): boolean {
  const group = tables.targetGroups.get(target.targetGroupArn);
  if (group === undefined || target.drainingSince === undefined) return true;
  return !isInUse(tables, group) || now >= target.drainingSince + deregistrationDelayMs(group);
}
