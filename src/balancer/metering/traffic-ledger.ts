import { listenerIdOf, targetGroupIdOf, targetIdOf } from "../configuration/names.ts";
import type { AnswerLine } from "../configuration/traffic-lines.ts";
import { LatencySum } from "./latency.ts";
import { Settling } from "./settling.ts";
import { AT, COUNTER_COUNT, type CounterRow } from "./traffic-counters.ts";
import {
  CODE_CLASSES,
  type Codes,
  type ListenerTraffic,
  type TargetGroupTraffic,
  type TargetTraffic,
  type TrafficSample,
} from "./traffic-sample.ts";

/** What was counted of a listener, a group or a target since the last sample. */
class Account {
  readonly counts: number[] = Array.from({ length: COUNTER_COUNT }, () => 0);
  latency = new LatencySum();
  active = 0;

  get isEmpty(): boolean {
    return this.active === 0 && this.latency.buckets.size === 0 && this.counts.every((count) => count === 0);
  }

  get codes(): Codes {
    return Object.fromEntries(CODE_CLASSES.map((code) => [code, this.counts[AT[code]] ?? 0])) as Record<
      (typeof CODE_CLASSES)[number],
      number
    >;
  }

  count(what: keyof typeof AT): number {
    return this.counts[AT[what]] ?? 0;
  }

  add(changes: readonly number[]): void {
    for (const [index, change] of changes.entries()) this.counts[index] = (this.counts[index] ?? 0) + change;
  }

  clear(): void {
    this.counts.fill(0);
    this.latency = new LatencySum();
  }
}

/** A group's own account is that of its backend; its targets' is the sum over its servers, those that are gone included. */
class GroupAccount extends Account {
  readonly ofTargets = new Account();
  readonly targets = new Map<string, Account>();
  /**
   * Answers that targets did not make: a backend counts an answer when it is over, a server when its headers are there. An account
   * is dropped in a second without traffic: then both have counted the same, and nothing that is owed would ever come.
   */
  readonly own = CODE_CLASSES.map(() => new Settling());
  isTcp = false;
}

/** What one worker has told. */
interface WorkerBook {
  /** By proxy and name: the newest counts. A row that is not there counts from 0, unless the whole worker was found running. */
  rows: Map<string, readonly number[]>;
  active: Map<string, number>;
  /** Its counts so far are not ours to tell. */
  found: boolean;
}

/**
 * Counters of HAProxy's workers -> samples. Each worker counts from 0, and each row of its statistics is followed by itself, so
 * nothing is counted twice, lost or negative when a worker takes over from another while that one finishes. Pure but for its memory.
 */
export class TrafficLedger {
  readonly #workers = new Map<number, WorkerBook>();
  readonly #listeners = new Map<string, Account>();
  readonly #groups = new Map<string, GroupAccount>();
  #sampledAtMs: number;

  /** `nowMs` is monotonic, as everywhere here. */
  constructor(nowMs: number) {
    this.#sampledAtMs = nowMs;
  }

