import type { Clock } from "../../runtime/clock.ts";
import type { Log } from "../../runtime/log.ts";
import type { Sealer } from "../../runtime/sealer.ts";
import type { AccessRecord } from "../access-record.ts";
import type { Balancer, BalancerStatus } from "../balancer.ts";
import type { TrafficSample } from "../metering/traffic-sample.ts";
import type { BalancerState, TargetReport } from "../state.ts";
import { changeBetween, NO_STATE, type StateChange } from "./changes.ts";
import type { Channel } from "./channel.ts";
import type { MessageFromHost, MessageToHost, Unknown } from "./messages.ts";
import { certificateContext } from "./session-key.ts";

/** How long a host may take to say whether a port can be had. After that nothing is known, and nothing waits. */
const BIND_ANSWER_MS = 2_000;

/** How long HAProxy may take to become what is wanted before the host counts as failing. */
const SETTLE_LIMIT_MS = 30_000;

interface Waiter {
  /** Resolved by the first settled change that brings at least this state. */
  readonly wanted: number;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/**
 * A balancer on another host, commanded over one session. One change at most is on its way: while it is not taken, newer
 * states replace each other here, so that a host that lags costs no memory and delays nobody.
 */
export class RemoteBalancer implements Balancer {
  readonly #channel: Pick<Channel, "send" | "close">;
  readonly #sealer: Sealer;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #subscribers = new Set<(changed: readonly TargetReport[]) => void>();
  readonly #accessListeners = new Set<(records: readonly AccessRecord[]) => void>();
  readonly #trafficListeners = new Set<(sample: TrafficSample) => void>();
  /** By target group and target; of those that are wanted. */
  readonly #reports = new Map<string, Map<string, TargetReport>>();
  readonly #questions = new Map<number, (problem: string | undefined) => void>();
  #waiters: Waiter[] = [];

  #newest: BalancerState = NO_STATE;
  /** Counts states that were applied. */
  #wanted = 0;
  #sent: BalancerState = NO_STATE;
  /** The number of the last change sent, and the state it brings. */
  #number = 0;
  #brings = 0;
  #isOnItsWay = false;
  #unsettledSince: number | undefined;
  #asked = 0;
  #status: BalancerStatus = { version: "", generation: 0, failedListeners: [] };
  #problem: string | undefined;
  #isClosed = false;

  constructor(
    channel: Pick<Channel, "send" | "close">,
    { sealer, clock, log }: { readonly sealer: Sealer; readonly clock: Clock; readonly log: Log },
  ) {
    this.#channel = channel;
    this.#sealer = sealer;
    this.#clock = clock;
    this.#log = log;
  }

  /** As Balancer has it; but what cannot be carried out is found on the host, and told in `status().lastError`. */
  apply(state: BalancerState): void {
    this.#newest = state;
    this.#wanted++;
    this.#pump();
  }

  onReport(listener: (changed: readonly TargetReport[]) => void): () => void {
    this.#subscribers.add(listener);
    return () => this.#subscribers.delete(listener);
  }

  /** As Balancer has it; what happens while the session is away is not told. */
  onTraffic(listener: (sample: TrafficSample) => void): () => void {
    this.#trafficListeners.add(listener);
    return () => this.#trafficListeners.delete(listener);
  }

  onAccess(listener: (records: readonly AccessRecord[]) => void): () => void {
    this.#accessListeners.add(listener);
    return () => this.#accessListeners.delete(listener);
  }

