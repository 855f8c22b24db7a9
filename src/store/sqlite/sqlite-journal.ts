import { Worker } from "node:worker_threads";
import type { Clock } from "../../runtime/clock.ts";
import type { Log } from "../../runtime/log.ts";
import { StoreFileError } from "../errors.ts";
import type { Journal, JournalEntry, JournalListener, JournalState, LoadedRecord } from "../journal.ts";
import { encodeEntry, type StoredWrite } from "./entry-codec.ts";
import type { LogReply, LogRequest } from "./log-thread.ts";
import type { LoadedFiles } from "./record-file.ts";
import type { RecordReply, RecordRequest } from "./record-thread.ts";
import type { Segment } from "./segment.ts";
import type { CommonReply } from "./thread-body.ts";

/** One commit takes at most about this much, so that it is soon over; a larger transaction goes alone. */
const BURST_BYTES = 4 << 20;
/** With more segments than this waiting to be folded, appends wait: opening would take too long. */
const MOST_UNFOLDED = 4;
/** The log's thread copies and writes: the garbage that it makes is soon collected. */
const LOG_THREAD_LIMITS = { maxYoungGenerationSizeMb: 4 };

interface Queued {
  readonly entry: JournalEntry;
  readonly writes: readonly StoredWrite[];
  readonly bytes: number;
}

/**
 * A journal in a log and one SQLite file, for one writer process. What is appended while a commit is under way shares the next
 * one. One thread appends to the log, and another folds what is in it into rows, so that neither the main
 * thread nor a commit waits for that. Nothing is touched until `load`, which rejects with StoreFileError if the files cannot be used.
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
  readonly #logThread: Worker;
  readonly #recordThread: Worker;
  readonly #clock: Clock;
  readonly #log: Log;
  #revision = 0;
  #queue: Queued[] = [];
  /** What the commit under way covers. */
  #burst: readonly Queued[] = [];
  #scheduled = false;
  /** Segments that nothing is added to any more and that are not folded. */
  #unfolded = 0;
  #listener: JournalListener | undefined;
  #loading: Loading | undefined;
  #failure: Error | undefined;
  #closing: Promise<void> | undefined;
  #isEnding = false;
  readonly #ended: Promise<unknown>;

  constructor({ path, clock, log }: SqliteJournalOptions) {
    this.name = path;
    this.#clock = clock;
    this.#log = log;
    this.#logThread = new Worker(new URL("./log-thread.ts", import.meta.url), {
      name: "store-log",
      workerData: { file: path },
      resourceLimits: LOG_THREAD_LIMITS,
    });
    this.#recordThread = new Worker(new URL("./record-thread.ts", import.meta.url), {
      name: "store-records",
      workerData: { file: path },
    });
    this.#logThread.on("message", (reply: LogReply) => this.#takeFromLog(reply));
    this.#recordThread.on("message", (reply: RecordReply) => this.#takeFromRecords(reply));
    // The file's lock goes with the thread of records: nobody else may have the file while this process may still write.
    this.#ended = Promise.all([
      this.#end(this.#logThread).then(() => this.#askRecords({ kind: "close" })),
      this.#end(this.#recordThread),
    ]);
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
      else this.#askRecords({ kind: "load" });
    });
    const ms = Math.round(this.#clock.monotonic() - began);
    this.#log.info({ file: this.name, records, revision: state.revision, ms }, "the store's files have been read");
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
      this.#closing = this.#ended.then(() => {});
      if (this.#failure !== undefined) this.#askToEnd();
      else this.#schedule();
    }
    return this.#closing;
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
      if (this.#closing !== undefined) this.#askToEnd();
      return;
    }
    if (this.#unfolded > MOST_UNFOLDED) return; // goes on when one is folded
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
    this.#askLog({ kind: "append", bytes }, [bytes.buffer]);
  }

  #takeFromLog(reply: LogReply): void {
    if (reply.kind !== "appended") {
      this.#takeCommon(reply);
      return;
    }
    if (this.#failure !== undefined) return;
    const burst = this.#burst;
    for (const { entry } of burst) this.#listener?.committed(entry, ++this.#revision);
    this.#burst = [];
    if (reply.full !== undefined) this.#fold(reply.full);
    this.#commit();
  }

  #takeFromRecords(reply: RecordReply): void {
    switch (reply.kind) {
      case "records":
        this.#askRecords({ kind: "load" }); // the next batch is read while this one is taken in
        this.#takeRecords(reply.writes);
        return;
      case "loaded":
        this.#loaded(reply);
        return;
      case "folded":
        this.#unfolded--;
        this.#schedule();
        return;
      default:
        this.#takeCommon(reply);
    }
  }

  #takeCommon(reply: CommonReply): void {
    if (reply.kind === "closed") return; // the thread's end follows
    const { file, error, remedy } = reply;
    this.#fail(remedy === undefined ? error : rebuilt(file, error, remedy));
  }

  #takeRecords(writes: readonly StoredWrite[]): void {
    try {
      this.#loading?.take(writes);
    } catch (error) {
      this.#loading?.fail(error);
      this.#loading = undefined; // whatever else comes is of no use
    }
  }

  #loaded({ revision, schemaVersion, end, segments }: LoadedFiles): void {
    if (this.#loading === undefined) return;
    this.#revision = revision;
    this.#askLog({ kind: "open", end });
    for (const segment of segments) this.#fold(segment);
    this.#loading.done({ revision, schemaVersion });
    this.#loading = undefined;
  }

  #fold(segment: Segment): void {
    this.#unfolded++;
    this.#askRecords({ kind: "fold", segment });
  }

  #fail(error: Error): void {
    if (this.#failure !== undefined) return;
    this.#failure = error;
    this.#loading?.fail(error);
    this.#loading = undefined;
    this.#listener?.failed(error);
    if (this.#closing !== undefined) this.#askToEnd();
  }

  #end(thread: Worker): Promise<void> {
    thread.on("error", (error) => this.#fail(error as Error));
    return new Promise((ended) => {
      thread.on("exit", () => {
        if (!this.#isEnding) this.#fail(new Error(`a thread that works on ${this.name} has ended`));
        ended();
      });
    });
  }

  #askToEnd(): void {
    if (this.#isEnding) return;
    this.#isEnding = true;
    this.#askLog({ kind: "close" }); // and then the other one
  }

  #askLog(request: LogRequest, transfer: readonly ArrayBuffer[] = []): void {
    this.#logThread.postMessage(request, [...transfer]);
  }

  #askRecords(request: RecordRequest): void {
    this.#recordThread.postMessage(request);
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
