import type { Clock, Timer } from "../../runtime/clock.ts";
import type { Log } from "../../runtime/log.ts";
import type { AccessRecord } from "../access-record.ts";
import { parseAccessLine } from "../configuration/access-lines.ts";
import { answerOf, followCommand, parseAnswerLine } from "../configuration/traffic-lines.ts";
import { type Endpoint, RuntimeUnreachable } from "../process/runtime.ts";
import { parseInfo } from "../process/statistics.ts";
import { followLines, RuntimeSession } from "./runtime-session.ts";
import { parseCounters } from "./traffic-counters.ts";
import { TrafficLedger } from "./traffic-ledger.ts";
import type { TrafficSample } from "./traffic-sample.ts";

/** Between two samples. */
const SAMPLE_EVERY_MS = 1000;

/** The same while HAProxy ends, for somebody waits for it; and while a retired worker is about to be let go, for there may only be so many. */
const SOON_MS = 50;

/** A pause is at least this many times as long as the sample before it took: with thousands of targets, samples become rarer. */
const PAUSE_PER_SAMPLE = 9;

/** Looks in a row at a retired worker without a connection, after which it is let go. The first may come before its last lines do. */
const IDLE_LOOKS = 2;

/** How long requests are gathered before they are told of, and how many at most. */
const GATHER_MS = 100;
const MOST_RECORDS = 500;

/** A worker whose counters are ours to tell. */
interface Followed {
  readonly pid: number;
  readonly session: RuntimeSession;
  /** Ends the session that its lines come by; undefined once that has ended. */
  stopLines: (() => void) | undefined;
  idleLooks: number;
}

/**
 * Follows the counters and lines of HAProxy's workers, each by a session that lasts, and tells samples. A worker that a reload has
 * retired does not end while its session lasts, and the session ends when the worker's last connection has: so all is counted.
 */
export class TrafficWatch {
  readonly #endpoint: Endpoint;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #ledger: TrafficLedger;
  readonly #listeners = new Set<(sample: TrafficSample) => void>();
  readonly #accessListeners = new Set<(records: readonly AccessRecord[]) => void>();
  #gathered: AccessRecord[] = [];
  readonly #followed = new Map<number, Followed>();
  #found: number | undefined;
  /** The end of what is being asked: sessions take one question at a time. */
  #turn: Promise<unknown> = Promise.resolve();
  #timer: Timer | undefined;
  #isEnding = false;

  /** `endpoint`: the command socket of the worker that takes new connections. */
  constructor(endpoint: Endpoint, clock: Clock, log: Log) {
    this.#endpoint = endpoint;
    this.#clock = clock;
    this.#log = log;
    this.#ledger = new TrafficLedger(clock.monotonic());
  }

