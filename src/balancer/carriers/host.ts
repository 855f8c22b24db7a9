import { isDeepStrictEqual } from "node:util";
import type { Clock, Timer } from "../../runtime/clock.ts";
import type { Log } from "../../runtime/log.ts";
import type { Random } from "../../runtime/random.ts";
import type { Sealer } from "../../runtime/sealer.ts";
import { type Credentials, signRequest } from "../../wire/sign.ts";
import type { Balancer, BalancerStatus } from "../balancer.ts";
import type { BalancerState, CertificateState, TargetReport } from "../state.ts";
import { offerQuery } from "./admission.ts";
import { carriedState } from "./carried-state.ts";
import { StateCopy } from "./changes.ts";
import type { Channel } from "./channel.ts";
import type { KeptState } from "./kept-state.ts";
import { keepLink } from "./link.ts";
import { CARRIER_PATH, MAX_REPORTS, type MessageFromHost, type MessageToHost, readMessageToHost } from "./messages.ts";
import { certificateContext, sessionSealer } from "./session-key.ts";
import { sampleToSend } from "./traffic-message.ts";

/** Between looks at how HAProxy is. */
const STATUS_MS = 500;

/** After HAProxy could not be brought to what is wanted, it is asked again so much later. */
const ASK_AGAIN_MS = 1_000;

const ADOPTED_PATIENCE_MS = 5_000;

export interface CarrierHostOptions {
  /** HAProxy on this host. */
  readonly balancer: Balancer;
  /** The address that listeners bind here. */
  readonly address: string;
  /** Where clients reach it, if that is not where the control plane sees this host. */
  readonly clientAddress?: string;
  readonly name: string;
  /** The control plane's. */
  readonly endpoint: URL;
  readonly region: string;
  readonly credentials: () => Credentials;
  readonly kept: KeptState;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Between pings, in milliseconds; after three without an answer the session is opened anew. 2000 if left out. */
  readonly pingMs?: number;
  /**
   * How long an HAProxy that ran on without us is left as it is, so that the control plane can say what is wanted, in milliseconds. What
   * was kept may be half a second older than what it runs; after this it is all there is. 5000 if left out.
   */
  readonly adoptedPatienceMs?: number;
  /** A session with the control plane is open. */
  readonly onConnected?: () => void;
}

/** A host that carries the load balancers. */
export interface CarrierHost {
  /** Ends the session and keeps what was last wanted. HAProxy is left to the caller. */
  stop(): Promise<void>;
}

/** Carries what the control plane says, and what it said last for as long as it is away. */
export function startCarrierHost(options: CarrierHostOptions): CarrierHost {
  return new Host(options);
}

class Host implements CarrierHost {
  readonly #options: CarrierHostOptions;
  readonly #endLink: () => void;
  readonly #looks: Timer;
  readonly #unreport: () => void;
  readonly #endTraffic: () => void;
  readonly #endAccess: () => void;
  /** Until then, what was kept waits. */
  #patience: Timer | undefined;
  #channel: Channel | undefined;
  /** Our half of what the session's key is made of. */
  #half = { nonce: "", secretAccessKey: "" };
  #sealer: Sealer | undefined;
  #copy = new StateCopy();
  #number = 0;
  #failed: BalancerStatus["failedListeners"] = [];
  #told: BalancerStatus | undefined;
  #isWaitingToSettle = false;
  #isStopping = false;

