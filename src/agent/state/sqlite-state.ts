import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { Clock } from "../../runtime/clock.ts";
import type { Log } from "../../runtime/log.ts";
import type { TaskRecord } from "../engine/task-record.ts";
import { type AgentIdentity, type AgentState, StateDamagedError } from "./agent-state.ts";
import { checksum, RowWriter } from "./row-writer.ts";

const IDENTITY = "identity";
const TASK = "task/";
const PULLED = "pulled/";

/**
 * State in `dir`/agent.db: one checksummed row per task. Each batch of changes is one SQLite transaction, so that a kill at
 * any point leaves the batch before it or the batch itself; `flush` also syncs, and with it all before it. Throws StateDamagedError if what is there cannot
 * be read whole, and an Error if another agent has it open.
 */
export function openSqliteState(dir: string, clock: Clock, log: Log): AgentState {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const { db, rows } = open(join(dir, "agent.db"));
  return new SqliteState(new RowWriter(db, clock, log), rows);
}

class SqliteState implements AgentState {
  readonly #writer: RowWriter;
  readonly #rows: ReadonlyMap<string, unknown>;
  readonly #pulled: Set<string>;
  #identity: AgentIdentity;
  readonly pulledImages: AgentState["pulledImages"];

  constructor(writer: RowWriter, rows: ReadonlyMap<string, unknown>) {
    this.#writer = writer;
    this.#rows = rows;
    this.#identity = (rows.get(IDENTITY) ?? {}) as AgentIdentity;
    const keys = [...rows.keys()];
    this.#pulled = new Set(keys.filter((key) => key.startsWith(PULLED)).map((key) => key.slice(PULLED.length)));
    this.pulledImages = { has: (reference) => this.#pulled.has(reference), add: (reference) => this.#pull(reference) };
  }

  identity(): AgentIdentity {
    return this.#identity;
  }

  setIdentity(changes: Partial<AgentIdentity>): void {
    this.#identity = { ...this.#identity, ...changes };
    this.#writer.change(IDENTITY, () => this.#identity);
  }

  loadTasks(): TaskRecord[] {
    return [...this.#rows].filter(([key]) => key.startsWith(TASK)).map(([, value]) => value as TaskRecord);
  }

  saveTask(task: TaskRecord): void {
    this.#writer.change(TASK + task.arn, () => task);
  }

  deleteTask(arn: string): void {
    this.#writer.change(TASK + arn, undefined);
  }

  flush(): Promise<void> {
    return this.#writer.flush();
  }

  close(): Promise<void> {
    return this.#writer.close();
  }

  #pull(reference: string): void {
    if (this.#pulled.has(reference)) return;
    this.#pulled.add(reference);
    this.#writer.change(PULLED + reference, () => true);
  }
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
