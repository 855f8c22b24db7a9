import type { LogsOperations } from "../../wire/models/logs.ts";
import type { ApiContext, Call } from "../context.ts";

/** One operation of CloudWatch Logs: its input has the right types and all required members; it throws AwsErrors only. */
export type Operation<K extends keyof LogsOperations> = (
  context: ApiContext,
  input: LogsOperations[K]["input"],
  call: Call,
) => LogsOperations[K]["output"] | Promise<LogsOperations[K]["output"]>;
