import type { Clock } from "../runtime/clock.ts";
import type { ForeignChange, Journal, JournalEntry, JournalListener, JournalState, LoadedRecord } from "./journal.ts";

/** What happens to an entry that a MemoryJournal is about to settle. */
export type Fate =
  | { readonly kind: "commit" }
  /** Refuse it as if something that it read had changed. */
  | { readonly kind: "conflict" }
  /** Fail for good, before or after the entry has become durable. */
  | { readonly kind: "fail"; readonly durable: boolean; readonly error: Error };

export interface MemoryJournalOptions {
  readonly disk: MemoryDisk;
  readonly clock: Clock;
  /** How long an entry takes to be settled, in milliseconds; 0 if not given. */
  readonly delayMs?: () => number;
  /** What is to become of an entry; it is committed if not given. */
  readonly fate?: (entry: JournalEntry) => Fate;
}

/**
 * What memory journals write to: it outlives them, and several can share it, as replicas do. Records are kept as JSON
 * text, so that what comes back is what a real journal would give.
 */
export class MemoryDisk {
  readonly records = new Map<string, Map<string, string>>();
  readonly journals = new Set<MemoryJournal>();
  revision = 0;
  schemaVersion = 0;
  /** By record, and by table: the revision of the last change that each journal made to it. */
  readonly #changes = new Map<string, Map<MemoryJournal, number>>();

  /** Whether a journal other than `reader` has changed anything that the entry read, after what it had seen. */
  conflicts(reader: MemoryJournal, { reads, seen }: JournalEntry): boolean {
    return reads.some(({ table, key }) => {
      const changes = [...(this.#changes.get(JSON.stringify([table, key])) ?? [])];
      return changes.some(([journal, revision]) => journal !== reader && revision > seen);
    });
  }

  /** Writes the entry and tells the other journals. Returns its revision. */
  write(by: MemoryJournal, entry: JournalEntry): number {
    const revision = ++this.revision;
    if (entry.schemaVersion !== undefined) this.schemaVersion = entry.schemaVersion;
    for (const { table, key, record } of entry.writes) {
      const rows = this.records.get(table) ?? new Map<string, string>();
      this.records.set(table, rows);
      if (record === undefined) rows.delete(key);
      else rows.set(key, JSON.stringify(record));
      this.#changed([table, key], by, revision);
      this.#changed([table, undefined], by, revision);
    }
    for (const journal of this.journals) if (journal !== by) journal.learn({ revision, writes: entry.writes });
    return revision;
  }

  #changed(what: readonly [string, string | undefined], by: MemoryJournal, revision: number): void {
    const name = JSON.stringify(what);
    const changes = this.#changes.get(name) ?? new Map<MemoryJournal, number>();
    this.#changes.set(name, changes.set(by, revision));
  }
}

/** A journal for tests and simulation, with injectable delays, conflicts and failures. */
export class MemoryJournal implements Journal {
  readonly name = "memory";
  readonly checksReads = true;
  readonly #options: MemoryJournalOptions;
  #queue: JournalEntry[] = [];
  /** Changes of others that the listener has not been told of. */
  #news: ForeignChange[] = [];
  #listener: JournalListener | undefined;
  #timer = false;
  #ended = false;
  #whenIdle: (() => void)[] = [];

  constructor(options: MemoryJournalOptions) {
    this.#options = options;
  }

  async load(take: (records: readonly LoadedRecord[]) => void): Promise<JournalState> {
    const { disk } = this.#options;
    disk.journals.add(this);
    for (const [table, rows] of disk.records)
      take([...rows].map(([key, json]) => ({ table, key, record: JSON.parse(json) as object })));
    return { revision: disk.revision, schemaVersion: disk.schemaVersion };
  }

  subscribe(listener: JournalListener): void {
    this.#listener = listener;
    this.#schedule();
  }

  append(entry: JournalEntry): void {
    if (this.#ended) return;
    this.#queue.push(entry);
    this.#schedule();
  }

  /** Another journal has committed a change. */
  learn(change: ForeignChange): void {
    this.#news.push(change);
    this.#schedule();
  }

  async close(): Promise<void> {
    if (this.#queue.length > 0) await new Promise<void>((resolve) => this.#whenIdle.push(resolve));
    this.#end();
  }

  #schedule(): void {
    if (this.#timer || this.#ended || this.#listener === undefined) return;
    this.#timer = true;
    this.#options.clock.after(this.#options.delayMs?.() ?? 0, () => {
      this.#timer = false;
      this.#step();
    });
  }

  #step(): void {
    if (this.#ended) return;
    this.#tellNews();
    const entry = this.#queue[0];
    if (entry !== undefined) this.#settle(entry);
    if (this.#queue.length > 0 || this.#news.length > 0) this.#schedule();
    if (this.#queue.length === 0) for (const resolve of this.#whenIdle.splice(0)) resolve();
  }

  #tellNews(): void {
    for (const { revision, writes } of this.#news.splice(0))
      this.#listener?.foreign({
        revision,
        writes: writes.map(({ table, key, record }) => ({ table, key, record: record && structuredClone(record) })),
      });
  }

  #settle(entry: JournalEntry): void {
    const { disk } = this.#options;
    const fate: Fate = disk.conflicts(this, entry)
      ? { kind: "conflict" }
      : (this.#options.fate?.(entry) ?? { kind: "commit" });
    switch (fate.kind) {
      case "commit":
        this.#queue.shift();
        this.#listener?.committed(entry, disk.write(this, entry));
        return;
      case "conflict":
        // What comes after it may rest on it: the store appends anew what is to be tried again.
        this.#queue = [];
        this.#listener?.conflicted(entry);
        return;
      case "fail":
        if (fate.durable) disk.write(this, entry);
        this.#end();
        this.#listener?.failed(fate.error);
        return;
    }
  }

  #end(): void {
    this.#ended = true;
    this.#queue = [];
    this.#options.disk.journals.delete(this);
    for (const resolve of this.#whenIdle.splice(0)) resolve();
  }
}
