import type { ServiceModel } from "../wire/model.ts";
import type { WireService } from "../wire/wire-service.ts";
import type { ApiContext, Call, Principal } from "./context.ts";

type AnyOperation = (context: ApiContext, input: unknown, call: Call) => unknown;

/**
 * A service as the wire serves it: each operation of its table with the context; for one that is not carried out what
 * `refusal` makes of its name is thrown.
 */
export function serviceOf(
  model: ServiceModel,
  table: object,
  context: ApiContext,
  refusal: (operation: string) => Error,
): WireService<Principal> {
  const operations = new Map(Object.entries(table)) as Map<string, AnyOperation>;
  return {
    model,
    has: (operation) => operations.has(operation),
    call: async (operation, input, call) => {
      const carriedOut = operations.get(operation);
      if (carriedOut === undefined) throw refusal(operation);
      return carriedOut(context, input, call);
    },
  };
}
