import * as v from "valibot";
import type { Clock } from "../../runtime/clock.ts";
import { type ContainerRuntime, RuntimeError } from "../container-runtime.ts";
import type { TaskEngine } from "../engine/engine.ts";
import { limiter } from "../engine/limiter.ts";
import { DISORDER_MS, type LogEvent, LogSelection, type LogWindow } from "./log-window.ts";

/** Logs that are read at once: each costs the daemon a walk through a file. */
const MAX_READS = 4;
/** How long one read may take, in milliseconds: the control plane waits 10 s for the answer. */
const READ_MS = 9_000;
/** Lines from the end of the log that are looked at, in turn, before all of it is. */
const TAILS = [1_000, 10_000, 100_000];
/** Looked at beyond the lines that are wanted, to know the place of the first. */
const TAIL_MARGIN = 64;
/** `since` is handed to the daemon this much earlier; see DISORDER_MS. */
const SINCE_MARGIN_MS = 10 * DISORDER_MS;

const text = v.pipe(v.string(), v.minLength(1));
const whole = v.pipe(v.number(), v.integer(), v.minValue(0));

/**
 * What the control plane asks about a container's log. Berth's own addition to the agent protocol, sent only to an agent
 * that has said that it can. Events are told apart within a millisecond by their order: `sinceSkip` are the events of the
 * millisecond `sinceMs` to leave out, `untilTake` those of the millisecond `untilMs` to take.
 */
export const taskLogsRequest = v.object({
  messageId: text,
  taskArn: text,
  containerName: text,
  sinceMs: v.nullish(whole),
  sinceSkip: v.nullish(whole, 0),
  untilMs: v.nullish(whole),
  untilTake: v.nullish(whole, 0),
  /** The last so many events, instead of the first `limit`. */
  tail: v.nullish(v.pipe(v.number(), v.integer(), v.minValue(1))),
  limit: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(10_000)),
});

/** The capability, as an attribute of the container instance. */
export const TASK_LOGS_ATTRIBUTE = "berth.capability.task-logs";

/** Why a log cannot be read. `not-found`: no such task or container here, or it is cleaned up. */
export interface TaskLogsError {
  readonly code: "not-found" | "unreadable" | "timeout" | "failed";
  readonly message: string;
}

export interface TaskLogsResponse {
  readonly messageId: string;
  readonly events: readonly LogEvent[];
  /** How many events of the first event's millisecond come before it. */
  readonly offset: number;
  readonly error?: TaskLogsError;
}

export type TaskLogs = (request: v.InferOutput<typeof taskLogsRequest>) => Promise<TaskLogsResponse>;

export interface TaskLogsDeps {
  readonly engine: Pick<TaskEngine, "task">;
  readonly runtime: Pick<ContainerRuntime, "logLines">;
  readonly clock: Clock;
}

/** Answers TaskLogsRequests. Never rejects: what goes wrong is in the answer. */
export function taskLogs({ engine, runtime, clock }: TaskLogsDeps): TaskLogs {
  const oneOfFew = limiter(MAX_READS);
  return async (request) => {
    const { messageId } = request;
    const abort = new AbortController();
    const timer = clock.after(READ_MS, () => abort.abort());
    try {
      return { messageId, ...(await oneOfFew(() => read(request, abort.signal))) };
    } catch (error) {
      return { messageId, events: [], offset: 0, error: errorOf(error, abort.signal) };
    } finally {
      timer.cancel();
    }
  };

  async function read(request: v.InferOutput<typeof taskLogsRequest>, signal: AbortSignal) {
    const container = engine.task(request.taskArn)?.containers.find((it) => it.name === request.containerName);
    if (container === undefined) throw new RuntimeError("not-found", "the task or its container is not on this host");
    // Not created yet, or stopped without ever having been created: nothing was written.
    const isMade =
      container.runtimeId !== undefined || container.status === "CREATED" || container.status === "RUNNING";
    if (!isMade) return { events: [], offset: 0 };
    const id = container.runtimeId ?? container.dockerName;
    return readLog((range) => runtime.logLines(id, { ...range, signal }), windowOf(request));
  }
}

/** Reads the wanted events, looking at no more of the log than it takes. */
export async function readLog(
  lines: (range: { readonly tail?: number; readonly sinceMs?: number }) => ReturnType<ContainerRuntime["logLines"]>,
  window: LogWindow,
): Promise<{ readonly events: readonly LogEvent[]; readonly offset: number }> {
  // From the front without a place to begin at, all of the log is in question; otherwise the end often tells enough.
  const least = window.last ? window.limit + TAIL_MARGIN : 0;
  const tails = window.last || window.from ? [...(least > 0 ? [least] : []), ...TAILS.filter((it) => it > least)] : [];
  for (const tail of tails) {
    const selection = new LogSelection(window);
    let pieces = 0;
    let isWhole = true;
    for await (const line of lines({ tail })) {
      pieces += line.pieces;
      if (selection.offer(line)) continue;
      isWhole = false;
      break;
    }
    // Fewer pieces than asked for: that was the whole log.
    if ((isWhole && pieces < tail) || selection.knowsEnough()) return selection.answer();
  }
  const selection = new LogSelection(window);
  const sinceMs = window.from === undefined ? undefined : Math.max(0, window.from.ms - SINCE_MARGIN_MS);
  for await (const line of lines({ sinceMs })) if (!selection.offer(line)) break;
  return selection.answer();
}

function windowOf(request: v.InferOutput<typeof taskLogsRequest>): LogWindow {
  const { sinceMs, sinceSkip, untilMs, untilTake, tail, limit } = request;
  return {
    from: sinceMs == null ? undefined : { ms: sinceMs, count: sinceSkip },
    to: untilMs == null ? undefined : { ms: untilMs, count: untilTake },
    last: tail != null,
    limit: Math.min(limit, tail ?? limit),
  };
}

function errorOf(error: unknown, signal: AbortSignal): TaskLogsError {
  const message = error instanceof Error ? error.message : String(error);
  if (signal.aborted) return { code: "timeout", message: `the log was not read within ${READ_MS / 1000} s` };
  if (
    error instanceof RuntimeError &&
    (error.kind === "not-found" || error.kind === "unreadable" || error.kind === "timeout")
  )
    return { code: error.kind, message };
  return { code: "failed", message };
}
