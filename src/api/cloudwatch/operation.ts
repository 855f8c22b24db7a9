import type { CloudWatchOperations } from "../../wire/models/cloudwatch.ts";
import type { ApiContext, Call } from "../context.ts";

/** One CloudWatch operation: its input has the right types and all required members; it throws AwsErrors only. */
export type Operation<K extends keyof CloudWatchOperations> = (
  context: ApiContext,
  input: CloudWatchOperations[K]["input"],
  call: Call,
) => CloudWatchOperations[K]["output"] | Promise<CloudWatchOperations[K]["output"]>;
