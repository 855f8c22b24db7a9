import type { ElbV2Operations } from "../../wire/models/elbv2.ts";
import type { ApiContext, Call } from "../context.ts";

/** One ELBv2 operation: its input has the right types and all required members; it throws AwsErrors only. */
export type Operation<K extends keyof ElbV2Operations> = (
  context: ApiContext,
  input: ElbV2Operations[K]["input"],
  call: Call,
) => ElbV2Operations[K]["output"] | Promise<ElbV2Operations[K]["output"]>;
