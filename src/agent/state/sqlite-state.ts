import { createHash } from "node:crypto";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { Clock } from "../../runtime/clock.ts";
import type { Log } from "../../runtime/log.ts";
import type { TaskRecord } from "../engine/task-record.ts";
import { type AgentIdentity, type AgentState, StateDamagedError } from "./agent-state.ts";

/** A change nobody waits for is written within so long. Losing it costs a look at the engine, so it need not be sooner. */
const LAZY_WRITE_MS = 200;

const RETRY_WRITE_MS = 5_000;

const IDENTITY = "identity";
const TASK = "task/";
const PULLED = "pulled/";

/**
 * State in `dir`/agent.db: one checksummed row per task. Each batch of changes is one SQLite transaction, fsynced, so
 * a kill at any point leaves the batch before it or the batch itself. Throws StateDamagedError if what is there cannot
 * be read whole, and an Error if another agent has it open.
 */
export function openSqliteState(dir: string, clock: Clock, log: Log): AgentState {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const path = join(dir, "agent.db");
  const { db, rows } = open(path);
  const upsert = db.prepare(
    "INSERT INTO state (key, value, sum) VALUES (?, ?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value, sum = excluded.sum",
  );
  const remove = db.prepare("DELETE FROM state WHERE key = ?");

  let identity = (rows.get(IDENTITY) ?? {}) as AgentIdentity;
  const pulled = new Set(
    [...rows.keys()].filter((key) => key.startsWith(PULLED)).map((key) => key.slice(PULLED.length)),
  );
  /** What is to be written: the present value at the time of writing, or undefined to delete. */
  let dirty = new Map<string, (() => unknown) | undefined>();
  let lazy: { cancel(): void } | undefined;
  let flushing: Promise<void> | undefined;

  function change(key: string, value: (() => unknown) | undefined): void {
    dirty.set(key, value);
    writeLater(LAZY_WRITE_MS);
  }

  /** What cannot be written (a full disk) stays to be written; whoever waits in `flush` is told. */
  function writeLater(ms: number): void {
    lazy ??= clock.after(ms, () => {
      flush().catch((error: unknown) => {
        log.error({ error: String(error) }, "the agent's state could not be written; it is tried again");
        writeLater(RETRY_WRITE_MS);
      });
    });
  }

  function write(): void {
    lazy?.cancel();
    lazy = undefined;
    if (dirty.size === 0) return;
    const batch = dirty;
    dirty = new Map();
    try {
      db.exec("BEGIN IMMEDIATE");
      for (const [key, value] of batch) {
        if (!value) remove.run(key);
        else {
          const text = JSON.stringify(value());
          upsert.run(key, text, checksum(key, text));
        }
      }
      db.exec("COMMIT");
    } catch (error) {
      if (db.isTransaction) db.exec("ROLLBACK");
      for (const [key, value] of batch) if (!dirty.has(key)) dirty.set(key, value);
      throw error;
    }
  }

  /** All who ask in the same turn share one transaction. */
  function flush(): Promise<void> {
    flushing ??= new Promise<void>((resolve) => setImmediate(resolve)).then(() => {
      flushing = undefined;
      write();
    });
    return flushing;
  }

  return {
    identity: () => identity,
    setIdentity: (changes) => {
      identity = { ...identity, ...changes };
      change(IDENTITY, () => identity);
    },
    loadTasks: () => [...rows].filter(([key]) => key.startsWith(TASK)).map(([, value]) => value as TaskRecord),
    saveTask: (task) => change(TASK + task.arn, () => task),
    deleteTask: (arn) => change(TASK + arn, undefined),
    pulledImages: {
      has: (reference) => pulled.has(reference),
      add: (reference) => {
        if (pulled.has(reference)) return;
        pulled.add(reference);
        change(PULLED + reference, () => true);
      },
    },
    flush,
    close: async () => {
      await flush();
      db.close();
    },
  };
}

function open(path: string): { readonly db: DatabaseSync; readonly rows: Map<string, unknown> } {
  let db: DatabaseSync | undefined;
  try {
    db = new DatabaseSync(path);
    // One agent per state: the lock is taken now and held, so that a second one cannot start beside it.
    db.exec("PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
    db.exec("CREATE TABLE IF NOT EXISTS state (key TEXT PRIMARY KEY, value TEXT NOT NULL, sum TEXT NOT NULL) STRICT");
    db.exec("BEGIN IMMEDIATE; COMMIT");
    return { db, rows: readRows(db, path) };
  } catch (cause) {
    db?.close();
    if (cause instanceof StateDamagedError) throw cause;
    const text = cause instanceof Error ? cause.message : String(cause);
    if (/locked|busy/i.test(text)) throw new Error(`another agent is using ${path}`, { cause });
    if (/malformed|not a database|disk image/i.test(text))
      throw new StateDamagedError(`${path} is damaged: ${text}`, { cause });
    throw new Error(`cannot open ${path}: ${text}`, { cause });
  }
}

function readRows(db: DatabaseSync, path: string): Map<string, unknown> {
  const rows = new Map<string, unknown>();
  for (const row of db.prepare("SELECT key, value, sum FROM state").all()) {
    const key = String(row.key);
    const text = String(row.value);
    if (checksum(key, text) !== row.sum)
      throw new StateDamagedError(`${path} is damaged: the checksum of "${key}" does not match`);
    rows.set(key, JSON.parse(text));
  }
  return rows;
}

function checksum(key: string, text: string): string {
  return createHash("sha256").update(key).update("\0").update(text).digest("hex").slice(0, 32);
}
