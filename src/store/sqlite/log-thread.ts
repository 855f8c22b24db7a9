import { workerData } from "node:worker_threads";
import { EntryLog, type LogEnd } from "./entry-log.ts";
import type { Segment } from "./segment.ts";
import { type CommonReply, converse } from "./thread-body.ts";

/** What the journal asks of the thread that appends, one thing at a time. */
export type LogRequest =
  | { readonly kind: "open"; readonly end: LogEnd }
  | { readonly kind: "append"; readonly bytes: Uint8Array }
  | { readonly kind: "close" };

/** What the thread answers: `full` is the segment that nothing more will be added to. */
export type LogReply = { readonly kind: "appended"; readonly full: Segment | undefined } | CommonReply;

const { file } = workerData as { readonly file: string };
let log: EntryLog | undefined;

converse<LogRequest, LogReply>(file, (request, { reply, end }) => {
  switch (request.kind) {
    case "open":
      log = new EntryLog(file, request.end);
      return;
    case "append":
      reply({ kind: "appended", full: log?.append(request.bytes) });
      return;
    case "close":
      try {
        log?.close();
      } finally {
        end();
      }
      return;
  }
});
