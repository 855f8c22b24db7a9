import { berthModel } from "../../wire/model.ts";
import type { WireService } from "../../wire/wire-service.ts";
import type { ApiContext, Principal } from "../context.ts";
import { serviceOf } from "../service.ts";
import { berthOperations } from "./operations.ts";

/** Berth's own API: it reads and changes nothing. */
export function createBerthService(context: ApiContext): WireService<Principal> {
  return serviceOf(
    berthModel(),
    berthOperations,
    context,
    (operation) => new Error(`the model lists ${operation}, and nothing carries it out`),
  );
}