  constructor(options: CarrierHostOptions) {
    const { balancer, clock, random, log, pingMs } = options;
    this.#options = options;
    this.#unreport = balancer.onReport((changed) => this.#tellReports(changed, false));
    this.#endTraffic = balancer.onTraffic((sample) => this.#send({ type: "traffic", sample: sampleToSend(sample) }));
    this.#endAccess = balancer.onAccess((records) => this.#send({ type: "access", records }));
    this.#resume();
    this.#looks = clock.every(STATUS_MS, () => this.#tellStatus());
    this.#endLink = keepLink({
      clock,
      random,
      log,
      pingMs,
      target: () => this.#target(),
      onOpen: (channel) => this.#opened(channel),
      onText: (text) => this.#take(text),
      onClosed: () => {
        this.#channel = undefined;
        if (!this.#isStopping) log.warn({}, "the control plane is away; what was wanted last is carried on");
      },
    });
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    this.#patience?.cancel();
    this.#looks.cancel();
    this.#unreport();
    this.#endTraffic();
    this.#endAccess();
    this.#endLink();
    await this.#options.kept.flush();
  }

  /** What was carried before is carried again: at once where nothing runs, else when the control plane stays away. */
  #resume(): void {
    const { balancer, kept, clock, log, adoptedPatienceMs = ADOPTED_PATIENCE_MS } = this.#options;
    const state = kept.load();
    if (state === undefined) return;
    const carry = () => {
      log.info({ listeners: state.listeners.length }, "carrying what was wanted last");
      this.#carry(state);
    };
    if (balancer.status().pid === undefined) carry();
    else this.#patience = clock.after(adoptedPatienceMs, carry);
  }

  #target() {
    const { endpoint, region, credentials, name, clientAddress, kept, clock, random } = this.#options;
    const key = credentials();
    this.#half = { nonce: random.hex(16), secretAccessKey: key.secretAccessKey };
    const offer = { name, identity: kept.identity, address: clientAddress, nonce: this.#half.nonce };
    const url = new URL(CARRIER_PATH, endpoint);
    url.protocol = endpoint.protocol === "https:" ? "wss:" : "ws:";
    url.search = offerQuery(offer).toString();
    const headers = signRequest({ method: "GET", url, credentials: key, region, service: "berth", now: clock.now() });
    return { url, headers };
  }

  #opened(channel: Channel): void {
    this.#channel = channel;
    this.#sealer = undefined;
    this.#copy = new StateCopy();
    this.#number = 0;
    this.#told = undefined;
    this.#options.log.info({}, "session with the control plane");
    this.#tellReports(this.#options.balancer.reports(), true);
    this.#tellStatus();
    this.#options.onConnected?.();
  }

  #take(text: string): void {
    const message = readMessageToHost(text);
    switch (message.type) {
      case "hello": {
        const { nonce, secretAccessKey } = this.#half;
        const nonces = { ofHost: nonce, ofServer: message.nonce };
        this.#sealer = sessionSealer(secretAccessKey, nonces, this.#options.random);
        break;
      }
      case "change":
        this.#takeChange(message);
        break;
      case "check-bind":
        this.#checkBind(message.question, message.port);
        break;
      case "unknown":
        break;
    }
  }

  #takeChange({ number, from, change }: MessageToHost & { readonly type: "change" }): void {
    if (from !== this.#number) throw new Error(`change ${number} is of ${from}, and ${this.#number} is what is here`);
    const { put, gone } = change.certificates;
    this.#copy.take({ ...change, certificates: { put: put.map((one) => this.#openKey(one)), gone } });
    this.#number = number;
    this.#patience?.cancel();
    const state = this.#copy.state();
    const problem = this.#carry(state);
    if (problem === undefined) this.#options.kept.keep(state);
    this.#send({ type: "taken", number, problem });
    if (problem === undefined) void this.#untilSettled();
  }

  #openKey(one: CertificateState): CertificateState {
    if (this.#sealer === undefined) throw new Error("a certificate came before the server's half of the session's key");
    return { ...one, privateKey: this.#sealer.open(one.privateKey, certificateContext(one.id)) };
  }

  /** Answers why the state cannot be carried out, if it cannot. */
  #carry(wanted: BalancerState): string | undefined {
    const { balancer, address, log } = this.#options;
    const { state, failed } = carriedState(wanted, address);
    try {
      balancer.apply(state);
      this.#failed = failed;
      return undefined;
    } catch (error) {
      log.error({ error: (error as Error).message }, "what is wanted cannot be carried out; what was before goes on");
      return short((error as Error).message);
    }
  }

  /** Tells when HAProxy has what is wanted; while it cannot be brought to it, that, again and again. */
  async #untilSettled(): Promise<void> {
    if (this.#isWaitingToSettle) return;
    this.#isWaitingToSettle = true;
    const { balancer, clock } = this.#options;
    for (let isSettled = false; !isSettled && this.#channel !== undefined; ) {
      const [number, channel] = [this.#number, this.#channel];
      const problem = await balancer.settled().then(
        () => undefined,
        (error: Error) => short(error.message),
      );
      if (channel === this.#channel && number > 0) this.#send({ type: "settled", number, problem });
      this.#tellStatus();
      isSettled = problem === undefined && number === this.#number && channel === this.#channel;
      if (problem !== undefined) await clock.sleep(ASK_AGAIN_MS);
    }
    this.#isWaitingToSettle = false;
  }

  #checkBind(question: number, port: number): void {
    const { balancer, address } = this.#options;
    void balancer
      .checkBind(address, port)
      .catch((error: Error) => error.message)
      .then((problem) => this.#send({ type: "bind-answer", question, problem: problem && short(problem) }));
  }

  #tellReports(reports: readonly TargetReport[], isWhole: boolean): void {
    if (isWhole && reports.length === 0) this.#send({ type: "reports", isWhole, reports });
    for (let i = 0; i < reports.length; i += MAX_REPORTS)
      this.#send({ type: "reports", isWhole: isWhole && i === 0, reports: reports.slice(i, i + MAX_REPORTS) });
  }

  #tellStatus(): void {
    if (this.#channel === undefined) return;
    const own = this.#options.balancer.status();
    const failedListeners = [...own.failedListeners, ...this.#failed].map(({ listenerId, error }) => ({
      listenerId,
      error: short(error),
    }));
    const status = { ...own, failedListeners, lastError: own.lastError && short(own.lastError) };
    if (isDeepStrictEqual(status, this.#told)) return;
    this.#told = status;
    this.#send({ type: "status", status });
  }

  #send(message: MessageFromHost): void {
    try {
      this.#channel?.send(message);
    } catch (error) {
      this.#options.log.error({ type: message.type, error: (error as Error).message }, "a message could not be sent");
    }
  }
}

/** What HAProxy complains of may be long; its beginning says what it is. */
const short = (text: string): string => text.slice(0, 1_000);
