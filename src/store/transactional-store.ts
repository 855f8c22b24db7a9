import type { Log } from "../runtime/log.ts";
import { Runner, type RunResult } from "./draft.ts";
import { ConflictError, StoreClosedError, StoreFailedError } from "./errors.ts";
import { deepFreeze } from "./freeze.ts";
import type { ForeignChange, Journal, JournalEntry, JournalListener } from "./journal.ts";
import { Layer } from "./layer.ts";
import type { Loaded } from "./load.ts";
import { readOnly } from "./read-only.ts";
import type { Change, NotPromise, Store, Transaction, View } from "./store.ts";
import type { Schema } from "./table.ts";
import type { Effect, Tables } from "./tables.ts";

/** How often a transaction's callback is run, at most, because others changed what it read. */
export const MAX_ATTEMPTS = 16;

/** A transaction whose callback has run and whose outcome has not been told. */
interface Pending {
  readonly name: string;
  readonly run: () => RunResult;
  readonly resolve: (value: never) => void;
  readonly reject: (error: unknown) => void;
  attempts: number;
  outcome: RunResult["outcome"];
  effects: readonly Effect[];
  /** Undefined if it wrote nothing: then its outcome is told when everything before it is durable. */
  entry: JournalEntry | undefined;
}

type Listener<S extends Schema> = (change: Change<S>) => void;

/**
 * Two states of the same tables: `durable`, which views and watchers see, and `newest`, which is `durable` and then the
 * effects of `pending` in order. Records are shared between them; each has its own indexes, so that a lookup in either
 * costs the same and nothing is merged at reading.
 */
export class TransactionalStore<S extends Schema> implements Store<S> {
  readonly view: View<S>;
  readonly failed: Promise<Error>;
  readonly #journal: Journal;
  readonly #log: Log;
  readonly #durable: Tables;
  readonly #newest: Tables;
  readonly #runner: Runner;
  readonly #schema: S;
  readonly #listeners = new Set<Listener<S>>();
  /** In the order in which the callbacks ran. The first one always has an entry. */
  #pending: Pending[] = [];
  /** How many of the first `#pending` are settled already; they are cut off together, since shifting one is not cheap. */
  #settled = 0;
  #revision: number;
  #failure: StoreFailedError | undefined;
  #closing = false;
  #tellFailed!: (error: Error) => void;
  #whenIdle: (() => void)[] = [];
  /** Resolves when the last rehearsal has ended. They are calls, whose number has its limit where connections are taken. */
  #rehearsals: Promise<unknown> = Promise.resolve();

