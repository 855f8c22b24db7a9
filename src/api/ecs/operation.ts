import type { EcsOperations } from "../../wire/models/ecs.ts";
import type { ApiContext, Call } from "../context.ts";

/** One ECS operation: its input has the right types and all required members; it throws AwsErrors only. */
export type Operation<K extends keyof EcsOperations> = (
  context: ApiContext,
  input: EcsOperations[K]["input"],
  call: Call,
) => EcsOperations[K]["output"] | Promise<EcsOperations[K]["output"]>;
