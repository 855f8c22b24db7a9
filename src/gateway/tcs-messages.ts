import * as v from "valibot";
import type { Frame } from "./frame.ts";

/** ECS's own agent puts at most ten tasks in a message; room is left for others. */
/** Characters of what a health check wrote; agents send half of it. */
const MAX_HEALTH_OUTPUT = 1024;
const MAX_TASKS = 100;
const MAX_CONTAINERS = 100;
const MAX_STATUSES = 20;

const arn = v.pipe(v.string(), v.minLength(1), v.maxLength(1024));
const name = v.pipe(v.string(), v.minLength(1), v.maxLength(255));
const metadata = v.object({ cluster: v.nullish(v.string()), containerInstance: v.nullish(v.string()) });

/** What an agent may say over TCS. Source: agent protocol, TCS. */
const SCHEMAS = {
  PublishMetricsRequest: v.object({
    metadata,
    taskMetrics: v.nullish(v.pipe(v.array(v.object({ taskArn: v.nullish(arn) })), v.maxLength(MAX_TASKS))),
  }),
  PublishHealthRequest: v.object({
    metadata,
    tasks: v.nullish(
      v.pipe(
        v.array(
          v.object({
            taskArn: arn,
            containers: v.nullish(
              v.pipe(
                v.array(
                  v.object({
                    containerName: name,
                    healthStatus: v.picklist(["HEALTHY", "UNHEALTHY", "UNKNOWN"]),
                    healthOutput: v.nullish(v.pipe(v.string(), v.maxLength(MAX_HEALTH_OUTPUT))),
                  }),
                ),
                v.maxLength(MAX_CONTAINERS),
              ),
            ),
          }),
        ),
        v.maxLength(MAX_TASKS),
      ),
    ),
  }),
  PublishInstanceStatusRequest: v.object({
    metadata,
    statuses: v.nullish(
      v.pipe(
        v.array(v.object({ type: name, status: v.picklist(["INITIALIZING", "OK", "IMPAIRED", "INSUFFICIENT_DATA"]) })),
        v.maxLength(MAX_STATUSES),
      ),
    ),
  }),
} as const;

type Schemas = typeof SCHEMAS;
export type TcsMessage = { [K in keyof Schemas]: { type: K; message: v.InferOutput<Schemas[K]> } }[keyof Schemas];

/** The frame as a message that is known and well-formed, or a sentence that says what is wrong with it. */
export function readTcsMessage({ type, message }: Frame): TcsMessage | string {
  if (!Object.hasOwn(SCHEMAS, type)) return `unknown message type ${type}`;
  const parsed = v.safeParse(SCHEMAS[type as keyof Schemas], message);
  return parsed.success ? ({ type, message: parsed.output } as TcsMessage) : `${type}: ${v.summarize(parsed.issues)}`;
}