  constructor(options: Loaded & { readonly schema: S; readonly journal: Journal; readonly log: Log }) {
    this.#schema = options.schema;
    this.#journal = options.journal;
    this.#log = options.log;
    this.#durable = options.durable;
    this.#newest = options.newest;
    this.#revision = options.revision;
    this.#runner = new Runner(this.#newest, this.#journal.checksReads);
    this.view = readOnly(this.#durable) as View<S>;
    this.failed = new Promise((resolve) => {
      this.#tellFailed = resolve;
    });
    this.#journal.subscribe(this.#journalListener());
  }

  get revision(): number {
    return this.#revision;
  }

  transact<T>(name: string, fn: (tx: Transaction<S>) => NotPromise<T>): Promise<T> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    if (this.#closing) return Promise.reject(new StoreClosedError(name));
    return new Promise<T>((resolve, reject) => {
      this.#begin({
        name,
        run: () => this.#runner.run(name, fn),
        resolve: resolve as (value: never) => void,
        reject,
        attempts: 0,
        outcome: { value: undefined },
        effects: [],
        entry: undefined,
      });
    });
  }

  rehearse<T>(fn: (tx: Transaction<S>) => T | Promise<T>): Promise<T> {
    const answer = this.#rehearsals.then(async () => {
      const layer = new Layer(this.#schema, this.#newest);
      try {
        return await fn(layer.drafts as Transaction<S>);
      } finally {
        layer.close();
      }
    });
    this.#rehearsals = answer.catch(() => undefined);
    return answer;
  }

  /** Makes durable what a migration changed. Called before anything else. */
  commitMigration({ writes, schemaVersion }: NonNullable<Loaded["migrated"]>): Promise<void> {
    const name = `migration to schema version ${schemaVersion}`;
    const reads = this.#journal.checksReads ? [...this.#durable.byName.keys()].map((table) => ({ table })) : [];
    const entry: JournalEntry = { name, seen: this.#revision, reads, writes, schemaVersion };
    return new Promise((resolve, reject) => {
      const outcome = { value: undefined };
      // A conflict means that another process migrates at the same time: this one gives up at once.
      const attempts = MAX_ATTEMPTS;
      const run = () => ({ outcome, effects: [], reads });
      this.#pending.push({ name, run, resolve, reject, attempts, outcome, effects: [], entry });
      this.#journal.append(entry);
    });
  }

  watch(listener: Listener<S>): () => void {
    const own: Listener<S> = (change) => listener(change); // so that one function can watch twice
    this.#listeners.add(own);
    return () => this.#listeners.delete(own);
  }

  verify(): void {
    this.#durable.verify();
    this.#newest.verify();
    if (this.#pendingCount() === 0) this.#durable.verifySame(this.#newest);
  }

  async close(): Promise<void> {
    this.#closing = true;
    if (this.#pendingCount() > 0) await new Promise<void>((resolve) => this.#whenIdle.push(resolve));
    await this.#journal.close();
  }

  /** Runs the callback over `newest` and hands what it wrote to the journal. */
  #begin(pending: Pending): void {
    const { outcome, effects, reads } = pending.run();
    pending.attempts++;
    pending.outcome = outcome;
    pending.effects = effects;
    pending.entry = undefined;
    if (effects.length > 0) {
      const writes = effects.map(({ table, key, after }) => ({ table, key, record: after }));
      pending.entry = { name: pending.name, seen: this.#revision, reads, writes };
      this.#pending.push(pending);
      this.#journal.append(pending.entry);
    } else if (this.#pendingCount() > 0) this.#pending.push(pending);
    else settle(pending);
  }

  #journalListener(): JournalListener {
    return {
      committed: (entry, revision) => this.#committed(entry, revision),
      conflicted: (entry) => this.#conflicted(entry),
      foreign: (change) => this.#foreign(change),
      failed: (error) => this.#fail(error),
    };
  }

  #committed(entry: JournalEntry, revision: number): void {
    const pending = this.#first(entry);
    this.#settled++;
    this.#applyDurable(pending.effects, revision);
    settle(pending);
    // Those that wrote nothing rest on what is durable now.
    for (let next = this.#pending[this.#settled]; next !== undefined && next.entry === undefined; ) {
      settle(next);
      next = this.#pending[++this.#settled];
    }
    this.#cutSettled();
  }

  /** Everything from `entry` on rested on something that has changed: run it all again, in the same order. */
  #conflicted(entry: JournalEntry): void {
    const first = this.#first(entry);
    const again = this.#takeBackPending();
    for (const pending of again) {
      if (pending === first && pending.attempts >= MAX_ATTEMPTS) {
        pending.reject(new ConflictError(pending.name, pending.attempts));
        continue;
      }
      // Only the first one was refused: the others are run again for its sake, which must not use up their attempts.
      if (pending !== first) pending.attempts--;
      this.#begin(pending);
    }
    this.#cutSettled();
  }

  #foreign(change: ForeignChange): void {
    const effects = change.writes.map(({ table, key, record }) => ({
      table,
      key,
      before: undefined,
      after: record === undefined ? undefined : deepFreeze(record, table),
    }));
    const rest = this.#pending.slice(this.#settled);
    for (const pending of rest.toReversed()) this.#newest.undo(pending.effects);
    this.#newest.redo(effects);
    for (const pending of rest) this.#newest.redo(pending.effects);
    this.#applyDurable(effects, change.revision);
  }

  #fail(error: Error): void {
    if (this.#failure !== undefined) return;
    this.#failure = new StoreFailedError(error);
    this.#log.error({ err: error }, "the store has failed and takes no more changes");
    for (const pending of this.#takeBackPending()) pending.reject(this.#failure);
    this.#tellFailed(this.#failure);
    this.#cutSettled();
  }

  /** Carries the effects out on `durable` and tells the watchers. */
  #applyDurable(effects: readonly Effect[], revision: number): void {
    const puts: Effect[] = [];
    const deletes: Effect[] = [];
    for (const { table, key, after, difference } of effects) {
      const before = this.#durable.table(table).set(key, after, difference);
      if (after !== undefined) puts.push({ table, key, before, after });
      else if (before !== undefined) deletes.push({ table, key, before, after });
    }
    this.#revision = revision;
    // Effects carry no types; they came from drafts of this schema.
    const change = { revision, puts, deletes } as unknown as Change<S>;
    for (const listener of [...this.#listeners]) {
      if (!this.#listeners.has(listener)) continue; // ended by an earlier listener
      try {
        listener(change);
      } catch (error) {
        this.#log.error({ err: error, revision }, "a watcher of the store failed on a change");
      }
    }
  }

  #first(entry: JournalEntry): Pending {
    const first = this.#pending[this.#settled];
    if (first?.entry !== entry) throw new Error(`the journal ${this.#journal.name} settled ${entry.name} out of order`);
    return first;
  }

  /** Leaves `newest` as `durable` is, and returns what was pending, in order. */
  #takeBackPending(): readonly Pending[] {
    const taken = this.#pending.slice(this.#settled);
    for (const pending of taken.toReversed()) this.#newest.undo(pending.effects);
    this.#pending = [];
    this.#settled = 0;
    return taken;
  }

  #pendingCount(): number {
    return this.#pending.length - this.#settled;
  }

  #cutSettled(): void {
    if (this.#pendingCount() === 0) {
      this.#pending = [];
      this.#settled = 0;
      for (const resolve of this.#whenIdle.splice(0)) resolve();
    } else if (this.#settled >= 1024) {
      this.#pending = this.#pending.slice(this.#settled);
      this.#settled = 0;
    }
  }
}

function settle({ outcome, resolve, reject }: Pending): void {
  if ("error" in outcome) reject(outcome.error);
  else resolve(outcome.value as never);
}
