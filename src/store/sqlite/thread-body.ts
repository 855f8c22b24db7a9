import { parentPort } from "node:worker_threads";
import { StoreFileError } from "../errors.ts";

/** What every thread of the journal may answer. `failed` ends the conversation, but for `close`. */
export type CommonReply =
  | { readonly kind: "closed" }
  | { readonly kind: "failed"; readonly file: string; readonly error: Error; readonly remedy: string | undefined };

/** The thread's end of a conversation. */
export interface Conversation<Reply> {
  reply(message: Reply | CommonReply): void;
  /** Does it, and tells of what it throws. */
  guarded(work: () => void): void;
  /** Answers `closed` and ends the thread. */
  end(): void;
}

/** Takes requests in the body of a worker thread, one after the other. */
export function converse<Request extends { readonly kind: string }, Reply>(
  file: string,
  handle: (request: Request, conversation: Conversation<Reply>) => void,
): void {
  const port = parentPort;
  if (port === null) throw new Error("this module is the body of a worker thread");
  let hasFailed = false;
  const reply = (message: Reply | CommonReply) => port.postMessage(message);
  const conversation: Conversation<Reply> = {
    reply,
    guarded: (work) => {
      try {
        work();
      } catch (error) {
        hasFailed = true;
        const { remedy } = error as Partial<StoreFileError>;
        const isKnown = error instanceof StoreFileError;
        reply({ kind: "failed", file, error: error as Error, remedy: isKnown ? remedy : undefined });
      }
    },
    end: () => {
      reply({ kind: "closed" });
      port.close();
    },
  };
  port.on("message", (request: Request) => {
    if (!hasFailed || request.kind === "close") conversation.guarded(() => handle(request, conversation));
  });
}
