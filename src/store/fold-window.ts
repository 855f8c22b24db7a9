import type { StoredEntry, StoredWrite } from "./entry-codec.ts";

/** Entries are folded together up to about this size: a record that they wrote many times is then written once. */
const WINDOW_BYTES = 16 << 20;

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

  /** The next writes to carry out, up to these limits; empty when there are no more. */
  takeWrites(records: number, bytes: number): readonly StoredWrite[] {
    const from = this.#next;
    const ordered = this.#ordered ?? [];
    let size = 0;
    while (this.#next < ordered.length && this.#next - from < records && size < bytes)
      size += ordered[this.#next++]?.json?.length ?? 0;
    return ordered.slice(from, this.#next);
  }

  /** The next entries to remove, up to this size, at least one; empty when there are no more. */
  takeEntries(bytes: number): readonly WindowEntry[] {
    const from = this.#removed;
    let size = 0;
    while (this.#removed < this.#entries.length && size < bytes) size += this.#entries[this.#removed++]?.bytes ?? 0;
    return this.#entries.slice(from, this.#removed);
  }

  /** Whether all entries have been taken. */
  get isDone(): boolean {
    return this.#removed === this.#entries.length;
  }
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