  reports(): readonly TargetReport[] {
    return [...this.#reports.values()].flatMap((group) => [...group.values()]);
  }

  settled(): Promise<void> {
    if (this.#isClosed) return Promise.reject(new Error("the balancer is not connected"));
    if (this.#wanted === 0 || (this.#brings === this.#wanted && this.#unsettledSince === undefined))
      return Promise.resolve();
    return new Promise((resolve, reject) => this.#waiters.push({ wanted: this.#wanted, resolve, reject }));
  }

  /** The address is the host's own affair. Answers nothing, after two seconds, where the host does not. */
  checkBind(_address: string, port: number): Promise<string | undefined> {
    if (this.#isClosed) return Promise.resolve(undefined);
    const question = ++this.#asked;
    return new Promise((resolve) => {
      const answer = (problem: string | undefined) => {
        timer.cancel();
        this.#questions.delete(question);
        resolve(problem);
      };
      const timer = this.#clock.after(BIND_ANSWER_MS, () => answer(undefined));
      this.#questions.set(question, answer);
      this.#send({ type: "check-bind", question, port });
    });
  }

  status(): BalancerStatus {
    const since = this.#unsettledSince;
    const isLate = since !== undefined && this.#clock.monotonic() - since > SETTLE_LIMIT_MS;
    const late = isLate ? `HAProxy has not become what is wanted within ${SETTLE_LIMIT_MS / 1000} s` : undefined;
    return { ...this.#status, lastError: this.#problem ?? this.#status.lastError ?? late };
  }

  /** Ends the session. What HAProxy does on is the host's to say. */
  stop(): Promise<void> {
    this.#channel.close("the control plane ends the session");
    return Promise.resolve();
  }

  /** The session has ended: nothing is heard any more. */
  closed(): void {
    this.#isClosed = true;
    for (const { reject } of this.#waiters.splice(0)) reject(new Error("the balancer is not connected any more"));
    for (const answer of [...this.#questions.values()]) answer(undefined);
  }

  /** Throws an Error for what the host cannot mean. */
  receive(message: MessageFromHost | Unknown): void {
    switch (message.type) {
      case "taken":
        this.#taken(message.number, message.problem);
        break;
      case "settled":
        this.#settled(message.number, message.problem);
        break;
      case "reports":
        this.#reported(message.isWhole, message.reports);
        break;
      case "status":
        this.#status = message.status;
        break;
      case "traffic":
        this.#carried(message.sample);
        break;
      case "access":
        for (const listener of this.#accessListeners) listener(message.records);
        break;
      case "bind-answer":
        this.#questions.get(message.question)?.(message.problem);
        break;
      case "unknown":
        break;
    }
  }

  /** It is taken to be of now: the host's clock may be wrong, and what is added up from several must be of one time. */
  #carried(sample: TrafficSample): void {
    const ofNow = { ...sample, at: this.#clock.now() };
    for (const listener of this.#trafficListeners) listener(ofNow);
  }

  /** Sends what has changed since the last change, unless that is still on its way. */
  #pump(): void {
    if (this.#isOnItsWay || this.#isClosed || this.#brings === this.#wanted) return;
    const change = changeBetween(this.#sent, this.#newest);
    this.#sent = this.#newest;
    this.#brings = this.#wanted;
    // The first goes also when nothing is wanted: HAProxy may have more than that.
    if (change === undefined && this.#number > 0) {
      if (this.#unsettledSince === undefined) this.#release();
      return;
    }
    if (change !== undefined) this.#forgetReports(change);
    const from = this.#number;
    const number = ++this.#number;
    this.#isOnItsWay = true;
    this.#unsettledSince ??= this.#clock.monotonic();
    this.#send({ type: "change", number, from, change: this.#seal(change ?? NO_CHANGE) });
  }

  #seal(change: StateChange): StateChange {
    const { put, gone } = change.certificates;
    const sealed = put.map((one) => ({
      ...one,
      privateKey: this.#sealer.seal(one.privateKey, certificateContext(one.id)),
    }));
    return { ...change, certificates: { put: sealed, gone } };
  }

  #taken(number: number, problem: string | undefined): void {
    if (number !== this.#number || !this.#isOnItsWay) throw new Error(`change ${number} was not on its way`);
    this.#isOnItsWay = false;
    this.#problem = problem === undefined ? undefined : `what is wanted cannot be carried out: ${problem}`;
    if (problem !== undefined) this.#settled(number, problem);
    this.#pump();
  }

  #settled(number: number, problem: string | undefined): void {
    if (number > this.#number) throw new Error(`change ${number} was never sent`);
    if (number < this.#number || this.#isOnItsWay) {
      if (problem === undefined && this.#unsettledSince !== undefined) this.#unsettledSince = this.#clock.monotonic();
      return;
    }
    this.#release(problem);
  }

  /** What was sent last is what HAProxy has, or cannot have. */
  #release(problem?: string): void {
    if (problem === undefined) this.#unsettledSince = undefined;
    const done = this.#waiters.filter(({ wanted }) => wanted <= this.#brings);
    this.#waiters = this.#waiters.filter(({ wanted }) => wanted > this.#brings);
    for (const { resolve, reject } of done)
      if (problem === undefined) resolve();
      else reject(new Error(problem));
  }

  #reported(isWhole: boolean, reports: readonly TargetReport[]): void {
    if (isWhole) this.#reports.clear();
    for (const report of reports) {
      const group = this.#reports.get(report.targetGroupId) ?? new Map<string, TargetReport>();
      this.#reports.set(report.targetGroupId, group.set(report.targetId, report));
    }
    for (const subscriber of this.#subscribers) subscriber(reports);
  }

  #forgetReports({ targetGroups }: StateChange): void {
    for (const id of targetGroups.gone) this.#reports.delete(id);
    for (const { id, targets } of targetGroups.put)
      for (const gone of targets.gone) this.#reports.get(id)?.delete(gone);
  }

  #send(message: MessageToHost): void {
    try {
      this.#channel.send(message);
    } catch (error) {
      this.#problem = (error as Error).message;
      this.#log.error({ error: this.#problem }, "a message could not be sent");
    }
  }
}

const NO_CHANGE: StateChange = {
  listeners: { put: [], gone: [] },
  certificates: { put: [], gone: [] },
  targetGroups: { put: [], gone: [] },
};
