import { AwsError } from "../../wire/errors.ts";
import { ecsModel } from "../../wire/model.ts";
import type { WireService } from "../../wire/wire-service.ts";
import type { ApiContext, Principal } from "../context.ts";
import { serviceOf } from "../service.ts";
import { ecsOperations } from "./operations.ts";

/** ECS as the wire serves it. An operation that is not carried out is refused by its name. */
export function createEcsService(context: ApiContext): WireService<Principal> {
  return serviceOf(ecsModel(), ecsOperations, context, operationNotCarriedOut);
}

/**
 * UnsupportedFeatureException where ECS's model lists it for the operation, else InvalidParameterException, which it lists
 * for every operation: SDKs have a class for both. See docs/decisions/003-operations-not-carried-out.md.
 */
export function operationNotCarriedOut(operation: string): AwsError {
  const listed = ecsModel().operations.get(operation)?.errors;
  const code = listed?.has("UnsupportedFeatureException") ? "UnsupportedFeatureException" : "InvalidParameterException";
  return new AwsError(code, `Berth does not carry out the ECS operation ${operation}.`);
}
