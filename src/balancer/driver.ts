import type { Clock, Timer } from "../runtime/clock.ts";
import type { Log } from "../runtime/log.ts";
import type { AccessRecord } from "./access-record.ts";
import type { Balancer, BalancerStatus } from "./balancer.ts";
import type { Command } from "./command.ts";
import {
  type ConfigurationSettings,
  renderConfiguration,
  sampleConfiguration,
  structureOf,
} from "./configuration/configuration.ts";
import { backendName } from "./configuration/names.ts";
import { socketAddress } from "./configuration/server-options.ts";
import { LiveContents } from "./live-contents.ts";
import type { TrafficSample } from "./metering/traffic-sample.ts";
import { TrafficWatch } from "./metering/traffic-watch.ts";
import { lookPauseMs, reloadPauseMs } from "./pace.ts";
import { probeBind } from "./process/bind.ts";
import { ConfigurationRefused, HaproxyProcess, type Snapshot } from "./process/haproxy.ts";
import { haproxyVersion, type Launcher } from "./process/launcher.ts";
import { Listeners } from "./process/listeners.ts";
import { RuntimeUnreachable } from "./process/runtime.ts";
import type { ServerRow, WorkerInfo } from "./process/statistics.ts";
import type { BalancerState, TargetReport } from "./state.ts";
import { isDeleted } from "./targets/commands.ts";
import { Fleet } from "./targets/fleet.ts";
import { renderServerState } from "./targets/server-state.ts";
import { validateState } from "./validate-state.ts";
import { Waiters } from "./waiters.ts";

export interface BalancerOptions {
  /** Configuration, sockets, pid and log of HAProxy. Made if missing, for its owner alone. One balancer per directory. */
  readonly dir: string;
  readonly launcher: Launcher;
  readonly clock: Clock;
  readonly log: Log;
}

/** How often workers retired by a reload are looked at for sessions of targets that are gone. */
const RETIRED_EVERY_MS = 1000;

/** Looks in a row that HAProxy may leave unanswered, five seconds each, until it is taken to hang and is restarted. */
const SILENT_LOOKS = 3;

/** Looks in a row without a pause while there is something to bring about. More are needed only if HAProxy refuses it. */
const UNSETTLED_LOOKS = 3;

/** After HAProxy could not be started or refused its configuration: at first, doubling up to the limit. */
const RETRY_FIRST_MS = 250;
const RETRY_LIMIT_MS = 10_000;

/** Attempts in a row at one configuration, each without the listeners that failed in the one before. */
const BIND_ATTEMPTS = 3;

/** Whether HAProxy has what is wanted but for targets. `refused`: not, and it is tried again later; targets still come and go. */
type Structured = "same" | "changed" | "refused" | "later";

class Driver implements Balancer {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #haproxy: HaproxyProcess;
  readonly #settings: ConfigurationSettings;
  readonly #version: string;
  readonly #listeners = new Listeners(probeBind);
  readonly #fleet = new Fleet();
  readonly #live: LiveContents;
  readonly #traffic: TrafficWatch;
  readonly #subscribers = new Set<(changed: readonly TargetReport[]) => void>();
  readonly #waiting = new Waiters();

  #wanted: BalancerState | undefined;
  #worker: WorkerInfo | undefined;
  #generation = 0;
  /** The fingerprint of what HAProxy runs, the backends it has and the sockets it holds. */
  #structure = "";
  /** A state that has this structure: it need not be worked out at every look. */
  #carried: BalancerState | undefined;
  #backends: ReadonlySet<string> = new Set();
  #bound: ReadonlySet<string> = new Set();
  #lastError: string | undefined;
  #retryAtMs = 0;
  #retiredAtMs = 0;
  #reloadedAtMs = Number.NEGATIVE_INFINITY;
  #silentLooks = 0;
  #unsettled = 0;
  /** What the last look took, a start or reload in it not counted. */
  #lookMs = 0;
  #retryDelayMs = RETRY_FIRST_MS;
  #stopped = false;
  #running: Promise<void> | undefined;
  #again = false;
  #timer: Timer | undefined;

