import { Worker } from "node:worker_threads";
import type { Clock } from "../runtime/clock.ts";
import type { Log } from "../runtime/log.ts";
import { encodeEntry, type StoredWrite } from "./entry-codec.ts";
import { StoreFileError } from "./errors.ts";
import type { Journal, JournalEntry, JournalListener, JournalState, LoadedRecord } from "./journal.ts";
import type { WorkerReply, WorkerRequest } from "./sqlite-worker.ts";

/** One commit takes at most about this much, so that it is soon over; a larger transaction goes alone. */
const BURST_BYTES = 4 << 20;

interface Queued {
  readonly entry: JournalEntry;
  readonly writes: readonly StoredWrite[];
  readonly bytes: number;
}

/**
 * A journal in one SQLite file, for one writer process. What is appended while a commit is under way shares the next
 * one. Writing and syncing happen in a thread of their own, so that the main thread goes on serving meanwhile.
 * Nothing is touched until `load`, which rejects with StoreFileError if the file cannot be used.
 */
export function sqliteJournal(options: SqliteJournalOptions): Journal {
  return new SqliteJournal(options);
}

export interface SqliteJournalOptions {
  /** The file; made if it is missing. Those beside it whose names begin with its name belong to it. */
  readonly path: string;
  readonly clock: Clock;
  readonly log: Log;
}

interface Loading {
  take(writes: readonly StoredWrite[]): void;
  done(state: JournalState): void;
  fail(error: unknown): void;
}

class SqliteJournal implements Journal {
  readonly name: string;
  /** There is one writer process and it runs one callback at a time: nothing can change what a transaction has read. */
  readonly checksReads = false;
  readonly #worker: Worker;
  readonly #clock: Clock;
  readonly #log: Log;
  #revision = 0;
  #queue: Queued[] = [];
  /** What the commit under way covers. */
  #burst: readonly Queued[] = [];
  #scheduled = false;
  #listener: JournalListener | undefined;
  #loading: Loading | undefined;
  #failure: Error | undefined;
  #closing: { readonly promise: Promise<void>; readonly done: () => void } | undefined;
  #ended = false;

  constructor({ path, clock, log }: SqliteJournalOptions) {
    this.name = path;
    this.#clock = clock;
    this.#log = log;
    this.#worker = new Worker(new URL("./sqlite-worker.ts", import.meta.url), { workerData: { file: path } });
    this.#worker.on("message", (reply: WorkerReply) => this.#take(reply));
    this.#worker.on("error", (error) => this.#fail(error as Error));
    this.#worker.on("exit", () => this.#exited());
  }

  async load(take: (records: readonly LoadedRecord[]) => void): Promise<JournalState> {
    const began = this.#clock.monotonic();
    let records = 0;
    const state = await new Promise<JournalState>((done, fail) => {
      const taken = (writes: readonly StoredWrite[]) => {
        records += writes.length;
        take(writes.map(parse));
      };
      this.#loading = { take: taken, done, fail };
      if (this.#failure !== undefined) fail(this.#failure);
      else this.#ask({ kind: "load" });
    });
    const ms = Math.round(this.#clock.monotonic() - began);
    this.#log.info({ file: this.name, records, revision: state.revision, ms }, "the store's file has been read");
    return state;
  }

  subscribe(listener: JournalListener): void {
    this.#listener = listener;
  }

  append(entry: JournalEntry): void {
    let bytes = 0;
    const writes = entry.writes.map(({ table, key, record }): StoredWrite => {
      const json = record === undefined ? null : JSON.stringify(record);
      bytes += table.length + key.length + (json?.length ?? 0);
      return { table, key, json };
    });
    this.#queue.push({ entry, writes, bytes });
    this.#schedule();
  }

  close(): Promise<void> {
    if (this.#closing === undefined) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#closing = { promise, done: resolve };
      if (this.#ended) resolve();
      else if (this.#failure !== undefined) this.#ask({ kind: "close" });
      else this.#schedule();
    }
    return this.#closing.promise;
  }

  /** Commits when all that has come in by now was looked at, so that what one turn appends goes together. */
  #schedule(): void {
    if (this.#scheduled || this.#burst.length > 0 || this.#failure !== undefined) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      if (this.#failure === undefined) this.#commit();
    });
  }

  #commit(): void {
    if (this.#queue.length === 0) {
      if (this.#closing !== undefined) this.#ask({ kind: "close" });
      return;
    }
    let count = 0;
    let size = 0;
    while (count < this.#queue.length && (count === 0 || size + (this.#queue[count]?.bytes ?? 0) <= BURST_BYTES))
      size += this.#queue[count++]?.bytes ?? 0;
    this.#burst = this.#queue.slice(0, count);
    this.#queue = this.#queue.slice(count);
    const bytes = encodeEntry({
      revision: this.#revision + count,
      schemaVersion: this.#burst.findLast(({ entry }) => entry.schemaVersion !== undefined)?.entry.schemaVersion,
      writes: this.#burst.flatMap(({ writes }) => writes),
    });
    this.#worker.postMessage({ kind: "append", bytes } satisfies WorkerRequest, [bytes.buffer]);
  }

  #take(reply: WorkerReply): void {
    switch (reply.kind) {
      case "rows":
        this.#ask({ kind: "load" }); // the next batch is read while this one is taken in
        this.#takeRows(reply.writes);
        return;
      case "loaded":
        this.#revision = reply.revision;
        this.#loading?.done({ revision: reply.revision, schemaVersion: reply.schemaVersion });
        this.#loading = undefined;
        return;
      case "appended":
        this.#committed();
        return;
      case "failed":
        this.#fail(reply.remedy === undefined ? reply.error : rebuilt(reply.file, reply.error, reply.remedy));
        return;
      case "closed":
        return; // the thread's end follows
    }
  }

  #takeRows(writes: readonly StoredWrite[]): void {
    try {
      this.#loading?.take(writes);
    } catch (error) {
      this.#loading?.fail(error);
      this.#loading = undefined; // whatever else comes is of no use
    }
  }

  #committed(): void {
    const burst = this.#burst;
    for (const { entry } of burst) this.#listener?.committed(entry, ++this.#revision);
    this.#burst = [];
    this.#commit();
  }

  #fail(error: Error): void {
    if (this.#failure !== undefined) return;
    this.#failure = error;
    this.#loading?.fail(error);
    this.#loading = undefined;
    this.#listener?.failed(error);
    if (this.#closing !== undefined && !this.#ended) this.#ask({ kind: "close" });
  }

  #exited(): void {
    this.#ended = true;
    if (this.#closing === undefined) this.#fail(new Error(`the thread that writes ${this.name} has ended`));
    this.#closing?.done();
  }

  #ask(request: WorkerRequest): void {
    this.#worker.postMessage(request);
  }
}

function parse({ table, key, json }: StoredWrite): LoadedRecord {
  return { table, key, record: json === null ? undefined : (JSON.parse(json) as object) };
}

/** An error keeps its text but not its class on the way between threads. */
function rebuilt(file: string, error: Error, remedy: string): StoreFileError {
  const problem = error.message.slice(file.length + 2, -(remedy.length + 2));
  return new StoreFileError(file, problem, remedy, { cause: error });
}
