import type { BerthOperations } from "../../wire/models/berth.ts";
import type { ApiContext, Call } from "../context.ts";

/** One operation of Berth's own API: its input has the right types and all required members; it throws AwsErrors only. */
export type Operation<K extends keyof BerthOperations> = (
  context: ApiContext,
  input: BerthOperations[K]["input"],
  call: Call,
) => BerthOperations[K]["output"] | Promise<BerthOperations[K]["output"]>;
