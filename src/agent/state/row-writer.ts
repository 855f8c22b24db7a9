import { createHash } from "node:crypto";
import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { Clock, Timer } from "../../runtime/clock.ts";
import type { Log } from "../../runtime/log.ts";

/**
 * A change nobody waits for is written within so long, and not synced: on a host whose engine is just starting containers a
 * sync can take longer than a container does, and the agent would do nothing else meanwhile. Losing it with the machine's
 * power costs a look at the engine; a killed process loses nothing that was written.
 */
const LAZY_WRITE_MS = 200;
const RETRY_WRITE_MS = 5_000;

/** Gathers changes of rows and writes each batch of them in one transaction, synced if somebody waits for it. */
export class RowWriter {
  readonly #db: DatabaseSync;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #upsert: StatementSync;
  readonly #remove: StatementSync;
  /** What is to be written: the present value at the time of writing, or undefined to delete. */
  #dirty = new Map<string, (() => unknown) | undefined>();
  #lazy: Timer | undefined;
  #flushing: Promise<void> | undefined;
  /** Something was written since the last sync. */
  #hasUnsynced = false;
  #syncs = 0;

  constructor(db: DatabaseSync, clock: Clock, log: Log) {
    this.#db = db;
    this.#clock = clock;
    this.#log = log;
    this.#upsert = db.prepare(
      "INSERT INTO state (key, value, sum) VALUES (?, ?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value, sum = excluded.sum",
    );
    this.#remove = db.prepare("DELETE FROM state WHERE key = ?");
  }

  /** Writes a row soon, with the value that it has then; deletes it if `value` is undefined. */
  change(key: string, value: (() => unknown) | undefined): void {
    this.#dirty.set(key, value);
    this.#writeLater(LAZY_WRITE_MS);
  }

  /** Resolves when all changes until now are durable; rejects if they cannot be. All who ask in the same turn share one transaction. */
  flush(): Promise<void> {
    this.#flushing ??= new Promise<void>((resolve) => setImmediate(resolve)).then(() => {
      this.#flushing = undefined;
      this.#write({ synced: true });
    });
    return this.#flushing;
  }

  async close(): Promise<void> {
    await this.flush();
    this.#db.close();
  }

  /** What cannot be written (a full disk) stays to be written; whoever waits in `flush` is told. */
  #writeLater(ms: number): void {
    this.#lazy ??= this.#clock.after(ms, () => {
      try {
        this.#write({ synced: false });
      } catch (error) {
        this.#log.error({ error: String(error) }, "the agent's state could not be written; it is tried again");
        this.#writeLater(RETRY_WRITE_MS);
      }
    });
  }

  #write({ synced }: { readonly synced: boolean }): void {
    this.#lazy?.cancel();
    this.#lazy = undefined;
    if (this.#dirty.size === 0 && !(synced && this.#hasUnsynced)) return;
    const batch = this.#dirty;
    this.#dirty = new Map();
    try {
      this.#db.exec(`PRAGMA synchronous = ${synced ? "FULL" : "NORMAL"}`);
      this.#db.exec("BEGIN IMMEDIATE");
      // A commit syncs the log, with all that is in it, only if it writes something itself.
      if (synced) this.#db.exec(`PRAGMA user_version = ${++this.#syncs}`);
      for (const [key, value] of batch) this.#writeRow(key, value);
      this.#db.exec("COMMIT");
      this.#hasUnsynced = !synced;
    } catch (error) {
      if (this.#db.isTransaction) this.#db.exec("ROLLBACK");
      for (const [key, value] of batch) if (!this.#dirty.has(key)) this.#dirty.set(key, value);
      throw error;
    }
  }

  #writeRow(key: string, value: (() => unknown) | undefined): void {
    if (!value) {
      this.#remove.run(key);
      return;
    }
    const text = JSON.stringify(value());
    this.#upsert.run(key, text, checksum(key, text));
  }
}

/** Of a row's key and value, kept beside them. */
export function checksum(key: string, text: string): string {
  return createHash("sha256").update(key).update("\0").update(text).digest("hex").slice(0, 32);
}