  onTraffic(listener: (sample: TrafficSample) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  onAccess(listener: (records: readonly AccessRecord[]) => void): () => void {
    this.#accessListeners.add(listener);
    return () => this.#accessListeners.delete(listener);
  }

  /** Begins to sample. `found`: the worker that runs already, whose counters until now are not ours to tell. */
  async start(found: number | undefined): Promise<void> {
    this.#found = found;
    if (found !== undefined) await this.follow(found);
    this.#plan(SAMPLE_EVERY_MS);
  }

  /** Follows the worker that takes new connections, if it is not followed yet. What cannot be had now is tried at the next call. */
  async follow(pid: number): Promise<void> {
    if (this.#isEnding || this.#followed.has(pid)) return;
    await this.#inTurn(() => this.#open(pid));
  }

  /**
   * Takes what servers (`backend/name`) of the worker have counted, since they are to be deleted. Answers those that have nothing under
   * way: if they get no traffic any more, that was all. The others are to be asked for again.
   */
  async countOut(pid: number | undefined, servers: ReadonlySet<string>): Promise<ReadonlySet<string>> {
    const worker = this.#followed.get(pid ?? 0);
    const active = worker === undefined ? undefined : await this.#inTurn(() => this.#count(worker));
    if (active === undefined) return servers; // nothing can be counted: that must not keep a server
    return new Set([...servers].filter((server) => !active.has(server)));
  }

  /** The server was deleted: another of its name counts from 0. */
  deleted(pid: number | undefined, server: string): void {
    this.#ledger.forget(pid ?? 0, server);
  }

  /** HAProxy is about to end: each worker is let go as soon as it has no connection. */
  ending(): void {
    this.#isEnding = true;
    this.#plan(SOON_MS);
  }

  /** Tells a last sample and lets all workers go. */
  async stop(): Promise<void> {
    this.#isEnding = true;
    this.#timer?.cancel();
    await this.#inTurn(() => this.#sample());
    this.#tellAccess();
    this.#timer?.cancel();
    for (const worker of this.#followed.values()) this.#letGo(worker);
  }

  #plan(ms: number): void {
    this.#timer?.cancel();
    this.#timer = this.#clock.after(ms, () => {
      void this.#inTurn(async () => {
        const from = this.#clock.monotonic();
        await this.#sample();
        const took = this.#clock.monotonic() - from;
        const isSoon = this.#isEnding || [...this.#followed.values()].some(({ idleLooks }) => idleLooks > 0);
        this.#plan(Math.max((isSoon ? SOON_MS : SAMPLE_EVERY_MS) - took, took * PAUSE_PER_SAMPLE));
      });
    });
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(work);
    this.#turn = done.catch((error) => this.#log.error({ err: error }, "HAProxy's traffic could not be counted"));
    return done;
  }

  async #open(pid: number): Promise<void> {
    if (this.#followed.has(pid)) return;
    const session = new RuntimeSession(this.#endpoint, this.#clock);
    try {
      await session.open();
      const info = parseInfo(await session.ask("show info"));
      if (info.pid !== pid) throw new RuntimeUnreachable(`worker ${info.pid} answered, not ${pid}`, false);
    } catch (error) {
      session.close();
      if (!(error instanceof RuntimeUnreachable)) throw error;
      this.#log.debug({ err: error, pid }, "a worker's traffic cannot be counted yet");
      return;
    }
    const isKnown = pid === this.#found || this.#ledger.workers.includes(pid);
    for (const other of this.#ledger.workers)
      if (other !== pid && !this.#followed.has(other)) this.#ledger.close(other);
    this.#ledger.open(pid, pid === this.#found);
    const worker: Followed = { pid, session, stopLines: undefined, idleLooks: 0 };
    this.#hear(worker, isKnown);
    this.#followed.set(pid, worker);
    if (pid === this.#found) await this.#count(worker); // what is not ours to tell; of another the next sample tells all
  }

  #hear(worker: Followed, onlyNew: boolean): void {
    worker.stopLines = followLines(
      this.#endpoint,
      followCommand(onlyNew),
      (line) => this.#take(line),
      () => {
        worker.stopLines = undefined;
      },
    );
  }

  #take(line: string): void {
    const access = parseAccessLine(line);
    const answer = access === undefined ? parseAnswerLine(line) : answerOf(access);
    if (answer !== undefined) this.#ledger.hear(answer);
    if (access === undefined) return;
    if (this.#gathered.length === 0) this.#clock.after(GATHER_MS, () => this.#tellAccess());
    this.#gathered.push(access.record);
    if (this.#gathered.length >= MOST_RECORDS) this.#tellAccess();
  }

  #tellAccess(): void {
    const records = this.#gathered;
    if (records.length === 0) return;
    this.#gathered = [];
    for (const listener of this.#accessListeners) listener(records);
  }

  async #sample(): Promise<void> {
    await Promise.all([...this.#followed.values()].map((worker) => this.#count(worker)));
    const sample = this.#ledger.sample(this.#clock.now(), this.#clock.monotonic());
    for (const listener of this.#listeners) listener(sample);
  }

  /** Takes all that a worker has counted. Answers which of its servers have something under way, or undefined if it is gone. */
  async #count(worker: Followed): Promise<ReadonlySet<string> | undefined> {
    const { pid, session } = worker;
    try {
      const info = parseInfo(await session.ask("show info"));
      const proxies = parseCounters(await session.ask("show stat -1 3 -1"));
      const servers = parseCounters(await session.ask("show stat -1 4 -1"));
      this.#ledger.take(pid, [...proxies, ...servers]);
      // Without a line for long, HAProxy ends that session. Of a worker that is retired the socket is another's.
      if (worker.stopLines === undefined && !info.stopping) this.#hear(worker, true);
      worker.idleLooks = info.stopping && info.connections === 0 ? worker.idleLooks + 1 : 0;
      if (worker.idleLooks >= IDLE_LOOKS) {
        this.#letGo(worker);
        this.#ledger.close(pid);
      }
      return new Set(servers.filter(({ active }) => active > 0).map(({ proxy, name }) => `${proxy}/${name}`));
    } catch (error) {
      if (!(error instanceof RuntimeUnreachable)) throw error;
      this.#log.debug({ err: error, pid }, "a worker is gone, or does not answer");
      this.#letGo(worker);
      return undefined;
    }
  }

  #letGo(worker: Followed): void {
    worker.stopLines?.();
    worker.session.close();
    this.#followed.delete(worker.pid);
    this.#ledger.lose(worker.pid);
  }
}
