import type { AcmOperations } from "../../wire/models/acm.ts";
import type { ApiContext, Call } from "../context.ts";

/** One ACM operation: its input has the right types and all required members; it throws AwsErrors only. */
export type Operation<K extends keyof AcmOperations> = (
  context: ApiContext,
  input: AcmOperations[K]["input"],
  call: Call,
) => AcmOperations[K]["output"] | Promise<AcmOperations[K]["output"]>;
