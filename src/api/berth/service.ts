import { berthModel } from "../../wire/model.ts";
import type { WireService } from "../../wire/wire-service.ts";
import type { ApiContext, Call, Principal } from "../context.ts";
import { berthOperations } from "./operations.ts";

type AnyOperation = (context: ApiContext, input: unknown, call: Call) => unknown;

/** Berth's own API: it reads and changes nothing. */
export function createBerthService(context: ApiContext): WireService<Principal> {
  const operations = new Map(Object.entries(berthOperations)) as Map<string, AnyOperation>;
  return {
    model: berthModel(),
    has: (operation) => operations.has(operation),
    call: async (operation, input, call) => {
      const carriedOut = operations.get(operation);
      if (carriedOut === undefined) throw new Error(`the model lists ${operation}, and nothing carries it out`);
      return carriedOut(context, input, call);
    },
  };
}
