import { logsModel } from "../../wire/model.ts";
import type { WireService } from "../../wire/wire-service.ts";
import type { ApiContext, Call, Principal } from "../context.ts";
import { LogsError } from "./errors.ts";
import { logsOperations } from "./operations.ts";

type AnyOperation = (context: ApiContext, input: unknown, call: Call) => unknown;

/** The part of CloudWatch Logs that reads what containers wrote. An operation that is not carried out is refused by its name. */
export function createLogsService(context: ApiContext): WireService<Principal> {
  const operations = new Map(Object.entries(logsOperations)) as Map<string, AnyOperation>;
  return {
    model: logsModel(),
    has: (operation) => operations.has(operation),
    call: async (operation, input, call) => {
      const carriedOut = operations.get(operation);
      if (carriedOut === undefined) {
        throw new LogsError(
          "InvalidParameterException",
          `Berth does not carry out the CloudWatch Logs operation ${operation}.`,
        );
      }
      return carriedOut(context, input, call);
    },
  };
}
