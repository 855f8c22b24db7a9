import type { LogsOperations } from "../../wire/models/logs.ts";
import { describeLogGroups } from "./describe-log-groups.ts";
import { describeLogStreams } from "./describe-log-streams.ts";
import { getLogEvents } from "./get-log-events.ts";
import type { Operation } from "./operation.ts";

/** Every operation of CloudWatch Logs that is carried out. */
export const logsOperations: { readonly [K in keyof LogsOperations]?: Operation<K> } = {
  DescribeLogGroups: describeLogGroups,
  DescribeLogStreams: describeLogStreams,
  GetLogEvents: getLogEvents,
};
