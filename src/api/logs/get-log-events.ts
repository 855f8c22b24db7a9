import { type LogPosition, MAX_LOG_EVENTS, type TaskLogEvent, type TaskLogsRequest } from "../../gateway/index.ts";
import { invalidParameter } from "./errors.ts";
import { bounds, earlier, later, makeToken, openToken } from "./event-token.ts";
import { logGroupName, resolveGroup, resolveStream } from "./names.ts";
import type { Operation } from "./operation.ts";
import { readTaskLog } from "./read-task-log.ts";

const BEGINNING: LogPosition = { ms: 0, count: 0 };

/**
 * What a container wrote. Without a token the last events, or with `startFromHead` the first; a token goes on in its own
 * direction. Where nothing more is, the same token comes back.
 */
export const getLogEvents: Operation<"GetLogEvents"> = async (context, input) => {
  const cluster = resolveGroup(context, input);
  const { task, container } = resolveStream(context, cluster, input.logStreamName);
  const key = { secret: context.pageSecret, stream: `${logGroupName(cluster)}\n${input.logStreamName}` };
  const token = input.nextToken === undefined ? undefined : openToken(input.nextToken, key);
  const range = rangeOf(input);
  const isForward = token === undefined ? input.startFromHead === true : token.direction === "forward";
  const request: TaskLogsRequest = {
    taskArn: task.arn,
    containerName: container.name,
    from: isForward ? later(range.from, token?.position) : range.from,
    to: isForward ? range.to : earlier(range.to, token?.position),
    last: !isForward,
    limit: limitOf(input.limit),
  };
  const { events, offset } = await readTaskLog(context, task, container, request);
  const here = token?.position ?? range.from ?? BEGINNING;
  const { start, end } = bounds(events, offset) ?? { start: here, end: here };
  return {
    events: events.map(({ timestamp, message }: TaskLogEvent) => ({ timestamp, message, ingestionTime: timestamp })),
    nextForwardToken: makeToken({ direction: "forward", position: end }, key),
    nextBackwardToken: makeToken({ direction: "backward", position: start }, key),
  };
};

/** From startTime, and until just before endTime. */
function rangeOf({ startTime, endTime }: { readonly startTime?: number; readonly endTime?: number }) {
  for (const [name, time] of Object.entries({ startTime, endTime }))
    if (time !== undefined && !(time >= 0 && Number.isSafeInteger(time)))
      throw invalidParameter(`${name} must be a number of milliseconds since 1970.`);
  return {
    from: startTime === undefined ? undefined : { ms: startTime, count: 0 },
    to: endTime === undefined ? undefined : { ms: endTime, count: 0 },
  };
}

function limitOf(limit = MAX_LOG_EVENTS): number {
  if (limit < 1 || limit > MAX_LOG_EVENTS) throw invalidParameter(`limit must be from 1 to ${MAX_LOG_EVENTS}.`);
  return limit;
}