  /** A worker is there. `found`: it has run before we looked, and what it counted until now is not told. */
  open(worker: number, found: boolean): void {
    if (!this.#workers.has(worker)) this.#workers.set(worker, { rows: new Map(), active: new Map(), found });
  }

  /** A worker does not answer: nothing is known to be under way. If it answers again, it goes on where it was. */
  lose(worker: number): void {
    this.#workers.get(worker)?.active.clear();
  }

  /** A worker is gone. */
  close(worker: number): void {
    this.#workers.delete(worker);
  }

  get workers(): number[] {
    return [...this.#workers.keys()];
  }

  /**
   * All that a worker has counted, as `show stat` tells; servers no earlier than their backends, or an answer would seem to be
   * HAProxy's own. A server that is missing was deleted: another of its name counts from 0.
   */
  take(worker: number, rows: readonly CounterRow[]): void {
    const book = this.#workers.get(worker);
    if (book === undefined) return;
    const before = book.rows;
    book.rows = new Map();
    book.active = new Map();
    for (const row of rows) {
      const key = `${row.proxy}/${row.name}`;
      book.rows.set(key, row.counts);
      if (row.active > 0) book.active.set(key, row.active);
      const change = book.found ? undefined : changes(before.get(key), row.counts);
      if (change !== undefined) this.#count(row, change);
    }
    book.found = false;
  }

  /** A server (`backend/name`) of a worker was deleted, after all that it counted was taken. */
  forget(worker: number, server: string): void {
    this.#workers.get(worker)?.rows.delete(server);
  }

  /** What a line of the ring tells. */
  hear({ frontend, backend, server, ms, weight }: AnswerLine): void {
    const listenerId = listenerIdOf(frontend);
    const groupId = targetGroupIdOf(backend);
    if (listenerId === undefined || groupId === undefined) return;
    const group = this.#group(groupId);
    for (const account of [this.#listener(listenerId), group, target(group, targetIdOf(server))])
      account.latency.add(ms, weight);
  }

  /** What happened since the last sample. `at`: the time of day. */
  sample(at: number, nowMs: number): TrafficSample {
    this.#tellActive();
    const listeners = [...this.#listeners].filter(([, account]) => !account.isEmpty).map(listenerTraffic);
    const targetGroups = [...this.#groups].map(groupTraffic).filter((group) => group !== undefined);
    const durationMs = Math.round(nowMs - this.#sampledAtMs);
    this.#sampledAtMs = nowMs;
    this.#clear();
    return { at, durationMs, listeners, targetGroups };
  }

  #count(row: CounterRow, change: readonly number[]): void {
    const listenerId = row.kind === "frontend" ? listenerIdOf(row.proxy) : undefined;
    if (listenerId !== undefined) this.#listener(listenerId).add(change);
    const groupId = row.kind === "frontend" ? undefined : targetGroupIdOf(row.proxy);
    if (groupId === undefined) return;
    const group = this.#group(groupId);
    group.isTcp = row.mode === "tcp";
    if (row.kind === "backend") {
      group.add(change);
    } else {
      group.ofTargets.add(change);
      target(group, targetIdOf(row.name)).add(change);
    }
  }

  #tellActive(): void {
    for (const account of [...this.#listeners.values(), ...this.#groups.values()]) account.active = 0;
    for (const group of this.#groups.values()) for (const account of group.targets.values()) account.active = 0;
    for (const { active } of this.#workers.values())
      for (const [key, count] of active) {
        const slash = key.indexOf("/");
        const [proxy, name] = [key.slice(0, slash), key.slice(slash + 1)];
        const listenerId = listenerIdOf(proxy);
        const groupId = targetGroupIdOf(proxy);
        if (listenerId !== undefined) this.#listener(listenerId).active += count;
        if (groupId === undefined) continue;
        const group = this.#group(groupId);
        (name === "BACKEND" ? group : target(group, targetIdOf(name))).active += count;
      }
  }

  #clear(): void {
    for (const [id, account] of this.#listeners) {
      if (account.isEmpty) this.#listeners.delete(id);
      else account.clear();
    }
    for (const [id, group] of this.#groups) {
      if (group.isEmpty && group.ofTargets.isEmpty) this.#groups.delete(id);
      for (const account of [group, group.ofTargets]) account.clear();
      group.targets.clear();
    }
  }

  #listener(id: string): Account {
    return this.#listeners.getOrInsertComputed(id, () => new Account());
  }

  #group(id: string): GroupAccount {
    return this.#groups.getOrInsertComputed(id, () => new GroupAccount());
  }
}

/**
 * How much a row's counts grew; undefined if they are as they were, as most are where there are thousands of targets. If one of them is
 * smaller, the row began anew.
 */
export function changes(before: readonly number[] | undefined, now: readonly number[]): readonly number[] | undefined {
  let grew = false;
  for (let index = 0; index < now.length; index += 1) {
    const [was = 0, is = 0] = [before?.[index], now[index]];
    if (is < was) return now;
    if (is > was) grew = true;
  }
  if (!grew) return undefined;
  return before === undefined ? now : now.map((count, index) => count - (before[index] ?? 0));
}

const target = (group: GroupAccount, id: string): Account => group.targets.getOrInsertComputed(id, () => new Account());

const latencyOf = (account: Account) => account.latency.toJSON();

function listenerTraffic([listenerId, account]: [string, Account]): ListenerTraffic {
  return {
    listenerId,
    requests: account.count("requests"),
    connections: account.count("clientConnections"),
    bytesIn: account.count("bytesIn"),
    bytesOut: account.count("bytesOut"),
    answers: account.codes,
    badRequests: account.count("badRequests"),
    latency: latencyOf(account),
    activeConnections: account.active,
  };
}

function carried(account: Account) {
  return {
    requests: account.count("requests"),
    bytesIn: account.count("bytesIn"),
    bytesOut: account.count("bytesOut"),
    connectionErrors: account.count("connectionErrors"),
    responseErrors: account.count("responseErrors"),
    latency: latencyOf(account),
    active: account.active,
  };
}

function groupTraffic([targetGroupId, group]: [string, GroupAccount]): TargetGroupTraffic | undefined {
  const [answers, targetAnswers] = [group.codes, group.ofTargets.codes];
  const own = CODE_CLASSES.map(
    (code, index) => [code, group.own[index]?.add(answers[code] - targetAnswers[code]) ?? 0] as const,
  );
  const targets = [...group.targets]
    .filter(([, account]) => !account.isEmpty)
    .map(
      ([targetId, account]): TargetTraffic => ({
        targetId,
        ...carried(account),
        connections: group.isTcp ? account.count("chosen") : 0,
        answers: account.codes,
      }),
    );
  if (group.isEmpty && group.ofTargets.isEmpty && targets.length === 0) return undefined;
  return {
    targetGroupId,
    ...carried(group),
    connections: group.isTcp ? group.count("sessions") : 0,
    answers,
    targetAnswers,
    ownAnswers: Object.fromEntries(own) as Record<(typeof CODE_CLASSES)[number], number>,
    targets,
  };
}
