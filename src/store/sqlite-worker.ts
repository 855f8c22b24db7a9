import { parentPort, workerData } from "node:worker_threads";
import { systemClock, type Timer } from "../runtime/clock.ts";
import type { StoredWrite } from "./entry-codec.ts";
import { StoreFileError } from "./errors.ts";
import { SqliteFile } from "./sqlite-file.ts";

/** What the journal asks of its thread, one thing at a time. */
export type WorkerRequest =
  | { readonly kind: "load" }
  | { readonly kind: "append"; readonly bytes: Uint8Array }
  | { readonly kind: "close" };

/** What the thread answers; `failed` ends the conversation. */
export type WorkerReply =
  | { readonly kind: "rows"; readonly writes: readonly StoredWrite[] }
  | { readonly kind: "loaded"; readonly revision: number; readonly schemaVersion: number }
  | { readonly kind: "appended" }
  | { readonly kind: "closed" }
  | { readonly kind: "failed"; readonly file: string; readonly error: Error; readonly remedy: string | undefined };

/** Entries are folded when nothing was appended for this long, so that a lone transaction does not wait for it. */
const IDLE_MS = 50;
/** With more than this waiting, the next append waits until it is less: opening would take too long. */
const MUCH_BACKLOG_BYTES = 64 << 20;

const { file } = workerData as { readonly file: string };
const port = parentPort;
if (port === null) throw new Error("this module is the body of a worker thread");
const clock = systemClock();
let store: SqliteFile | undefined;
let loading: ReturnType<SqliteFile["load"]> | undefined;
let idle: Timer | undefined;
/** Whether a step is about to be done. */
let isTidying = false;
let hasFailed = false;
/** Whether nothing has been appended for a while. */
let isIdle = false;

function reply(message: WorkerReply): void {
  port?.postMessage(message);
}

function fail(error: unknown): void {
  hasFailed = true;
  endTidying();
  const { remedy } = error as Partial<StoreFileError>;
  reply({ kind: "failed", file, error: error as Error, remedy: error instanceof StoreFileError ? remedy : undefined });
}

function guarded(work: () => void): void {
  try {
    work();
  } catch (error) {
    fail(error);
  }
}

function handle(request: WorkerRequest): void {
  switch (request.kind) {
    case "load": {
      store ??= new SqliteFile(file);
      loading ??= store.load();
      const next = loading.next();
      if (next.done !== true) reply({ kind: "rows", writes: next.value });
      else {
        reply({ kind: "loaded", ...next.value });
        tidyLater();
      }
      return;
    }
    case "append":
      store?.append(request.bytes);
      reply({ kind: "appended" });
      tidyAfterAppend();
      return;
    case "close":
      endTidying();
      store?.close();
      store = undefined;
      reply({ kind: "closed" });
      port?.close();
      return;
  }
}

function tidyAfterAppend(): void {
  if (store === undefined) return;
  while (store.backlogBytes > MUCH_BACKLOG_BYTES) store.tidyStep();
  tidyLater();
  if (store.logIsLong) tidyOn();
}

function endTidying(): void {
  isIdle = false;
  idle?.cancel();
}

/** Tidies up when nothing has been appended for a while. */
function tidyLater(): void {
  endTidying();
  idle = clock.after(IDLE_MS, () => {
    isIdle = true;
    tidyOn();
  });
}

function tidyOn(): void {
  if (isTidying) return;
  isTidying = true;
  setImmediate(tidySome);
}

/** One step, then whatever has been asked for meanwhile, then the next step. */
function tidySome(): void {
  isTidying = false;
  if (store === undefined || hasFailed || !(isIdle || store.logIsLong)) return;
  guarded(() => {
    if (store?.tidyStep()) tidyOn();
  });
}

port.on("message", (request: WorkerRequest) => guarded(() => handle(request)));