  constructor({ dir, launcher, clock, log }: BalancerOptions, version: string) {
    this.#clock = clock;
    this.#log = log;
    this.#version = version;
    this.#haproxy = new HaproxyProcess(dir, launcher, clock, log, () => this.#wake());
    this.#live = new LiveContents(this.#haproxy);
    this.#traffic = new TrafficWatch(this.#haproxy.endpoint, clock, log);
    this.#settings = {
      runtimeAddress: launcher.runtime(this.#haproxy.files).bind,
      serverStateFile: this.#haproxy.files.serverState,
      weightsFile: this.#haproxy.files.weights,
      stickyFile: this.#haproxy.files.sticky,
      challengesFile: this.#haproxy.files.challenges,
      certificatesDir: this.#haproxy.files.certificates,
      handoverAddress: (name) => launcher.handover(name),
      user: launcher.user,
    };
  }

  /** Takes over an HAProxy that runs on the directory already. */
  async adopt(): Promise<void> {
    const worker = await this.#haproxy.find();
    await this.#traffic.start(worker?.pid);
    if (worker === undefined) return;
    const [, generation, structure] = /^berth (\d+) (\w+)$/.exec(worker.description) ?? [];
    this.#took(worker, Number(generation ?? 0), structure ?? "");
    this.#log.info({ pid: worker.pid, generation: this.#generation }, "took over the running HAProxy");
  }

  apply(state: BalancerState): void {
    validateState(state);
    this.#wanted = state;
    this.#retryAtMs = 0;
    this.#wake();
  }

  onReport(listener: (changed: readonly TargetReport[]) => void): () => void {
    this.#subscribers.add(listener);
    return () => this.#subscribers.delete(listener);
  }

  onTraffic(listener: (sample: TrafficSample) => void): () => void {
    return this.#traffic.onTraffic(listener);
  }

  onAccess(listener: (records: readonly AccessRecord[]) => void): () => void {
    return this.#traffic.onAccess(listener);
  }

  reports(): readonly TargetReport[] {
    return this.#fleet.reports;
  }

