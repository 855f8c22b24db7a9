import * as v from "valibot";
import type { Clock, Timer } from "../runtime/clock.ts";
import type { Random } from "../runtime/random.ts";
import type { ContainerInstanceArn } from "../wire/arn.ts";

/** How long an agent has to answer, in milliseconds. */
const ANSWER_MS = 10_000;
/** Questions that one agent has not answered; more are refused at once. */
const MAX_UNANSWERED = 32;
/** Events in one answer. Source: CloudWatch Logs API reference, GetLogEvents. */
export const MAX_LOG_EVENTS = 10_000;

/** An agent that can read its containers' logs has this attribute. */
export const TASK_LOGS_ATTRIBUTE = "berth.capability.task-logs";

/** A place between two events: after the first `count` events of the millisecond `ms`. */
export interface LogPosition {
  readonly ms: number;
  readonly count: number;
}

/** Which events of a container's log are wanted. */
export interface TaskLogsRequest {
  readonly taskArn: string;
  readonly containerName: string;
  /** Only what comes after this place. */
  readonly from?: LogPosition;
  /** Only what comes before this place. */
  readonly to?: LogPosition;
  /** True: the last events of the range, otherwise the first. */
  readonly last: boolean;
  /** 1 to 10,000. An answer may hold fewer, since it is about 1 MiB at most. */
  readonly limit: number;
}

export interface TaskLogEvent {
  /** Milliseconds since the Unix epoch; never smaller than that of the event before. */
  readonly timestamp: number;
  readonly message: string;
}

/** What came of a request. `not-found`: the host has no such container, or no longer. */
export type TaskLogsAnswer =
  | {
      readonly kind: "events";
      /** In their order. */
      readonly events: readonly TaskLogEvent[];
      /** How many events of the first one's millisecond come before it in the log. */
      readonly offset: number;
    }
  | { readonly kind: "disconnected" | "busy" | "timeout" }
  | { readonly kind: "not-found" | "unreadable" | "failed"; readonly message: string };

const whole = v.pipe(v.number(), v.integer(), v.minValue(0));
/** What an agent answers. `sinceSkip` and `untilTake` of the question tell events of one millisecond apart; so does `offset`. */
export const taskLogsResponse = v.object({
  messageId: v.pipe(v.string(), v.minLength(1), v.maxLength(255)),
  events: v.pipe(v.array(v.object({ timestamp: whole, message: v.string() })), v.maxLength(MAX_LOG_EVENTS)),
  offset: v.nullish(whole, 0),
  error: v.nullish(v.object({ code: v.string(), message: v.pipe(v.string(), v.maxLength(4096)) })),
});

/** The session that a question goes over. */
interface Asked {
  readonly arn: ContainerInstanceArn;
  readonly isOpen: boolean;
  /** Sends a message of the protocol. */
  say(type: string, message: object): void;
}

interface Waiting {
  readonly session: Asked;
  readonly timer: Timer;
  readonly settle: (answer: TaskLogsAnswer) => void;
}

/** The questions about logs that agents have not answered yet. */
export class TaskLogsExchange {
  readonly #waiting = new Map<string, Waiting>();
  readonly #clock: Clock;
  readonly #random: Random;

  constructor({ clock, random }: { readonly clock: Clock; readonly random: Random }) {
    this.#clock = clock;
    this.#random = random;
  }

  /** Asks the agent at the other end. Never rejects. */
  ask(session: Asked | undefined, request: TaskLogsRequest): Promise<TaskLogsAnswer> {
    if (session?.isOpen !== true) return Promise.resolve({ kind: "disconnected" });
    const unanswered = [...this.#waiting.values()].filter((it) => it.session === session).length;
    if (unanswered >= MAX_UNANSWERED) return Promise.resolve({ kind: "busy" });
    const messageId = this.#random.uuid();
    return new Promise((resolve) => {
      const settle = (answer: TaskLogsAnswer) => {
        this.#waiting.delete(messageId);
        timer.cancel();
        resolve(answer);
      };
      const timer = this.#clock.after(ANSWER_MS, () => settle({ kind: "timeout" }));
      this.#waiting.set(messageId, { session, timer, settle });
      session.say("TaskLogsRequest", { messageId, ...wireRequest(request) });
    });
  }

  /** An agent has answered. An answer that nobody waits for any more is dropped, as is one to another agent's question. */
  answered(session: Asked, { messageId, events, offset, error }: v.InferOutput<typeof taskLogsResponse>): void {
    const waiting = this.#waiting.get(messageId);
    if (waiting?.session !== session) return;
    if (error == null) waiting.settle({ kind: "events", events, offset });
    else if (error.code === "timeout") waiting.settle({ kind: "timeout" });
    else {
      const kind = error.code === "not-found" || error.code === "unreadable" ? error.code : "failed";
      waiting.settle({ kind, message: error.message });
    }
  }

  /** The session is over: nobody will answer. */
  closed(session: Asked): void {
    for (const waiting of [...this.#waiting.values()])
      if (waiting.session === session) waiting.settle({ kind: "disconnected" });
  }
}

function wireRequest({ taskArn, containerName, from, to, last, limit }: TaskLogsRequest) {
  return {
    taskArn,
    containerName,
    sinceMs: from?.ms,
    sinceSkip: from?.count,
    untilMs: to?.ms,
    untilTake: to?.count,
    tail: last ? limit : undefined,
    limit,
  };
}
