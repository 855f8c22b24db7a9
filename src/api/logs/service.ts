import { logsModel } from "../../wire/model.ts";
import type { WireService } from "../../wire/wire-service.ts";
import type { ApiContext, Principal } from "../context.ts";
import { serviceOf } from "../service.ts";
import { LogsError } from "./errors.ts";
import { logsOperations } from "./operations.ts";

/** The part of CloudWatch Logs that reads what containers wrote. An operation that is not carried out is refused by its name. */
export function createLogsService(context: ApiContext): WireService<Principal> {
  return serviceOf(logsModel(), logsOperations, context, (operation) => {
    const message = `Berth does not carry out the CloudWatch Logs operation ${operation}.`;
    return new LogsError("InvalidParameterException", message);
  });
}
