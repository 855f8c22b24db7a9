import { acmModel } from "../../wire/model.ts";
import type { WireService } from "../../wire/wire-service.ts";
import type { ApiContext, Principal } from "../context.ts";
import { serviceOf } from "../service.ts";
import { AcmError } from "./errors.ts";
import { acmOperations } from "./operations.ts";

/** The part of Certificate Manager that brings listeners their certificates and keeps them. An operation that is not carried out is refused by its name. */
export function createAcmService(context: ApiContext): WireService<Principal> {
  return serviceOf(acmModel(), acmOperations, context, (operation) => {
    // Those that the model has, ResendValidationEmail and UpdateCertificateOptions, list this exception.
    return new AcmError("InvalidStateException", `Berth does not carry out the ACM operation ${operation}.`);
  });
}
