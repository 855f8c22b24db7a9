import type { StoredEntry, StoredWrite } from "./entry-codec.ts";

/** Entries are folded together up to about this size: a record that they wrote many times is then written once. */
const WINDOW_BYTES = 16 << 20;

/** What writing a row costs at least, in bytes: it changes a page, however small it is. */
const LEAST_WRITE_COST = 2048;

/** What is to be done next, and what it costs, in bytes. */
interface Taken<T> {
  readonly items: readonly T[];
  readonly cost: number;
}

/** An entry of a window whose row is still there. */
export interface WindowEntry {
  readonly sequence: number;
  readonly bytes: number;
  readonly revision: number;
  readonly schemaVersion: number | undefined;
}

/**
 * Entries that are folded together: gathered first, then their last writes are carried out in the order of keys (so that
 * neighbours share pages), then the entries are removed. It lives in memory alone. A crash in the middle leaves rows that
 * are newer than what is said to be folded; replaying the entries over them, which are all still there, comes to the same.
 */
export class FoldWindow {
  /** The last write of each record. */
  readonly #writes = new Map<string, StoredWrite>();
  #ordered: readonly StoredWrite[] | undefined;
  #next = 0;
  #bytes = 0;
  readonly #entries: WindowEntry[] = [];
  #removed = 0;
  #removedBytes = 0;

  /** What has been done of the work on the entries whose rows are still there: gathering, writing and removing are a third each. */
  get doneBytes(): number {
    const written = this.#ordered === undefined ? 0 : this.#next / Math.max(1, this.#ordered.length);
    return ((this.#bytes - this.#removedBytes) * (1 + written)) / 3;
  }

  gather(sequence: number, entry: StoredEntry, bytes: number): void {
    for (const write of entry.writes) this.#writes.set(`${write.table.length}:${write.table}${write.key}`, write);
    this.#entries.push({ sequence, bytes, revision: entry.revision, schemaVersion: entry.schemaVersion });
    this.#bytes += bytes;
  }

  /** The last entry that was gathered. */
  get last(): number | undefined {
    return this.#entries.at(-1)?.sequence;
  }

  get isFull(): boolean {
    return this.#bytes >= WINDOW_BYTES;
  }

  /** Whether nothing more may be gathered. */
  get isClosed(): boolean {
    return this.#ordered !== undefined;
  }

  /** Ends the gathering. */
  close(): void {
    this.#ordered = [...this.#writes.values()].sort((a, b) => compare(a.table, b.table) || compare(a.key, b.key));
    this.#writes.clear();
  }

  /** The next writes to carry out, up to this cost, at least one; empty when there are no more. */
  takeWrites(limit: number): Taken<StoredWrite> {
    const from = this.#next;
    const ordered = this.#ordered ?? [];
    let cost = 0;
    while (this.#next < ordered.length && cost < limit)
      cost += Math.max(LEAST_WRITE_COST, ordered[this.#next++]?.json?.length ?? 0);
    return { items: ordered.slice(from, this.#next), cost };
  }

  /** The next entries to remove, up to this cost, at least one; empty when there are no more. */
  takeEntries(limit: number): Taken<WindowEntry> {
    const from = this.#removed;
    let cost = 0;
    while (this.#removed < this.#entries.length && cost < limit) cost += this.#entries[this.#removed++]?.bytes ?? 0;
    this.#removedBytes += cost;
    return { items: this.#entries.slice(from, this.#removed), cost };
  }

  /** Whether all entries have been taken. */
  get isDone(): boolean {
    return this.#removed === this.#entries.length;
  }
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
