import { workerData } from "node:worker_threads";
import { systemClock } from "../../runtime/clock.ts";
import type { StoredWrite } from "./entry-codec.ts";
import { type LoadedFiles, RecordFile } from "./record-file.ts";
import type { Segment } from "./segment.ts";
import { type CommonReply, type Conversation, converse } from "./thread-body.ts";

/** What the journal asks of the thread that loads and folds. */
export type RecordRequest =
  | { readonly kind: "load" }
  | { readonly kind: "fold"; readonly segment: Segment }
  | { readonly kind: "close" };

/** What the thread answers: `load` with some records or that these were all, `fold` when the segment is folded. */
export type RecordReply =
  | { readonly kind: "records"; readonly writes: readonly StoredWrite[] }
  | ({ readonly kind: "loaded" } & LoadedFiles)
  | { readonly kind: "folded" }
  | CommonReply;

const { file } = workerData as { readonly file: string };
const clock = systemClock();
let records: RecordFile | undefined;
let loading: ReturnType<RecordFile["load"]> | undefined;
const waiting: Segment[] = [];
let folding: ReturnType<RecordFile["fold"]> | undefined;

converse<RecordRequest, RecordReply>(file, (request, conversation) => {
  switch (request.kind) {
    case "load": {
      records ??= new RecordFile(file);
      loading ??= records.load();
      const next = loading.next();
      if (next.done === true) conversation.reply({ kind: "loaded", ...next.value });
      else conversation.reply({ kind: "records", writes: next.value });
      return;
    }
    case "fold":
      waiting.push(request.segment);
      if (folding === undefined) foldNext(conversation);
      return;
    case "close":
      try {
        records?.close();
      } finally {
        records = undefined;
        conversation.end();
      }
      return;
  }
});

function foldNext(conversation: Conversation<RecordReply>): void {
  const segment = waiting.shift();
  folding = segment && records?.fold(segment);
  if (folding !== undefined) foldStep(conversation);
}

/** One step, and then as much time for others, unless more is waiting: nobody waits for a segment to be folded. */
function foldStep(conversation: Conversation<RecordReply>): void {
  conversation.guarded(() => {
    if (folding === undefined || records === undefined) return;
    const began = clock.monotonic();
    if (folding.next().done === true) {
      conversation.reply({ kind: "folded" });
      foldNext(conversation);
      return;
    }
    const pause = waiting.length > 0 ? 0 : clock.monotonic() - began;
    clock.after(pause, () => foldStep(conversation));
  });
}
