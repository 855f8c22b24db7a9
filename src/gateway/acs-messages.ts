import * as v from "valibot";
import type { Frame } from "./frame.ts";
import { taskLogsResponse } from "./task-logs.ts";

/** Tasks in one stop verification: more than fit on any host. */
const MAX_STOP_CANDIDATES = 10_000;

const id = v.pipe(v.string(), v.minLength(1), v.maxLength(255));
const arn = v.pipe(v.string(), v.minLength(1), v.maxLength(1024));
const text = v.pipe(v.string(), v.maxLength(4096));

/** What an agent may say over ACS. Source: agent protocol, framing and acks. */
const SCHEMAS = {
  AckRequest: v.object({ messageId: id }),
  NackRequest: v.object({ messageId: id, reason: v.nullish(text) }),
  HeartbeatAckRequest: v.object({ messageId: id }),
  IAMRoleCredentialsAckRequest: v.object({ messageId: id }),
  TaskLogsResponse: taskLogsResponse,
  TaskStopVerificationMessage: v.object({
    messageId: id,
    stopCandidates: v.pipe(v.array(v.object({ taskArn: arn })), v.maxLength(MAX_STOP_CANDIDATES)),
  }),
} as const;

type Schemas = typeof SCHEMAS;
export type AcsMessage = { [K in keyof Schemas]: { type: K; message: v.InferOutput<Schemas[K]> } }[keyof Schemas];

/** The frame as a message that is known and well-formed, or a sentence that says what is wrong with it. */
export function readAcsMessage({ type, message }: Frame): AcsMessage | string {
  if (!Object.hasOwn(SCHEMAS, type)) return `unknown message type ${type}`;
  const parsed = v.safeParse(SCHEMAS[type as keyof Schemas], message);
  return parsed.success ? ({ type, message: parsed.output } as AcsMessage) : `${type}: ${v.summarize(parsed.issues)}`;
}
