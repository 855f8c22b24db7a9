import { cloudWatchModel } from "../../wire/model.ts";
import type { WireService } from "../../wire/wire-service.ts";
import type { ApiContext, Principal } from "../context.ts";
import { serviceOf } from "../service.ts";
import { cloudWatchOperations } from "./operations.ts";

/** The part of CloudWatch that answers metrics. */
export function createCloudWatchService(context: ApiContext): WireService<Principal> {
  return serviceOf(
    cloudWatchModel(),
    cloudWatchOperations,
    context,
    (operation) => new Error(`the model lists ${operation}, and nothing carries it out`),
  );
}