  settled(): Promise<void> {
    if (this.#stopped) return Promise.reject(new Error("the balancer is stopped"));
    if (this.#wanted === undefined) return Promise.resolve();
    const done = this.#waiting.wait();
    this.#wake();
    return done;
  }

  async checkBind(address: string, port: number): Promise<string | undefined> {
    if (this.#bound.has(socketAddress(address, port)))
      return `${socketAddress(address, port)} is already in use by another listener`;
    return probeBind(address, port);
  }

  status(): BalancerStatus {
    return {
      pid: this.#worker?.pid,
      version: this.#version,
      generation: this.#generation,
      failedListeners: this.#listeners.failed,
      lastError: this.#lastError,
    };
  }

  async stop({ keepRunning = false, graceMs = 5000 } = {}): Promise<void> {
    this.#stopped = true;
    this.#timer?.cancel();
    await this.#running;
    this.#waiting.finish(new Error("the balancer is stopped"));
    this.#traffic.ending();
    if (!keepRunning) await this.#haproxy.halt(graceMs);
    await this.#traffic.stop();
    this.#worker = undefined;
  }

  /** Looks now, or again right after the look under way. */
  #wake(): void {
    if (this.#stopped) return;
    this.#again = true;
    this.#timer?.cancel();
    this.#running ??= this.#run();
  }

  async #run(): Promise<void> {
    while (this.#again && !this.#stopped) {
      this.#again = false;
      try {
        await this.#look();
      } catch (error) {
        this.#lastError = (error as Error).message;
        this.#log.error({ err: error }, "HAProxy could not be looked at");
      }
    }
    this.#running = undefined; // here and not later: a wake from now on must start a run of its own
    if (this.#stopped) return;
    const close = this.#fleet.reports.some(({ state }) => state === "initial" || state === "draining");
    this.#timer = this.#clock.after(lookPauseMs(close, this.#lookMs), () => this.#wake());
  }

  /** One pass: HAProxy runs, has the wanted structure, has the wanted targets; and what it knows of them is told. */
  async #look(): Promise<void> {
    const state = this.#wanted;
    if (state === undefined) return;
    const waiting = this.#waiting.present;
    let snapshot = await this.#snapshot();
    const structured = await this.#structureAs(state, snapshot !== undefined);
    const from = this.#clock.monotonic();
    if (structured === "changed") snapshot = await this.#haproxy.look();
    if (snapshot === undefined) return;
    if (snapshot.info.pid !== this.#worker?.pid) this.#worker = snapshot.info;
    await this.#traffic.follow(snapshot.info.pid);
    // Without the wanted structure, targets still come and go in the groups that HAProxy has.
    const targetGroups = state.targetGroups.filter(({ id }) => this.#backends.has(backendName(id)));
    const carried = { ...state, targetGroups };
    const retired = await this.#retired(carried, structured === "changed");
    const look = this.#fleet.look(carried, snapshot.rows, [...retired.values()].flat(), this.#clock.monotonic());
    const live = await this.#live.commands(state, look.tracks);
    const refused = await this.#send([...live, ...look.commands]);
    if (refused !== undefined) this.#live.forget();
    for (const [pid, rows] of retired)
      for (const row of rows)
        if (look.cuts.includes(`${row.backend}/${row.name}`)) await this.#haproxy.cutRetired(pid, row);
    const changed = this.#fleet.commit(look);
    if (changed.length > 0) for (const subscriber of this.#subscribers) subscriber(changed);
    const refusal = refused ?? (await this.#delete(look.deletes));
    this.#lookMs = this.#clock.monotonic() - from;
    if (structured === "later") this.#again = true;
    if (structured === "later" || structured === "refused") return;
    this.#lastError = refusal;
    const settled = look.settled && (live.length === 0 || refusal === undefined);
    this.#unsettled = settled ? 0 : this.#unsettled + 1;
    if (settled && this.#wanted === state) this.#waiting.finish(undefined, waiting);
    else if (this.#unsettled <= UNSETTLED_LOOKS) this.#again = true;
    else if (refusal !== undefined) this.#waiting.finish(new Error(refusal), waiting);
  }

  async #snapshot(): Promise<Snapshot | undefined> {
    try {
      const snapshot = await this.#haproxy.look();
      this.#silentLooks = 0;
      return snapshot;
    } catch (error) {
      if (!(error instanceof RuntimeUnreachable)) throw error;
      if (error.silent) this.#silentLooks += 1;
      if (error.silent && this.#silentLooks < SILENT_LOOKS) throw error;
      return undefined;
    }
  }

  /** Starts or reloads HAProxy if it is not what `state` asks for. After a refusal it waits before it tries again. */
  async #structureAs(state: BalancerState, running: boolean): Promise<Structured> {
    if (running && !this.#fleet.hasLooked) return "later"; // it was adopted, and a reload keeps the servers that are known
    if (this.#clock.monotonic() < this.#retryAtMs) return "refused";
    try {
      if (!running) {
        this.#worker = undefined;
        this.#bound = new Set();
        await this.#haproxy.kill(); // a worker whose master is gone, or one that hangs, holds our ports
      }
      const outcome = await this.#openAll(state, running);
      this.#retryDelayMs = RETRY_FIRST_MS;
      return outcome;
    } catch (error) {
      this.#failed(error as Error);
      return "refused";
    }
  }

  async #openAll(state: BalancerState, running: boolean): Promise<Structured> {
    for (let attempt = 1; ; attempt += 1) {
      const openable = await this.#listeners.openable(state, this.#bound, this.#clock.monotonic());
      if (running && openable === this.#carried) return "same";
      const sample = sampleConfiguration(openable, this.#settings);
      if (running && structureOf(sample) === this.#structure) {
        this.#carried = openable;
        return "same";
      }
      if (running && (await this.#reloadsTooSoon())) return "refused";
      try {
        await this.#become(openable, sample, running);
        return "changed";
      } catch (error) {
        if (!(error instanceof ConfigurationRefused)) throw error;
        const named = this.#listeners.refuse(openable, error.binds, this.#clock.monotonic());
        if (!named || attempt === BIND_ATTEMPTS) throw error;
        const binds = Object.fromEntries(error.binds);
        this.#log.warn({ binds }, "listeners could not be opened; going on without them");
      }
    }
  }

  async #reloadsTooSoon(): Promise<boolean> {
    const { retired } = await this.#haproxy.processes();
    return this.#clock.monotonic() < this.#reloadedAtMs + reloadPauseMs(retired.length);
  }

  async #become(state: BalancerState, sample: string, running: boolean): Promise<void> {
    const generation = this.#generation + 1;
    const structure = structureOf(sample);
    const description = `berth ${generation} ${structure}`;
    this.#fleet.expect(state);
    const { maps, certificates, took } = this.#live.ofState(state, this.#fleet.tracks);
    const config = {
      text: renderConfiguration(state, this.#fleet.written(state), this.#settings, description),
      sample,
      description,
      serverState: renderServerState(state, this.#fleet.tracks),
      maps,
      certificates,
    };
    const from = this.#clock.monotonic();
    const worker = running ? await this.#haproxy.reload(config) : await this.#haproxy.start(config);
    this.#took(worker, generation, structure);
    this.#carried = state;
    took();
    const fields = { generation, pid: worker.pid, ms: Math.round(this.#clock.monotonic() - from) };
    this.#log.info(fields, running ? "HAProxy reloaded" : "HAProxy started");
  }

  #took(worker: WorkerInfo, generation: number, structure: string): void {
    this.#worker = worker;
    this.#generation = generation;
    this.#structure = structure;
    this.#carried = undefined;
    this.#reloadedAtMs = this.#clock.monotonic();
    const { sockets, backends } = this.#haproxy.carried();
    this.#bound = new Set(sockets.values());
    this.#backends = backends;
    this.#live.forget();
    this.#fleet.workerChanged();
  }

  /** The servers of retired workers, by worker. Asked for rarely unless a target drains, which waits for their sessions. */
  async #retired(state: BalancerState, justRetired: boolean): Promise<Map<number, ServerRow[]>> {
    const rows = new Map<number, ServerRow[]>();
    const draining = state.targetGroups.some((group) => group.targets.some((target) => target.draining));
    const now = this.#clock.monotonic();
    const isDue = !justRetired && now >= this.#retiredAtMs;
    if (justRetired || isDue) this.#retiredAtMs = now + RETIRED_EVERY_MS;
    if (!isDue && !draining) return rows;
    const { retired } = await this.#haproxy.processes();
    for (const pid of retired) rows.set(pid, await this.#haproxy.retiredRows(pid));
    return rows;
  }

  /** Sends the commands. Resolves with what HAProxy refused, if it refused any. */
  async #send(commands: readonly Command[]): Promise<string | undefined> {
    if (commands.length === 0) return undefined;
    let refusal: string | undefined;
    const answers = await this.#haproxy.command(commands).catch((error) => {
      this.#live.forget(); // some may have been carried out
      throw error;
    });
    for (const [index, { text, accepts, deletes }] of commands.entries()) {
      const answer = answers[index] ?? "";
      if (deletes !== undefined && isDeleted(answer)) this.#traffic.deleted(this.#worker?.pid, deletes);
      if (accepts.test(answer)) continue;
      refusal = `HAProxy refused ${JSON.stringify(text)}: ${answer}`;
      this.#log.warn({ command: text, answer }, "HAProxy refused a command");
    }
    return refusal;
  }

  /** Deletes servers once all that they have counted is known. */
  async #delete(commands: readonly Command[]): Promise<string | undefined> {
    if (commands.length === 0) return undefined;
    const counted = await this.#traffic.countOut(this.#worker?.pid, new Set(commands.flatMap((c) => c.deletes ?? [])));
    return this.#send(commands.filter(({ deletes = "" }) => counted.has(deletes)));
  }

  #failed(error: Error): void {
    this.#lastError = error.message;
    this.#retryAtMs = this.#clock.monotonic() + this.#retryDelayMs;
    this.#log.error({ err: error, retryInMs: this.#retryDelayMs }, "HAProxy could not be brought to what is wanted");
    this.#retryDelayMs = Math.min(this.#retryDelayMs * 2, RETRY_LIMIT_MS);
    if (error instanceof ConfigurationRefused) this.#waiting.finish(error);
  }
}

/**
 * Starts a load balancer, adopting the HAProxy that an earlier process left running on the same directory. HAProxy itself is
 * started by the first `apply`. Throws if HAProxy is missing or too old, or the directory cannot be used.
 */
export async function startBalancer(options: BalancerOptions): Promise<Balancer> {
  const driver = new Driver(options, await haproxyVersion(options.launcher));
  await driver.adopt();
  return driver;
}
